package sfu

import (
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu/allocate"
	"github.com/atoll-mesh/atoll/node/sfu/bandwidth"
	"github.com/atoll-mesh/atoll/node/sfu/speaker"
)

// mostSources bounds the sources of a participant.
const mostSources = 32

// Constraints are what a receiver asks for.
type Constraints = allocate.Constraints

// Room is the control side of one room. It is not safe for concurrent use.
type Room struct {
	set          *settings
	participants map[room.EndpointID]*Participant
	list         []*Participant // in order of joining
	sources      map[room.SourceName]*source
	video        []allocate.Source // in order of dominance; order are the same
	order        []*source
	talkers      []*source // audio, in order of voice
	changed      []*source // to be published
	opening      []opening
	relays       map[string]*Relay
	nodes        []*Relay // the same, in order of joining
	detector     speaker.Detector[room.EndpointID]
	guess        room.EndpointID // dominant speaker by the detector
	word         room.EndpointID // by SetDominant
	dominant     room.EndpointID
	recent       []room.EndpointID // who was dominant, latest first, dominant left out
	levels       []heard
	names        []room.SourceName // while sources are placed
	wants        []allocate.Want   // the same
	round        uint64            // of placing the sources of one participant
	pending      []Effect          // made by a call that returns none
	settled      time.Time         // when everybody was, last
	unsettled    bool              // it was put off since
	untold       bool              // effects were returned since the last Open
}

// opening is a slot that waits for Open.
type opening struct {
	p    *Participant
	slot *slot
}

// heard is a level of an endpoint.
type heard struct {
	level
	p *Participant
}

// NewRoom returns an empty room.
func NewRoom(c Config) *Room {
	return &Room{
		set:          c.settings(),
		participants: map[room.EndpointID]*Participant{},
		sources:      map[room.SourceName]*source{},
		relays:       map[string]*Relay{},
	}
}

// Join adds a participant in rewriting mode, who is sent packets through out. One with the same id leaves first; what
// follows from that is returned by the next call.
func (r *Room) Join(now time.Time, id room.EndpointID, out Egress) *Participant {
	return r.join(now, id, out, false)
}

// JoinPlain adds a participant in plain mode: every source has SSRCs of its own.
func (r *Room) JoinPlain(now time.Time, id room.EndpointID, out Egress) *Participant {
	return r.join(now, id, out, true)
}

func (r *Room) join(now time.Time, id room.EndpointID, out Egress, plain bool) *Participant {
	p := r.add(now, id, out, plain)
	r.pending = append(r.pending, r.settle(now, p)...)
	return p
}

// add makes a participant known that gets nothing yet.
func (r *Room) add(now time.Time, id room.EndpointID, out Egress, plain bool) *Participant {
	p := r.enter(now, id)
	p.out, p.plain, p.fixed = out, plain, map[room.SourceName]*slot{}
	p.twin = p.newSSRC()
	p.up = uplink{p: p, recorder: bandwidth.New(p.ssrc)}
	p.down = downlink{p: p, bySSRC: map[uint32]*slot{}, transport: uint16(r.set.rand())}
	return p
}

// enter makes a participant known, in place of one with the same id.
func (r *Room) enter(now time.Time, id room.EndpointID) *Participant {
	if r.participants[id] != nil {
		r.pending = r.Leave(now, id)
		r.untold = true
	}
	p := &Participant{id: id, set: r.set, used: map[uint32]bool{}}
	p.ssrc = p.newSSRC()
	if id == r.word {
		r.dominant, p.dominated = id, now
		p.dominant.Store(true)
	}
	r.participants[id] = p
	r.list = append(r.list, p)
	return p
}

// Leave removes a participant and its sources.
func (r *Room) Leave(now time.Time, id room.EndpointID) []Effect {
	p := r.participants[id]
	if p == nil {
		return r.take(now, nil)
	}
	var fx []Effect
	for _, s := range p.sources {
		fx = r.drop(fx, s)
	}
	p.sources = nil
	p.setStreams()
	for _, s := range r.sources {
		if sl := p.slot(s.name); sl != nil {
			r.close(s, sl)
		}
	}
	p.freeze()
	delete(r.participants, id)
	r.list = slices.DeleteFunc(r.list, func(q *Participant) bool { return q == p })
	r.opening = slices.DeleteFunc(r.opening, func(o opening) bool { return o.p == p })
	r.detector.Remove(id)
	r.recent = slices.DeleteFunc(r.recent, func(e room.EndpointID) bool { return e == id })
	if r.dominant == id {
		r.dominant = ""
	}
	if r.guess == id {
		r.guess = ""
	}
	return r.take(now, append(fx, r.settle(now, nil)...))
}

