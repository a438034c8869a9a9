package node

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/conference"
	"github.com/atoll-mesh/atoll/node/config"
	"github.com/atoll-mesh/atoll/node/edge"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/signaling/stream"
	"github.com/atoll-mesh/atoll/tools/freeport"
	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// patience is how long something expected may take when others have the machine. A test that passes does not wait for it.
const patience = 2 * time.Minute

// startNode runs a node on loopback, with further flags, and returns it with the URL of its XMPP WebSocket.
func startNode(t *testing.T, flags ...string) (*Node, string) {
	t.Helper()
	addr := freeport.Get(t)
	flags = append([]string{
		"--http", addr, "--node-url", "http://" + addr, "--mesh", "127.0.0.1:0", "--turn", "off", "--media", "127.0.0.1:0", "--admin", "off",
		"--data", t.TempDir(),
	}, flags...)
	cfg, err := config.Load(flags, nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := start(cfg, slog.New(slog.DiscardHandler), nearWrap())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return n, "ws://" + addr + "/xmpp-websocket"
}

// nearWrap returns numbers that differ and whose lower half, which sequences begin with, is soon to wrap.
func nearWrap() func() uint32 {
	var n atomic.Uint32
	return func() uint32 { return n.Add(1)<<16 | 0xffc0 }
}

// ear counts what a participant receives: every sequence number once, per SSRC.
type ear struct {
	mu   sync.Mutex
	seen map[uint32]map[uint64]int // SSRC, extended sequence number
	ts   map[uint32]map[uint64]uint32
	last map[uint32]uint64

	heard time.Time     // the newest packet
	still time.Duration // the longest time without one, since silence was asked
}

// silence returns the longest time without a packet, of anybody, since it was asked last.
func (e *ear) silence() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	still := e.still
	e.still = 0
	return still
}

func newEar() *ear {
	return &ear{seen: make(map[uint32]map[uint64]int), ts: make(map[uint32]map[uint64]uint32), last: make(map[uint32]uint64)}
}

func (e *ear) hear(h *rtp.Header, _ []byte, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.heard.IsZero() {
		e.still = max(e.still, at.Sub(e.heard))
	}
	e.heard = at
	last, known := e.last[h.SSRC]
	seq := uint64(h.SequenceNumber) | 1<<16
	if known {
		seq = last + uint64(int64(int16(h.SequenceNumber-uint16(last))))
	} else {
		e.seen[h.SSRC], e.ts[h.SSRC] = make(map[uint64]int), make(map[uint64]uint32)
	}
	e.seen[h.SSRC][seq]++
	e.ts[h.SSRC][seq] = h.Timestamp
	e.last[h.SSRC] = max(last, seq)
}

// streams returns per SSRC how many packets came, how many are missing between first and last, how many came twice, and
// whether the sequence wrapped.
func (e *ear) streams() map[uint32]counted {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make(map[uint32]counted)
	for ssrc, seqs := range e.seen {
		var s counted
		first := ^uint64(0)
		for seq, n := range seqs {
			first = min(first, seq)
			s.received += n
			if n > 1 {
				s.twice++
			}
		}
		s.missing = int(e.last[ssrc]-first+1) - len(seqs)
		for seq, ts := range e.ts[ssrc] {
			if next, ok := e.ts[ssrc][seq+1]; ok && next != ts && next-ts != 960 && next-ts != 90000/load.FramesPerSecond {
				s.jumps++
			}
		}
		s.wrapped = first>>16 != e.last[ssrc]>>16
		out[ssrc] = s
	}
	return out
}

type counted struct {
	received, missing, twice int
	jumps                    int // timestamps that are not those of the next packet: something of the source is left out
	wrapped                  bool
}

// guest is a participant that talks and listens.
type guest struct {
	*participant.Participant
	ear    *ear
	source *load.Publisher
	over   *participant.Transport // what it talks, or talked, over
	stop   context.CancelFunc
	done   sync.WaitGroup
}

