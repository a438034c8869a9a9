package simnet

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
)

// Host is a machine with addresses and sockets.
type Host struct {
	net       *Network
	realm     *realm
	addresses []netip.Addr
	closed    bool
	next      uint16 // ephemeral port
	packets   map[netip.AddrPort]*PacketConn
	listeners map[netip.AddrPort]*Listener
	streams   map[pair]*StreamConn
}

// pair names a stream at one of its ends.
type pair struct{ local, remote netip.AddrPort }

func (n *Network) host(r *realm, addresses []string) *Host {
	h := &Host{
		net: n, realm: r, next: 49152,
		packets:   make(map[netip.AddrPort]*PacketConn),
		listeners: make(map[netip.AddrPort]*Listener),
		streams:   make(map[pair]*StreamConn),
	}
	h.addresses = r.settle(h, addresses)
	n.hosts = append(n.hosts, h)
	return h
}

func (h *Host) name() string {
	if h.realm.nat != nil {
		return h.realm.nat.name() + "/" + h.addresses[0].String()
	}
	return h.addresses[0].String()
}

// Addr returns the first address of the host.
func (h *Host) Addr() netip.Addr { return h.addresses[0] }

// Close takes the host off the network: its sockets are closed, nobody is told, and what is sent to it vanishes.
func (h *Host) Close() {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.close()
}

// Open puts a closed host back on the network, without any socket: the machine starts again.
func (h *Host) Open() {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.closed = false
}

func (h *Host) close() {
	h.closed = true
	for _, c := range h.packets {
		c.close()
	}
	for _, l := range h.listeners {
		l.close()
	}
	for _, c := range h.streams {
		c.fail(net.ErrClosed)
	}
}

// send sends a packet, unless the host is off.
func (h *Host) send(p *packet) {
	if !h.closed && !h.net.closed {
		h.net.send(h, p)
	}
}

func (h *Host) arrive(p *packet, over *way) {
	switch {
	case h.closed:
	case p.segment != nil:
		over.delivered(p)
		h.arriveSegment(p)
		return
	default:
		c := h.packets[p.dst]
		if c == nil {
			c = h.packets[netip.AddrPortFrom(netip.Addr{}, p.dst.Port())]
		}
		if c != nil && c.take(p) {
			over.delivered(p)
			return
		}
	}
	p.drop(&over.stats.Unheard)
}

// bind checks an address to listen on and gives it a port. An address without IP stands for all of the host.
func (h *Host) bind(network, address string, taken func(netip.AddrPort) bool) (netip.AddrPort, error) {
	at, err := h.net.resolve(address)
	switch {
	case h.closed || h.net.closed:
		err = net.ErrClosed
	case err != nil:
	case at.Addr().IsValid() && !slices.Contains(h.addresses, at.Addr()):
		err = os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)
	case at.Port() == 0:
		at, err = h.ephemeral(at.Addr(), taken)
	case h.overlaps(at, taken):
		err = os.NewSyscallError("bind", syscall.EADDRINUSE)
	}
	if err != nil {
		return at, &net.OpError{Op: "listen", Net: network, Err: fmt.Errorf("%s: %w", address, err)}
	}
	return at, nil
}

func (h *Host) ephemeral(a netip.Addr, taken func(netip.AddrPort) bool) (netip.AddrPort, error) {
	for range 1 << 14 {
		at := netip.AddrPortFrom(a, h.next)
		if h.next++; h.next == 0 {
			h.next = 49152
		}
		if !h.overlaps(at, taken) {
			return at, nil
		}
	}
	return netip.AddrPort{}, os.NewSyscallError("bind", syscall.EADDRINUSE)
}

// overlaps tells whether a socket has the address, or all addresses, or the wildcard stands for one that is taken.
func (h *Host) overlaps(at netip.AddrPort, taken func(netip.AddrPort) bool) bool {
	if taken(at) || taken(netip.AddrPortFrom(netip.Addr{}, at.Port())) {
		return true
	}
	return !at.Addr().IsValid() && slices.ContainsFunc(h.addresses, func(a netip.Addr) bool {
		return taken(netip.AddrPortFrom(a, at.Port()))
	})
}

// source returns the address that a packet to dst is sent from by a socket bound to local.
func (h *Host) source(local netip.AddrPort, dst netip.Addr) (netip.AddrPort, error) {
	if local.Addr().IsValid() {
		if local.Addr().Is4() != dst.Is4() {
			return local, os.NewSyscallError("sendto", syscall.EAFNOSUPPORT)
		}
		return local, nil
	}
	for _, a := range h.addresses {
		if a.Is4() == dst.Is4() {
			return netip.AddrPortFrom(a, local.Port()), nil
		}
	}
	return local, os.NewSyscallError("sendto", syscall.ENETUNREACH)
}

// shown returns the address that a socket says it has.
func (h *Host) shown(local netip.AddrPort) netip.AddrPort {
	if !local.Addr().IsValid() {
		return netip.AddrPortFrom(h.addresses[0], local.Port())
	}
	return local
}
