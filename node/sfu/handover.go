package sfu

import (
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/node/sfu/bandwidth"
	"github.com/atoll-mesh/atoll/node/sfu/rewrite"
)

// Export stops all sending to the participant and returns where everything stands, for [Room.Import] at another node. It
// belongs to the control side.
func (p *Participant) Export() session.Forwarding {
	p.freeze()
	return p.Snapshot()
}

// Snapshot returns where everything stands while it goes on. It belongs to the control side.
func (p *Participant) Snapshot() session.Forwarding {
	f := session.Forwarding{Constraints: slices.Clone(p.constraints.Raw)}
	p.up.mu.Lock()
	st, _ := p.up.recorder.State()
	p.up.mu.Unlock()
	f.NextTransportSeq, f.FeedbackCount, f.FeedbackMoves = st.Next, st.Count, st.Moves
	p.down.mu.Lock()
	defer p.down.mu.Unlock()
	for _, k := range []room.Kind{room.Audio, room.Video} {
		b := p.board(k)
		for i, s := range b.slots {
			f.Slots = append(f.Slots, s.export(b.places.Source(i)))
		}
		for name, s := range p.fixed {
			if s.kind == k {
				f.Slots = append(f.Slots, s.export(name))
			}
		}
	}
	return f
}

// export returns where s stands.
func (s *slot) export(name room.SourceName) session.Slot {
	out := session.Slot{Kind: s.kind, SSRC: s.ssrc, RTX: s.rtx, RTXSeq: s.rtxSeq, Source: name}
	if s.restored != nil {
		out.Rewrite = *s.restored
		return out
	}
	out.Rewrite = s.stream.State()
	if from, running := s.stream.Running(); running {
		out.Rewrite.InSSRC = from.layer.ssrc
	}
	return out
}

// freeze ends all sending to the participant.
func (p *Participant) freeze() {
	p.down.mu.Lock()
	p.down.frozen = true
	p.down.mu.Unlock()
}

// Import adds a participant who comes from another node, with what [Participant.Export] returned there. Its streams go on
// where they stood, with what the caches have that came since ([Room.Expect]); its sources and constraints are set as for
// anybody. Who was a Remote stays in place: its sources go on, for those who get them too. The reference time of its
// feedback jumps.
func (r *Room) Import(now time.Time, id room.EndpointID, out Egress, plain bool, f *session.Forwarding) *Participant {
	p := r.arrive(now, id, out, plain)
	p.arriving = f.Layers
	for _, s := range p.sources {
		p.goOn(s, now)
	}
	p.constraints.Raw = slices.Clone(f.Constraints)
	if f.NextTransportSeq != 0 || f.FeedbackCount != 0 || f.FeedbackMoves != 0 {
		p.up.mu.Lock()
		p.up.recorder = bandwidth.Resume(p.ssrc, bandwidth.State{Next: f.NextTransportSeq, Count: f.FeedbackCount, Moves: f.FeedbackMoves})
		p.up.mu.Unlock()
	}
	for i := range f.Slots {
		p.restore(&f.Slots[i])
	}
	for _, s := range r.sources {
		r.bindTo(p, s)
	}
	r.pending = append(r.pending, r.settle(now, p)...)
	return p
}

// restore makes a slot that the participant knows from another node.
func (p *Participant) restore(in *session.Slot) {
	if in.Kind != room.Audio && in.Kind != room.Video || in.SSRC == 0 || p.down.bySSRC[in.SSRC] != nil {
		return
	}
	name := in.Source
	if name != "" && p.slot(name) != nil {
		name = ""
	}
	if name == "" && p.plain {
		return
	}
	p.used[in.SSRC], p.used[in.RTX] = true, true
	st := in.Rewrite
	s := &slot{
		down: &p.down, kind: in.Kind, ssrc: in.SSRC, rtx: in.RTX, rtxSeq: in.RTXSeq, restored: &st,
		stream: rewrite.Resume(clockRate(in.Kind), &st, origin{}, false),
	}
	if p.plain {
		p.fixed[name] = s
	} else {
		b := p.board(in.Kind)
		b.slots = append(b.slots, s)
		b.places.Add(name)
	}
	p.down.add(s)
}

// bind gives a new source to the restored slots that wait for it.
func (r *Room) bind(src *source) {
	for _, p := range r.list {
		r.bindTo(p, src)
	}
}

func (r *Room) bindTo(p *Participant, src *source) {
	if s := p.slot(src.name); s != nil && s.restored != nil {
		r.resume(p, s, src, true)
	}
}

// resume lets the restored slot s go on with src: within the segment that it was in, when src is the same as there and
// has the encoding, else with the next packet that may start one.
func (r *Room) resume(p *Participant, s *slot, src *source, same bool) {
	st := s.restored
	s.restored = nil
	var from origin
	if same && st.Started && st.InSSRC != 0 {
		u := &src.owner.up
		u.mu.Lock()
		for _, l := range src.layers {
			if l.ssrc == st.InSSRC {
				from = origin{l, l.run}
				if src.current == none && src.kind == room.Video {
					src.current = l.index // what the sender sends there needs no key frame
				}
			}
		}
		u.mu.Unlock()
	}
	stream := rewrite.Resume(clockRate(s.kind), st, from, from.layer != nil)
	p.down.mu.Lock()
	defer p.down.mu.Unlock()
	s.source, s.stream, s.open, s.behind = src, stream, false, from.layer != nil
}
