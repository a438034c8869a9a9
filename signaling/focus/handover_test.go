package focus

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/session"
)

func TestHandover(t *testing.T) {
	old := inCall(t)
	value := old.p.Export()
	want := session.Jingle{
		SID: old.p.sid, Active: true, Features: []string{featureAudio, featureVideo},
		Sources: []room.Source{microphone(), camera()}, BridgePwd: "s3cret",
	}
	if d := cmp.Diff(want, value); d != "" {
		t.Fatal(d)
	}
	b := newBed(t)
	b.p.Import(value)
	if d := cmp.Diff(value, b.p.Export()); d != "" {
		t.Errorf("imported differs: %s", d)
	}
	b.jingle("source-remove", described("video", cameraStreams(11, 12, 13)))
	b.ok(SourcesRemoved{[]room.Source{camera()}, []room.Source{microphone()}})
	b.jingle("session-terminate", restartRequest)
	b.ok(Terminated{SID: value.SID, Restart: true, Reason: "success"})
}

func TestHandoverBeforeAccept(t *testing.T) {
	old := invited(t)
	b := newBed(t)
	b.p.Import(old.p.Export())
	b.jingle("session-accept", acceptContents)
	b.ok(accepted(old.p.sid))
}
