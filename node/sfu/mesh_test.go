package sfu

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

// mesh is several rooms, one at each site, that have one clock.
type mesh struct {
	t     testing.TB
	now   time.Time
	sites []*site
	queue []event
	rnd   *rand.Rand
}

// event is something on its way.
type event struct {
	at time.Time
	do func()
}

// site is the room at one node.
type site struct {
	*rig
	m       *mesh
	name    string
	remotes map[byte]*Remote
	ups     []*cable // where its sources are pulled from
	wants   map[room.SourceName]int
}

// cable carries what one site pulls from another, and its feedback.
type cable struct {
	m        *mesh
	from, to *site
	relay    *Relay
	pulled   map[room.SourceName]bool

	delay, jitter time.Duration
	loss, twice   float64
	cut           bool

	sent, dropped int
	classes       map[Class]int
	last          map[room.SourceName][]byte
	nacks, plis   int
}

func newMesh(t testing.TB, names ...string) *mesh {
	m := &mesh{t: t, now: begin, rnd: rand.New(rand.NewPCG(1, 2))}
	for i, name := range names {
		s := &site{rig: newRig(t), m: m, name: name, remotes: map[byte]*Remote{}, wants: map[room.SourceName]int{}}
		n := uint32(1+i) * 10_000_000
		s.room = NewRoom(Config{Rand: func() uint32 { n += 7919; return n }})
		m.sites = append(m.sites, s)
	}
	return m
}

// link lets to pull from from over a way that takes d.
func (m *mesh) link(from, to *site, d time.Duration) *cable {
	c := &cable{m: m, from: from, to: to, delay: d, pulled: map[room.SourceName]bool{}, classes: map[Class]int{}, last: map[room.SourceName][]byte{}}
	c.relay = from.room.JoinRelay(m.now, to.name, c)
	c.relay.SetRTT(2 * d)
	return c
}

// known makes p, who is at another site, known at s.
func (s *site) remote(p *person, encodings int) *Remote {
	r := s.room.JoinRemote(s.now, p.id, s)
	s.remotes[p.n] = r
	s.do(s.room.SetSources(s.now, p.id, p.source(encodings)))
	return r
}

// Feedback implements Upstream: it goes to wherever the source is pulled from first.
func (s *site) Feedback(source room.SourceName, encoding int, compound []byte) {
	if len(s.ups) > 0 {
		s.ups[0].back(source, encoding, slices.Clone(compound))
	}
}

func (c *cable) back(source room.SourceName, encoding int, b []byte) {
	ps, err := rtcp.Unmarshal(b)
	if err != nil {
		c.m.t.Fatal(err)
	}
	for _, p := range ps {
		switch p.(type) {
		case *rtcp.TransportLayerNack:
			c.nacks++
		case *rtcp.PictureLossIndication:
			c.plis++
		}
	}
	if c.cut || c.m.rnd.Float64() < c.loss {
		return
	}
	c.m.after(c.delay, func() { c.relay.Feedback(source, encoding, b, c.m.now) })
}

// Send implements RelayEgress.
func (c *cable) Send(source room.SourceName, encoding int, class Class, b []byte) {
	b = slices.Clone(b)
	report := b[1] == packet.TypeSR
	c.sent++
	c.classes[class]++
	if !report {
		c.last[source] = b
	}
	copies := 1
	if c.m.rnd.Float64() < c.twice {
		copies = 2
	}
	for range copies {
		if c.cut || c.m.rnd.Float64() < c.loss {
			c.dropped++
			continue
		}
		d := c.delay
		if c.jitter > 0 {
			d += time.Duration(c.m.rnd.Int64N(int64(c.jitter)))
		}
		c.m.after(d, func() {
			for _, r := range c.to.remotes {
				if r.ID() != source.Endpoint() {
					continue
				}
				if report {
					r.RTCP(source, encoding, slices.Clone(b), c.m.now)
				} else {
					r.RTP(source, encoding, slices.Clone(b), c.m.now)
				}
			}
		})
	}
}

// after has f done in d.
func (m *mesh) after(d time.Duration, f func()) {
	at := m.now.Add(d)
	i, _ := slices.BinarySearchFunc(m.queue, at, func(e event, at time.Time) int {
		if e.at.After(at) {
			return 1
		}
		return -1 // those of the same time stay in order
	})
	m.queue = slices.Insert(m.queue, i, event{at, f})
}

