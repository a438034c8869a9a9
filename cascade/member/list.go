package member

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// Config says who the node is and how it finds the others.
type Config struct {
	Network Network
	// Bind is the address to listen on, TCP and UDP: "host:port" or ":port". With port 0 it is any that is free for both.
	Bind string
	// Advertise is the address by which others reach this node. Without it, or without its IP or port, what is missing is
	// found out: the bound address, or the best one of the machine.
	Advertise netip.AddrPort
	Key       identity.Key
	Secret    identity.Secret
	// Self is what the node says of itself at first. Started is set when it is 0.
	Self Meta
	// Join are the seeds: addresses or names, with or without port.
	Join     []string
	Resolver Resolver // nil: the system's
	Folder   Folder   // nil: nothing is remembered
	// Domain is the one that the node serves, which must be that of all others. "": nobody is told.
	Domain string
	// Do does what another node asks for ([Question.Task]), within the context. It is called from goroutines of the list's own, of
	// which there are at most eight. Nil: only questions without a task are answered.
	Do  func(ctx context.Context, from netip.Addr, task []byte) []byte
	Log *slog.Logger
	// Changed is told of all members, sorted by name and with this one among them, whenever something about them changed. It
	// is called from one goroutine of the list's own. May be nil.
	Changed func([]Member)
}

// Memberlist's settings, measured over the round trips of the public Internet.
const (
	probeInterval  = time.Second
	probeTimeout   = 700 * time.Millisecond
	gossipInterval = 100 * time.Millisecond
	gossipNodes    = 4
	syncInterval   = 20 * time.Second
	deadFor        = 10 * time.Minute // that dead members are gossiped to, and listed
	streamTimeout  = 5 * time.Second
	updateTimeout  = time.Second
)

// List is a running member of a cluster.
type List struct {
	self      identity.Name
	cfg       Config
	log       *slog.Logger
	advertise netip.AddrPort
	gripes    *complaints
	table     *table
	transport *transport
	gossip    *memberlist.Memberlist
	memory    *memory

	restamp chan struct{} // the own metadata is to be told anew
	claims  chan struct{} // two members have one address

	ending sync.Mutex // guards left and closed
	left   bool
	closed bool
	leaves sync.WaitGroup

	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// Start listens and begins to look for the others. It does not wait for them.
func Start(cfg Config) (*List, error) {
	if cfg.Secret.IsZero() {
		return nil, errors.New("start gossip: no secret")
	}
	if cfg.Resolver == nil {
		cfg.Resolver = net.DefaultResolver
	}
	seeds, err := parseSeeds(cfg.Join)
	if err != nil {
		return nil, err
	}
	l := &List{
		self: cfg.Key.Name(), cfg: cfg, log: cfg.Log, gripes: newComplaints(cfg.Log),
		restamp: make(chan struct{}, 1), claims: make(chan struct{}, 1),
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	label := labelOf(cfg.Secret)
	l.transport, err = openTransport(cfg.Network, cfg.Bind, label, l.gripes)
	if err != nil {
		l.cancel()
		return nil, fmt.Errorf("start gossip: %w", err)
	}
	l.advertise, err = advertised(cfg.Advertise, l.transport.addr())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start gossip: %w", err), l.abandon())
	}
	l.transport.advertise = l.advertise
	l.table, err = newTable(cfg.Key, l.advertise, cfg.Self, l.gripes)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start gossip: %w", err), l.abandon())
	}
	l.table.restamp = l.restamp
	clerk := &clerk{self: l.self, domain: cfg.Domain, do: cfg.Do}
	if clerk.envelope, err = newEnvelope(cfg.Secret); err != nil {
		return nil, errors.Join(fmt.Errorf("start gossip: %w", err), l.abandon())
	}
	l.transport.clerk.Store(clerk)
	l.memory = recall(cfg.Folder, l.log)
	l.gossip, err = memberlist.Create(l.settings(label))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start gossip: %w", err), l.abandon())
	}
	l.done.Go(l.tell)
	l.done.Go(l.update)
	l.done.Go(l.arbitrate)
	l.done.Go(func() { l.rejoin(seeds) })
	return l, nil
}

func (l *List) abandon() error {
	l.cancel()
	return l.transport.Shutdown()
}

