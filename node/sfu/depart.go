package sfu

import (
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/node/sfu/bandwidth"
	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

// follows is how far the places of a stream at two nodes may be apart to be one stream without a hole that cannot be
// filled.
const follows = 512

// Depart makes a Remote of a participant that was exported: another node serves it from now on. Its sources stay, and whoever
// gets them goes on with what comes by the Remote. Layers say where the sources stand; they belong into what was exported.
// The effects say among others what is wanted of the sources here.
func (r *Room) Depart(now time.Time, id room.EndpointID, up Upstream) (*Remote, []session.Layer, []Effect) {
	p := r.participants[id]
	if p == nil || p.away() {
		return nil, nil, r.take(now, nil)
	}
	for _, s := range r.sources {
		if sl := p.slot(s.name); sl != nil {
			r.close(s, sl)
		}
	}
	r.opening = slices.DeleteFunc(r.opening, func(o opening) bool { return o.p == p })
	p.video, p.audio, p.fixed, p.wanted, p.forwarded, p.constrained, p.plain = board{}, board{}, nil, nil, nil, false, false
	p.down.mu.Lock()
	p.down.frozen, p.down.slots, p.down.bySSRC = true, nil, nil
	p.down.mu.Unlock()

	var layers []session.Layer
	p.up.mu.Lock()
	for _, s := range p.sources {
		for _, l := range s.layers {
			if !l.stats.Started() {
				continue
			}
			layers = append(layers, session.Layer{
				SSRC: l.ssrc, Extended: l.extended, Height: uint16(min(l.height, 1<<16-1)), Current: l.index == s.current,
			})
			l.stats.Rebase(l.extended)
		}
	}
	p.up.recorder, p.up.offset = nil, clockOffset{}
	p.far.Store(&up)
	p.up.mu.Unlock()

	fx := r.settle(now, nil)
	for _, s := range p.sources {
		if s.kind == room.Audio {
			fx = append(fx, AudioWanted{s.name, s.heard})
		} else {
			fx = append(fx, SenderConstraints{s.name, s.want})
		}
	}
	return &Remote{p}, layers, r.take(now, fx)
}

// arrive makes a participant of this node of one that is a Remote, or makes a new one.
func (r *Room) arrive(now time.Time, id room.EndpointID, out Egress, plain bool) *Participant {
	p := r.participants[id]
	if p == nil || !p.away() {
		return r.add(now, id, out, plain)
	}
	p.plain, p.fixed = plain, map[room.SourceName]*slot{}
	if p.twin == 0 {
		p.twin = p.newSSRC()
	}
	p.up.mu.Lock()
	p.down.mu.Lock()
	p.out = out
	p.down.connected, p.down.frozen, p.down.bySSRC = false, false, map[uint32]*slot{}
	p.down.transport = uint16(r.set.rand())
	p.down.mu.Unlock()
	for _, s := range p.sources {
		for _, l := range s.layers {
			if l.stats.Started() {
				l.extended = l.stats.Extended()
			}
		}
	}
	p.up.recorder = bandwidth.New(p.ssrc)
	p.far.Store(nil)
	p.up.mu.Unlock()
	return p
}

// goOn lets a source of a participant who arrived go on where it stood.
func (p *Participant) goOn(s *source, now time.Time) {
	if len(p.arriving) == 0 {
		return
	}
	p.up.mu.Lock()
	defer p.up.mu.Unlock()
	for _, l := range s.layers {
		i := slices.IndexFunc(p.arriving, func(a session.Layer) bool { return a.SSRC == l.ssrc })
		if i < 0 {
			continue
		}
		a := p.arriving[i]
		if !l.stats.Started() || (a.Extended-l.stats.Extended()+follows)&(1<<40-1) > 2*follows {
			l.stats.Resume(a.Extended, now)
			l.missing.Forget()
			l.extended, l.last = l.stats.Extended(), now
		}
		if l.height == 0 {
			l.height = int(a.Height)
		}
		if a.Current && s.current != l.index {
			s.change(l.index, now)
			s.target, s.since = l.index, now
		}
	}
}

// expect counts participants who are on their way here and get s: what they missed is kept for them.
func (s *source) expect(n int) {
	s.owner.up.mu.Lock()
	s.expected += n
	s.owner.up.mu.Unlock()
}

// Want is a source and how high it is wanted, 1 for audio.
type Want struct {
	Source room.SourceName
	Height int
}

// Gets returns what a participant is sent, or will be in a moment.
func (r *Room) Gets(id room.EndpointID) []Want {
	p := r.participants[id]
	if p == nil || p.away() {
		return nil
	}
	var all []Want
	for _, w := range p.wanted {
		if w.height > 0 {
			all = append(all, Want{w.source.name, int(w.height)})
		}
	}
	for _, s := range r.talkers {
		if sl := p.slot(s.name); sl != nil && sl.on {
			all = append(all, Want{s.name, 1})
		}
	}
	return all
}

// Expect pulls and keeps what a participant gets who is about to arrive, until it is called with nothing.
func (r *Room) Expect(now time.Time, id room.EndpointID, wants []Want) []Effect {
	name := "expected: " + string(id)
	if len(wants) == 0 {
		if r.relays[name] == nil {
			return r.take(now, nil)
		}
		return r.LeaveRelay(now, name)
	}
	r.JoinRelay(now, name, nil)
	var fx []Effect
	for _, w := range wants {
		fx = append(fx, r.Pull(now, name, w.Source, w.Height)...)
	}
	return fx
}

// catchUp sends what the cache has of the source in s behind the last packet that was sent at another node.
func (d *downlink) catchUp(s *slot, now time.Time) {
	from, _ := s.stream.Running()
	last, running := s.stream.Last()
	if !running || from.layer == nil {
		return
	}
	l := from.layer
	var b []byte
	for n := range uint16(follows) {
		var in inbound
		l.mu.Lock()
		stored, note, found := l.ring.Get(last + 1 + n)
		if found = found && l.inRing == from.run; found {
			b = append(b[:0], stored...)
		}
		l.mu.Unlock()
		if !found || packet.Parse(b, d.p.set.extensions, &in.header) != nil {
			continue
		}
		in.mark, in.marked = packet.Mark(note&^inside), note&inside != 0
		if f := d.p.set.formats[in.header.PayloadType]; f.codec != Opus && !in.header.Empty() &&
			in.picture.read(f.codec, b, &in.header, in.header.Payload) != nil {
			in.picture = picture{}
		}
		in.rtp = in.picture.numbers(&in.header)
		in.bytes, in.at, in.origin, in.live, in.sent = b, now, from, true, packet.SendTime(now)
		in.forwarded = true
		if b := d.pass(s, &in); b != nil {
			d.sendOne(b)
		}
	}
}
