package sfu

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"

	"github.com/atoll-mesh/atoll/node/session"
)

// moved is a room at another node with the same people, into which b is imported. The others are new there; what they
// send goes to both.
func moved(r *rig, f *session.Forwarding, b *person, early bool) (*rig, *person, *person) {
	to := newRig(r.t)
	to.now = r.now
	n := uint32(5_000_000)
	to.room = NewRoom(Config{Rand: func() uint32 { n += 7919; return n }})
	a := to.known(1)
	join := func() {
		a.Participant = to.room.Join(to.now, a.id, a.wire)
		a.Connected(to.now)
		to.do(to.room.SetSources(to.now, a.id, a.source(3)))
	}
	if early {
		join()
	}
	moved := to.known(2)
	moved.Participant = to.room.Import(to.now, b.id, moved.wire, false, f)
	moved.Connected(to.now)
	if !early {
		join()
	}
	to.do(to.room.SetSources(to.now, moved.id, moved.source(3)))
	moved.want(-1, 720)
	return to, a, moved
}

func TestMovingIsSeamless(t *testing.T) {
	for name, early := range map[string]bool{"sources are there first": true, "sources come later": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			a, b := r.join(1, 3), r.join(2, 3)
			b.constraints.Raw = []byte(`{"lastN":-1}`)
			ssrc, rtx := b.ssrc(a.camera())
			mic, _ := b.ssrc(a.mic())
			a.film(true, 2)
			a.film(false, 2)
			a.speak(1)
			b.rtcp(&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: []rtcp.NackPair{{PacketID: 0}}})
			before := b.wire.take(t)
			for range 10 {
				b.speak(1)
			}
			r.wait(100 * time.Millisecond)
			f := b.Export()
			a.film(false, 2)
			if len(b.wire.take(t)) != 0 {
				t.Error("the old node goes on sending")
			}
			if string(f.Constraints) != `{"lastN":-1}` || f.NextTransportSeq != 11 || f.FeedbackCount == 0 {
				t.Errorf("exported %+v", f)
			}
			to, a2, b2 := moved(r, &f, b, early)
			a2.seq, a2.ts, a2.pic = a.seq, a.ts, a.pic
			s2, x2 := b2.ssrc(a2.camera())
			m2, _ := b2.ssrc(a2.mic())
			if s2 != ssrc || x2 != rtx || m2 != mic {
				t.Fatalf("SSRCs %d, %d, %d, were %d, %d, %d", s2, x2, m2, ssrc, rtx, mic)
			}
			a2.film(false, 2)
			a2.speak(1)
			after := b2.wire.take(t)
			video, was := on(after, ssrc), on(before, ssrc)
			if len(video) != 3 {
				t.Fatalf("%d packets of video without a key frame, want 3", len(video))
			}
			// The frame between the nodes is lost here: three packets.
			if got, want := video[0].SequenceNumber, was[5].SequenceNumber+4; got != want {
				t.Errorf("sequence number %d, want %d", got, want)
			}
			if got, want := video[0].Timestamp, was[5].Timestamp+6000; got != want {
				t.Errorf("timestamp %d, want %d", got, want)
			}
			if got, want := video[0].vp8.PictureID, was[5].vp8.PictureID+2; got != want {
				t.Errorf("picture id %d, want %d", got, want)
			}
			audio, wasAudio := on(after, mic), on(before, mic)
			if len(audio) != 1 || audio[0].SequenceNumber != wasAudio[0].SequenceNumber+1 {
				t.Errorf("audio %+v after %+v", audio, wasAudio)
			}
			_ = to
		})
	}
}

// TestMovingKeepsFrameNumbers: a stream of AV1 that is not the first in its slot goes on at the other node, and so does what
// comes after it there.
func TestMovingKeepsFrameNumbers(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 3), r.join(2, 3)
	ssrc, _ := b.ssrc(a.camera())
	a.codec, a.num[0], a.num[2] = AV1, 60_000, 100
	a.film(true, 0)
	a.film(true, 2)
	f := b.Export()
	got := on(b.wire.take(t), ssrc)
	_, a2, b2 := moved(r, &f, b, true)
	a2.codec, a2.seq, a2.ts, a2.num = a.codec, a.seq, a.ts, a.num
	a2.film(false, 2)
	b2.want(-1, 0)
	b2.want(-1, 720)
	a2.film(true, 2)
	got = append(got, on(b2.wire.take(t), ssrc)...)
	if len(got) != 12 {
		t.Errorf("%d packets, want 12", len(got))
	}
	for i, m := range got {
		if m.frame != got[0].frame+uint16(i) {
			t.Errorf("packet %d has frame number %d, the first %d", i, m.frame, got[0].frame)
		}
	}
}