// SetSources says what a participant sends: all of it. Sources that are not its own by name are ignored.
func (r *Room) SetSources(now time.Time, id room.EndpointID, descs []room.Source) []Effect {
	p := r.participants[id]
	if p == nil {
		return r.take(now, nil)
	}
	var fx []Effect
	var kept []*source
	seen := map[room.SourceName]bool{}
	var fresh []*source
	for _, d := range descs {
		if len(kept) == mostSources {
			break
		}
		if _, err := room.ParseSourceName(string(d.Name)); err != nil || d.Name.Endpoint() != id || seen[d.Name] || len(d.Encodings) == 0 {
			continue
		}
		seen[d.Name] = true
		if len(d.Encodings) > mostEncodings {
			d.Encodings = d.Encodings[:mostEncodings]
		}
		if s := r.sources[d.Name]; s != nil && slices.Equal(s.desc.Encodings, d.Encodings) {
			r.describe(s, d)
			kept = append(kept, s)
			continue
		}
		s := newSource(p, d, now)
		fresh = append(fresh, s)
		kept = append(kept, s)
	}
	for _, s := range p.sources {
		if !slices.Contains(kept, s) {
			fx = r.drop(fx, s)
		}
	}
	p.sources = kept
	for _, s := range fresh {
		r.sources[s.name] = s
		for _, e := range s.desc.Encodings {
			p.used[e.SSRC], p.used[e.RTX] = true, true
		}
	}
	for _, s := range fresh {
		p.goOn(s, now)
	}
	p.arriving = nil
	p.setStreams()
	for _, s := range fresh {
		r.bind(s)
		r.attachAll(s)
	}
	return r.take(now, append(fx, r.settle(now, nil)...))
}

// SetVideoType says what a video source shows now, and whether it is muted. Muted sources are not forwarded and take no
// place in last-N.
func (r *Room) SetVideoType(now time.Time, name room.SourceName, t room.VideoType, muted bool) []Effect {
	s := r.sources[name]
	if s == nil || s.kind != room.Video || s.muted == muted && s.desc.VideoType == t {
		return r.take(now, nil)
	}
	s.muted = muted
	d := s.desc
	d.VideoType = t
	r.describe(s, d)
	return r.take(now, r.settle(now, nil))
}

// SetConstraints says what a receiver wants: the whole state of it. Before the first it gets no video.
func (r *Room) SetConstraints(now time.Time, id room.EndpointID, c Constraints) []Effect {
	p := r.participants[id]
	if p == nil {
		return r.take(now, nil)
	}
	p.constraints, p.constrained = c, true
	return r.take(now, r.settle(now, p))
}

// Describe returns everything that a participant was told so far and everything it should be told by now: for a bridge
// channel that just opened.
func (r *Room) Describe(id room.EndpointID) []Effect {
	p := r.participants[id]
	if p == nil {
		return nil
	}
	var fx []Effect
	if !p.plain {
		fx = append(fx, r.mapEffect(p, room.Audio), r.mapEffect(p, room.Video))
	}
	fx = append(fx, Forwarded{id, slices.Clone(p.forwarded)})
	for _, s := range p.sources {
		if s.told != none {
			fx = append(fx, SenderConstraints{s.name, s.told})
		}
	}
	if r.dominant != "" {
		fx = append(fx, Dominant{r.dominant, slices.Clone(r.recent)})
	}
	return fx
}

// Open lets media through for everything that the effects returned so far tell. The caller calls it when it has sent
// them.
func (r *Room) Open(now time.Time) {
	r.untold = false
	var opened []opening
	for _, o := range r.opening {
		o.slot.opening = false
		if o.slot.on {
			o.slot.source.add(o.slot)
			r.touch(o.slot.source)
			opened = append(opened, o)
		}
	}
	r.opening = r.opening[:0]
	r.publish()
	for _, o := range opened {
		// What went by the table before is in the cache now, where a slot that goes on looks for it.
		o.slot.source.owner.up.await()
		goesOn := o.p.down.open(o.slot, now)
		if !goesOn && o.slot.kind == room.Video && o.p.down.up() {
			o.slot.source.requestKeyframe(now, now, false)
		}
	}
}

// Tick does what is due at now, first of all [Room.Open]. It is called about every 100 ms.
func (r *Room) Tick(now time.Time) []Effect {
	r.Open(now)
	fx := r.listen(now)
	if r.unsettled {
		fx = append(fx, r.settle(now, nil)...)
	}
	for _, s := range r.order {
		if s.told == none && s.want == 0 && now.Sub(s.born) >= newborn {
			s.told = 0
			fx = append(fx, SenderConstraints{s.name, 0})
		}
	}
	return r.take(now, fx)
}

// take returns what calls without a result left, and fx. When there is nothing to tell, media waits for nothing.
func (r *Room) take(now time.Time, fx []Effect) []Effect {
	fx = append(r.pending, fx...)
	r.pending = nil
	if len(fx) > 0 {
		r.untold = true
	} else if !r.untold {
		r.Open(now)
	}
	return fx
}
