package resume

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/signaling/bridge"
	"github.com/atoll-mesh/atoll/signaling/stanza"
	"github.com/atoll-mesh/atoll/signaling/stream"
)

const delay = 20 * time.Millisecond // one way

// cluster is nodes whose frames go through their encoding and arrive later, in order.
type cluster struct {
	t     *testing.T
	mu    sync.Mutex
	nodes []*node
	under sync.WaitGroup // frames are under way
	// sent counts frames by type; lose says which are lost.
	sent map[string]int
	lose func(wire.Frame) bool
}

type node struct {
	c        *cluster
	name     identity.Name
	service  *Service
	streams  *stream.Server
	channels *bridge.Server
	inbox    chan func()
	dead     bool
	drains   bool
	rooms    map[string]string // full JID to room
	serving  map[string]identity.Name
	hearer   *hearer
	given    int
	revived  []*session.Participant
}

// inCluster runs a test with nodes in virtual time.
func inCluster(t *testing.T, n int, test func(t *testing.T, c *cluster)) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, sent: make(map[string]int)}
		for i := range n {
			c.start(identity.Name(strings.Repeat(string(rune('a'+i)), 10)))
		}
		defer func() {
			for _, n := range c.nodes {
				n.service.Close()
				n.streams.Close()
				n.channels.Close()
			}
			for _, n := range c.nodes {
				n.kill()
			}
			for _, n := range c.nodes {
				close(n.inbox)
			}
			c.under.Wait()
		}()
		test(t, c)
	})
}

func (c *cluster) start(name identity.Name) *node {
	n := &node{c: c, name: name, inbox: make(chan func(), 10_000), rooms: make(map[string]string), serving: make(map[string]identity.Name), hearer: &hearer{}}
	n.streams = stream.NewServer(stream.Config{Domain: "meet.test", Node: string(name), Handler: nobody{}})
	n.channels = bridge.NewServer(bridge.Config{Version: string(name), Lookup: func(_, endpoint, password string) (bridge.Handler, bool) {
		return n.hearer, endpoint == n.hearer.endpoint && password == "secret"
	}})
	n.service = New(Config{
		Self: name, Standby: true, Mesh: n, Streams: n.streams, Rooms: n, Channels: n.channels, Mover: n, Log: slog.New(slog.DiscardHandler),
	})
	c.under.Go(func() {
		for f := range n.inbox {
			f()
		}
	})
	c.nodes = append(c.nodes, n)
	return n
}