func (l *List) settings(label string) *memberlist.Config {
	c := memberlist.DefaultWANConfig()
	c.Name = string(l.self)
	c.Transport = l.transport
	c.AdvertiseAddr, c.AdvertisePort = l.advertise.Addr().String(), int(l.advertise.Port())
	c.BindPort = int(l.advertise.Port())
	c.SecretKey = identity.GossipKey(l.cfg.Secret)
	c.Label = label
	c.SkipInboundLabelCheck = true // the transport takes the label off
	c.ProbeInterval, c.ProbeTimeout = probeInterval, probeTimeout
	c.SuspicionMult, c.SuspicionMaxTimeoutMult = 4, 3
	c.GossipInterval, c.GossipNodes = gossipInterval, gossipNodes
	c.RetransmitMult = 6 // with 4 one change in thirty misses one of 36 nodes, which then waits for a push/pull
	c.PushPullInterval = syncInterval
	c.GossipToTheDeadTime = deadFor
	c.DeadNodeReclaimTime = time.Second
	c.TCPTimeout = streamTimeout
	c.EnableCompression = false // keys and signatures do not compress, and each try costs 64 KiB
	c.LogOutput = journal{l.log, l.gripes}
	c.Delegate, c.Events, c.Alive = delegate{l}, l.table, l.table
	return c
}

// Addr returns the address of the node's gossip as others know it.
func (l *List) Addr() netip.AddrPort { return l.advertise }

// Members returns all members, sorted by name, this one among them. Those who left or died are in it for ten minutes.
func (l *List) Members() []Member { return l.table.view(time.Now()) }

// Update changes what the node says of itself. Started stays what it was when it is 0.
func (l *List) Update(m Meta) error {
	if err := l.table.say(m); err != nil {
		return fmt.Errorf("update metadata: %w", err)
	}
	poke(l.restamp)
	return nil
}

// Leave tells the others that the node goes, and waits until some have heard, at most for the timeout. The node stays able
// to answer until Close.
func (l *List) Leave(timeout time.Duration) error {
	l.ending.Lock()
	if l.left || l.closed {
		l.ending.Unlock()
		return nil
	}
	l.left = true
	l.leaves.Add(1)
	l.ending.Unlock()
	defer l.leaves.Done()
	l.table.leave()
	deadline := time.Now().Add(timeout)
	l.sayFarewell()
	first := l.gossip.UpdateNode(timeout/2 + 1)
	l.sayFarewell() // the first may have been lost
	if err := l.gossip.Leave(max(time.Until(deadline), time.Millisecond)); err != nil {
		return fmt.Errorf("leave the cluster: %w", errors.Join(first, err))
	}
	return nil
}

// sayFarewell tells every member that the node leaves. That it is gone travels by gossip and may overtake there that it meant to.
func (l *List) sayFarewell() {
	sealed := l.table.metadata()
	for _, m := range living(l.Members()) {
		// Who does not get it hears it by gossip.
		_ = l.gossip.SendToAddress(memberlist.Address{Addr: m.Addr.String(), Name: string(m.Name)}, sealed)
	}
}

// Close ends the node's part without a word to the others; see Leave.
func (l *List) Close() error {
	l.ending.Lock()
	if l.closed {
		l.ending.Unlock()
		return nil
	}
	l.closed = true
	l.ending.Unlock()
	l.leaves.Wait()
	l.cancel()
	err := l.gossip.Shutdown()
	l.done.Wait()
	l.memory.keep(time.Now(), l.cfg.Folder, l.log)
	if err != nil {
		return fmt.Errorf("close gossip: %w", err)
	}
	return nil
}

func (l *List) leaving() bool {
	l.ending.Lock()
	defer l.ending.Unlock()
	return l.left
}

// tell passes changes on.
func (l *List) tell() {
	var told []Member
	for {
		now := l.Members()
		if !slices.EqualFunc(told, now, Member.equal) {
			l.report(told, now)
			told = now
			if l.cfg.Changed != nil {
				l.cfg.Changed(slices.Clone(now))
			}
		}
		select {
		case <-l.table.changed:
		case <-l.ctx.Done():
			return
		}
		poke(l.claims)
	}
}

// update makes memberlist spread the own metadata again.
func (l *List) update() {
	for {
		select {
		case <-l.restamp:
			if err := l.gossip.UpdateNode(updateTimeout); err != nil {
				l.log.Debug("gossip is slow to spread the metadata", "error", err)
			}
		case <-l.ctx.Done():
			return
		}
	}
}

// poke fills a channel of one unless it is full.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