// wait moves time, and ticks everything every 20 ms.
func (m *mesh) wait(d time.Duration) {
	for end := m.now.Add(d); m.now.Before(end); {
		next := m.now.Truncate(20 * time.Millisecond).Add(20 * time.Millisecond)
		tick := !next.After(end)
		m.until(minTime(next, end))
		if tick {
			m.tick()
		}
	}
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (m *mesh) until(at time.Time) {
	for len(m.queue) > 0 && !m.queue[0].at.After(at) {
		e := m.queue[0]
		m.queue = m.queue[1:]
		m.set(e.at)
		e.do()
		m.pulls()
	}
	m.set(at)
	m.pulls()
}

func (m *mesh) set(now time.Time) {
	m.now = now
	for _, s := range m.sites {
		s.now = now
	}
}

func (m *mesh) tick() {
	for _, s := range m.sites {
		for _, n := range s.order() {
			s.people[n].Participant.Tick(m.now)
		}
		for n := range byte(255) {
			if r := s.remotes[n]; r != nil {
				r.Tick(m.now)
			}
		}
		s.do(s.room.Tick(m.now))
	}
	m.pulls()
}

// pulls turns what the sites want of remote sources into pulls.
func (m *mesh) pulls() {
	for _, s := range m.sites {
		fx := s.effects()
		for _, e := range fx {
			switch e := e.(type) {
			case SenderConstraints:
				s.want(e.Source, e.MaxHeight)
			case AudioWanted:
				h := 0
				if e.On {
					h = 1
				}
				s.want(e.Source, h)
			}
		}
	}
}

func (s *site) want(name room.SourceName, height int) {
	for _, r := range s.remotes {
		if r.ID() == name.Endpoint() {
			s.wants[name] = height
			for _, c := range s.ups {
				c.pull(name, height)
			}
		}
	}
}

func (c *cable) pull(name room.SourceName, height int) {
	c.pulled[name] = height > 0
	c.m.after(c.delay, func() { c.from.do(c.from.room.Pull(c.m.now, c.to.name, name, height)) })
}

// use makes c one of the ways that its site pulls from, the first that feedback goes to.
func (c *cable) use() {
	c.to.ups = slices.Insert(c.to.ups, 0, c)
	for _, r := range c.to.remotes {
		r.SetRTT(2 * c.delay)
	}
	for name, h := range c.to.wants {
		c.pull(name, h)
	}
}

// leave ends that.
func (c *cable) leave() {
	c.to.ups = slices.DeleteFunc(c.to.ups, func(o *cable) bool { return o == c })
	for name := range c.to.wants {
		c.pull(name, 0)
	}
}

// two is a sender at one site, who has the given number of encodings, and receivers at another.
func two(t testing.TB, encodings, receivers int) (m *mesh, a *person, c *cable, bs []*person) {
	m = newMesh(t, "origin", "leaf")
	a = m.sites[0].join(1, encodings)
	c = m.link(m.sites[0], m.sites[1], 40*time.Millisecond)
	m.sites[1].remote(a, encodings)
	c.use()
	for i := range receivers {
		bs = append(bs, m.sites[1].join(byte(10+i), 1))
	}
	m.wait(100 * time.Millisecond)
	return m, a, c, bs
}

// play has a film of the layers for d, one frame every 40 ms, with key frames where they are asked for, and a packet of
// sound every 20 ms.
func (m *mesh) play(a *person, d time.Duration, layers ...int) {
	for end := m.now.Add(d); m.now.Before(end); {
		asked := a.wire.plis(m.t)
		for _, l := range layers {
			a.film(slices.Contains(asked, cameraSSRC(l)), l)
		}
		for range 2 {
			a.speak(50)
			m.wait(20 * time.Millisecond)
		}
	}
}

// judge is a test, or one try of a rapid one.
type judge interface {
	Helper()
	Fatalf(format string, args ...any)
}

// seen checks what a receiver got on an SSRC: each number once, no timestamp that goes back, another encoding only with
// the start of a key frame, nothing missing but as many packets as holes says. It returns the packets in order.
func seen(t judge, got []media, ssrc uint32, holes int) []media {
	t.Helper()
	got = on(got, ssrc)
	if len(got) == 0 {
		t.Fatalf("nothing on %d", ssrc)
	}
	slices.SortStableFunc(got, func(x, y media) int { return int(int16(x.SequenceNumber - y.SequenceNumber)) })
	missing := 0
	for i := 1; i < len(got); i++ {
		x, y := got[i-1], got[i]
		step := y.SequenceNumber - x.SequenceNumber
		if step == 0 {
			t.Fatalf("number %d twice", x.SequenceNumber)
		}
		missing += int(step) - 1
		if int32(y.Timestamp-x.Timestamp) < 0 {
			t.Fatalf("timestamp goes back at %d", y.SequenceNumber)
		}
		if x.codec == VP8 && x.layer != y.layer && (step != 1 || y.vp8.S != 1 || y.vp8.Payload[0]&1 != 0) {
			t.Fatalf("from encoding %d to %d with a step of %d, start %d", x.layer, y.layer, step, y.vp8.S)
		}
	}
	if missing > holes {
		t.Fatalf("%d packets of %d missing, at most %d expected", missing, len(got), holes)
	}
	return got
}

// clean checks that nothing of a node's own stands in a packet for a client.
func clean(t judge, got []media) {
	t.Helper()
	for _, m := range got {
		if m.GetExtension(packet.MarkID) != nil {
			t.Fatalf("a client got the mark %x", m.GetExtension(packet.MarkID))
		}
	}
}

// unmarshal reads RTP.
func unmarshal(t testing.TB, b []byte) *rtp.Packet {
	t.Helper()
	var p rtp.Packet
	if err := p.Unmarshal(b); err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	return &p
}
