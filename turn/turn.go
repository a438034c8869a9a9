// Package turn is the TURN server of a node (RFC 8656), for clients whose network lets no UDP through: on UDP, on TCP, and over TLS
// on the port of HTTPS (see turn/tlsport). It is the driver of pion/turn.
//
// # What it is for
//
// It relays to the media ports of the cluster's live nodes and to nothing else, unless the operator opens more (turn/peer). pion asks
// for permissions by address alone, so every packet of every relay is looked at again, in both directions: see relay.
//
// # Who may
//
// Whoever has a credential of the cluster (turn/credential). A credential that is malformed, has expired, whose integrity is wrong, or
// whose request somebody else has sent before is refused and counted. What a user and an address may have at once is bounded
// (turn/quota): more is refused with 486 (allocations) or dropped and counted (bytes).
//
// An allocation lives for at most an hour without a refresh, and cannot be refreshed for longer than its credential's grace. It
// has at most 64 permissions and 64 channels. There are no TCP allocations (RFC 6062).
//
// # Strangers
//
// A stream is cut into frames before pion sees it, and ends with the first that is none (turn/frame). One without an allocation is
// closed after 20 s; an address has at most 64 of those, more are closed at once. A client that takes nothing for 10 s is closed. A
// datagram that is no STUN and no ChannelData is dropped. Requests are answered 200 times a second per address.
//
// # Goroutines
//
// One for a socket, one for a stream and one for an allocation, all of pion's; they end with what they are for, at the latest
// with [Server.Close].
//
// # Known limits
//
// On a machine with several addresses of a family, answers over UDP leave from the one that the system prefers; a client that
// asked another one does not hear them and takes TCP. A frame of ChannelData with less than five bytes waits in a stream for the next
// one, which is pion's doing.
package turn

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/logging"
	"github.com/pion/turn/v5"

	"github.com/atoll-mesh/atoll/turn/credential"
	"github.com/atoll-mesh/atoll/turn/peer"
	"github.com/atoll-mesh/atoll/turn/quota"
)

// Config is what a Server is made of.
type Config struct {
	Realm string
	Key   credential.Key
	// UDP, TCP and TLS are where clients come, each nil for none. TLS gives connections that have shaken hands. The server
	// closes them.
	UDP net.PacketConn
	TCP net.Listener
	TLS net.Listener
	// Relays are the addresses that peers see clients at; of each family the first counts. One that this machine does not have is
	// a NAT's that keeps ports.
	Relays []netip.Addr
	// Opened are the ranges that the operator opened beside the members.
	Opened []netip.Prefix
	Limits quota.Limits // the zero value: DefaultLimits
	// Own are members that are at this machine under another address: a NAT stands in front that may not send back what comes from
	// behind it. Packets for the first go to the second.
	Own map[netip.AddrPort]netip.AddrPort
	// Listen opens the sockets of relays. Nil: net.ListenPacket.
	Listen func(network, address string) (net.PacketConn, error)
}

// DefaultLimits let an office of some hundred people in that shares an address. A browser makes an allocation per way to a server and
// interface, and twice as many while it restarts ICE.
var DefaultLimits = quota.Limits{
	User: 32, Address: 1000, Total: 5000, Addresses: 4,
	UserRate: 20e6 / 8, AddressRate: 400e6 / 8, Burst: 500 * time.Millisecond, Requests: 1 << 16,
}

const (
	// mostHeld are permissions, and channels, of one allocation.
	mostHeld = 64
	// requests are answered so often per second and address.
	requests, requestBurst = 200, 1000
	// inbound holds the largest frame, and one byte more by which pion knows that it is whole.
	inbound = 2048
)

// Server is a running TURN server.
type Server struct {
	cfg     Config
	begun   time.Time
	policy  atomic.Pointer[peer.Policy]
	behind  map[netip.AddrPort]netip.AddrPort // Config.Own the other way round
	gate    *quota.Gate
	stats   counters
	pion    *turn.Server
	packets *datagrams
	held    sync.WaitGroup // relays and streams

	mu     sync.Mutex
	closed bool
	book   *quota.Book
	// conns are by their remote address, which is the same pointer in everything that pion says.
	conns     map[net.Addr]*conn
	strangers map[netip.Addr]int // streams without an allocation
	holdings  map[client]*holdings
}

// Start serves until Close. It relays to nobody until SetPeers.
func Start(cfg Config) (*Server, error) {
	if cfg.Limits == (quota.Limits{}) {
		cfg.Limits = DefaultLimits
	}
	if cfg.Listen == nil {
		cfg.Listen = net.ListenPacket
	}
	s := &Server{
		cfg: cfg, begun: time.Now(), gate: quota.NewGate(rand.Uint64(), requests, requestBurst), book: quota.NewBook(cfg.Limits),
		behind: make(map[netip.AddrPort]netip.AddrPort), conns: make(map[net.Addr]*conn), strangers: make(map[netip.Addr]int), holdings: make(map[client]*holdings),
	}
	for told, local := range cfg.Own {
		s.behind[local] = told
	}
	s.SetPeers(nil)
	config := turn.ServerConfig{
		Realm: cfg.Realm, AuthHandler: s.authenticate, QuotaHandler: s.admit, EventHandler: s.events(), InboundMTU: inbound,
		LoggerFactory: &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled},
	}
	if cfg.UDP != nil {
		s.packets = &datagrams{PacketConn: cfg.UDP, s: s}
		config.PacketConnConfigs = append(config.PacketConnConfigs, turn.PacketConnConfig{
			PacketConn: s.packets, RelayAddressGenerator: relays{s}, PermissionHandler: s.permit,
		})
	}
	for _, l := range []net.Listener{cfg.TCP, cfg.TLS} {
		if l == nil {
			continue
		}
		wrapped := &listener{Listener: l, s: s}

		config.ListenerConfigs = append(config.ListenerConfigs, turn.ListenerConfig{
			Listener: wrapped, RelayAddressGenerator: relays{s}, PermissionHandler: s.permit,
		})
	}
	var err error
	if s.pion, err = turn.NewServer(config); err != nil {
		return nil, fmt.Errorf("start TURN: %w", err)
	}
	return s, nil
}

// SetPeers says where the media of live members is. It holds for packets from now on, also of relays that are there.
func (s *Server) SetPeers(members []netip.AddrPort) { s.policy.Store(peer.New(members, s.cfg.Opened)) }

// now is the time as the engines take it.
func (s *Server) now() time.Duration { return time.Since(s.begun) }

// Close ends every allocation and stream, and frees the ports.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	open := make([]*conn, 0, len(s.conns))
	for _, c := range s.conns {
		open = append(open, c)
	}
	s.mu.Unlock()
	err := s.pion.Close()
	for _, c := range open {
		err = errors.Join(err, c.Close())
	}
	s.held.Wait()
	return err
}
