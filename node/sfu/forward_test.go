package sfu

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/room"
)

func TestTwoSeeAndHearEachOther(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 3), r.join(2, 3)
	fx := r.effects()
	maps := of[VideoMap](fx)
	last := maps[len(maps)-1]
	ssrc, rtx := b.ssrc(a.camera())
	if diff := cmp.Diff(VideoMap{b.id, []Mapping{{a.camera(), a.id, ssrc, rtx, room.Camera}}}, last); diff != "" {
		t.Errorf("map: %s", diff)
	}
	a.speak(100)
	a.film(false, 2) // no key frame yet
	a.film(true, 2)
	a.film(false, 2)
	got := b.wire.take(t)
	mic, _ := b.ssrc(a.mic())
	if n := len(on(got, mic)); n != 1 {
		t.Errorf("%d packets of audio, want 1", n)
	}
	video := on(got, ssrc)
	if len(video) != 6 {
		t.Fatalf("%d packets of video, want those of a key frame and the one after", len(video))
	}
	for i, m := range video {
		if m.sender != a.n || m.layer != 2 || m.SequenceNumber != video[0].SequenceNumber+uint16(i) || m.Marker != (i%3 == 2) || m.PayloadType != 100 {
			t.Errorf("packet %d: %+v", i, m.Header)
		}
	}
	if len(a.wire.take(t)) != 0 {
		t.Error("somebody receives own media")
	}
}

func TestTheLegsOwnExtensions(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	c := r.join(3, 1)
	a.speak(1)
	a.film(true, 0)
	c.speak(1)
	c.film(true, 0)
	var first uint16
	for i, m := range b.wire.take(t) {
		n := uint16(m.GetExtension(5)[0])<<8 | uint16(m.GetExtension(5)[1])
		if i == 0 {
			first = n
		}
		if n != first+uint16(i) {
			t.Errorf("packet %d has transport-wide number %d, want %d", i, n, first+uint16(i))
		}
		if string(m.GetExtension(3)) == "\t\t\t" {
			t.Errorf("packet %d has the sender's abs-send-time", i)
		}
	}
}

func TestNothingBeforeTheTransportIsUp(t *testing.T) {
	r := newRig(t)
	a := r.join(1, 1)
	b := r.known(2)
	b.Participant = r.room.Join(r.now, b.id, b.wire)
	b.want(-1, 720)
	a.film(true, 0)
	a.speak(1)
	if len(b.wire.take(t)) != 0 {
		t.Error("media before the transport is up")
	}
	a.wire.control(t)
	b.Participant.Tick(r.now)
	if diff := cmp.Diff([]uint32{cameraSSRC(0)}, a.wire.plis(t)); diff != "" {
		t.Errorf("key frames asked: %s", diff)
	}
	a.film(true, 0)
	if len(b.wire.take(t)) != 3 {
		t.Error("no video after the transport is up")
	}
}

func TestEffectsComeBeforeMedia(t *testing.T) {
	r := newRig(t)
	a := r.join(1, 1)
	b := r.known(2)
	b.Participant = r.room.Join(r.now, b.id, b.wire)
	b.Connected(r.now)
	fx := r.room.SetConstraints(r.now, b.id, Constraints{LastN: -1, Default: 720})
	if len(of[VideoMap](fx)) != 1 || len(of[AudioMap](fx)) != 1 {
		t.Fatalf("effects %+v, want a map of each kind", fx)
	}
	// A call that has nothing to tell does not open what the one before told of.
	if fx := r.room.SetConstraints(r.now, b.id, Constraints{LastN: -1, Default: 720}); len(fx) != 0 {
		t.Fatalf("the same again: %+v", fx)
	}
	a.film(true, 0)
	a.speak(1)
	if len(b.wire.take(t)) != 0 {
		t.Error("media before Open")
	}
	r.room.Open(r.now)
	a.speak(1)
	a.film(true, 0)
	if n := len(b.wire.take(t)); n != 4 {
		t.Errorf("%d packets after Open, want 4", n)
	}
}

func TestWithdrawnBeforeOpen(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	b.want(-1, 0)
	r.room.SetConstraints(r.now, b.id, Constraints{LastN: -1, Default: 720})
	r.room.SetConstraints(r.now, b.id, Constraints{LastN: -1})
	r.room.Open(r.now)
	a.film(true, 0)
	if n := len(b.wire.take(t)); n != 0 {
		t.Errorf("%d packets of what is not wanted any more", n)
	}
}

