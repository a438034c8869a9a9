package focus

import (
	"strings"
	"testing"
)

func TestOffer(t *testing.T) {
	for name, codecs := range map[string][]Codec{
		"offer_vp8.xml": nil,
		"offer_all.xml": {VP8, VP9, H264, AV1, "H265"},
	} {
		b := newBed(t, func(c *Config) { c.Codecs = codecs })
		b.take(b.p.Joined(b.now, Caps{}))
		effects := b.p.Invite(b.now, testTransport())
		if len(effects) != 1 {
			t.Fatalf("effects: %v", effects)
		}
		b.take(effects)
		b.golden(name, effects[0].(Send).Stanza)
	}
}

// What the client reads of an offer by name and namespace must be there under just that name and namespace.
func TestOfferHoldsWhatTheClientReads(t *testing.T) {
	b := newBed(t)
	b.take(b.p.Joined(b.now, Caps{}))
	b.take(b.p.Invite(b.now, testTransport()))
	jingle := b.sent[0].Child(nsJingle, "jingle")
	if jingle.Child(nsGrouping, "group") == nil || jingle.Child(nsFocus, "bridge-session").Attr("id") != "b1" {
		t.Error("no group or no bridge-session")
	}
	contents := 0
	for _, c := range jingle.Children {
		if c.Local != "content" {
			continue
		}
		contents++
		transport := c.Child(nsICE, "transport")
		if c.Attr("senders") != "both" || transport.Child(nsDTLS, "fingerprint").Attr("setup") != "actpass" ||
			transport.Child(nsColibri, "web-socket").Attr("url") == "" || transport.Child(nsICE, "candidate") == nil {
			t.Errorf("content %s is not what a client needs", c.Attr("name"))
		}
		text := string(c.Bytes())
		source := c.Child(nsRTP, "description").Child(nsSource, "source")
		if source.Child(nsSource, "parameter").Attr("value") != "mixedmslabel mixedlabel"+c.Attr("name")+"0" ||
			source.Child(nsJitmeet, "ssrc-info").Attr("owner") != "jvb" || strings.Count(text, "<source") != 1 {
			t.Errorf("content %s has not the reporter's source alone", c.Attr("name"))
		}
		for _, forbidden := range []string{"sdes:mid", "rtp-stream-id", "goog-remb", "dtls-sctp"} {
			if strings.Contains(text, forbidden) {
				t.Errorf("%s is in the offer", forbidden)
			}
		}
	}
	if contents != 2 {
		t.Errorf("%d contents, want audio and video", contents)
	}
}

func TestOfferWaitsForFeatures(t *testing.T) {
	b := newBed(t)
	b.take(b.p.Joined(b.now, Caps{"sha-1", "https://jitsi.org/jitsi-meet", "v1"}))
	id := b.sent[0].Attr("id")
	b.take(b.p.Invite(b.now, testTransport()))
	if len(b.sent) != 0 {
		t.Fatalf("invited before the features are known: %s", b.texts())
	}
	b.iq("result", id, disco(featureAudio))
	if len(b.sent) != 1 || b.sent[0].Child(nsJingle, "jingle").Attr("action") != "session-initiate" {
		t.Fatalf("no invitation: %s", b.texts())
	}
	if n := strings.Count(string(b.sent[0].Bytes()), "<description"); n != 1 {
		t.Errorf("%d contents for a client without video", n)
	}
}

func TestTerminateCallsTheInvitationOff(t *testing.T) {
	b := newBed(t)
	b.take(b.p.Joined(b.now, Caps{"sha-1", "n", "v1"}))
	id := b.sent[0].Attr("id")
	b.take(b.p.Invite(b.now, testTransport()))
	b.take(b.p.Terminate(b.now, "success"))
	b.iq("result", id, disco(featureAudio))
	if len(b.sent) != 0 || b.p.phase != idle {
		t.Errorf("invited all the same: %s", b.texts())
	}
}

func TestInviteAgainEndsTheOldSession(t *testing.T) {
	b := inCall(t)
	old := b.p.sid
	b.take(b.p.Invite(b.now, testTransport()))
	if len(b.sent) != 2 {
		t.Fatalf("sent %s", b.texts())
	}
	end, start := b.sent[0].Child(nsJingle, "jingle"), b.sent[1].Child(nsJingle, "jingle")
	if end.Attr("action") != "session-terminate" || end.Attr("sid") != old || end.Child(nsJingle, "reason") == nil {
		t.Errorf("the old session goes on: %s", end.Bytes())
	}
	if start.Attr("action") != "session-initiate" || start.Attr("sid") == old {
		t.Errorf("no new session: %s", start.Bytes())
	}
	if len(b.p.Sources()) != 0 {
		t.Error("sources of the old session are left")
	}
}

func TestRestartICE(t *testing.T) {
	b := inCall(t, func(c *Config) { c.ICERestart = true })
	b.jingle("session-info", `<bridge-session ice-restart="true" id="b1" xmlns="http://jitsi.org/protocol/focus"/>`)
	b.ok(ICERestart{})
	effects := b.p.RestartICE(b.now, testTransport())
	b.take(effects)
	b.golden("transport_info.xml", effects[0].(Send).Stanza)
	answer := func(generation string) string {
		return `<content creator="responder" name="audio">` +
			strings.Replace(acceptTransport, " pwd=", ` ice-generation="`+generation+`" pwd=`, 1) + `</content>`
	}
	b.jingle("transport-info", answer("2"))
	b.ok()
	b.jingle("transport-info", answer("1"))
	b.ok(ICERestarted{Ufrag: "x+/Y", Pwd: "aBcDeFgHiJkLmNoPqRsTuVwX", Generation: 1})
	b.jingle("transport-info", `<content name="audio"/>`)
	b.refused("bad-request")
}

func TestICERestartIsRefusedUnlessWanted(t *testing.T) {
	b := inCall(t)
	b.jingle("session-info", `<bridge-session ice-restart="true" id="b1" xmlns="http://jitsi.org/protocol/focus"/>`)
	b.refused("feature-not-implemented")
	b.jingle("session-info", `<ice-state xmlns="http://jitsi.org/protocol/focus">failed</ice-state>`)
	b.ok(ICEFailed{})
	b.jingle("session-info", ``)
	b.ok()
}
