package sfu

import (
	"slices"
	"testing"
)

// frameOf returns a frame of n packets, of which only the last has the marker.
func frameOf(p *person, n int, key bool) (frame [][]byte) {
	p.ts[0] += 3000
	p.pic[0]++
	for i := range n {
		frame = append(frame, p.packet(0, i == 0, key, i == n-1))
	}
	return frame
}

// A frame goes to a receiver as one, in order, when its last packet came; with what came of it when no more comes; and in parts
// when it is too large to be kept. What else its sender sends does not wait for it.
func TestAFrameGoesToEachReceiverAtOnce(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	b.wire.take(t)
	var sent int
	send := func(packets ...[]byte) (more bool) {
		for _, p := range packets {
			kept := slices.Clone(p)
			more = a.Participant.RTP(kept, r.now)
			clear(kept) // it was only lent
			sent++
		}
		return more
	}
	var next uint16
	expect := func(what string, n int) {
		t.Helper()
		var got int
		for _, m := range b.wire.take(t) {
			if m.PayloadType == 111 {
				got++
				continue
			}
			if next != 0 && m.SequenceNumber != next {
				t.Errorf("%s: number %d, want %d", what, m.SequenceNumber, next)
			}
			next = m.SequenceNumber + 1
			got++
		}
		if got != n {
			t.Errorf("%s: %d packets, want %d", what, got, n)
		}
	}
	frame := frameOf(a, 4, true)
	if !send(frame[:3]...) {
		t.Error("nothing waits")
	}
	expect("the frame is not whole", 0)
	if more := send(a.sound(40)); !more {
		t.Error("sound ends the frame")
	}
	expect("sound", 1)
	if send(frame[3]) {
		t.Error("something waits")
	}
	expect("the frame is whole", 4)
	send(frameOf(a, 4, false)[:2]...)
	a.Participant.Flush()
	expect("no more comes", 2)
	next += 2
	a.Participant.Flush()
	expect("nothing waits", 0)
	large := frameOf(a, mostKept+10, false)
	send(large[:mostKept]...)
	expect("a large frame", mostKept)
	send(large[mostKept:]...)
	expect("its rest", 10)
}

// TestAFrameStaysInOrderWhenItsReceiversChange: somebody joins between two packets of a frame, and whoever was there gets them
// in order all the same.
func TestAFrameStaysInOrderWhenItsReceiversChange(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	b.wire.take(t)
	frame := frameOf(a, 4, true)
	for _, p := range frame[:2] {
		a.Participant.RTP(p, r.now)
	}
	r.join(3, 1)
	for _, p := range frame[2:] {
		a.Participant.RTP(p, r.now)
	}
	a.Participant.Flush()
	ssrc, _ := b.ssrc(a.camera())
	got := on(b.wire.take(t), ssrc)
	if len(got) != 4 {
		t.Fatalf("%d packets, want 4", len(got))
	}
	for i, p := range got {
		if want := got[0].SequenceNumber + uint16(i); p.SequenceNumber != want {
			t.Errorf("packet %d has number %d, want %d", i, p.SequenceNumber, want)
		}
	}
}
