package run

import (
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"blackout/harness/truth"
)

// shortestKey is how many characters a part of an address has that is taken for a key. What providers give out has 32 and more; hiding a shorter part, such as the name of a
// chain, would take that word out of the whole history.
const shortestKey = 20

// foreign takes a key that the app brought out of everything that is kept.
func (c *cell) foreign(key string) {
	for part := range strings.SplitSeq(key, "/") {
		if len(part) >= shortestKey {
			c.redact.Hide(part)
		}
	}
}

// judge says whose payment a transaction is, and ends the run when it was signed by a key that the run did not make: a key that is worth something elsewhere has no
// business here.
func (c *cell) judge(tx *types.Transaction, from common.Address) (intent string, foreign bool) {
	if tx.To() != nil {
		intent = c.ledger.Of(*tx.To())
	}
	foreign = from != c.payer.address
	for _, u := range c.users {
		if truth.Address(from) == u.Address {
			foreign = false
		}
	}
	c.payments.mu.Lock()
	defer c.payments.mu.Unlock()
	if foreign && !c.payments.foreign {
		c.payments.foreign = true
		c.fatal(&EnvironmentError{"foreign key", fmt.Errorf("the app signed a transaction as %s, an account that this run did not make; it was not passed on. "+
			"Give the app the run's key: ${payer.key} or ${account.key} in the app file", truth.Address(from))})
	}
	if intent != "" && !foreign {
		c.payments.seen[intent] = true
	}
	return intent, foreign
}
