package lab

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// A Firewall is a set of rules at work in a namespace. Each has tables of its
// own, so several may be at work at once. One Firewall is not safe for concurrent
// use.
type Firewall struct {
	ns     *Namespace
	table  string
	rules  []Rule
	chains []*nftables.Chain // of each rule
	pos    []int             // of each rule in its chain
}

// tables numbers the tables of all firewalls in the process.
var tables atomic.Uint32

// Firewall puts rules to work, all of them or, if there is an error, none. They
// end with the namespace, or with [Firewall.Close].
func (ns *Namespace) Firewall(rules ...Rule) (*Firewall, error) {
	fw := &Firewall{ns: ns, table: fmt.Sprintf("weir-lab-%d", tables.Add(1)), rules: rules}
	conn, err := ns.nft()
	if err != nil {
		return nil, fmt.Errorf("lab: add firewall to %v: %w", ns, err)
	}
	byFamily := map[Family]*nftables.Table{}
	byPlace := map[place]*nftables.Chain{}
	length := map[*nftables.Chain]int{}
	for _, r := range rules {
		exprs, err := r.exprs()
		if err != nil {
			return nil, fmt.Errorf("lab: add rule %v to %v: %w", r, ns, err)
		}
		if r.Device != "" { // newer kernels take the rule and wait for the device
			if _, err := ns.Device(r.Device); err != nil {
				return nil, err
			}
		}
		table := byFamily[r.Family]
		if table == nil {
			table = conn.AddTable(&nftables.Table{Name: fw.table, Family: tableFamilies[r.Family]})
			byFamily[r.Family] = table
		}
		p := r.place()
		chain := byPlace[p]
		if chain == nil {
			chain = conn.AddChain(p.chain(table, len(byPlace)))
			byPlace[p] = chain
		}
		conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: exprs})
		fw.chains = append(fw.chains, chain)
		fw.pos = append(fw.pos, length[chain])
		length[chain]++
	}
	if err := conn.Flush(); err != nil {
		return nil, fmt.Errorf("lab: add firewall to %v: %w", ns, err)
	}
	return fw, nil
}

// nft returns a connection that works in the namespace. It holds no socket
// between requests.
func (ns *Namespace) nft() (*nftables.Conn, error) {
	return nftables.New(nftables.WithNetNSFd(ns.fd))
}

// Rules returns the rules, in the order of [Firewall.Counters].
func (fw *Firewall) Rules() []Rule { return fw.rules }

// Counters returns what each rule has matched so far, in the order in which the
// rules were given.
func (fw *Firewall) Counters() ([]Counter, error) {
	conn, err := fw.ns.nft()
	if err != nil {
		return nil, fmt.Errorf("lab: read counters in %v: %w", fw.ns, err)
	}
	inKernel := map[*nftables.Chain][]*nftables.Rule{}
	out := make([]Counter, len(fw.rules))
	for i, chain := range fw.chains {
		if inKernel[chain] == nil {
			rules, err := conn.GetRules(chain.Table, chain)
			if err != nil {
				return nil, fmt.Errorf("lab: read counters in %v: %w", fw.ns, err)
			}
			inKernel[chain] = rules
		}
		if fw.pos[i] >= len(inKernel[chain]) {
			return nil, fmt.Errorf("lab: read counters in %v: rule %v is gone", fw.ns, fw.rules[i])
		}
		for _, e := range inKernel[chain][fw.pos[i]].Exprs {
			if c, ok := e.(*expr.Counter); ok {
				out[i] = Counter{Packets: c.Packets, Bytes: c.Bytes}
			}
		}
	}
	return out, nil
}

// Close removes the rules. Connections that NAT has changed keep their mapping.
// It is safe to repeat.
func (fw *Firewall) Close() error {
	if fw.chains == nil {
		return nil
	}
	conn, err := fw.ns.nft()
	if err != nil {
		return fmt.Errorf("lab: close firewall in %v: %w", fw.ns, err)
	}
	done := map[*nftables.Table]bool{}
	for _, c := range fw.chains {
		if !done[c.Table] {
			done[c.Table] = true
			conn.DelTable(c.Table)
		}
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("lab: close firewall in %v: %w", fw.ns, err)
	}
	fw.chains = nil
	return nil
}

// place is where a chain hangs in the network stack.
type place struct {
	family   Family
	hook     Hook
	device   string
	priority nftables.ChainPriority
	kind     nftables.ChainType
}

func (r Rule) place() place {
	p := place{r.Family, r.Hook, r.Device, nftables.ChainPriority(r.Priority), nftables.ChainTypeFilter}
	switch r.Verdict {
	case DNAT:
		p.kind, p.priority = nftables.ChainTypeNAT, *nftables.ChainPriorityNATDest
	case SNAT, Masquerade:
		p.kind, p.priority = nftables.ChainTypeNAT, *nftables.ChainPriorityNATSource
	}
	return p
}

func (p place) chain(t *nftables.Table, n int) *nftables.Chain {
	hook := hooks[p.hook]
	if p.hook == Ingress && p.family == INet {
		const inetIngress = 5 // NF_INET_INGRESS; its number in netdev is another
		hook = nftables.ChainHookRef(inetIngress)
	}
	return &nftables.Chain{
		Name: fmt.Sprintf("%v-%d", p.hook, n), Table: t, Type: p.kind,
		Hooknum: hook, Priority: &p.priority, Device: p.device,
	}
}

var tableFamilies = map[Family]nftables.TableFamily{
	INet: nftables.TableFamilyINet, IPv4: nftables.TableFamilyIPv4, IPv6: nftables.TableFamilyIPv6,
	Netdev: nftables.TableFamilyNetdev, Bridge: nftables.TableFamilyBridge,
}

var hooks = map[Hook]*nftables.ChainHook{
	Input: nftables.ChainHookInput, Output: nftables.ChainHookOutput,
	Forward: nftables.ChainHookForward, Prerouting: nftables.ChainHookPrerouting,
	Postrouting: nftables.ChainHookPostrouting,
	Ingress:     nftables.ChainHookIngress, Egress: nftables.ChainHookEgress,
}

// check finds what the kernel would only answer "invalid argument" to.
func (r Rule) check() error {
	atDevice := r.Hook == Ingress || r.Hook == Egress
	m := r.Match
	switch {
	case tableFamilies[r.Family] == 0 || hooks[r.Hook] == nil:
		return errors.New("unknown family or hook")
	case atDevice != (r.Device != ""):
		return errors.New("a device is needed for ingress and egress, and only there")
	case r.Family == Netdev && !atDevice:
		return errors.New("family netdev has only ingress and egress")
	case (m.SrcPort != 0 || m.DstPort != 0) && m.Protocol == 0:
		return errors.New("a port needs a protocol")
	case m.Src.IsValid() && m.Dst.IsValid() && m.Src.Addr().Is4() != m.Dst.Addr().Is4():
		return errors.New("source and destination are of different families")
	case (r.Verdict == DNAT || r.Verdict == SNAT) != r.To.IsValid():
		return errors.New("an address to translate to is needed for dnat and snat, and only there")
	case (r.Verdict == DNAT || r.Verdict == SNAT) && r.To.Port() != 0 && m.Protocol == 0:
		return errors.New("a port needs a protocol")
	}
	return nil
}
