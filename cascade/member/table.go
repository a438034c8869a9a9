package member

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

const (
	most   = 1024             // members, also those who left or died
	ahead  = time.Minute      // how far a member's clock may be
	forget = 30 * time.Minute // after which a dead member's entry goes; memberlist's is gone by then
)

var errStale = errors.New("newer metadata is known")

// table is what is known of every member. Memberlist calls it under its own lock, so its methods take mu for a moment and
// call nothing.
type table struct {
	key     identity.Key
	self    identity.Name
	gripes  *complaints
	changed chan struct{}
	restamp chan struct{}

	mu      sync.Mutex
	own     record
	sealed  []byte
	members map[identity.Name]*entry
	holders map[netip.AddrPort]identity.Name // of addresses that several members have
}

// entry is one other member.
type entry struct {
	record
	raw   []byte
	alive bool // for memberlist
	since time.Time
	// node is memberlist's own. It is written under memberlist's lock: that is, in callbacks.
	node *memberlist.Node
}

func (e *entry) state() State {
	switch {
	case e.leaving:
		return Left
	case e.alive:
		return Alive
	}
	return Dead
}

var (
	_ memberlist.AliveDelegate = (*table)(nil)
	_ memberlist.EventDelegate = (*table)(nil)
)

func newTable(key identity.Key, addr netip.AddrPort, meta Meta, gripes *complaints) (*table, error) {
	now := uint64(time.Now().UnixMilli())
	if meta.Started == 0 {
		meta.Started = now
	}
	t := &table{
		key: key, self: key.Name(), gripes: gripes, changed: make(chan struct{}, 1),
		members: make(map[identity.Name]*entry), holders: make(map[netip.AddrPort]identity.Name),
	}
	return t, t.stamp(record{name: t.self, addr: addr, boot: now, meta: meta})
}

// stamp signs what the node says of itself.
func (t *table) stamp(r record) error {
	r.issued = max(uint64(time.Now().UnixMilli()), t.own.issued+1, r.boot)
	r.meta.Link = slices.Clone(r.meta.Link)
	for i, a := range r.meta.Link {
		if a.Addr().IsUnspecified() {
			r.meta.Link[i] = netip.AddrPortFrom(r.addr.Addr(), a.Port())
		}
	}
	sealed, err := r.seal(t.key)
	if err != nil {
		return err
	}
	t.own, t.sealed = r, sealed
	poke(t.changed)
	return nil
}

// say changes what the node says of itself.
func (t *table) say(m Meta) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.own
	if m.Started == 0 {
		m.Started = r.meta.Started
	}
	r.meta = m
	return t.stamp(r)
}

func (t *table) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.own
	r.leaving = true
	_ = t.stamp(r) // what was valid stays valid
}

func (t *table) metadata() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sealed
}

// NotifyAlive is asked by memberlist about every message that somebody is alive. It refuses what is not signed.
func (t *table) NotifyAlive(node *memberlist.Node) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	err := t.admit(node, time.Now())
	if err != nil && !errors.Is(err, errStale) {
		t.gripes.say(refusedMember, "peer", node.Name, "addr", node.Address(), "error", err)
	}
	return err
}

func (t *table) admit(node *memberlist.Node, now time.Time) error {
	addr := addrOf(node)
	e := t.members[identity.Name(node.Name)]
	if e != nil && e.addr == addr && bytes.Equal(e.raw, node.Meta) {
		return nil
	}
	if !speaks(node) {
		return fmt.Errorf("it speaks versions %d-%d (%d) and %d-%d (%d) of gossip",
			node.PMin, node.PMax, node.PCur, node.DMin, node.DMax, node.DCur)
	}
	if node.Name == string(t.self) && bytes.Equal(node.Meta, t.sealed) {
		return nil // whatever the address: nothing but the signed one comes from it
	}
	name, err := identity.ParseName(node.Name)
	if err != nil {
		return err
	}
	r, err := open(name, node.Meta)
	switch {
	case err != nil:
		return err
	case r.addr != addr:
		return fmt.Errorf("it signed another address: %v", r.addr)
	}
	if limit := uint64(now.Add(ahead).UnixMilli()); r.boot > limit || r.issued > limit {
		return fmt.Errorf("its clock is ahead by %v", time.UnixMilli(int64(r.issued)).Sub(now).Round(time.Second))
	}
	if name == t.self {
		t.admitSelf(r)
		return nil
	}
	switch {
	case e == nil && len(t.members) >= most:
		return fmt.Errorf("%d members are enough", most)
	case e == nil:
		return nil // NotifyJoin follows
	case r.newer(e.record):
		// Memberlist would refuse another address for a name it knows, and would not take metadata that comes with an incarnation
		// below the one it has seen. The signature says what is true, so its entry is corrected in place.
		e.record, e.raw = r, bytes.Clone(node.Meta)
		e.node.Addr, e.node.Port, e.node.Meta = slices.Clone(node.Addr), node.Port, e.raw
		poke(t.changed)
	case e.state() == Alive:
		return errStale
	}
	return nil
}

