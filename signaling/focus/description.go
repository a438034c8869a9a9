package focus

import (
	"slices"
	"strconv"
	"strings"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// Limits bounds what one participant may announce. A field that is zero stands for its default.
type Limits struct {
	Sources   int // of one kind, 4
	Encodings int // of one source, 4
	SSRCs     int // in all, 40
	Groups    int // in one request, 40
}

func (l Limits) filled() Limits {
	for field, value := range map[*int]int{&l.Sources: 4, &l.Encodings: 4, &l.SSRCs: 40, &l.Groups: 40} {
		if *field == 0 {
			*field = value
		}
	}
	return l
}

const (
	maxMSID       = 256
	semanticsFID  = "FID"
	semanticsSIM  = "SIM"
	longestSSRC   = 10
	contentSource = "source"
)

// stream is one SSRC as a request lists it.
type stream struct {
	ssrc                  uint32
	kind                  room.Kind
	name, videoType, msid string
}

// group ties SSRCs of one kind together.
type group struct {
	semantics string
	ssrcs     []uint32
}

// announcement is what the contents of a jingle element say about sources.
type announcement struct {
	streams []stream
	groups  []group
}

// parseAnnouncement reads the sources in the contents of a jingle element. Elements are taken by their names alone where
// clients differ in the namespace they inherit.
func parseAnnouncement(jingle *stanza.Element, l Limits) (announcement, *refusal) {
	var a announcement
	for _, content := range jingle.Children {
		d := content.Child(nsRTP, "description")
		if !content.Is(nsJingle, "content") || d == nil {
			continue
		}
		var kind room.Kind
		switch d.Attr("media") {
		case "audio":
			kind = room.Audio
		case "video":
			kind = room.Video
		default:
			return a, badRequest("media %.24q", d.Attr("media"))
		}
		for _, e := range d.Children {
			var bad *refusal
			switch e.Local {
			case contentSource:
				bad = a.addStream(e, kind, l)
			case "ssrc-group":
				bad = a.addGroup(e, l)
			}
			if bad != nil {
				return a, bad
			}
		}
	}
	a.nameGroupMates()
	return a, nil
}

func (a *announcement) addStream(e *stanza.Element, kind room.Kind, l Limits) *refusal {
	s := stream{kind: kind, name: e.Attr("name"), videoType: e.Attr("videoType")}
	var ok bool
	if s.ssrc, ok = parseSSRC(e.Attr("ssrc")); !ok {
		return badRequest("ssrc %.24q", e.Attr("ssrc"))
	}
	if len(a.streams) == l.SSRCs {
		return tooMany("SSRCs", l.SSRCs)
	}
	if a.stream(s.ssrc) != nil {
		return badRequest("ssrc %d comes twice", s.ssrc)
	}
	for _, p := range e.Children {
		if p.Local == "parameter" && p.Attr("name") == "msid" {
			s.msid = p.Attr("value")
		}
	}
	if len(s.msid) > maxMSID {
		return badRequest("msid of %d bytes", len(s.msid))
	}
	a.streams = append(a.streams, s)
	return nil
}

func (a *announcement) addGroup(e *stanza.Element, l Limits) *refusal {
	if len(a.groups) == l.Groups {
		return tooMany("groups", l.Groups)
	}
	g := group{semantics: e.Attr("semantics")}
	for _, member := range e.Children {
		if member.Local != contentSource {
			continue
		}
		ssrc, ok := parseSSRC(member.Attr("ssrc"))
		if !ok {
			return badRequest("ssrc %.24q in a group", member.Attr("ssrc"))
		}
		if slices.Contains(g.ssrcs, ssrc) {
			return badRequest("ssrc %d comes twice in a group", ssrc)
		}
		g.ssrcs = append(g.ssrcs, ssrc)
	}
	if len(g.ssrcs) > 0 {
		a.groups = append(a.groups, g)
	}
	return nil
}

func (a *announcement) stream(ssrc uint32) *stream {
	for i := range a.streams {
		if a.streams[i].ssrc == ssrc {
			return &a.streams[i]
		}
	}
	return nil
}

// nameGroupMates gives streams without a name the name of a stream they are grouped with.
func (a *announcement) nameGroupMates() {
	for _, g := range a.groups {
		i := slices.IndexFunc(g.ssrcs, func(ssrc uint32) bool { s := a.stream(ssrc); return s != nil && s.name != "" })
		if i < 0 {
			continue
		}
		for _, ssrc := range g.ssrcs {
			if s := a.stream(ssrc); s != nil && s.name == "" {
				s.name = a.stream(g.ssrcs[i]).name
			}
		}
	}
}

func parseSSRC(s string) (uint32, bool) {
	if len(s) > longestSSRC {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n != 0
}

// sources puts the announcement together: one source per name, in the order of their first streams.
func (a *announcement) sources(owner room.EndpointID, l Limits) ([]room.Source, *refusal) {
	rtx, second, sim, bad := a.roles()
	if bad != nil {
		return nil, bad
	}
	var all []room.Source
	for _, s := range a.streams {
		if s.name == "" || slices.ContainsFunc(all, func(r room.Source) bool { return string(r.Name) == s.name }) {
			continue
		}
		name, bad := ownName(s, owner)
		if bad != nil {
			return nil, bad
		}
		source := room.Source{Name: name, MSID: strings.Clone(s.msid), VideoType: videoType(s)}
		primaries, bad := a.primaries(s.name, second, sim[s.name])
		if bad != nil {
			return nil, bad
		}
		if len(primaries) > l.Encodings {
			return nil, tooMany("encodings of one source", l.Encodings)
		}
		for _, ssrc := range primaries {
			source.Encodings = append(source.Encodings, room.Encoding{SSRC: ssrc, RTX: rtx[ssrc]})
		}
		all = append(all, source)
	}
	return all, nil
}

// ownName checks that the stream's name is one that its sender may use for it.
func ownName(s stream, owner room.EndpointID) (room.SourceName, *refusal) {
	name, err := room.ParseSourceName(s.name)
	switch {
	case err != nil:
		return "", badRequest("%v", err)
	case name.Endpoint() != owner:
		return "", forbidden("source %s belongs to another endpoint", name)
	case name.Kind() != s.kind:
		return "", badRequest("source %s is announced as %v", name, s.kind)
	}
	return room.SourceName(strings.Clone(string(name))), nil
}

// videoType returns what a stream shows. Clients leave the type of cameras out at times.
func videoType(s stream) room.VideoType {
	switch {
	case s.kind == room.Audio:
		return ""
	case strings.HasPrefix(s.videoType, string(room.Desktop)):
		return room.Desktop
	}
	return room.Camera
}

// roles reads the groups: the retransmissions of each stream, the streams that are second in some group, and the members
// of the SIM group of each name.
func (a *announcement) roles() (rtx map[uint32]uint32, second map[uint32]bool, sim map[string][]uint32, bad *refusal) {
	rtx, second, sim = map[uint32]uint32{}, map[uint32]bool{}, map[string][]uint32{}
	for _, g := range a.groups {
		first := a.stream(g.ssrcs[0])
		for _, ssrc := range g.ssrcs {
			s := a.stream(ssrc)
			if s == nil {
				return nil, nil, nil, badRequest("a %.8s group refers to ssrc %d, which is not announced", g.semantics, ssrc)
			}
			if s.name != first.name || s.kind != first.kind {
				return nil, nil, nil, badRequest("a %.8s group has streams of different sources", g.semantics)
			}
		}
		switch g.semantics {
		case semanticsFID:
			if len(g.ssrcs) != 2 {
				return nil, nil, nil, badRequest("a FID group of %d streams", len(g.ssrcs))
			}
			if rtx[g.ssrcs[0]] != 0 || second[g.ssrcs[1]] {
				return nil, nil, nil, badRequest("ssrc %d is in two FID groups", g.ssrcs[0])
			}
			rtx[g.ssrcs[0]] = g.ssrcs[1]
			second[g.ssrcs[1]] = true
		case semanticsSIM:
			if first.name != "" && sim[first.name] != nil {
				return nil, nil, nil, badRequest("source %.24q has two SIM groups", first.name)
			}
			sim[first.name] = g.ssrcs
		default:
			for _, ssrc := range g.ssrcs[1:] {
				second[ssrc] = true
			}
		}
	}
	for first := range rtx {
		if second[first] {
			return nil, nil, nil, badRequest("ssrc %d is both a stream and retransmissions", first)
		}
	}
	return rtx, second, sim, nil
}

// primaries returns the streams of a name that are neither retransmissions nor otherwise second, in the order of the
// SIM group when there is one.
func (a *announcement) primaries(name string, second map[uint32]bool, sim []uint32) ([]uint32, *refusal) {
	var all []uint32
	for _, s := range a.streams {
		if s.name == name && !second[s.ssrc] {
			all = append(all, s.ssrc)
		}
	}
	for _, ssrc := range sim {
		if !slices.Contains(all, ssrc) {
			return nil, badRequest("ssrc %d of a SIM group is no stream of its own", ssrc)
		}
	}
	switch {
	case len(all) == 0:
		return nil, badRequest("source %.24q has no stream", name)
	case sim == nil && len(all) > 1, sim != nil && len(all) != len(sim):
		return nil, badRequest("source %.24q has several streams that no SIM group ties together", name)
	case sim != nil:
		return sim, nil
	}
	return all, nil
}
