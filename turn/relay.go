package turn

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"

	"github.com/pion/turn/v5"

	"github.com/atoll-mesh/atoll/turn/quota"
)

// Why there is no relay.
var (
	errNoTCP  = errors.New("no relays over TCP")
	errClosed = errors.New("the server is closed")
)

// relays opens the relays of allocations.
type relays struct{ s *Server }

// Validate implements turn.RelayAddressGenerator.
func (relays) Validate() error { return nil }

// AllocateListener implements turn.RelayAddressGenerator.
func (relays) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errNoTCP
}

// AllocateConn implements turn.RelayAddressGenerator.
func (relays) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) { return nil, errNoTCP }

// AllocatePacketConn implements turn.RelayAddressGenerator.
func (r relays) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	ip, err := r.s.relayAddress(c.Network)
	if err != nil {
		return nil, nil, err
	}
	user, at, ok := ownerOf(c.UserID)
	if !ok { // pion looks for an even port that is free, and closes the socket at once
		return r.s.listen(c.Network, ip, 0)
	}
	relay, err := r.s.open(user, at.Addr())
	if err != nil {
		return nil, nil, err
	}
	var told net.Addr
	if relay.PacketConn, told, err = r.s.listen(c.Network, ip, c.RequestedPort); err != nil {
		relay.giveBack()
		return nil, nil, err
	}
	if conn, ok := relay.PacketConn.(*net.UDPConn); ok {
		_ = conn.SetReadBuffer(relayBuffer) // as far as the system lets
	}
	return relay, told, nil
}

// relayBuffer holds some hundred milliseconds of a relay's media.
const relayBuffer = 512 << 10

// relayAddress returns the address that a relay of a network has.
func (s *Server) relayAddress(network string) (netip.Addr, error) {
	for _, ip := range s.cfg.Relays {
		if ip.Is4() == (network == "udp4") {
			return ip, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no relays on %s", network)
}

// listen opens a socket at an address, or at every one when the machine does not have it: then a NAT stands in front. It returns
// the address that peers see too.
func (s *Server) listen(network string, ip netip.Addr, port int) (net.PacketConn, net.Addr, error) {
	conn, err := s.cfg.Listen(network, net.JoinHostPort(ip.String(), strconv.Itoa(port)))
	if err != nil {
		conn, err = s.cfg.Listen(network, net.JoinHostPort("", strconv.Itoa(port)))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open a relay: %w", err)
	}
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return nil, nil, errors.Join(fmt.Errorf("open a relay: it is at %v", conn.LocalAddr()), conn.Close())
	}
	return conn, &net.UDPAddr{IP: ip.AsSlice(), Port: local.Port}, nil
}

// relay is the socket of an allocation: nothing leaves or comes in that the policy does not let through.
type relay struct {
	net.PacketConn

	s     *Server
	share *quota.Share
	once  sync.Once
}

// open takes an allocation from the book.
func (s *Server) open(user string, at netip.Addr) (*relay, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	share, err := s.book.Open(user, at)
	if err != nil {
		s.refuse(err)
		return nil, err
	}
	s.held.Add(1)
	return &relay{s: s, share: share}, nil
}

func (r *relay) giveBack() {
	r.once.Do(func() {
		r.s.mu.Lock()
		r.s.book.Close(r.share)
		r.s.mu.Unlock()
		r.s.held.Done()
	})
}

// Close frees the socket and what it took.
func (r *relay) Close() error {
	err := r.PacketConn.Close()
	r.giveBack()
	return err
}

// ReadFrom returns the next packet from a peer that may be heard.
func (r *relay) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := r.PacketConn.ReadFrom(p)
		if err != nil {
			return n, from, err
		}
		udp, ok := from.(*net.UDPAddr)
		if ok && len(r.s.behind) > 0 {
			if told, own := r.s.behind[plain(udp.AddrPort())]; own {
				udp = net.UDPAddrFromAddrPort(told)
			}
		}
		switch {
		case !ok || !r.s.policy.Load().Relays(udp.AddrPort()):
			r.s.stats.strangers.Add(1)
		case !r.share.Down(r.s.now(), n):
			r.s.stats.overRate.Add(1)
		default:
			r.s.stats.downPackets.Add(1)
			r.s.stats.downBytes.Add(uint64(n))
			return n, udp, nil
		}
	}
}

// WriteTo sends a packet to a peer that may be sent to. What may not, or cannot, be sent is dropped and counted, as a network does.
func (r *relay) WriteTo(p []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	switch {
	case !ok || !r.s.policy.Load().Relays(udp.AddrPort()):
		r.s.stats.forbidden.Add(1)
	case !r.share.Up(r.s.now(), len(p)):
		r.s.stats.overRate.Add(1)
	default:
		if local, own := r.s.cfg.Own[plain(udp.AddrPort())]; own {
			to = net.UDPAddrFromAddrPort(local)
		}
		if _, err := r.PacketConn.WriteTo(p, to); err != nil {
			r.s.stats.failed.Add(1)
			break
		}
		r.s.stats.upPackets.Add(1)
		r.s.stats.upBytes.Add(uint64(len(p)))
	}
	return len(p), nil
}