// admitSelf takes what others have of this node and is not what it says now.
func (t *table) admitSelf(r record) {
	switch {
	case r.addr != t.own.addr && r.boot > t.own.boot:
		t.gripes.say(copiedKey, "addr", r.addr)
	case r.addr != t.own.addr: // of before it moved; the exchange with a member that follows tells this one what to outdo
	case r.newer(t.own):
		own := t.own
		own.boot = max(own.boot, r.boot+1)
		if t.stamp(own) == nil {
			poke(t.restamp)
		}
	}
}

// farewell takes metadata that a node sent itself, to say that it leaves. Memberlist's own entry is not touched: it is not
// locked here.
func (t *table) farewell(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	name, err := signer(b)
	e := t.members[name]
	if err == nil && e != nil && bytes.Equal(e.raw, b) {
		return
	}
	var r record
	if err == nil {
		r, err = open(name, b)
	}
	switch {
	case err != nil:
		t.gripes.say(refusedMember, "error", err)
	case e != nil && r.leaving && r.addr == e.addr && r.newer(e.record):
		e.record, e.raw = r, bytes.Clone(b)
		poke(t.changed)
	}
}

// NotifyJoin is told of a node that is there, again or for the first time.
func (t *table) NotifyJoin(node *memberlist.Node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if node.Name == string(t.self) {
		return
	}
	raw := bytes.Clone(node.Meta)
	r, err := parseRecord(raw) // its signature has just been checked
	if err != nil {
		return
	}
	r.name = identity.Name(node.Name)
	t.members[r.name] = &entry{record: r, raw: raw, alive: true, since: time.Now(), node: node}
	poke(t.changed)
}

// NotifyLeave is told of a node that is gone.
func (t *table) NotifyLeave(node *memberlist.Node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.members[identity.Name(node.Name)]; e != nil {
		e.alive, e.since = false, time.Now()
	}
	poke(t.changed)
}

// NotifyUpdate has nothing to tell: admit was asked about the same metadata.
func (t *table) NotifyUpdate(*memberlist.Node) {}

// view returns all members by name.
func (t *table) view(now time.Time) []Member {
	t.mu.Lock()
	defer t.mu.Unlock()
	self := Member{Name: t.self, Addr: t.own.addr, Meta: t.own.meta, Self: true}
	if t.own.leaving {
		self.State = Left
	}
	all := []Member{self}
	believed := t.believed()
	for name, e := range t.members {
		switch age := now.Sub(e.since); {
		case e.alive:
		case age > forget:
			delete(t.members, name)
			continue
		case age > deadFor:
			continue
		}
		m := Member{Name: name, Addr: e.addr, Meta: e.meta, State: e.state()}
		if m.State == Alive && believed[e.addr] != e {
			m.State = Dead
		}
		all = append(all, m)
	}
	slices.SortFunc(all, byName)
	return all
}

func byName(a, b Member) int { return strings.Compare(string(a.Name), string(b.Name)) }

// believed returns who is taken to be at each address: of several members the one that answered there, else the one that is
// longest known to be there.
func (t *table) believed() map[netip.AddrPort]*entry {
	at := make(map[netip.AddrPort]*entry, len(t.members))
	for _, e := range t.members {
		if e.state() != Alive || e.addr == t.own.addr {
			continue
		}
		if other := at[e.addr]; other == nil || t.prefers(e, other) {
			at[e.addr] = e
		}
	}
	return at
}

func (t *table) prefers(e, other *entry) bool {
	switch holder := t.holders[e.addr]; {
	case holder == e.name:
		return true
	case holder == other.name:
		return false
	}
	if c := e.since.Compare(other.since); c != 0 {
		return c < 0
	}
	return e.name < other.name
}

// claimants returns for every address that several living members have their names, the newest first. At the node's own
// address is nobody else.
func (t *table) claimants() map[netip.AddrPort][]identity.Name {
	t.mu.Lock()
	defer t.mu.Unlock()
	by := make(map[netip.AddrPort][]*entry)
	for _, e := range t.members {
		if e.state() == Alive {
			by[e.addr] = append(by[e.addr], e)
		}
	}
	claims := make(map[netip.AddrPort][]identity.Name)
	for addr, all := range by {
		if len(all) < 2 || addr == t.own.addr {
			continue
		}
		slices.SortFunc(all, func(a, b *entry) int {
			switch {
			case a.newer(b.record):
				return -1
			case b.newer(a.record):
				return 1
			}
			return strings.Compare(string(a.name), string(b.name))
		})
		for _, e := range all {
			claims[addr] = append(claims[addr], e.name)
		}
	}
	return claims
}

// settle says who answers at the addresses that several members have.
func (t *table) settle(holders map[netip.AddrPort]identity.Name) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if maps.Equal(holders, t.holders) {
		return
	}
	t.holders = holders
	poke(t.changed)
}

func addrOf(node *memberlist.Node) netip.AddrPort {
	ip, _ := netip.AddrFromSlice(node.Addr)
	return netip.AddrPortFrom(ip.Unmap(), node.Port)
}

// speaks reports whether a node's versions are those of every Atoll node.
func speaks(node *memberlist.Node) bool {
	return node.PMin <= memberlist.ProtocolVersion2Compatible && memberlist.ProtocolVersion2Compatible <= node.PMax &&
		node.PCur == memberlist.ProtocolVersion2Compatible && node.DMin == 0 && node.DMax == 0 && node.DCur == 0
}
