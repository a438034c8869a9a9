// Package mesh drives a node's part in the cluster: gossip, links, the directory of rooms and the table of who reaches whom.
// It decides nothing itself: the engines are cascade/directory and cascade/route, and what is in a room is the room's business.
//
//	member ──who is there──▶ ┌──────┐ ◀──enter, send── conference
//	link   ──frames────────▶ │ mesh │ ──frames, holders, reachable──▶ [Room]
//	       ──datagrams─────▶ └──────┘ ──packets──▶ [Sink] (not through a loop)
//
// # Frames
//
// Frames of a room go to the room that they name, and are ordered per pair of nodes and room: a room always uses the same
// lane of a link. A frame for a node that cannot be reached directly goes through the member with the shortest way, sealed
// with the sender's signature ([wire.Relayed]): the member in between can drop it, not change it. Frames are never queued for a
// node that cannot be reached: replicas repair themselves by their digests.
//
// Two nodes are linked only when they share a room, or when one keeps the directory of a room of the other; in a small cluster
// that is always so.
//
// # Media
//
// A datagram is for the subscription that its flow id names. Sinks are looked up without a lock and called from the link's
// goroutine.
//
// # Who owns what
//
// One mutex guards the engines. It is never held while a [Room] or a [Sink] is called by somebody who may call back; rooms
// put what they get into their mailbox.
package mesh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atoll-mesh/atoll/cascade/directory"
	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/link"
	"github.com/atoll-mesh/atoll/cascade/member"
	"github.com/atoll-mesh/atoll/cascade/route"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// beat is how often the engines are asked what is due.
const beat = 50 * time.Millisecond

// Config says who the node is and where it listens.
type Config struct {
	Network  member.Network
	Host     string // address to listen on, "" for every one
	Port     uint16 // of the gossip, TCP and UDP; links are on the next, UDP
	Key      identity.Key
	Secret   identity.Secret
	Region   string
	Build    string
	Location [2]float64 // latitude and longitude
	Located  bool       // Location is known
	URL      string     // its own address for pages, "" for its name below the domain
	DNS      bool       // it answers for the domain
	Domain   string     // that the node serves, which must be that of all others
	// Advertise are the addresses that other nodes reach this one by, best first; the ports are those of above.
	Advertise []netip.Addr
	// Media are where clients send media to, best first; TURN and TURNS are the ports of TURN there, 0 for none.
	Media       []netip.AddrPort
	TURN, TURNS uint16
	Join        []string
	Resolver    member.Resolver
	Folder      member.Folder
	// Do does what another node asks for ([member.Config]).
	Do  func(ctx context.Context, from netip.Addr, task []byte) []byte
	Log *slog.Logger
}

// Mesh is a running part of a cluster.
type Mesh struct {
	self    identity.Name
	key     identity.Key
	meta    member.Meta // guarded by mu: what the node says of itself
	log     *slog.Logger
	started uint64
	port    uint16
	links   *link.Endpoint
	list    *member.List
	region  string

	mover    atomic.Pointer[Mover]
	sessions atomic.Pointer[Sessions]
	tunnels  tunnels
	in       sinks // by subscription of ours
	out      sinks // by peer and subscription of theirs

	mu       sync.Mutex
	closed   bool
	members  map[identity.Name]member.Member
	seen     map[identity.Name]time.Time // since when it is a member
	dead     map[identity.Name]bool      // heartbeats say so
	linked   map[identity.Name]wire.Hello
	table    *route.Table
	service  *directory.Service
	client   *directory.Client
	rooms    map[string]*entry
	moving   map[identity.Name]int // subscriptions, both ways
	relayed  map[identity.Name]relayedFrom
	counter  uint64
	sub      uint32
	errands  map[identity.Name]time.Time // until when a link is wanted besides
	rtt      map[identity.Name]time.Duration
	alive    []identity.Name // members that the directory can ask
	reach    []identity.Name
	detours  bool        // some of them are reached over another only
	peersSet []link.Peer // what the links were told last
	reachDue bool

	stop chan struct{}
	done sync.WaitGroup
}

