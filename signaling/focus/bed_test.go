package focus

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/signaling/stanza"
	"github.com/atoll-mesh/atoll/signaling/stanza/stanzatest"
)

var update = flag.Bool("update", false, "write golden files")

const (
	testRoom   = "room1@conference.meet.test"
	testClient = "05cf9031-583b-4a2e-9d5b-0b8e0c7d1a11@meet.test/28ecae8c"
	testPrint  = "A9:3C:1F:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC"
)

var testStart = time.Date(2026, 8, 20, 12, 0, 0, 0, time.UTC)

// table is a Roster: nick to whether it is a moderator.
type table map[string]bool

func (t table) Standing(nick string) (present, moderator bool) {
	moderator, present = t[nick]
	return present, moderator
}

// bed is a participant with a clock and a list of what it was told to send.
type bed struct {
	t    testing.TB
	p    *Participant
	now  time.Time
	ids  int
	sent []*stanza.Element
	rest []Effect
}

func newBed(t testing.TB, change ...func(*Config)) *bed {
	b := &bed{t: t, now: testStart}
	cfg := Config{
		Room: testRoom, JID: testClient, Endpoint: "05cf9031", Roster: table{"05cf9031": false, "478dfae7": false},
		NewID: func() string { b.ids++; return fmt.Sprintf("id%d", b.ids) },
	}
	for _, f := range change {
		f(&cfg)
	}
	b.p = NewParticipant(cfg)
	return b
}

// take sorts effects into what is sent, checked for the form that clients need, and the rest.
func (b *bed) take(effects []Effect) {
	b.t.Helper()
	b.sent, b.rest = nil, nil
	for _, e := range effects {
		s, ok := e.(Send)
		if !ok {
			b.rest = append(b.rest, e)
			continue
		}
		if err := stanzatest.CheckNamespaces(s.Stanza); err != nil {
			b.t.Fatalf("%v in %s", err, s.Stanza)
		}
		b.sent = append(b.sent, parse(b.t, string(s.Stanza)))
		last := b.sent[len(b.sent)-1]
		if last.Attr("from") != testRoom+"/focus" || last.Attr("to") != testClient {
			b.t.Fatalf("wrong addresses in %s", s.Stanza)
		}
	}
}

func (b *bed) iq(kind, id, child string) {
	b.t.Helper()
	b.iqFrom(testClient, kind, id, child)
}

func (b *bed) iqFrom(from, kind, id, child string) {
	b.t.Helper()
	b.take(b.p.HandleIQ(b.now, parse(b.t, fmt.Sprintf(
		`<iq from="%s" to="%s/focus" type="%s" id="%s" xmlns="jabber:client">%s</iq>`, from, testRoom, kind, id, child))))
}

// jingle sends a jingle request of the current session.
func (b *bed) jingle(action, children string) {
	b.t.Helper()
	b.jingleFor(b.p.sid, action, children)
}

func (b *bed) jingleFor(sid, action, children string) {
	b.t.Helper()
	b.iq("set", "q1", fmt.Sprintf(`<jingle action="%s" initiator="%s/focus" sid="%s" xmlns="urn:xmpp:jingle:1">%s</jingle>`,
		action, testRoom, sid, children))
}

func (b *bed) tick(after time.Duration) {
	b.t.Helper()
	b.now = b.now.Add(after)
	b.take(b.p.Tick(b.now))
}

// ok fails unless the last request was answered with a result and gave these effects.
func (b *bed) ok(want ...Effect) {
	b.t.Helper()
	if len(b.sent) == 0 || b.sent[0].Attr("type") != "result" || b.sent[0].Attr("id") != "q1" {
		b.t.Fatalf("not answered with a result: %s", b.texts())
	}
	b.effects(want...)
}

