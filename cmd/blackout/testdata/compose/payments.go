package main

import (
	"context"
	"fmt"
	"os"
)

// payment is what the store keeps.
type payment struct {
	ID    string `json:"id"`
	Key   string `json:"key"`
	Hash  string `json:"hash"`
	State string `json:"state"` // unsent, pending, confirmed, failed
	Raw   string `json:"-"`     // the signed transaction, in hex
}

// migrate makes the store's table, once a run.
func migrate(ctx context.Context) error {
	note, err := os.ReadFile(os.Getenv("NOTE"))
	if err != nil {
		return err
	}
	fmt.Printf("migrate: %s", note)
	_, err = query(ctx, "CREATE TABLE payments (id text PRIMARY KEY, key text UNIQUE NOT NULL, hash text NOT NULL, state text NOT NULL, raw text NOT NULL)")
	return err
}

// keep puts a new payment into the store.
func keep(ctx context.Context, p payment) error {
	_, err := query(ctx, fmt.Sprintf("INSERT INTO payments VALUES (%s, %s, %s, %s, %s)", quote(p.ID), quote(p.Key), quote(p.Hash), quote(p.State), quote(p.Raw)))
	return err
}

// settle writes what has become of a payment, unless that is known already.
func settle(ctx context.Context, id, from, to string) error {
	_, err := query(ctx, fmt.Sprintf("UPDATE payments SET state = %s WHERE id = %s AND state = %s", quote(to), quote(id), quote(from)))
	return err
}

// find gives the payments whose column has a value.
func find(ctx context.Context, column, value string) ([]payment, error) {
	rows, err := query(ctx, fmt.Sprintf("SELECT id, key, hash, state, raw FROM payments WHERE %s = %s", column, quote(value)))
	if err != nil {
		return nil, err
	}
	list := make([]payment, len(rows))
	for i, r := range rows {
		list[i] = payment{r[0], r[1], r[2], r[3], r[4]}
	}
	return list, nil
}
