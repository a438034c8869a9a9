package focus

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// screen is a second video source of one stream.
func screen(name string, ssrc int) string {
	return fmt.Sprintf(`<source name="%s" ssrc="%d" videoType="desktop" %s><parameter name="msid" value="05cf9031-video-1-1 s"/></source>`,
		name, ssrc, ssma)
}

func fid(a, b int) string {
	return fmt.Sprintf(`<ssrc-group semantics="FID" %s><source ssrc="%d"/><source ssrc="%d"/></ssrc-group>`, ssma, a, b)
}

func TestScreenShareIsAddedAndRemoved(t *testing.T) {
	b := inCall(t)
	share := described("video", screen("05cf9031-v1", 31)+screen("05cf9031-v1", 32)+fid(31, 32))
	want := room.Source{
		Name: "05cf9031-v1", VideoType: room.Desktop, MSID: "05cf9031-video-1-1 s",
		Encodings: []room.Encoding{{SSRC: 31, RTX: 32}},
	}
	b.jingle("source-add", share)
	b.ok(SourcesAdded{[]room.Source{want}, []room.Source{microphone(), camera(), want}})
	b.jingle("source-remove", share)
	b.ok(SourcesRemoved{[]room.Source{want}, []room.Source{microphone(), camera()}})
	b.jingle("source-remove", share)
	b.refused("item-not-found")
	b.jingle("source-add", "")
	b.ok()
}

func TestPartialRemoval(t *testing.T) {
	b := inCall(t)
	left, gone := camera(), camera()
	left.Encodings = []room.Encoding{{SSRC: 12}, {SSRC: 13, RTX: 23}}
	gone.Encodings = []room.Encoding{{SSRC: 11, RTX: 21}}
	b.jingle("source-remove", described("video", cameraStreams(11, 22)))
	b.ok(SourcesRemoved{[]room.Source{gone}, []room.Source{microphone(), left}})
	b.jingle("source-remove", described("video", cameraStreams(11, 12, 13)))
	gone.Encodings = left.Encodings
	b.ok(SourcesRemoved{[]room.Source{gone}, []room.Source{microphone()}})
	b.jingle("source-add", described("video", cameraSources))
	b.ok(SourcesAdded{[]room.Source{camera()}, []room.Source{microphone(), camera()}})
}

func TestEncodingsStandInTheOrderOfTheirGroup(t *testing.T) {
	b := inCall(t)
	b.jingle("source-add", described("video", screen("05cf9031-v1", 33)+screen("05cf9031-v1", 31)+screen("05cf9031-v1", 32)+
		`<ssrc-group semantics="SIM" `+ssma+`><source ssrc="31"/><source ssrc="32"/><source ssrc="33"/></ssrc-group>`))
	added := b.rest[0].(SourcesAdded)
	if d := cmp.Diff([]room.Encoding{{SSRC: 31}, {SSRC: 32}, {SSRC: 33}}, added.Sources[0].Encodings); d != "" {
		t.Error(d)
	}
}

