package focus

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

const maxSignalled = 2000

// SignalledSource is a source as one receiver gets it: on SSRCs of its own, one stream and its retransmissions.
type SignalledSource struct {
	Owner     room.EndpointID
	Source    room.SourceName
	VideoType room.VideoType
	MSID      string // made from the name when empty
	SSRC      uint32
	RTX       uint32 // 0: none
}

func (s SignalledSource) msid() string {
	if s.MSID != "" {
		return s.MSID
	}
	return string(s.Source) + " " + string(s.Source)
}

// Signal tells a client that does not rewrite SSRCs which sources it gets from now on and which no longer: all removals in
// one request, then all additions in one. Before the session is accepted they are collected. Removals go by their SSRC. The
// end of a session forgets everything: after Invite, all sources are to be signalled again.
func (p *Participant) Signal(now time.Time, added, removed []SignalledSource) []Effect {
	if p.phase == idle || p.Rewriting() {
		return nil
	}
	gone := func(s SignalledSource) bool {
		return slices.ContainsFunc(removed, func(r SignalledSource) bool { return r.SSRC == s.SSRC })
	}
	var known []SignalledSource
	for _, s := range p.signalled {
		if gone(s) {
			known = append(known, s)
		}
	}
	p.signalled = slices.DeleteFunc(slices.Clone(p.signalled), gone)
	added = added[:min(len(added), maxSignalled-len(p.signalled))]
	p.signalled = append(p.signalled, added...)
	if p.phase != active {
		return nil
	}
	return p.flush(now, added, known)
}

func (p *Participant) flush(now time.Time, added, removed []SignalledSource) []Effect {
	var out []Effect
	if len(removed) > 0 {
		out = append(out, p.jingle(now, "source-remove", p.describe(removed)...))
	}
	if len(added) > 0 {
		out = append(out, p.jingle(now, "source-add", p.describe(added)...))
	}
	return out
}

func (p *Participant) describe(all []SignalledSource) []*stanza.Element {
	if p.has(featureJSON) {
		return []*stanza.Element{compact(all)}
	}
	return contents(all)
}

// compactSource is a source in the compact form: {"s":ssrc,"n":"name","m":"msid","v":"d"}.
type compactSource struct {
	SSRC      uint32          `json:"s"`
	Name      room.SourceName `json:"n"`
	MSID      string          `json:"m"`
	VideoType string          `json:"v,omitempty"`
}

// compact returns sources as a json-message: per owner the video sources, their groups, the audio sources.
func compact(all []SignalledSource) *stanza.Element {
	type owner [3][]any
	owners := map[room.EndpointID]owner{}
	for _, s := range all {
		o, ok := owners[s.Owner]
		if !ok {
			o = owner{{}, {}, {}}
		}
		c := compactSource{SSRC: s.SSRC, Name: s.Source, MSID: s.msid()}
		if s.Source.Kind() == room.Audio {
			o[2] = append(o[2], c)
		} else {
			if s.VideoType == room.Desktop {
				c.VideoType = "d"
			}
			o[0] = append(o[0], c)
			if s.RTX != 0 {
				c.SSRC = s.RTX
				o[0] = append(o[0], c)
				o[1] = append(o[1], []any{"f", s.SSRC, s.RTX})
			}
		}
		owners[s.Owner] = o
	}
	b, _ := json.Marshal(map[string]any{"sources": owners})
	return stanza.New(nsJitmeet, "json-message").WithText(string(b))
}

// contents returns sources as elements of XEP-0339.
func contents(all []SignalledSource) []*stanza.Element {
	var out []*stanza.Element
	for _, kind := range []room.Kind{room.Audio, room.Video} {
		description := stanza.New(nsRTP, "description", "media", kind.String())
		for _, s := range all {
			if s.Source.Kind() == kind {
				description.With(s.elements()...)
			}
		}
		if len(description.Children) > 0 {
			out = append(out, stanza.New(nsJingle, "content", "creator", "initiator", "name", kind.String(),
				"senders", "both").With(description))
		}
	}
	return out
}

func (s SignalledSource) elements() []*stanza.Element {
	one := func(ssrc uint32) *stanza.Element {
		return stanza.New(nsSource, "source", "name", string(s.Source), "ssrc", decimal(ssrc),
			"videoType", string(s.VideoType)).With(
			stanza.New(nsSource, "parameter", "name", "msid", "value", s.msid()),
			stanza.New(nsJitmeet, "ssrc-info", "owner", string(s.Owner)))
	}
	if s.RTX == 0 {
		return []*stanza.Element{one(s.SSRC)}
	}
	return []*stanza.Element{
		one(s.SSRC), one(s.RTX),
		stanza.New(nsSource, "ssrc-group", "semantics", semanticsFID).With(
			stanza.New(nsSource, "source", "ssrc", decimal(s.SSRC)), stanza.New(nsSource, "source", "ssrc", decimal(s.RTX))),
	}
}

func decimal(ssrc uint32) string { return strconv.FormatUint(uint64(ssrc), 10) }