func join(ctx context.Context, t *testing.T, url, name string, ssrc uint32, more ...func(*participant.Config)) *guest {
	t.Helper()
	g := &guest{ear: newEar(), source: load.NewPublisher(ssrc, ssrc+1, 65500)}
	cfg := participant.Config{
		URL: url, Domain: "localhost", Room: "moving", Name: name,
		SSRCs: participant.SSRCs{Audio: ssrc, Video: []uint32{ssrc + 1}, RTX: []uint32{ssrc + 2}},
		OnRTP: g.ear.hear,
	}
	for _, f := range more {
		f(&cfg)
	}
	p, err := participant.Join(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	g.Participant = p
	return g
}

func (g *guest) talk(ctx context.Context, t *testing.T) {
	select {
	case <-g.Connected():
	case <-ctx.Done():
		t.Fatalf("connect: %v, %v", ctx.Err(), g.Err())
	}
	g.over = g.Transport()
	ctx, g.stop = context.WithCancel(ctx)
	g.done.Go(func() { _ = load.Publish(ctx, g.source, g.over, nil, func(time.Time) {}) })
}

// talkAnew has a guest whose media session another follows talk over that one.
func (g *guest) talkAnew(ctx context.Context, t *testing.T) {
	t.Helper()
	g.stop()
	g.done.Wait()
	eventually(ctx, t, "a new session", func() bool {
		next := g.Transport()
		return next != nil && next != g.over
	})
	g.talk(ctx, t)
}

func (g *guest) received(ssrcs int, each int) func() bool {
	return func() bool {
		n := 0
		for _, s := range g.ear.streams() {
			if s.received >= each {
				n++
			}
		}
		return n >= ssrcs
	}
}

func eventually(ctx context.Context, t *testing.T, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !ok() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, ctx.Err())
		}
	}
}

// TestHandover moves two live participants from one node's edge, streams and rooms to another's: their whole state goes
// through the encoding, their paths stay where they are and carry sealed packets to the new node. Nothing is lost in
// either direction, across the wrap of every sequence, and the chat goes on.
func TestHandover(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	first, url1 := startNode(t)
	second, url2 := startNode(t)
	a, b := join(ctx, t, url1, "a", 1000), join(ctx, t, url1, "b", 2000)
	a.talk(ctx, t)
	b.talk(ctx, t)
	eventually(ctx, t, "media before the move", a.received(2, 30))
	eventually(ctx, t, "media before the move", b.received(2, 30))
	a.Chat("before")
	if err := b.Await(ctx, "chat before the move", said("before")); err != nil {
		t.Fatal(err)
	}

	closePipes := move(ctx, t, first, second, a, b)
	defer closePipes()
	for _, g := range []*guest{a, b} {
		g.Stream().Cut() // the old node has cut the socket already; the client notices
		if err := g.Stream().Resume(ctx, url2); err != nil {
			t.Fatalf("resume at the second node: %v", err)
		}
	}
	a.Chat("after")
	if err := b.Await(ctx, "chat after the move", said("after")); err != nil {
		t.Fatal(err)
	}

	before := b.ear.streams()
	for ssrc, s := range before {
		eventually(ctx, t, "media after the move", func() bool { return b.ear.streams()[ssrc].received > s.received+100 })
	}
	for _, g := range []*guest{a, b} {
		g.stop()
		g.done.Wait()
	}
	for name, g := range map[string]*guest{"a": a, "b": b} {
		streams := g.ear.streams()
		if len(streams) != 2 {
			t.Errorf("%s received %d streams, want 2: %v", name, len(streams), streams)
		}
		for ssrc, s := range streams {
			t.Logf("%s, ssrc %d: %+v", name, ssrc, s)
			if s.missing != 0 || s.twice != 0 || !s.wrapped {
				t.Errorf("%s, ssrc %d: %+v; want nothing missing, nothing twice, a wrap", name, ssrc, s)
			}
		}
		if n := g.Transport().Unopened(); n != 0 {
			t.Errorf("%s could not open %d packets", name, n)
		}
		if err := g.Err(); err != nil {
			t.Error(err)
		}
		if occupants := g.State().Occupants; len(occupants) != 3 {
			t.Errorf("%s sees %v, want both and the focus", name, occupants)
		}
	}
	a.Leave()
	if err := b.Await(ctx, "the other to leave", func(s participant.State) bool { return len(s.Occupants) == 2 }); err != nil {
		t.Error(err)
	}
	b.Leave()
}

