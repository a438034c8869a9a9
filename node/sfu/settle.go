package sfu

import (
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu/allocate"
)

// A large room is settled as a whole no more often than that: two hundred who come or go at once would cost two hundred times what
// all of them cost. What is put off is done by Tick.
const (
	largeRoom   = 50 // participants
	settleEvery = 100 * time.Millisecond
)

// settle makes forwarding follow what is wanted: of one participant, or of all when only is nil.
func (r *Room) settle(now time.Time, only *Participant) []Effect {
	var fx []Effect
	r.sort()
	if only == nil {
		if r.unsettled = len(r.list) > largeRoom && now.Sub(r.settled) < settleEvery; r.unsettled {
			r.publish() // who is gone is sent nothing
			return nil
		}
		r.settled = now
	}
	for _, p := range r.list {
		if !p.away() && (only == nil || p == only) {
			fx = r.settleVideo(fx, p)
			fx = r.settleAudio(fx, p)
		}
	}
	fx = r.merge(fx, now)
	r.publish()
	return fx
}

// sort puts the sources in the order in which they are given out: those of the latest dominant speakers first.
func (r *Room) sort() {
	ranked := slices.Clone(r.list)
	slices.SortStableFunc(ranked, func(a, b *Participant) int { return b.dominated.Compare(a.dominated) })
	r.video, r.order, r.talkers = r.video[:0], r.order[:0], r.talkers[:0]
	for _, p := range ranked {
		for _, s := range p.sources {
			if s.kind == room.Audio {
				r.talkers = append(r.talkers, s)
				continue
			}
			r.video = append(r.video, allocate.Source{Name: s.name, Muted: s.muted})
			r.order = append(r.order, s)
		}
	}
	if len(r.talkers) > mostSlots {
		slices.SortStableFunc(r.talkers, func(a, b *source) int { return b.voice.Compare(a.voice) })
	}
}

func (r *Room) settleVideo(fx []Effect, p *Participant) []Effect {
	limit := mostSlots
	if p.plain {
		limit = len(r.order)
	}
	r.wants = r.wants[:0]
	if p.constrained {
		r.wants = allocate.Effective(r.wants, r.video, p.id, &p.constraints, limit)
	}
	p.wanted = p.wanted[:0]
	names := r.names[:0]
	for _, w := range r.wants {
		p.wanted = append(p.wanted, wanted{r.order[w.Index], int32(w.Height), w.Forward})
		if w.Forward {
			names = append(names, r.video[w.Index].Name)
		}
	}
	if p.constraints.LastN >= 0 {
		limit = min(limit, p.constraints.LastN)
	}
	fx = r.place(fx, p, room.Video, names, limit)
	slices.Sort(names)
	if r.names = names; !slices.Equal(names, p.forwarded) {
		p.forwarded = slices.Clone(names) // never written to again
		fx = append(fx, Forwarded{p.id, p.forwarded})
	}
	return fx
}

func (r *Room) settleAudio(fx []Effect, p *Participant) []Effect {
	names := r.names[:0]
	for _, s := range r.talkers {
		if s.owner != p && len(names) < mostSlots {
			names = append(names, s.name)
		}
	}
	r.names = names
	return r.place(fx, p, room.Audio, names, mostSlots)
}

// place gives p's sources of a kind their slots, opens those that are named and closes the others.
func (r *Room) place(fx []Effect, p *Participant, k room.Kind, names []room.SourceName, limit int) []Effect {
	if p.plain {
		fx = r.placePlain(fx, p, k)
	} else {
		b := p.board(k)
		changed := b.places.Assign(names, limit, nil)
		for len(b.slots) < b.places.Len() {
			b.slots = append(b.slots, p.newSlot(k))
		}
		for _, i := range changed {
			r.hold(p, b.slots[i], r.sources[b.places.Source(i)])
		}
		if len(changed) > 0 || b.dirty {
			b.dirty = false
			fx = append(fx, r.mapEffect(p, k))
		}
	}
	r.round++
	for _, n := range names {
		if s := p.slot(n); s != nil && s.source != nil {
			s.named = r.round
			r.turnOn(p, s)
		}
	}
	for _, s := range p.down.slots { // only the control side adds to it
		if s.kind == k && s.on && s.named != r.round {
			r.close(s.source, s)
		}
	}
	return fx
}

