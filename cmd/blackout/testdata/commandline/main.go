// Command wallet is a wallet of the command line, for journeys that run a program: it reads balances from a provider itself and pays by a wallet's server.
//
//	wallet balance ADDRESS     PROVIDER is the provider's address; prints "balance: N wei at block N"
//	wallet token TOKEN ADDRESS the same of a token of six digits; prints "N.NN USDC", cut off
//	wallet pay TO WEI KEY      SERVER is the server's address; prints its answer
//	wallet show ID             the same
//
// Exit status 3 says that it could not, and why on standard error.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "wallet:", err)
		os.Exit(3)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "balance":
		return balance(context.Background(), common.HexToAddress(args[1]))
	case len(args) == 3 && args[0] == "token":
		return token(context.Background(), common.HexToAddress(args[1]), common.HexToAddress(args[2]))
	case len(args) == 4 && args[0] == "pay":
		order, err := json.Marshal(map[string]string{"to": args[1], "wei": args[2], "key": args[3]})
		if err != nil {
			return err
		}
		return show(http.Post(os.Getenv("SERVER")+"/send", "application/json", bytes.NewReader(order)))
	case len(args) == 2 && args[0] == "show":
		return show(http.Get(os.Getenv("SERVER") + "/payment/" + args[1]))
	}
	return fmt.Errorf("wallet cannot %q", args)
}

func balance(ctx context.Context, account common.Address) error {
	client, err := ethclient.DialContext(ctx, os.Getenv("PROVIDER"))
	if err != nil {
		return err
	}
	defer client.Close()
	block, err := client.HeaderByNumber(ctx, nil)
	if err != nil {
		return err
	}
	wei, err := client.BalanceAt(ctx, account, block.Number)
	if err != nil {
		return err
	}
	fmt.Printf("balance: %s wei at block %s\n", wei, block.Number)
	return nil
}

func token(ctx context.Context, token, account common.Address) error {
	client, err := ethclient.DialContext(ctx, os.Getenv("PROVIDER"))
	if err != nil {
		return err
	}
	defer client.Close()
	balanceOf := append(crypto.Keccak256([]byte("balanceOf(address)"))[:4], common.LeftPadBytes(account[:], 32)...)
	held, err := client.CallContract(ctx, ethereum.CallMsg{To: &token, Data: balanceOf}, nil)
	if err != nil {
		return err
	}
	cents := new(big.Int).Div(new(big.Int).SetBytes(held), big.NewInt(10_000))
	whole, part := new(big.Int).DivMod(cents, big.NewInt(100), new(big.Int))
	fmt.Printf("%s.%02d USDC\n", whole, part)
	return nil
}

// show prints the server's answer.
func show(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	fmt.Println(string(text))
	if resp.StatusCode > 299 {
		return fmt.Errorf("the server answered %s", resp.Status)
	}
	return nil
}