func TestAPendingSwitchIsAskedForAgain(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 3), r.join(2, 3)
	a.film(true, 0)
	a.film(false, 0, 1, 2)
	r.wait(40 * time.Millisecond)
	f := b.Export()
	_, a2, b2 := moved(r, &f, b, true)
	a2.seq, a2.ts, a2.pic = a.seq, a.ts, a.pic
	ssrc, _ := b2.ssrc(a2.camera())
	got := on(a2.stream(time.Second, b2.wire, 0, 1, 2), ssrc)
	if len(got) == 0 || got[0].layer != 0 || got[len(got)-1].layer != 2 {
		t.Fatalf("%d packets", len(got))
	}
}

func TestAnotherEncodingWaitsForAKeyFrame(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 3), r.join(2, 3)
	ssrc, _ := b.ssrc(a.camera())
	a.film(true, 2)
	last := b.wire.take(t)[2]
	f := b.Export()
	for i := range f.Slots {
		if f.Slots[i].SSRC == ssrc {
			f.Slots[i].Rewrite.InSSRC = 4711 // an encoding that nobody there sends
		}
	}
	to, a2, b2 := moved(r, &f, b, true)
	a2.film(false, 2)
	if n := len(b2.wire.take(t)); n != 0 {
		t.Errorf("%d packets without a key frame", n)
	}
	to.now = to.now.Add(100 * time.Millisecond)
	a2.film(true, 2)
	got := b2.wire.take(t)
	if len(got) != 3 || got[0].SequenceNumber != last.SequenceNumber+1 || got[0].Timestamp != last.Timestamp+9000 || got[0].vp8.PictureID != last.vp8.PictureID+1 {
		t.Errorf("%d packets, first %+v after %+v", len(got), got[0].Header, last.Header)
	}
}

// TestARestoredSlotForSomebodyElse: the source that it held is not there; another, whose encoding has the same SSRC,
// begins with a key frame.
func TestARestoredSlotForSomebodyElse(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	b.want(1, 720)
	ssrc, _ := b.ssrc(a.camera())
	a.film(true, 0)
	last := b.wire.take(t)[2]
	f := b.Export()
	to := newRig(t)
	to.now = r.now.Add(time.Second)
	c := to.join(3, 1)
	b2 := to.known(2)
	b2.Participant = to.room.Import(to.now, b.id, b2.wire, false, &f)
	b2.Connected(to.now)
	var slots []session.Slot
	for _, s := range f.Slots {
		if s.SSRC == ssrc {
			slots = append(slots, s)
		}
	}
	if len(slots) != 1 || slots[0].Source != a.camera() {
		t.Fatalf("exported %+v", f.Slots)
	}
	b2.want(1, 720)
	if s, _ := b2.ssrc(c.camera()); s != ssrc {
		t.Fatalf("SSRC %d, want the restored %d", s, ssrc)
	}
	c.film(false, 0)
	if n := len(b2.wire.take(t)); n != 0 {
		t.Errorf("%d packets before a key frame", n)
	}
	c.film(true, 0)
	got := b2.wire.take(t)
	if len(got) != 3 || got[0].SequenceNumber != last.SequenceNumber+1 || got[0].sender != 3 {
		t.Errorf("%d packets", len(got))
	}
}

func TestReferenceTimeJumps(t *testing.T) {
	r := newRig(t)
	b := r.join(2, 3)
	reference := func(p *person) (ref uint32, base uint16, count uint8) {
		for range 10 {
			p.speak(1)
		}
		p.r.wait(100 * time.Millisecond)
		for _, f := range p.wire.control(t) {
			if f, ok := f.(*rtcp.TransportLayerCC); ok {
				ref, base, count = f.ReferenceTime, f.BaseSequenceNumber+f.PacketStatusCount, f.FbPktCount
			}
		}
		return ref, base, count
	}
	before, next, count := reference(b)
	f := b.Export()
	_, _, b2 := moved(r, &f, b, true)
	b2.tcc = b.tcc
	after, next2, count2 := reference(b2)
	if next2 != next+10 || count2 <= count {
		t.Errorf("feedback goes on at %d, %d after %d, %d", next2, count2, next, count)
	}
	if jump := time.Duration(after-before) * 64 * time.Millisecond; jump < 9*time.Second {
		t.Errorf("the reference time jumps by %v", jump)
	}
}

func TestExportOfWhatWasImported(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 3), r.join(2, 3)
	a.film(true, 2)
	f := b.Export()
	empty := NewRoom(Config{})
	p := empty.Import(r.now, b.id, &wire{}, false, &f)
	g := p.Export()
	if diff := cmp.Diff(f.Slots, g.Slots); diff != "" {
		t.Error(diff)
	}
}
