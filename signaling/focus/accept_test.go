package focus

import (
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

func accepted(sid string) Accepted {
	return Accepted{
		SID: sid, Ufrag: "x+/Y", Pwd: "aBcDeFgHiJkLmNoPqRsTuVwX", Fingerprint: "sha-256 " + testPrint,
		Sources: []room.Source{microphone(), camera()}, LastN: 20,
	}
}

func TestAccept(t *testing.T) {
	b := invited(t)
	b.jingle("session-accept", acceptContents)
	b.ok(accepted(b.p.sid))
	if !b.p.Next().IsZero() {
		t.Error("still waits for something")
	}
	b.jingle("session-accept", acceptContents)
	b.refused("unexpected-request")
}

func TestAcceptWithoutSources(t *testing.T) {
	b := invited(t)
	b.jingle("session-accept", `<content name="audio">`+acceptTransport+`</content>`)
	want := accepted(b.p.sid)
	want.Sources, want.LastN = nil, -1
	b.ok(want)
}

func TestPlaceholdersAreLeftOut(t *testing.T) {
	b := invited(t)
	b.jingle("session-accept", `<content name="video"><description media="video" xmlns="urn:xmpp:jingle:apps:rtp:1">`+
		`<source ssrc="99" `+ssma+`/><source ssrc="98" `+ssma+`/>`+
		`<ssrc-group semantics="FID" `+ssma+`><source ssrc="99"/><source ssrc="98"/></ssrc-group>`+
		cameraStreams(11)+`<source ssrc="21" `+ssma+`/><source ssrc="31" name="05cf9031-v0" `+ssma+`/>`+
		`<ssrc-group semantics="FID" `+ssma+`><source ssrc="11"/><source ssrc="21"/></ssrc-group>`+
		`<ssrc-group semantics="FEC-FR" `+ssma+`><source ssrc="11"/><source ssrc="31"/></ssrc-group>`+
		`</description>`+acceptTransport+`</content>`)
	want := accepted(b.p.sid)
	c := camera()
	c.Encodings = []room.Encoding{{SSRC: 11, RTX: 21}}
	want.Sources, want.LastN = []room.Source{c}, -1
	b.ok(want)
	b.jingle("source-remove", described("video", `<source ssrc="99" `+ssma+`/>`))
	b.ok()
}

func TestUnusableAnswersEndTheSession(t *testing.T) {
	for name, change := range map[string][2]string{
		"no fingerprint":    {`<fingerprint hash="sha-256" setup="active" xmlns="urn:xmpp:jingle:apps:dtls:0">` + testPrint + `</fingerprint>`, ""},
		"passive":           {`setup="active"`, `setup="passive"`},
		"short fingerprint": {testPrint, testPrint[3:]},
		"not hex":           {testPrint, strings.Replace(testPrint, "A9", "G9", 1)},
		"not colons":        {testPrint, strings.ReplaceAll(testPrint, ":", "-")},
		"unknown hash":      {"sha-256", "md5"},
		"short pwd":         {`pwd="aBcDeFgHiJkLmNoPqRsTuVwX"`, `pwd="short"`},
		"bad ufrag":         {`ufrag="x+/Y"`, `ufrag="x y z"`},
		"no ufrag":          {`ufrag="x+/Y"`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(acceptContents, change[0]) {
				t.Fatal("nothing to change")
			}
			b := invited(t)
			sid := b.p.sid
			b.jingle("session-accept", strings.ReplaceAll(acceptContents, change[0], change[1]))
			b.refused("bad-request", Terminated{SID: sid, Reason: "bad-request"})
			b.jingleFor(sid, "session-accept", acceptContents)
			b.refused("item-not-found")
		})
	}
}

func TestAcceptIsAwaited(t *testing.T) {
	b := newBed(t)
	b.take(b.p.Joined(b.now, Caps{}))
	b.take(b.p.Invite(b.now, testTransport()))
	b.tick(15 * time.Second)
	b.effects(Timeout{"session-initiate"})
	if got := b.now.Add(45 * time.Second); !b.p.Next().Equal(got) {
		t.Errorf("tick is due at %v, want %v", b.p.Next(), got)
	}
	b.tick(45*time.Second - 1)
	b.effects()
	b.tick(1)
	b.effects(Timeout{"session-accept"})
	b.tick(time.Hour)
	b.effects()
	b.jingle("session-accept", acceptContents)
	b.ok(accepted(b.p.sid))
}

func TestLowerCaseFingerprint(t *testing.T) {
	if got := fingerprint("SHA-256", " "+strings.ToLower(testPrint)+"\n"); got != "sha-256 "+testPrint {
		t.Errorf("got %q", got)
	}
}
