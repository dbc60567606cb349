package truth

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/google/go-cmp/cmp"

	"blackout/harness/chain"
	"blackout/harness/clock"
	"blackout/harness/history"
)

type kept struct{ records []history.Record }

func (k *kept) Add(r history.Record) { k.records = append(k.records, r) }

func intent(t *testing.T, l *Ledger, id string) history.Intent {
	t.Helper()
	in, err := l.New(id, 1, "ethereum")
	if err != nil {
		t.Fatal(err)
	}
	in.At = 0
	return in
}

func TestIntents(t *testing.T) {
	sink := &kept{}
	l, again, other := NewLedger(7, clock.Start(), sink), NewLedger(7, clock.Start(), &kept{}), NewLedger(8, clock.Start(), &kept{})
	a, b := intent(t, l, "pay#1"), intent(t, l, "pay#2")
	if a.To == b.To || a.Wei == b.Wei {
		t.Errorf("two intents share an address or an amount: %+v and %+v", a, b)
	}
	if diff := cmp.Diff(a, intent(t, again, "pay#1")); diff != "" {
		t.Errorf("the same seed and id:\n%s", diff)
	}
	if intent(t, other, "pay#1").To == a.To {
		t.Error("another seed pays the same address")
	}
	if got := l.Of(common.HexToAddress(a.To)); got != "pay#1" {
		t.Errorf("the address belongs to %q", got)
	}
	if got := l.Of(common.Address{1}); got != "" {
		t.Errorf("a stranger's address belongs to %q", got)
	}
	if len(sink.records) != 2 {
		t.Errorf("%d records, want one an intent", len(sink.records))
	}
}

func TestRecorder(t *testing.T) {
	sink := &kept{}
	l := NewLedger(7, clock.Start(), &kept{})
	in := intent(t, l, "pay#1")
	to, stranger, watched := common.HexToAddress(in.To), common.Address{9}, common.HexToAddress("0xAbCd000000000000000000000000000000000001")
	r := NewRecorder(sink, l, map[string]string{"ethereum": "ethereum/reference"})
	paying, other, creating := types.NewTx(&types.LegacyTx{To: &to, Value: big.NewInt(5)}), types.NewTx(&types.LegacyTx{To: &stranger}), types.NewTx(&types.LegacyTx{})
	r.Block(chain.Block{Chain: "ethereum", Number: 3, Published: 40, Watched: map[common.Address]*big.Int{watched: big.NewInt(12)}, Txs: types.Transactions{other, creating, paying},
		Logs: []chain.Log{{Account: watched, Tx: other.Hash(), Index: 4, Value: big.NewInt(77)}}})
	r.Head(chain.Head{Node: "ethereum/shared", Number: 3, At: 50})
	// A payment that was signed for another chain than it was meant for is known there, too.
	r.Block(chain.Block{Chain: "base", Number: 4, Txs: types.Transactions{paying}})
	r.Head(chain.Head{Node: "ethereum/reference", Number: 3, At: 60})
	r.Head(chain.Head{Node: "ethereum/reference", Number: 3, Safe: 1, At: 70}) // the safe head moved, the head stands

	block, ok := sink.records[0].(history.Block)
	if !ok {
		t.Fatalf("the first record is %T", sink.records[0])
	}
	if diff := cmp.Diff(map[string]string{"0xabcd000000000000000000000000000000000001": "12"}, block.Watched); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]history.Payment{{Intent: "pay#1", Tx: paying.Hash().Hex(), Wei: "5"}}, block.Paid); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]history.Log{{Account: "0xabcd000000000000000000000000000000000001", Tx: other.Hash().Hex(), Index: 4, Value: "77"}}, block.Logs); diff != "" {
		t.Error(diff)
	}
	if stray, ok := sink.records[2].(history.Block); !ok || !cmp.Equal(stray.Paid, block.Paid) {
		t.Errorf("mined on another chain: %+v", sink.records[2])
	}
	if got := r.Reference("ethereum"); got != (Standing{Number: 3, Since: 60}) {
		t.Errorf("the reference stands at %+v", got)
	}
	if got := r.Reference("base"); got != (Standing{}) {
		t.Errorf("a chain without heads stands at %+v", got)
	}
	if len(sink.records) != 5 {
		t.Errorf("%d records, want two blocks and three heads", len(sink.records))
	}
}