// refused fails unless the last request was answered with an error and gave these effects.
func (b *bed) refused(want string, effects ...Effect) {
	b.t.Helper()
	if len(b.sent) != 1 || b.sent[0].Attr("type") != "error" || b.sent[0].Attr("id") != "q1" {
		b.t.Fatalf("not answered with an error: %s", b.texts())
	}
	if got := condition(b.sent[0]); got != want {
		b.t.Errorf("condition %s, want %s: %s", got, want, b.sent[0].Bytes())
	}
	b.effects(effects...)
}

func (b *bed) effects(want ...Effect) {
	b.t.Helper()
	if d := cmp.Diff(want, b.rest); d != "" {
		b.t.Error(d)
	}
}

func (b *bed) texts() []string {
	var out []string
	for _, s := range b.sent {
		out = append(out, string(s.Bytes()))
	}
	return out
}

// golden compares with a file in testdata, one element a line.
func (b *bed) golden(name string, got []byte) {
	b.t.Helper()
	path := "testdata/" + name
	pretty := lines(got)
	if *update {
		if err := os.WriteFile(path, []byte(pretty), 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	if d := cmp.Diff(string(want), pretty); d != "" {
		b.t.Error(d)
	}
}

// lines breaks XML before every start tag.
func lines(xml []byte) string {
	var out []byte
	for i, c := range xml {
		if c == '<' && i > 0 && xml[i+1] != '/' {
			out = append(out, '\n')
		}
		out = append(out, c)
	}
	return string(out) + "\n"
}

func parse(t testing.TB, s string) *stanza.Element {
	t.Helper()
	e, err := stanza.Parse([]byte(s), stanza.Limits{})
	if err != nil {
		t.Fatalf("%v: %s", err, s)
	}
	return e
}

func testTransport() Transport {
	return Transport{
		Ufrag: "Kq3w", Pwd: "9Zk3aQbTnP6yUe1rXs8dLm2v", Fingerprint: "sha-256 " + testPrint,
		Candidates: []Candidate{
			{Foundation: "1", Protocol: "udp", Priority: 2130706431, Addr: netip.MustParseAddrPort("192.0.2.1:10000"), Type: "host"},
			{
				Foundation: "2", Protocol: "udp", Priority: 1694498815, Addr: netip.MustParseAddrPort("[2001:db8::1]:10000"),
				Type: "srflx", Related: netip.MustParseAddrPort("10.0.0.1:10000"),
			},
		},
		WebSocket: "wss://meet.test/colibri-ws/node1/c0ffee/05cf9031?pwd=s3cret&x=1", BridgePwd: "s3cret",
		BridgeSession: "b1", Region: "eu", AudioSSRC: 1001, VideoSSRC: 1002,
	}
}

// invited is a bed whose session-initiate is out and acknowledged.
func invited(t testing.TB, change ...func(*Config)) *bed {
	t.Helper()
	b := newBed(t, change...)
	b.take(b.p.Joined(b.now, Caps{}))
	b.take(b.p.Invite(b.now, testTransport()))
	b.iq("result", b.sent[0].Attr("id"), "")
	return b
}

// inCall is a bed whose session was accepted with one microphone and one camera.
func inCall(t testing.TB, change ...func(*Config)) *bed {
	t.Helper()
	b := invited(t, change...)
	b.jingle("session-accept", acceptContents)
	if !b.p.Active() {
		t.Fatalf("not active: %s", b.texts())
	}
	return b
}

// acceptContents is what lib-jitsi-meet answers, for a microphone and a camera with three encodings.
var acceptContents = `<group semantics="BUNDLE" xmlns="urn:xmpp:jingle:apps:grouping:0">` +
	`<content name="audio"/><content name="video"/><content name="data"/></group>` +
	`<content creator="responder" name="audio" senders="both">` +
	`<description media="audio" xmlns="urn:xmpp:jingle:apps:rtp:1">` +
	`<payload-type id="111" name="opus" clockrate="48000" channels="2"><parameter name="minptime" value="10"/>` +
	`<parameter name="useinbandfec" value="1"/>` +
	`<rtcp-fb type="transport-cc" xmlns="urn:xmpp:jingle:apps:rtp:rtcp-fb:0"/></payload-type>` +
	`<source name="05cf9031-a0" ssrc="1499690254" xmlns="urn:xmpp:jingle:apps:rtp:ssma:0">` +
	`<parameter name="msid" value="05cf9031-audio-0-1 e75b4c1e-1"/></source><rtcp-mux/>` +
	`<rtp-hdrext id="1" uri="urn:ietf:params:rtp-hdrext:ssrc-audio-level" xmlns="urn:xmpp:jingle:apps:rtp:rtp-hdrext:0"/>` +
	`<extmap-allow-mixed xmlns="urn:xmpp:jingle:apps:rtp:rtp-hdrext:0"/></description>` + acceptTransport + `</content>` +
	`<content creator="responder" name="video" senders="both">` +
	`<initial-last-n value="20" xmlns="jitsi:colibri2"/>` +
	`<description media="video" xmlns="urn:xmpp:jingle:apps:rtp:1">` +
	`<payload-type id="100" name="VP8" clockrate="90000" channels="1">` +
	`<rtcp-fb type="ccm" subtype="fir" xmlns="urn:xmpp:jingle:apps:rtp:rtcp-fb:0"/></payload-type>` +
	`<payload-type id="96" name="rtx" clockrate="90000" channels="1"><parameter name="apt" value="100"/></payload-type>` +
	cameraSources + `<rtcp-mux/></description>` + acceptTransport + `</content>`

const acceptTransport = `<transport pwd="aBcDeFgHiJkLmNoPqRsTuVwX" ufrag="x+/Y" xmlns="urn:xmpp:jingle:transports:ice-udp:1">` +
	`<fingerprint hash="sha-256" setup="active" xmlns="urn:xmpp:jingle:apps:dtls:0">` + testPrint + `</fingerprint></transport>`

// cameraSources are three simulcast encodings with their retransmissions as a browser lists them.
var cameraSources = cameraStreams(11, 21, 12, 22, 13, 23) + `<ssrc-group semantics="FID" ` + ssma + `><source ssrc="11"/><source ssrc="21"/></ssrc-group>` +
	`<ssrc-group semantics="SIM" ` + ssma + `><source ssrc="11"/><source ssrc="12"/><source ssrc="13"/></ssrc-group>` +
	`<ssrc-group semantics="FID" ` + ssma + `><source ssrc="12"/><source ssrc="22"/></ssrc-group>` +
	`<ssrc-group semantics="FID" ` + ssma + `><source ssrc="13"/><source ssrc="23"/></ssrc-group>`

const ssma = `xmlns="urn:xmpp:jingle:apps:rtp:ssma:0"`

func cameraStreams(ssrcs ...int) string {
	out := ""
	for _, ssrc := range ssrcs {
		out += fmt.Sprintf(`<source name="05cf9031-v0" ssrc="%d" videoType="camera" %s>`+
			`<parameter name="msid" value="05cf9031-video-0-1 e75b4c1e-2"/></source>`, ssrc, ssma)
	}
	return out
}

func camera() room.Source {
	return room.Source{
		Name: "05cf9031-v0", VideoType: room.Camera, MSID: "05cf9031-video-0-1 e75b4c1e-2",
		Encodings: []room.Encoding{{SSRC: 11, RTX: 21}, {SSRC: 12, RTX: 22}, {SSRC: 13, RTX: 23}},
	}
}

func microphone() room.Source {
	return room.Source{
		Name: "05cf9031-a0", MSID: "05cf9031-audio-0-1 e75b4c1e-1", Encodings: []room.Encoding{{SSRC: 1499690254}},
	}
}

// described wraps sources into the content of a source-add or source-remove as lib-jitsi-meet writes it.
func described(media, sources string) string {
	return fmt.Sprintf(`<content name="%s"><description media="%s" xmlns="urn:xmpp:jingle:apps:rtp:1">%s</description></content>`,
		media, media, sources)
}
