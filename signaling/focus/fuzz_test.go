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
