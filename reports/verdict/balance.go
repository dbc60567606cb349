package verdict

import (
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

// account finds an account by its address. It is nil when no block has a balance for it: then there is nothing to hold an answer against.
func (c *chain) account(address string) *account {
	address = strings.ToLower(address)
	if a, ok := c.accounts[address]; ok {
		return a
	}
	var a *account
	for _, b := range c.blocks {
		wei, ok := b.Watched[address]
		if !ok || wei == "" || !isDigits(wei) {
			continue
		}
		if a == nil {
			a = &account{looks: map[int]map[string][]*block{}}
		}
		if wei = trimZeros(wei); wei == "" {
			wei = "0"
		}
		a.blocks, a.wei = append(a.blocks, b), append(a.wei, wei)
	}
	c.accounts[address] = a
	return a
}

// held is the balance after a block in wei, or "" when the block has none for the account.
func (c *chain) held(address string, b *block) string {
	if b == nil {
		return ""
	}
	return b.Watched[strings.ToLower(address)]
}

// meant lists the blocks after which the balance looks like what was shown, rounded or cut off, in the order of publication. The list is shared: it must not be
// changed.
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
