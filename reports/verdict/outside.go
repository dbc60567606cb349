package verdict

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// Outside is something that the app asked for and the world does not have: a host name without an address, or an address without a service. It is no finding and
// changes no score, but a run in which it matters says little: the app does without something here that it has in production.
type Outside struct {
	Kind string `json:"kind"` // name: look-ups | tcp: connections | udp: datagrams
	// Host is the name that was looked up, or that the app named in a connection. Empty where it named none.
	Host string `json:"host,omitempty"`
	// Address and Port are where it was sent; only of tcp and udp. Without host and address it is all that was not told one by one.
	Address  string         `json:"address,omitempty"`
	Port     int            `json:"port,omitempty"`
	Count    int64          `json:"count"`
	FirstAtS float64        `json:"first_at_s"` // before the baseline it is negative
	Windows  map[string]int `json:"windows"`    // window → count; what came before the baseline or in the drain is in Count alone
}

// The kinds of what is outside.
const (
	OutsideName = "name"
	OutsideTCP  = history.StrayTCP
	OutsideUDP  = history.StrayUDP
)

// mostOutside is how many names, and how many addresses, are told one by one.
const mostOutside = 100

// outside lists the names that the world does not know, all of them, and everything that it does not have, what was asked for most first.
func (e *evidence) outside() (names []string, list []Outside) {
	looked := e.unknownNames()
	names = slices.Sorted(maps.Keys(looked))
	if names == nil {
		names = []string{}
	}
	list = most(looked)
	strays := map[string]*Outside{}
	for _, s := range e.h.Strays {
		if !worthTelling(s) {
			continue
		}
		o := strays[strayKey(s)]
		if o == nil {
			o = &Outside{Kind: s.Kind, Host: s.Host, Address: s.Address, Port: s.Port}
			strays[strayKey(s)] = o
		}
		e.addOutside(o, s.At, s.Count)
	}
	return names, append(list, most(strays)...)
}

func strayKey(s history.Stray) string {
	return strings.Join([]string{s.Kind, s.Host, s.Address, strconv.Itoa(s.Port)}, " ")
}

// unknownNames are the names that the resolver had no address for, by name. One look-up mostly is several questions: for the addresses of IPv4, for those of IPv6, and by
// browsers for how to connect. It is counted once: by the question that was put most often.
//
// Left out is what no world could have, or what the app did not ask for:
//   - names with a domain of the machine's search list behind them, which resolvers try when the name itself has failed: those of a known name, or of one that is told;
//   - reverse names of addresses (.arpa), which servers look up for their logs;
//   - names of the local link (.local, RFC 6762), which are asked by multicast, and wpad, by which browsers look for a proxy (draft-ietf-wrec-wpad);
//   - localhost, which has an address (RFC 6761), and known names that a fault made unknown.
func (e *evidence) unknownNames() map[string]*Outside {
	kinds := map[string]map[string]*Outside{} // by name, by type of question
	for i := range e.h.Lookups {
		l := &e.h.Lookups[i]
		host := strings.ToLower(strings.TrimSuffix(l.Host, "."))
		if host == "" || len(l.Faults) > 0 || !strings.Contains(strings.ToUpper(l.Answer), history.AnswerUnknown) {
			continue
		}
		if kinds[host] == nil {
			kinds[host] = map[string]*Outside{}
		}
		if kinds[host][l.Kind] == nil {
			kinds[host][l.Kind] = &Outside{Kind: OutsideName, Host: host}
		}
		e.addOutside(kinds[host][l.Kind], l.At, 1)
	}
	known := e.hosts("", "")
	searched := func(host string) bool {
		for i, c := range host {
			if front := host[:i]; c == '.' && (known[front] || strings.Contains(front, ".") && kinds[front] != nil) {
				return true
			}
		}
		return false
	}
	told := map[string]*Outside{}
	for host, by := range kinds {
		_, last, _ := cutLast(host)
		if known[host] || searched(host) || last == "arpa" || last == "local" || last == "localhost" || host == "wpad" {
			continue
		}
		list := slices.SortedFunc(maps.Values(by), func(a, b *Outside) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.FirstAtS, b.FirstAtS))
		})
		for _, other := range list[1:] {
			list[0].FirstAtS = min(list[0].FirstAtS, other.FirstAtS)
		}
		told[host] = list[0]
	}
	return told
}

