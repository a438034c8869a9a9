package sfu

import (
	"runtime"
	"testing"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// Everybody in a large room has up to a hundred slots and as many receivers. What one more takes then is what a node's memory goes into.
func TestAParticipantOfALargeRoomIsSmall(t *testing.T) {
	const people, most = 50, 44 << 10
	r := newRig(t)
	before := live()
	for n := range people {
		id := endpoint(byte(n + 1))
		r.do(r.room.SetSources(r.now, r.room.Join(r.now, id, &sink{}).ID(), []room.Source{
			{Name: room.SourceName(id + "-a0"), Encodings: []room.Encoding{{SSRC: micSSRC}}},
			{Name: room.SourceName(id + "-v0"), VideoType: room.Camera, Encodings: []room.Encoding{{SSRC: cameraSSRC(0), RTX: cameraRTX(0)}}},
		}))
		r.room.participants[id].Connected(r.now)
		r.do(r.room.SetConstraints(r.now, id, Constraints{LastN: -1, Default: 720}))
		r.fx = nil
	}
	if slots := len(r.room.list[0].down.slots); slots != 2*(people-1) {
		t.Fatalf("%d slots", slots)
	}
	each := (live() - before) / people
	runtime.KeepAlive(r)
	t.Logf("%d bytes", each)
	if each > most {
		t.Errorf("a participant takes %d bytes, at most %d", each, most)
	}
}

// live returns the bytes that are in use.
func live() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
