package verdict

import (
	"math/big"
	"strings"

	"blackout/harness/plan"
)

// account is what one account held after each recorded block.
type account struct {
	blocks []*block
	wei    []string // beside blocks
	// looks finds blocks by what they look like when the last digits are dropped: digits dropped → what is left → blocks, by publication.
	looks map[int]map[string][]*block
}

// account finds what the account of an attempt held of what its journey shows: the chain's coin, or its token. It is nil when no block has a balance for it: then
// there is nothing to hold an answer against.
func (c *chain) account(a *attempt) *account {
	key := strings.ToLower(a.Account)
	if as := a.journey.Balance; as.OfToken() {
		key = "token " + as.PerBlock // of which every account holds the same
	}
	if found, ok := c.accounts[key]; ok {
		return found
	}
	var found *account
	for _, b := range c.blocks {
		wei := c.shownHeld(a, b)
		if wei == "" || !isDigits(wei) {
			continue
		}
		if found == nil {
			found = &account{looks: map[int]map[string][]*block{}}
		}
		if wei = trimZeros(wei); wei == "" {
			wei = "0"
		}
		found.blocks, found.wei = append(found.blocks, b), append(found.wei, wei)
	}
	c.accounts[key] = found
	return found
}

// held is the balance of the coin after a block in wei, or "" when the block has none for the account.
func (c *chain) held(address string, b *block) string {
	if b == nil {
		return ""
	}
	return b.Watched[strings.ToLower(address)]
}

// shownHeld is what the attempt's account held after a block of what its journey shows, in the smallest unit, or "" when the block does not tell. The token's balance
// follows from the block's number.
func (c *chain) shownHeld(a *attempt, b *block) string {
	as := a.journey.Balance
	if !as.OfToken() || b == nil {
		return c.held(a.Account, b)
	}
	step, ok := new(big.Int).SetString(as.PerBlock, 10)
	if !ok {
		return ""
	}
	return step.Mul(step, new(big.Int).SetUint64(b.Number)).String()
}

// smallest names the smallest unit of what a journey shows, for a sentence.
func smallest(as *plan.Amount) string {
	if as.OfToken() {
		return "base units of the token"
	}
	return "wei"
}

// meant lists the blocks after which the balance looks like what was shown, rounded or cut off, in the order of publication. The list is shared: it must not be changed.
func (a *account) meant(shown amount, as plan.Amount) []*block {
	key, drop, ok := shown.scaled(as)
	if !ok {
		return nil
	}
	look, ok := a.looks[drop]
	if !ok {
		look = make(map[string][]*block, len(a.blocks))
		for i, b := range a.blocks {
			cut, up := cutOff(a.wei[i], drop), halfUp(a.wei[i], drop)
			look[cut] = append(look[cut], b)
			if up != cut {
				look[up] = append(look[up], b)
			}
		}
		a.looks[drop] = look
	}
	return look[key]
}