// TestResumeBeforeAdoption: a client comes to the new node when its stream is there and its place in the room is not yet. It waits,
// and what it says first is heard.
func TestResumeBeforeAdoption(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	first, url1 := startNode(t)
	second, url2 := startNode(t)
	a, b := join(ctx, t, url1, "a", 1000), join(ctx, t, url1, "b", 2000)
	for _, g := range []*guest{a, b} {
		g.talk(ctx, t)
	}
	for _, g := range []*guest{a, b} {
		eventually(ctx, t, "media before the move", g.received(2, 1))
		g.stop()
		g.done.Wait()
	}
	closePipes := moveWith(ctx, t, first, second, func(s *stream.Session) {
		if s.JID() != a.JID() {
			return
		}
		a.Stream().Cut()
		resumed := make(chan error, 1)
		go func() {
			resumed <- a.Stream().Resume(ctx, url2)
			a.Chat("first word")
		}()
		select { // it must not have come through
		case err := <-resumed:
			t.Errorf("resumed before the room knew: %v", err)
		case <-time.After(200 * time.Millisecond):
		}
	}, a, b)
	defer closePipes()
	b.Stream().Cut()
	if err := b.Stream().Resume(ctx, url2); err != nil {
		t.Fatal(err)
	}
	if err := b.Await(ctx, "the first word", said("first word")); err != nil {
		t.Error(err)
	}
	for _, who := range second.rooms.Everybody(ctx) {
		if who.Lost {
			t.Errorf("%s counts as lost", who.Endpoint)
		}
	}
	a.Leave()
	b.Leave()
}

func said(body string) func(participant.State) bool {
	return func(s participant.State) bool {
		for _, c := range s.Chats {
			if c.Body == body {
				return true
			}
		}
		return false
	}
}

// move takes the guests from one node to the other and returns what closes the paths that stay at the first.
func move(ctx context.Context, t *testing.T, from, to *Node, guests ...*guest) func() {
	t.Helper()
	return moveWith(ctx, t, from, to, func(*stream.Session) {}, guests...)
}

// moveWith is move with something that happens when a stream is there and its place in the room is not.
func moveWith(ctx context.Context, t *testing.T, from, to *Node, between func(*stream.Session), guests ...*guest) func() {
	t.Helper()
	const jid = "moving@conference.localhost"
	var endpoints []room.EndpointID
	for _, g := range guests {
		endpoints = append(endpoints, room.EndpointID(g.Endpoint()))
	}
	released, err := from.rooms.Release(ctx, jid, endpoints)
	if err != nil {
		t.Fatal(err)
	}
	var arrivals []conference.Arrival
	legs := make([]*edge.Leg, len(released))
	for i, r := range released {
		value, err := session.Decode(session.Encode(r.Participant))
		if err != nil {
			t.Fatal(err)
		}
		r.Participant.Wipe()
		s, err := to.streams.Arrive(value.Stream, false)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Settle()
		between(s)
		arrivals = append(arrivals, conference.Arrival{Participant: value, Session: s, Open: func(r conference.LegReceiver) (conference.Leg, error) {
			leg, err := to.edge.Import(value.Media, r)
			if err != nil {
				return nil, fmt.Errorf("import leg: %w", err)
			}
			legs[i] = leg
			return leg, nil
		}})
	}
	if err := to.rooms.Adopt(ctx, jid, arrivals); err != nil {
		t.Fatal(err)
	}
	var paths []*edge.Path
	for i, r := range released {
		path := r.Leg.(*edge.Leg).Path()
		legs[i].Attach(path)
		paths = append(paths, path)
	}
	for i, path := range paths {
		path.Redirect(func(sealed []byte) { legs[i].Deliver(sealed) })
	}
	return func() {
		for _, p := range paths {
			p.Close()
		}
	}
}
