package focus

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/room"
)

var (
	peerVoice  = SignalledSource{Owner: "478dfae7", Source: "478dfae7-a0", SSRC: 501, MSID: "a b"}
	peerCamera = SignalledSource{Owner: "478dfae7", Source: "478dfae7-v0", VideoType: room.Camera, SSRC: 502, RTX: 503}
	peerScreen = SignalledSource{Owner: "aaaaaaaa", Source: "aaaaaaaa-v1", VideoType: room.Desktop, SSRC: 504}
)

func TestSignalAsElements(t *testing.T) {
	b := inCall(t)
	effects := b.p.Signal(b.now, []SignalledSource{peerVoice, peerCamera, peerScreen}, nil)
	b.take(effects)
	if len(effects) != 1 {
		t.Fatalf("%d requests", len(effects))
	}
	b.golden("source_add.xml", effects[0].(Send).Stanza)
	effects = b.p.Signal(b.now, []SignalledSource{peerVoice}, []SignalledSource{{SSRC: 501}, {SSRC: 504}, {SSRC: 999}})
	b.take(effects)
	if len(b.sent) != 2 || b.sent[0].Child(nsJingle, "jingle").Attr("action") != "source-remove" ||
		b.sent[1].Child(nsJingle, "jingle").Attr("action") != "source-add" {
		t.Fatalf("sent %s", b.texts())
	}
	b.golden("source_remove.xml", effects[0].(Send).Stanza)
	b.take(b.p.Signal(b.now, nil, []SignalledSource{{SSRC: 999}}))
	if len(b.sent) != 0 {
		t.Errorf("sent %s", b.texts())
	}
}

func TestSignalAsJSON(t *testing.T) {
	b := inCall(t)
	b.p.features = []string{featureJSON, featureAudio, featureVideo}
	b.take(b.p.Signal(b.now, []SignalledSource{peerVoice, peerCamera, peerScreen}, nil))
	var got any
	text := b.sent[0].Child(nsJingle, "jingle").Child(nsJitmeet, "json-message").Text
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	var want any
	_ = json.Unmarshal([]byte(`{"sources":{
		"478dfae7":[
			[{"s":502,"n":"478dfae7-v0","m":"478dfae7-v0 478dfae7-v0"},{"s":503,"n":"478dfae7-v0","m":"478dfae7-v0 478dfae7-v0"}],
			[["f",502,503]],
			[{"s":501,"n":"478dfae7-a0","m":"a b"}]],
		"aaaaaaaa":[[{"s":504,"n":"aaaaaaaa-v1","m":"aaaaaaaa-v1 aaaaaaaa-v1","v":"d"}],[],[]]}}`), &want)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestSignalWaitsForTheSession(t *testing.T) {
	b := newBed(t)
	b.take(b.p.Signal(b.now, []SignalledSource{peerVoice}, nil))
	b.take(b.p.Joined(b.now, Caps{}))
	b.take(b.p.Invite(b.now, testTransport()))
	b.take(b.p.Signal(b.now, []SignalledSource{peerVoice, peerScreen}, nil))
	b.take(b.p.Signal(b.now, nil, []SignalledSource{peerScreen}))
	if len(b.sent) != 0 {
		t.Fatalf("sent before the session is accepted: %s", b.texts())
	}
	b.jingle("session-accept", acceptContents)
	if len(b.sent) != 2 {
		t.Fatalf("sent %s", b.texts())
	}
	jingle := b.sent[1].Child(nsJingle, "jingle")
	if jingle.Attr("action") != "source-add" || len(jingle.Children) != 1 {
		t.Errorf("sent %s", jingle.Bytes())
	}
}

func TestRewritingClientsAreNotSignalled(t *testing.T) {
	b := inCall(t)
	b.p.features = []string{featureRewriting}
	b.take(b.p.Signal(b.now, []SignalledSource{peerVoice}, nil))
	if len(b.sent) != 0 {
		t.Errorf("sent %s", b.texts())
	}
}

func TestSignalledSourcesAreBounded(t *testing.T) {
	b := inCall(t)
	for i := range 3 * maxSignalled {
		b.p.Signal(b.now, []SignalledSource{{Owner: "478dfae7", Source: "478dfae7-a0", SSRC: uint32(i + 1)}}, nil)
	}
	if len(b.p.signalled) != maxSignalled {
		t.Errorf("%d sources kept", len(b.p.signalled))
	}
}
