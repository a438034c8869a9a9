package link

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/link/liveness"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// Config is what an endpoint needs.
type Config struct {
	Conn    net.PacketConn // UDP; the endpoint closes it
	Key     identity.Key
	Secret  identity.Secret
	Hello   wire.Hello // Clock is filled in when it is sent
	Handler Handler
	Log     *slog.Logger
}

// Handler hears what happens. Its methods must not block.
type Handler interface {
	// LinkUp says that frames can be sent to the peer, LinkDown that they no longer can.
	LinkUp(peer identity.Name, hello wire.Hello)
	LinkDown(peer identity.Name, reason error)
	// Frame takes a frame. Those of one lane come in order.
	Frame(peer identity.Name, f wire.Frame)
	// Datagram takes a media datagram, which is valid during the call.
	Datagram(peer identity.Name, datagram []byte, arrived time.Time)
	// Liveness says that heartbeats go both ways, or no longer do. The first is always Alive.
	Liveness(peer identity.Name, s State)
}

// State is what heartbeats say of a peer.
type State = liveness.State

// The states of a peer.
const (
	Dead  = liveness.Dead
	Alive = liveness.Alive
)

// Peer is another member of the cluster.
type Peer struct {
	Name  identity.Name
	Addrs []netip.AddrPort // best first
	Link  bool             // a link is wanted
	Media bool             // the link carries media: its death is to be noticed quickly
}

const (
	maxPeers     = 1024
	maxWaiting   = 64 // connections from nodes that are no members
	maxArriving  = 4  // connections from one member that have no place yet
	waitForPlace = 10 * time.Second
)

// Endpoint is a node's end of all its links.
type Endpoint struct {
	cfg       Config
	self      identity.Name
	log       *slog.Logger
	trouble   trouble
	authority identity.Authority
	leaf      leaf
	socket    socket
	transport *quic.Transport
	listener  *quic.Listener
	gate      gate
	dials     [2]chan struct{} // turns to dial those that are not heard, and those that are
	beats     *beats
	began     time.Time
	ctx       context.Context // the endpoint's life
	cancel    context.CancelFunc
	running   sync.WaitGroup

	peers atomic.Pointer[map[identity.Name]*peer] // replaced, never changed

	mu      sync.Mutex // for writing peers, and
	closed  bool
	changed chan struct{} // closed when a peer or a link is new
	waiting int
	leaving map[identity.Name]*control // links of nodes that are no members any more
}

// Listen starts an endpoint on a socket.
func Listen(cfg Config) (*Endpoint, error) {
	self := cfg.Key.Name()
	if cfg.Hello.Name != self {
		return nil, fmt.Errorf("hello says %s, the key is of %s", cfg.Hello.Name, self)
	}
	e := &Endpoint{
		cfg: cfg, self: self, log: cfg.Log, authority: cfg.Secret.Authority(),
		changed: make(chan struct{}), began: time.Now(), leaving: make(map[identity.Name]*control),
	}
	e.trouble.log = cfg.Log
	e.dials = [2]chan struct{}{make(chan struct{}, maxDials), make(chan struct{}, maxDials)}
	e.leaf = leaf{authority: e.authority, key: cfg.Key}
	if _, err := e.leaf.at(time.Now()); err != nil {
		return nil, fmt.Errorf("make the node's certificate: %w", err)
	}
	e.peers.Store(&map[identity.Name]*peer{})
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.beats = newBeats(e)
	e.socket = newSocket(cfg.Conn, e.beats.receive)
	reset := quic.StatelessResetKey(sha256.Sum256(append([]byte("atoll stateless reset\x00"), cfg.Key.Private().Seed()...)))
	e.transport = &quic.Transport{
		Conn:                             e.socket,
		StatelessResetKey:                &reset, // lasts: peers notice at once that the node started again
		DisableVersionNegotiationPackets: true,
		VerifySourceAddress:              func(net.Addr) bool { return true },
		ConnContext:                      e.gate.enter,
	}
	var err error
	if e.listener, err = e.transport.Listen(e.serverTLS(), serverConfig()); err != nil {
		e.cancel()
		return nil, fmt.Errorf("listen for QUIC on %v: %w", cfg.Conn.LocalAddr(), err)
	}
	e.running.Go(e.accept)
	e.running.Go(e.beats.run)
	return e, nil
}

