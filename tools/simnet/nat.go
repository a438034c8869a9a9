package simnet

import (
	"net/netip"
	"time"
)

// Behaviour is what a mapping or a filter of a NAT depends on (RFC 4787 4.1, 5).
type Behaviour uint8

// What mappings and filters can depend on.
const (
	EndpointIndependent Behaviour = iota
	AddressDependent
	AddressAndPortDependent
)

// NATConfig is how a [NAT] behaves. The zero value is the friendliest that there is.
type NATConfig struct {
	// Mapping says which packets from one inside address share an outside port.
	Mapping Behaviour
	// Filtering says who may send to a mapped port: everybody, or who was sent to.
	Filtering Behaviour
	// Timeout is how long a mapping lives after the last packet from inside; 0 means 2 minutes.
	Timeout time.Duration
	// Hairpin lets hosts inside reach each other by the public address.
	Hairpin bool
}

// NAT translates between the hosts behind it and the network it stands in, for datagrams and streams. Outside ports
// count up from 20000.
type NAT struct {
	net     *Network
	cfg     NATConfig
	outer   *realm
	inner   realm
	public  netip.Addr
	next    uint16
	inside  map[mapped]*mapping
	outside map[endpoint]*mapping // by outside port
}

const firstPort = 20000

// endpoint is an address of one of the two protocols.
type endpoint struct {
	stream bool
	addr   netip.AddrPort
}

// mapped is what a mapping is found by from inside; to is as much of the destination as the behaviour looks at.
type mapped struct {
	from endpoint
	to   netip.AddrPort
}

type mapping struct {
	key    mapped
	port   endpoint
	used   time.Time
	sentTo map[netip.AddrPort]bool // as much of the destinations as the filter looks at
}

// NAT adds a NAT with a public address.
func (n *Network) NAT(address string, cfg NATConfig) *NAT {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.nat(&n.public, address, cfg)
}

// NAT adds a NAT behind this one.
func (t *NAT) NAT(address string, cfg NATConfig) *NAT {
	t.net.mu.Lock()
	defer t.net.mu.Unlock()
	return t.net.nat(&t.inner, address, cfg)
}

func (n *Network) nat(outer *realm, address string, cfg NATConfig) *NAT {
	if cfg.Timeout == 0 {
		cfg.Timeout = 2 * time.Minute
	}
	t := &NAT{
		net: n, cfg: cfg, outer: outer, next: firstPort,
		inside: make(map[mapped]*mapping), outside: make(map[endpoint]*mapping),
	}
	t.inner = realm{sites: make(map[netip.Addr]Site), nat: t}
	t.public = outer.settle(t, []string{address})[0]
	return t
}

// Host adds a host behind the NAT. Its addresses need to be unique there only.
func (t *NAT) Host(addresses ...string) *Host {
	t.net.mu.Lock()
	defer t.net.mu.Unlock()
	return t.net.host(&t.inner, addresses)
}

// Addr returns the public address.
func (t *NAT) Addr() netip.Addr { return t.public }

func (t *NAT) name() string {
	if t.outer.nat != nil {
		return t.outer.nat.name() + "/" + t.public.String()
	}
	return t.public.String()
}

// seen returns as much of an address as b looks at.
func (b Behaviour) seen(a netip.AddrPort) netip.AddrPort {
	switch b {
	case EndpointIndependent:
		return netip.AddrPort{}
	case AddressDependent:
		return netip.AddrPortFrom(a.Addr(), 0)
	}
	return a
}

// outbound gives a packet its outside source address.
func (t *NAT) outbound(p *packet) {
	stream, now := p.segment != nil, time.Now()
	key := mapped{endpoint{stream, p.src}, t.cfg.Mapping.seen(p.dst)}
	m := t.inside[key]
	if m == nil || t.stale(m, now) {
		if m != nil {
			t.forget(m)
		}
		m = &mapping{key: key, port: t.free(stream, now), sentTo: make(map[netip.AddrPort]bool)}
		t.inside[key], t.outside[m.port] = m, m
	}
	m.used = now
	m.sentTo[t.cfg.Filtering.seen(p.dst)] = true
	p.src = m.port.addr
}

func (t *NAT) stale(m *mapping, now time.Time) bool { return now.Sub(m.used) >= t.cfg.Timeout }

func (t *NAT) forget(m *mapping) {
	delete(t.inside, m.key)
	delete(t.outside, m.port)
}

// free returns the next outside port that no live mapping has, or the next one when there is none.
func (t *NAT) free(stream bool, now time.Time) endpoint {
	for tries := 0; ; tries++ {
		e := endpoint{stream, netip.AddrPortFrom(t.public, t.next)}
		if t.next++; t.next == 0 {
			t.next = firstPort
		}
		old := t.outside[e]
		if old == nil {
			return e
		}
		if t.stale(old, now) || tries > 1<<16-firstPort {
			t.forget(old)
			return e
		}
	}
}

func (t *NAT) arrive(p *packet, over *way) {
	m := t.outside[endpoint{p.segment != nil, p.dst}]
	if m == nil || t.stale(m, time.Now()) || !m.sentTo[t.cfg.Filtering.seen(p.src)] {
		p.drop(&over.stats.Filtered)
		return
	}
	p.dst = m.key.from.addr
	to := t.inner.sites[p.dst.Addr()]
	if to == nil {
		p.drop(&over.stats.Unheard)
		return
	}
	to.arrive(p, over)
}
