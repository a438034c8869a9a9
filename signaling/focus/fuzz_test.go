package focus

import (
	"bytes"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
	"github.com/atoll-mesh/atoll/signaling/stanza/stanzatest"
)

func FuzzHandleIQ(f *testing.F) {
	jingle := func(action, children string) {
		f.Add("set", "q1", `<jingle action="`+action+`" sid="id1" xmlns="urn:xmpp:jingle:1">`+children+`</jingle>`)
	}
	jingle("session-accept", acceptContents)
	jingle("source-add", described("video", cameraSources))
	jingle("source-add", described("video", screen("05cf9031-v1", 31)+screen("05cf9031-v1", 32)+fid(31, 32)))
	jingle("source-remove", described("video", cameraStreams(11, 22)))
	jingle("session-terminate", restartRequest)
	jingle("session-info", `<bridge-session ice-restart="true" id="b1" xmlns="http://jitsi.org/protocol/focus"/>`)
	jingle("transport-info", `<content>`+acceptTransport+`</content>`)
	f.Add("set", "q1", muteOf("audio", testRoom+"/478dfae7", "true"))
	f.Add("result", "id1", disco(clientFeatures...))
	f.Add("error", "id2", `<error><gone xmlns="`+stanza.Errors+`"/></error>`)
	f.Fuzz(func(t *testing.T, kind, id, child string) {
		iq := stanza.New(stanza.Client, "iq", "from", testClient, "to", testRoom+"/focus", "type", kind, "id", id).Bytes()
		iq = append(bytes.TrimSuffix(iq, []byte("/>")), ">"+child+"</iq>"...)
		for _, start := range []func(testing.TB, ...func(*Config)) *bed{newBed, invited, inCall} {
			e, err := stanza.Parse(bytes.Clone(iq), stanza.Limits{})
			if err != nil {
				return
			}
			p := start(t).p
			if p.phase == idle {
				p.Joined(testStart, clientCaps)
			}
			effects := append(p.HandleIQ(testStart, e), p.Tick(testStart.Add(time.Hour))...)
			answers := 0
			for _, effect := range effects {
				send, ok := effect.(Send)
				if !ok {
					continue
				}
				if err := stanzatest.CheckNamespaces(send.Stanza); err != nil {
					t.Fatalf("%v: %s", err, send.Stanza)
				}
				if s := parse(t, string(send.Stanza)); s.Attr("type") == "result" || s.Attr("type") == "error" {
					answers++
				}
			}
			want := 0
			if kind == "get" || kind == "set" {
				want = 1
			}
			if answers != want {
				t.Fatalf("%d answers to %s", answers, iq)
			}
			all, bad := announced(nil).add(p.sources, p.cfg.Limits)
			if bad != nil || len(all) != len(p.sources) {
				t.Fatalf("inconsistent sources: %v", bad)
			}
		}
	})
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"machineUid":"b2e9","properties":{"rtcstatsEnabled":false},"room":"room1@conference.meet.test"}`))
	f.Add([]byte(`{"room":"@@/"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if status, answer := desk.JSON(b); len(answer) == 0 || status != 200 && status != 400 {
			t.Errorf("%d %s", status, answer)
		}
	})
}

// FuzzTree builds well-formed requests from the words that clients use: it gets further than random bytes do.
func FuzzTree(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 40, 5, 60, 61})
	f.Add([]byte{0, 200, 1, 2, 50, 90, 3, 51, 91, 255, 3, 52, 92, 255, 4, 53, 5})
	f.Fuzz(func(t *testing.T, program []byte) {
		for _, start := range []func(testing.TB, ...func(*Config)) *bed{invited, inCall} {
			b := start(t, func(c *Config) { c.ICERestart = true })
			sid := b.p.sid
			iq := stanza.New(stanza.Client, "iq", "from", testClient, "to", testRoom+"/focus", "type", "set", "id", "q1").
				With(tree(program, sid))
			b.take(b.p.HandleIQ(b.now, parse(t, string(iq.Bytes()))))
			if len(b.sent) == 0 || b.sent[0].Attr("id") != "q1" {
				t.Fatalf("no answer to %s", iq.Bytes())
			}
			refused := b.sent[0].Attr("type") == "error"
			for _, e := range b.rest {
				if _, ended := e.(Terminated); refused && !ended {
					t.Fatalf("refused, with the effect %#v", e)
				}
			}
			all, bad := announced(nil).add(b.p.sources, b.p.cfg.Limits)
			if bad != nil || len(all) != len(b.p.sources) {
				t.Fatalf("inconsistent sources: %v", bad)
			}
		}
	})
}

// tree reads a program: a byte below 40 opens an element, one below 200 sets an attribute, any other closes the element.
func tree(program []byte, sid string) *stanza.Element {
	names := [][2]string{
		{nsJingle, "content"},
		{nsRTP, "description"},
		{nsSource, "source"},
		{nsSource, "ssrc-group"},
		{nsSource, "parameter"},
		{nsICE, "transport"},
		{nsDTLS, "fingerprint"},
		{nsFocus, "bridge-session"},
		{nsJingle, "reason"},
		{nsLastN, "initial-last-n"},
	}
	attributes := [][2]string{
		{"media", "audio"},
		{"media", "video"},
		{"name", "05cf9031-v1"},
		{"name", "05cf9031-v2"},
		{"name", "05cf9031-a1"},
		{"name", "05cf9031-v0"},
		{"name", "478dfae7-v0"},
		{"name", "msid"},
		{"ssrc", "11"},
		{"ssrc", "21"},
		{"ssrc", "31"},
		{"ssrc", "32"},
		{"ssrc", "33"},
		{"semantics", "FID"},
		{"semantics", "SIM"},
		{"semantics", "FEC-FR"},
		{"ufrag", "abcd"},
		{"pwd", "aBcDeFgHiJkLmNoPqRsTuVwX"},
		{"hash", "sha-256"},
		{"setup", "active"},
		{"restart", "true"},
		{"ice-restart", "true"},
		{"ice-generation", "1"},
		{"value", "7"},
		{"id", "b1"},
		{"videoType", "desktop"},
		{"action", "session-accept"},
		{"action", "source-add"},
		{"action", "source-remove"},
		{"action", "session-info"},
		{"action", "session-terminate"},
		{"action", "transport-info"},
	}
	root := stanza.New(nsJingle, "jingle", "sid", sid, "action", "source-add")
	stack := []*stanza.Element{root}
	for _, op := range program[:min(len(program), 500)] {
		top := stack[len(stack)-1]
		switch {
		case op < 40 && len(stack) < 30:
			n := names[int(op)%len(names)]
			e := stanza.New(n[0], n[1])
			if n[1] == "fingerprint" {
				e.WithText(testPrint)
			}
			top.With(e)
			stack = append(stack, e)
		case op < 200:
			a := attributes[int(op)%len(attributes)]
			top.Set(a[0], a[1])
		case len(stack) > 1:
			stack = stack[:len(stack)-1]
		}
	}
	return root
}
