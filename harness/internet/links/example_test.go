package links_test

import (
	"context"
	"fmt"
	"net"

	"blackout/harness/fault"
	"blackout/harness/internet/links"
)

func ExampleLink() {
	l, err := links.New(links.Config{Service: "infura", Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	up, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer up.Close()
	addr, err := l.Open(context.Background(), "ethereum", "127.0.0.1:0", up.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	g := &fault.Grip{ID: "us-east-1-down", Service: "infura", Seed: 1}
	g.SetShare(1)
	if err := l.Put(fault.ConnRule{Grip: g, Mode: fault.ConnRefuse}); err != nil {
		fmt.Println(err)
		return
	}
	_, err = net.Dial("tcp", addr)
	fmt.Println("refused:", err != nil)
	l.Drop("us-east-1-down")
	c, err := net.Dial("tcp", addr)
	fmt.Println("healed:", err == nil)
	if err == nil {
		_ = c.Close()
	}
	// Output:
	// refused: true
	// healed: true
}