// Close ends all links and the socket, and waits until everything has ended.
func (e *Endpoint) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	err := e.listener.Close()
	e.running.Wait()
	return errors.Join(err, e.transport.Close(), e.cfg.Conn.Close())
}

// SetPeers says who the other members are: all of them, each time. Links with others end.
func (e *Endpoint) SetPeers(all []Peer) {
	if len(all) > maxPeers {
		all = all[:maxPeers]
	}
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	before := *e.peers.Load()
	after := make(map[identity.Name]*peer, len(all))
	for _, one := range all {
		if one.Name == e.self || after[one.Name] != nil {
			continue
		}
		one.Addrs = unmapped(one.Addrs, liveness.MaxAddrs)
		p := before[one.Name]
		if p == nil {
			p = newPeer(e, one.Name, e.leaving[one.Name])
		}
		after[one.Name] = p
		p.set(one)
	}
	for name, p := range before {
		if after[name] == nil {
			if l := p.remove(); l != nil {
				e.leaving[name] = l
			}
		}
	}
	e.peers.Store(&after)
	e.beats.set(now, slices.SortedFunc(maps.Values(after), byName))
	e.announce()
}

// announce wakes who waits for a peer or a link. The lock is held.
func (e *Endpoint) announce() {
	close(e.changed)
	e.changed = make(chan struct{})
}

func (e *Endpoint) peer(name identity.Name) *peer { return (*e.peers.Load())[name] }

// Send sends a frame on a lane, 0 to wire.Lanes-1. It returns false when there is no link, or when more waits than may: then
// the link is closed.
func (e *Endpoint) Send(peer identity.Name, lane uint8, f wire.Frame) bool {
	p := e.peer(peer)
	if p == nil || lane >= wire.Lanes {
		return false
	}
	l := p.up.Load()
	return l != nil && l.send(lane, f)
}

// SendMedia sends a media datagram, which it copies. It returns false when there is no link or the datagram was dropped; one
// that was taken may still be dropped later.
func (e *Endpoint) SendMedia(peer identity.Name, class Class, datagram []byte) bool {
	p := e.peer(peer)
	return p != nil && class < Classes && p.up.Load() != nil && p.out.put(time.Now(), class, datagram)
}

// accept takes connections that passed TLS.
func (e *Endpoint) accept() {
	for {
		conn, err := e.listener.Accept(e.ctx)
		if err != nil {
			return
		}
		e.gate.leave(conn.Context())
		e.running.Go(func() { e.accepted(conn) })
	}
}

func (e *Endpoint) accepted(conn *quic.Conn) {
	state := conn.ConnectionState().TLS
	name, err := identity.PeerName(state.PeerCertificates[0]) // TLS has verified it
	if err != nil || name == e.self {
		_ = conn.CloseWithError(codeMisfit, "a node does not connect to itself")
		return
	}
	p, err := e.await(conn, name)
	if err != nil {
		e.trouble.note("refused a connection", "", conn.RemoteAddr(), err)
		_ = conn.CloseWithError(codeStranger, err.Error())
		return
	}
	if state.NegotiatedProtocol == protocolMedia {
		p.acceptMedia(conn)
	} else {
		p.acceptControl(conn)
	}
}

// await returns the peer of that name, when it becomes one soon.
func (e *Endpoint) await(conn *quic.Conn, name identity.Name) (*peer, error) {
	if p := e.peer(name); p != nil {
		return p, nil
	}
	e.mu.Lock()
	if e.waiting >= maxWaiting {
		e.mu.Unlock()
		return nil, fmt.Errorf("%s is not a member here, and too many wait to be", name)
	}
	e.waiting++
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		e.waiting--
		e.mu.Unlock()
	}()
	ctx, cancel := context.WithTimeout(conn.Context(), waitForPlace)
	defer cancel()
	for {
		e.mu.Lock()
		changed := e.changed
		p := e.peer(name)
		e.mu.Unlock()
		if p != nil {
			return p, nil
		}
		select {
		case <-changed:
		case <-e.ctx.Done():
			return nil, errStops
		case <-ctx.Done():
			return nil, fmt.Errorf("%s is not a member here", name)
		}
	}
}