func TestRefusedSources(t *testing.T) {
	sim := func(ssrcs ...string) string {
		out := `<ssrc-group semantics="SIM" ` + ssma + `>`
		for _, s := range ssrcs {
			out += `<source ssrc="` + s + `"/>`
		}
		return out + `</ssrc-group>`
	}
	many := ""
	for i := range 5 {
		many += screen(fmt.Sprintf("05cf9031-v%d", 10+i), 100+i)
	}
	crowd := ""
	for i := range 50 {
		crowd += screen("05cf9031-v1", 100+i)
	}
	groups := screen("05cf9031-v1", 31)
	for range 50 {
		groups += sim("31")
	}
	for _, c := range []struct{ name, media, sources, condition string }{
		{"name of another endpoint", "video", screen("478dfae7-v1", 31), "forbidden"},
		{"no source name", "video", screen("camera", 31), "bad-request"},
		{"name of the other kind", "audio", screen("05cf9031-v1", 31), "bad-request"},
		{"other media", "text", screen("05cf9031-v1", 31), "bad-request"},
		{"name in use", "video", screen("05cf9031-v0", 31), "bad-request"},
		{"ssrc in use", "video", screen("05cf9031-v1", 11), "bad-request"},
		{"ssrc in use as retransmissions", "video", screen("05cf9031-v1", 21), "bad-request"},
		{"ssrc twice", "video", screen("05cf9031-v1", 31) + screen("05cf9031-v1", 31), "bad-request"},
		{"ssrc zero", "video", screen("05cf9031-v1", 0), "bad-request"},
		{"ssrc negative", "video", screen("05cf9031-v1", -1), "bad-request"},
		{"ssrc of 33 bits", "video", screen("05cf9031-v1", 1<<32), "bad-request"},
		{"ssrc with zeros", "video", strings.Replace(screen("05cf9031-v1", 31), `"31"`, `"00000000031"`, 1), "bad-request"},
		{"two streams, no group", "video", screen("05cf9031-v1", 31) + screen("05cf9031-v1", 32), "bad-request"},
		{"a stream outside of SIM", "video", screen("05cf9031-v1", 31) + screen("05cf9031-v1", 32) + sim("31"), "bad-request"},
		{"two SIM groups", "video", screen("05cf9031-v1", 31) + screen("05cf9031-v1", 32) + sim("31", "32") + sim("32", "31"), "bad-request"},
		{"unknown ssrc in FID", "video", screen("05cf9031-v1", 31) + fid(31, 77), "bad-request"},
		{"FID of one", "video", screen("05cf9031-v1", 31) + strings.Replace(fid(31, 77), `<source ssrc="77"/>`, "", 1), "bad-request"},
		{"FID with itself", "video", screen("05cf9031-v1", 31) + fid(31, 31), "bad-request"},
		{"FID in a circle", "video", screen("05cf9031-v1", 31) + screen("05cf9031-v1", 32) + fid(31, 32) + fid(32, 31), "bad-request"},
		{"FID twice", "video", screen("05cf9031-v1", 31) + screen("05cf9031-v1", 32) + fid(31, 32) + fid(31, 32), "bad-request"},
		{"FID of two sources", "video", screen("05cf9031-v1", 31) + screen("05cf9031-v2", 32) + fid(31, 32), "bad-request"},
		{
			"FID in a chain", "video",
			screen("05cf9031-v1", 31) + screen("05cf9031-v1", 32) + screen("05cf9031-v1", 33) + fid(31, 32) + fid(32, 33),
			"bad-request",
		},
		{
			"retransmissions of another source", "video",
			screen("05cf9031-v1", 31) + screen("05cf9031-v2", 32) + screen("05cf9031-v2", 33) + fid(31, 32), "bad-request",
		},
		{"SIM with retransmissions", "video", screen("05cf9031-v1", 31) + screen("05cf9031-v1", 32) + fid(31, 32) + sim("31", "32"), "bad-request"},
		{"group of words", "video", screen("05cf9031-v1", 31) + sim("x"), "bad-request"},
		{"long msid", "video", strings.Replace(screen("05cf9031-v1", 31), "05cf9031-video-1-1 s", strings.Repeat("m", 300), 1), "bad-request"},
		{"many sources", "video", many, "resource-constraint"},
		{"many ssrcs", "video", crowd, "resource-constraint"},
		{"many groups", "video", groups, "resource-constraint"},
		{
			"many encodings", "video",
			screen("05cf9031-v1", 31) + screen("05cf9031-v1", 32) + screen("05cf9031-v1", 33) + screen("05cf9031-v1", 34) +
				screen("05cf9031-v1", 35) + sim("31", "32", "33", "34", "35"), "resource-constraint",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := inCall(t)
			b.jingle("source-add", described(c.media, screen("05cf9031-v7", 701))+described(c.media, c.sources))
			b.refused(c.condition)
			if d := cmp.Diff([]room.Source{microphone(), camera()}, b.p.Sources()); d != "" {
				t.Errorf("the refused request left something: %s", d)
			}
		})
	}
}

// Two participants may use the same SSRC.
func TestSSRCsAreScopedToTheirParticipant(t *testing.T) {
	inCall(t)
	other := inCall(t)
	if len(other.p.Sources()) != 2 {
		t.Error("refused")
	}
}

// Whatever is added and removed, what is announced stays free of duplicates, within the limits, and each change tells all.
func TestSourcesStayConsistent(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := inCall(t)
		told := []room.Source{microphone(), camera()}
		for range rapid.IntRange(1, 20).Draw(r, "requests") {
			action := rapid.SampledFrom([]string{"source-add", "source-remove"}).Draw(r, "action")
			sources := ""
			for range rapid.IntRange(0, 3).Draw(r, "streams") {
				name := fmt.Sprintf("05cf9031-v%d", rapid.IntRange(0, 5).Draw(r, "name"))
				a := rapid.IntRange(1, 40).Draw(r, "ssrc")
				sources += screen(name, a)
				if rapid.Bool().Draw(r, "rtx") {
					sources += screen(name, a+100) + fid(a, a+100)
				}
			}
			b.jingle(action, described("video", sources))
			for _, e := range b.rest {
				switch e := e.(type) {
				case SourcesAdded:
					told = e.All
				case SourcesRemoved:
					told = e.All
				}
			}
			if d := cmp.Diff(told, b.p.Sources()); d != "" {
				r.Fatalf("what was told differs: %s", d)
			}
			var ssrcs []uint32
			names := map[room.SourceName]bool{}
			for _, s := range told {
				if names[s.Name] || len(s.Encodings) == 0 {
					r.Fatalf("name twice or no encodings: %v", told)
				}
				names[s.Name] = true
				for _, e := range s.Encodings {
					ssrcs = append(ssrcs, e.SSRC)
					if e.RTX != 0 {
						ssrcs = append(ssrcs, e.RTX)
					}
				}
			}
			slices.Sort(ssrcs)
			if len(slices.Compact(slices.Clone(ssrcs))) != len(ssrcs) || len(names) > 5 {
				r.Fatalf("duplicates or too many: %v", told)
			}
		}
	})
}
