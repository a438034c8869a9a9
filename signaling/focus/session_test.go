package focus

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

const restartRequest = `<reason><success/><text>restart required</text></reason>` +
	`<bridge-session id="b1" restart="true" xmlns="http://jitsi.org/protocol/focus"/>`

func TestRestart(t *testing.T) {
	b := inCall(t)
	old := b.p.sid
	b.jingle("session-terminate", restartRequest)
	b.ok(Terminated{SID: old, Restart: true, Reason: "success"})
	if b.p.Active() || len(b.p.Sources()) != 0 {
		t.Error("the old session is not over")
	}
	b.take(b.p.Invite(b.now, testTransport()))
	jingle := b.sent[0].Child(nsJingle, "jingle")
	if len(b.sent) != 1 || jingle.Attr("action") != "session-initiate" || jingle.Attr("sid") == old {
		t.Fatalf("no fresh session: %s", b.texts())
	}
	b.jingleFor(old, "source-remove", described("video", cameraStreams(11)))
	b.refused("item-not-found")
	b.jingle("session-accept", acceptContents)
	b.ok(accepted(b.p.sid))
}

func TestClientEndsTheSession(t *testing.T) {
	for name, c := range map[string]struct {
		children string
		want     Terminated
	}{
		"no restart": {
			`<reason><success/></reason><bridge-session id="b1" restart="false" xmlns="http://jitsi.org/protocol/focus"/>`,
			Terminated{Reason: "success"},
		},
		"bare":       {``, Terminated{}},
		"other":      {`<reason><connectivity-error/></reason>`, Terminated{Reason: "connectivity-error"}},
		"unaccepted": {restartRequest, Terminated{Restart: true, Reason: "success"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := inCall(t)
			if name == "unaccepted" {
				b = invited(t)
			}
			c.want.SID = b.p.sid
			b.jingle("session-terminate", c.children)
			b.ok(c.want)
			b.take(b.p.Terminate(b.now, "success"))
			if len(b.sent) != 0 {
				t.Errorf("terminated twice: %s", b.texts())
			}
		})
	}
}

func TestUnknownSession(t *testing.T) {
	b := newBed(t)
	b.jingleFor("x", "session-terminate", restartRequest)
	b.refused("item-not-found")
	if b.sent[0].Child("*", "error").Child(nsJingleError, "unknown-session") == nil {
		t.Errorf("the client is not told that the session is unknown: %s", b.texts())
	}
	b = inCall(t)
	b.jingleFor("x", "source-add", "")
	b.refused("item-not-found")
}

func TestOutOfOrder(t *testing.T) {
	b := invited(t)
	b.jingle("source-add", described("video", cameraSources))
	b.refused("unexpected-request")
	if b.sent[0].Child("*", "error").Child(nsJingleError, "out-of-order") == nil {
		t.Errorf("no reason given: %s", b.texts())
	}
	b = inCall(t)
	for _, action := range []string{"content-modify", "transport-replace", "session-initiate", ""} {
		b.jingle(action, "")
		b.refused("feature-not-implemented")
	}
}

func TestEveryRequestIsAnswered(t *testing.T) {
	b := inCall(t)
	for child, want := range map[string]string{
		`<dial xmlns="urn:xmpp:rayo:1"/>`:                                  "service-unavailable",
		`<jibri action="start" xmlns="http://jitsi.org/protocol/jibri"/>`:  "service-unavailable",
		`<mute jid="x" xmlns="http://jitsi.org/jitmeet/smell">true</mute>`: "service-unavailable",
		`<jingle xmlns="urn:xmpp:jingle:0"/>`:                              "service-unavailable",
		``:                                                                 "bad-request",
		`<jingle xmlns="urn:xmpp:jingle:1"/><x xmlns="urn:xmpp:jingle:1"/>`: "bad-request",
	} {
		b.iq("set", "q1", child)
		b.refused(want)
	}
	b.iq("get", "q1", `<jingle action="session-terminate" sid="`+b.p.sid+`" xmlns="urn:xmpp:jingle:1"/>`)
	b.refused("service-unavailable")
	b.iq("get", "q1", `<ping xmlns="urn:xmpp:ping"/>`)
	b.ok()
	b.iq("get", "q1", `<query node="n" xmlns="http://jabber.org/protocol/disco#info"/>`)
	b.ok()
	if b.sent[0].Child(nsDisco, "query").Attr("node") != "n" {
		t.Errorf("no disco#info: %s", b.texts())
	}
}

// Answers count only from the client, with an id that waits.
func TestAnswersAreMatchedWithTheirSender(t *testing.T) {
	b := newBed(t)
	b.take(b.p.Joined(b.now, clientCaps))
	id := b.sent[0].Attr("id")
	b.iqFrom("478dfae7-0000@meet.test/x", "result", id, disco(featureRewriting))
	b.effects()
	b.iq("result", id+"0", disco(featureRewriting))
	b.effects()
	if b.p.known {
		t.Fatal("took the features from somebody else")
	}
	b.iq("result", id, disco(featureAudio, featureVideo))
	b.effects(Features{Names: []string{featureAudio, featureVideo}})
	b.iq("result", id, disco(featureRewriting))
	b.effects()
	b.iqFrom("478dfae7-0000@meet.test/x", "set", "q1", `<jingle xmlns="urn:xmpp:jingle:1"/>`)
	if len(b.sent)+len(b.rest) != 0 {
		t.Errorf("answered somebody else: %s", b.texts())
	}
}

func TestRejectedInvitation(t *testing.T) {
	b := newBed(t)
	b.take(b.p.Joined(b.now, Caps{}))
	b.take(b.p.Invite(b.now, testTransport()))
	sid := b.p.sid
	b.iq("error", b.sent[0].Attr("id"), `<error type="cancel"><service-unavailable xmlns="`+stanza.Errors+`"/></error>`)
	b.effects(Rejected{"session-initiate", "service-unavailable"})
	b.jingleFor(sid, "session-accept", acceptContents)
	b.refused("item-not-found")
	if !b.p.Next().IsZero() {
		t.Error("waits for an answer that cannot come")
	}
}

func TestLateErrorOfAnOldSessionIsIgnored(t *testing.T) {
	b := newBed(t)
	b.take(b.p.Joined(b.now, Caps{}))
	b.take(b.p.Invite(b.now, testTransport()))
	id := b.sent[0].Attr("id")
	b.take(b.p.Invite(b.now, testTransport()))
	b.iq("error", id, `<error type="cancel"/>`)
	b.effects()
	b.jingle("session-accept", acceptContents)
	b.ok(accepted(b.p.sid))
}

func TestRequestsWithoutAnswerAreBounded(t *testing.T) {
	b := inCall(t)
	for range 10 * maxPending {
		b.p.RestartICE(b.now, testTransport())
	}
	if len(b.p.waiting) > maxPending {
		t.Errorf("%d requests wait", len(b.p.waiting))
	}
	b.tick(time.Hour)
	if len(b.rest) != maxPending || len(b.p.waiting) != 0 {
		t.Errorf("%d time-outs, %d left", len(b.rest), len(b.p.waiting))
	}
}