// placePlain gives every source of others a slot of its own.
func (r *Room) placePlain(fx []Effect, p *Participant, k room.Kind) []Effect {
	list := r.order
	if k == room.Audio {
		list = r.talkers
	}
	for _, src := range list {
		if src.owner == p || p.fixed[src.name] != nil {
			continue
		}
		s := p.newSlot(k)
		p.fixed[src.name] = s
		r.hold(p, s, src)
		fx = append(fx, Announce{p.id, bare(src.desc), s.ssrc, s.rtx})
	}
	return fx
}

func bare(d room.Source) room.Source {
	d.Encodings = nil
	return d
}

// hold makes src what s holds, and closes it until it is turned on.
func (r *Room) hold(p *Participant, s *slot, src *source) {
	if s.source != nil {
		r.close(s.source, s)
	}
	s.on = false
	if s.restored != nil {
		r.resume(p, s, src, false)
		return
	}
	p.down.hold(s, src)
}

// turnOn opens s at the next Open.
func (r *Room) turnOn(p *Participant, s *slot) {
	if s.on {
		return
	}
	s.on = true
	s.source.listeners++
	if !s.opening {
		s.opening = true
		r.opening = append(r.opening, opening{p, s})
	}
}

// close stops what goes from src through s.
func (r *Room) close(src *source, s *slot) {
	if s.on && s.source != nil {
		s.source.listeners--
	}
	s.on = false
	if src == nil {
		return
	}
	src.remove(s)
	r.touch(src)
	s.down.shut(s)
}

// drop takes a source out of the room.
func (r *Room) drop(fx []Effect, src *source) []Effect {
	for _, p := range r.list {
		s := p.slot(src.name)
		if s == nil {
			continue
		}
		r.close(src, s)
		p.down.hold(s, nil)
		if p.plain {
			delete(p.fixed, src.name)
			p.down.forget(s)
			fx = append(fx, Withdraw{p.id, bare(src.desc), s.ssrc, s.rtx})
			continue
		}
		b := p.board(src.kind)
		b.places.Free(src.name)
		b.dirty = true
	}
	for _, p := range slices.Clone(src.pulls) {
		r.detach(p)
	}
	delete(r.sources, src.name)
	for _, l := range src.layers {
		l.release()
	}
	return fx
}

// describe takes the description d of s; receivers are told when it shows something else.
func (r *Room) describe(s *source, d room.Source) {
	if s.desc.VideoType != d.VideoType {
		for _, p := range r.list {
			if !p.plain && p.slot(s.name) != nil {
				p.video.dirty = true
			}
		}
		s.owner.up.mu.Lock()
		s.desktop = d.VideoType == room.Desktop
		s.owner.up.mu.Unlock()
	}
	s.desc = d
}

// merge finds the greatest height that anybody wants of each source and tells the senders.
func (r *Room) merge(fx []Effect, now time.Time) []Effect {
	for _, s := range r.order {
		s.want = 0
		for _, p := range s.pulls {
			s.want = max(s.want, p.height)
		}
	}
	for _, p := range r.list {
		for _, w := range p.wanted {
			w.source.want = max(w.source.want, int(w.height))
		}
	}
	for _, s := range r.order {
		if s.want == s.told || s.told == none && s.want == 0 {
			continue
		}
		s.told = s.want
		fx = append(fx, SenderConstraints{s.name, s.want})
		s.owner.up.mu.Lock()
		s.wanted = s.want
		s.retarget(now)
		s.owner.up.mu.Unlock()
	}
	for _, s := range r.talkers {
		if on := s.listeners+len(s.pulls) > 0; s.owner.away() && on != s.heard {
			s.heard = on
			fx = append(fx, AudioWanted{s.name, on})
		}
	}
	return fx
}

// touch has the table of s published at the next publish.
func (r *Room) touch(s *source) { r.changed = append(r.changed, s) }

func (r *Room) publish() {
	for _, s := range r.changed {
		s.publish()
	}
	r.changed = r.changed[:0]
}

// setStreams tells the packet side what the SSRCs of the participant mean.
func (p *Participant) setStreams() {
	streams := map[uint32]incoming{}
	for _, s := range p.sources {
		for _, l := range s.layers {
			if _, twice := streams[l.ssrc]; twice || l.ssrc == 0 {
				continue
			}
			streams[l.ssrc] = incoming{layer: l}
			if _, twice := streams[l.rtx]; l.rtx != 0 && !twice {
				streams[l.rtx] = incoming{layer: l, rtx: true}
			}
		}
	}
	named := map[room.SourceName]*source{}
	for _, s := range p.sources {
		named[s.name] = s
	}
	p.up.mu.Lock()
	defer p.up.mu.Unlock()
	p.up.streams, p.up.named, p.up.sources = streams, named, slices.Clone(p.sources)
}