func (c *cluster) node(name identity.Name) *node {
	for _, n := range c.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

// kill ends a node without a word.
func (n *node) kill() {
	n.c.mu.Lock()
	n.dead = true
	n.c.mu.Unlock()
}

// Tell implements Mesh.
func (n *node) Tell(to identity.Name, f wire.Frame) bool {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	n.c.sent[strings.TrimPrefix(fmt.Sprintf("%T", f), "wire.")]++
	peer := n.c.node(to)
	if peer == nil || peer.dead || n.dead || to == n.name {
		return false
	}
	if n.c.lose != nil && n.c.lose(f) {
		return true
	}
	b := wire.Append(nil, f, wire.Version)
	if len(b) == 0 {
		n.c.t.Errorf("%T cannot be sent: %v", f, wire.Valid(f))
		return false
	}
	from, at := n.name, time.Now().Add(delay)
	peer.inbox <- func() {
		time.Sleep(time.Until(at))
		n.c.mu.Lock()
		dead := peer.dead
		n.c.mu.Unlock()
		got, err := wire.Parse(b, wire.Version)
		if err != nil {
			n.c.t.Error(err)
		} else if !dead {
			peer.service.Session(from, got)
		}
	}
	return true
}

func (n *node) Send(to identity.Name, f wire.Frame) bool { return n.Tell(to, f) }

func (n *node) Want(peer identity.Name) bool {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	p := n.c.node(peer)
	return p != nil && !p.dead
}

func (n *node) Alive() (alive, open []identity.Name) {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	for _, one := range n.c.nodes {
		if !one.dead {
			alive = append(alive, one.name)
			if !one.drains {
				open = append(open, one.name)
			}
		}
	}
	return alive, open
}

// Snapshot implements Rooms.
func (n *node) Snapshot(each func(*session.Participant)) {
	n.c.mu.Lock()
	if n.dead {
		n.c.mu.Unlock()
		return
	}
	var all []*session.Participant
	for jid, in := range n.rooms {
		if s := n.streams.Session(jid); s != nil {
			if v, ok := s.Snapshot(); ok {
				all = append(all, &session.Participant{Room: in, Endpoint: s.Endpoint(), Epoch: 1, Stream: v, Media: session.Media{
					LocalKey: []byte("key"), Sent: []session.SentRTP{{SSRC: 1, Index: 2, Window: [8]uint64{3}}},
				}})
			}
		}
	}
	n.c.mu.Unlock()
	for _, p := range all {
		each(p)
	}
}

func (n *node) Where(jid string) []string {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	if r := n.rooms[jid]; r != "" {
		return []string{r}
	}
	return nil
}

func (n *node) Serving(_, endpoint string) (identity.Name, bool) {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	at, ok := n.serving[endpoint]
	return at, ok
}

// Give implements Mover: the participant is there after a round trip.
func (n *node) Give(ctx context.Context, in string, id room.EndpointID, to identity.Name) error {
	n.c.mu.Lock()
	peer := n.c.node(to)
	var jid string
	for j := range n.rooms {
		if strings.HasPrefix(j, string(id)) {
			jid = j
		}
	}
	delete(n.rooms, jid)
	n.given++
	n.c.mu.Unlock()
	s := n.streams.Session(jid)
	if s == nil {
		return errors.New("it is gone")
	}
	value := s.Export()
	time.Sleep(2 * delay)
	return peer.Revive(ctx, &session.Participant{Room: in, Endpoint: id, Stream: value}, false)
}

func (n *node) Revive(_ context.Context, p *session.Participant, dead bool) error {
	enter := n.streams.Import
	if dead {
		enter = n.streams.Revive
	}
	s, err := enter(p.Stream)
	if err != nil {
		return err
	}
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	n.rooms[s.JID()] = p.Room
	copied := *p
	n.revived = append(n.revived, &copied)
	return nil
}

// session makes a session of a client at the node and returns its token.
func (n *node) session(i int, in string) (jid, token string) {
	jid = fmt.Sprintf("%08x-0000@meet.test/r", i)
	token = fmt.Sprintf("%s-%016d%032d", n.name, i, i)
	if _, err := n.streams.Import(session.Stream{JID: jid, ResumeToken: token}); err != nil {
		n.c.t.Fatal(err)
	}
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	if in != "" {
		n.rooms[jid] = in
	}
	return jid, token
}

// fetch brings a session to the node, as a client that comes there would have it.
func (n *node) fetch(token string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	return n.service.Fetch(ctx, token)
}

// has returns the nodes that have a session.
func (c *cluster) has(jid string) []identity.Name {
	var all []identity.Name
	for _, n := range c.nodes {
		if n.streams.Session(jid) != nil && !n.dead {
			all = append(all, n.name)
		}
	}
	slices.Sort(all)
	return all
}

func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// nobody takes what streams bring.
type nobody struct{}

func (nobody) Bound(*stream.Session)                   {}
func (nobody) Stanza(*stream.Session, *stanza.Element) {}
func (nobody) Suspended(*stream.Session)               {}
func (nobody) Resumed(*stream.Session)                 {}
func (nobody) Closed(*stream.Session, stream.Cause)    {}

// hearer is the participant of a bridge channel.
type hearer struct {
	endpoint string
	mu       sync.Mutex
	channel  *bridge.Channel
	heard    []string
	closed   int
}

func (h *hearer) Opened(c *bridge.Channel) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.channel = c
}

func (h *hearer) Message(_ *bridge.Channel, m bridge.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = append(h.heard, fmt.Sprintf("%T", m))
}

func (h *hearer) Closed(*bridge.Channel, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed++
}