// cutLast gives a name's last part.
func cutLast(name string) (front, last string, found bool) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", name, false
	}
	return name[:i], name[i+1:], true
}

// worthTelling leaves out what goes to all neighbours instead of to a host, such as the search for printers and televisions that browsers make (multicast DNS, SSDP).
func worthTelling(s history.Stray) bool {
	address, err := netip.ParseAddr(s.Address)
	return err != nil || !address.IsMulticast() && address != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// addOutside counts what came at a moment of the history. Where the baseline never began, all of it came before: the end of the record stands for the baseline's start.
func (e *evidence) addOutside(o *Outside, at clock.Micros, n int64) {
	t := at - e.zero
	if e.h.Timeline == nil {
		t = -1
		if e.h.Seal != nil {
			t = min(t, at-e.h.Seal.At)
		}
	}
	if o.Count == 0 || t.Seconds() < o.FirstAtS {
		o.FirstAtS = t.Seconds()
	}
	if o.Count += n; o.Windows == nil {
		o.Windows = map[string]int{}
	}
	if t >= 0 && t < e.times.end {
		o.Windows[e.times.window(t)] += int(n)
	}
}

// most lists what was asked for most, and at the end, for each kind, the rest together.
func most(from map[string]*Outside) []Outside {
	list := []Outside{}
	for _, o := range from {
		list = append(list, *o)
	}
	slices.SortFunc(list, func(a, b Outside) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), cmp.Compare(btoi(a.nobody()), btoi(b.nobody())), cmp.Compare(b.Count, a.Count), cmp.Compare(a.FirstAtS, b.FirstAtS),
			strings.Compare(a.Host, b.Host), strings.Compare(a.Address, b.Address), cmp.Compare(a.Port, b.Port))
	})
	kept := []Outside{}
	named := 0
	for _, o := range list {
		last := len(kept) - 1
		switch {
		case !o.nobody() && named < mostOutside:
			named++
			kept = append(kept, o)
		case last >= 0 && kept[last].nobody() && kept[last].Kind == o.Kind:
			kept[last].join(o)
		default:
			o.Host, o.Address, o.Port = "", "", 0
			kept = append(kept, o)
		}
	}
	return kept
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// nobody reports whether it is what was not told one by one.
func (o *Outside) nobody() bool { return o.Host == "" && o.Address == "" }

// join adds another.
func (o *Outside) join(other Outside) {
	o.Count += other.Count
	o.FirstAtS = min(o.FirstAtS, other.FirstAtS)
	windows := maps.Clone(o.Windows)
	for w, n := range other.Windows {
		windows[w] += n
	}
	o.Windows = windows
}

// whole is it with a count for each window.
func (o Outside) whole() Outside {
	counts := map[string]int{}
	for _, w := range windowNames() {
		counts[w] = o.Windows[w]
	}
	o.Windows = counts
	return o
}

// What names it for a person: "api.unknown.example", "203.0.113.7:8545", "api.unknown.example at 203.0.113.7:443".
func (o Outside) What() string {
	at := ""
	if o.Address != "" {
		at = o.Address + ":" + strconv.Itoa(o.Port) // the private network has IPv4 alone
	}
	switch {
	case o.nobody() && o.Kind == OutsideName:
		return "other names"
	case o.nobody():
		return "other addresses"
	case o.Host == "":
		return at
	case at == "":
		return o.Host
	}
	return o.Host + " at " + at
}

// Often says how often it was asked for: "12 look-ups".
func (o Outside) Often() string {
	unit := map[string]string{OutsideName: "look-up", OutsideTCP: "connection", OutsideUDP: "datagram"}[o.Kind]
	if o.Count != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", o.Count, unit)
}

// First says when it was first asked for: "at 3.1 s", "before the baseline".
func (o Outside) First() string {
	if o.FirstAtS < 0 {
		return "before the baseline"
	}
	return fmt.Sprintf("at %.1f s", o.FirstAtS)
}