// TestAnOldTableDoesNoHarm: a packet that is on its way while the control side gives its slot to somebody else.
func TestAnOldTableDoesNoHarm(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	c := r.known(3)
	c.Participant = r.room.Join(r.now, c.id, c.wire)
	c.Connected(r.now)
	see := func(p *person) {
		r.do(r.room.SetConstraints(r.now, c.id, Constraints{LastN: 1, Default: 180, Selected: names(p.camera())}))
	}
	see(a)
	var in inbound
	if !a.up.receive(a.frame(0, true)[0], r.now, &in) || len(in.to.targets) != 2 {
		t.Fatalf("%d receivers, want 2", len(in.to.targets))
	}
	see(b)
	a.burst.deliver([]inbound{in})
	if n := len(c.wire.take(t)); n != 0 {
		t.Error("a packet of the source that was there before")
	}
}

func TestSSRCsAreTheLegsOwn(t *testing.T) {
	r := newRig(t)
	numbers := []uint32{0, 7, 0, 7, cameraSSRC(0), cameraRTX(0), micSSRC, 8, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25}
	r.room = NewRoom(Config{Rand: func() uint32 {
		n := numbers[0]
		if len(numbers) > 1 {
			numbers = numbers[1:]
		}
		return n
	}})
	b := r.known(2)
	b.Participant = r.room.Join(r.now, b.id, b.wire)
	r.do(r.room.SetSources(r.now, b.id, b.source(1)))
	numbers = append([]uint32{0, 7, cameraSSRC(0), cameraRTX(0), micSSRC}, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42)
	a := r.known(1)
	a.Participant = r.room.Join(r.now, a.id, a.wire)
	numbers = append([]uint32{0, 7, cameraSSRC(0), cameraRTX(0), micSSRC}, numbers...)
	r.do(r.room.SetSources(r.now, a.id, a.source(1)))
	b.want(-1, 180)
	if b.Participant.ssrc == 0 {
		t.Error("feedback comes from SSRC 0")
	}
	ssrc, rtx := b.ssrc(a.camera())
	mic, _ := b.ssrc(a.mic())
	taken := map[uint32]bool{0: true, b.Participant.ssrc: true, cameraSSRC(0): true, cameraRTX(0): true, micSSRC: true}
	for _, n := range []uint32{ssrc, rtx, mic} {
		if taken[n] {
			t.Errorf("SSRC %d is 0 or in use", n)
		}
		taken[n] = true
	}
}

func TestPaddingAlonePassesThrough(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	a.film(true, 0)
	probe := a.packet(0, false, false, false)
	probe = append(probe[:headerSize:headerSize], 0, 0, 0, 4) // header and extensions, then padding
	probe[0] |= 0x20
	a.send(probe)
	a.film(false, 0)
	got := b.wire.take(t)
	if len(got) != 7 || got[6].SequenceNumber != got[0].SequenceNumber+6 || len(got[3].Payload) != 0 {
		t.Errorf("%d packets, want 7 in a row, the fourth empty", len(got))
	}
}

func TestGarbageIsCounted(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	a.film(true, 0)
	b.wire.take(t)
	before := a.Counters()
	a.send([]byte{1, 2, 3})
	unknown := a.packet(0, true, true, true)
	unknown[11] ^= 0x55
	a.send(unknown)
	badType := a.packet(0, true, true, true)
	badType[1] = 33
	a.send(badType)
	onMic := a.packet(0, true, true, true)
	onMic[8], onMic[9], onMic[10], onMic[11] = 0, 0, micSSRC>>8, micSSRC&0xff
	a.send(onMic)
	asRTX := a.packet(0, true, true, true)
	asRTX[1] = 96
	a.send(asRTX)
	cut := a.packet(0, true, true, true)
	a.send(cut[:headerSize+1])
	again := a.packet(0, false, false, true)
	a.send(again, again)
	got := a.Counters()
	if got.Malformed-before.Malformed != 2 || got.Unknown-before.Unknown != 4 || got.Duplicates-before.Duplicates != 1 {
		t.Errorf("counters %+v, before %+v", got, before)
	}
	if n := len(b.wire.take(t)); n != 1 {
		t.Errorf("%d packets forwarded, want 1", n)
	}
}