// Start opens the ports, joins the cluster and keeps to it until Close.
func Start(cfg Config) (*Mesh, error) {
	now := time.Now()
	m := &Mesh{
		self: cfg.Key.Name(), key: cfg.Key, log: cfg.Log, started: uint64(now.UnixMilli()), region: cfg.Region,
		members: make(map[identity.Name]member.Member),
		seen:    make(map[identity.Name]time.Time),
		dead:    make(map[identity.Name]bool),
		linked:  make(map[identity.Name]wire.Hello),
		rooms:   make(map[string]*entry),
		rtt:     make(map[identity.Name]time.Duration),
		moving:  make(map[identity.Name]int),
		errands: make(map[identity.Name]time.Time),
		relayed: make(map[identity.Name]relayedFrom),
		stop:    make(chan struct{}),
	}
	m.table = route.NewTable(m.self)
	m.service = directory.NewService()
	m.client = directory.NewClient(m.self)
	hello := wire.Hello{
		Oldest: wire.OldestVersion, Newest: wire.Version, Name: m.self, Region: cfg.Region, Build: cfg.Build, Started: m.started,
	}
	conn, port, err := listen(cfg)
	if err != nil {
		return nil, err
	}
	m.port = port
	m.links, err = link.Listen(link.Config{Conn: conn, Key: cfg.Key, Secret: cfg.Secret, Hello: hello, Handler: handler{m}, Log: cfg.Log})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open links: %w", err), conn.Close())
	}
	membership := m.membership(cfg)
	m.meta = membership.Self
	m.list, err = member.Start(membership)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open gossip: %w", err), m.links.Close())
	}
	m.done.Go(m.run)
	return m, nil
}

// listen opens the port of the links: the one behind the gossip port, any when that is 0.
func listen(cfg Config) (net.PacketConn, uint16, error) {
	port := 0
	if cfg.Port != 0 {
		port = int(cfg.Port) + 1
	}
	conn, err := cfg.Network.ListenPacket("udp", net.JoinHostPort(cfg.Host, strconv.Itoa(port)))
	if err != nil {
		return nil, 0, fmt.Errorf("listen for links: %w", err)
	}
	addr, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("listen for links: %w", err), conn.Close())
	}
	return conn, addr.Port(), nil
}

// Name returns the node's own name.
func (m *Mesh) Name() identity.Name { return m.self }

// Close leaves the cluster and ends everything. Rooms are to be left before.
func (m *Mesh) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	m.mu.Unlock()
	close(m.stop)
	m.done.Wait()
	if err := m.list.Leave(leavePatience); err != nil { // who did not hear it will see that the heartbeats end
		m.log.Info("leave the cluster", "error", err)
	}
	return errors.Join(m.list.Close(), m.links.Close())
}

// leavePatience bounds how long telling the others takes.
const leavePatience = time.Second

func (m *Mesh) run() {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			m.tick(time.Now())
		case <-m.stop:
			return
		}
	}
}

func (m *Mesh) tick(now time.Time) {
	m.mu.Lock()
	m.live(now)
	m.directory(m.service.Tick(now))
	m.directory(m.client.Tick(now))
	m.announce(now)
	m.settle(now)
	m.mu.Unlock()
}

// announce tells the linked nodes whom this one reaches.
func (m *Mesh) announce(now time.Time) {
	clear(m.rtt)
	for _, r := range m.links.Peers() {
		m.rtt[r.Name] = r.RTT
		m.table.Set(now, r.Name, route.Link{RTT: r.RTT, Loss: uint16(r.Loss * 1000), Up: r.Alive})
	}
	state, _, due := m.table.Announce(now)
	if !due {
		return
	}
	for peer := range m.linked {
		m.links.Send(peer, 0, state)
	}
	m.reachDue = true
}
