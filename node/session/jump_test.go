package session

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/node/edge/counter"
)

// TestJumpRepeatsNothing: whatever the holder sent after the record was taken, no index is used again, and a receiver who had it
// all, some of it or nothing guesses the same roll-over counter as the sender.
func TestJumpRepeatsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const ssrc, rtx = 7, 8
		begun := rapid.Bool().Draw(t, "begun")
		index := rapid.Uint64Range(0, 3<<16).Draw(t, "index")
		first := uint16(index) // of a stream that begins
		p := &Participant{Epoch: 3}
		s := Slot{SSRC: ssrc, RTX: rtx, RTXSeq: rapid.Uint16().Draw(t, "rtx")}
		if begun {
			p.Media.Sent = []SentRTP{{SSRC: ssrc, Index: index, Window: [8]uint64{1}}}
			s.Rewrite = Rewrite{Started: true, InSSRC: 5, LastSeq: uint16(index)}
		} else {
			s.Rewrite.LastSeq = first - 1
		}
		p.Media.SentRTCP = []SentRTCP{{SSRC: 9, Next: 100}}
		p.Forwarding = Forwarding{Slots: []Slot{s}, NextTransportSeq: 4, FeedbackCount: 250, FeedbackMoves: 2}
		p.Jump()

		since := rapid.Uint64Range(0, JumpRTP-1).Draw(t, "sent since")
		used := make(map[uint64]bool)
		receiver := counter.NewRTP(10)
		seen := func(i uint64) {
			if err := receiver.Restore(ssrc, counter.Resume(i, [8]uint64{1})); err != nil {
				t.Fatal(err)
			}
		}
		if begun {
			used[index] = true
			seen(index)
			for i := index + 1; i <= index+since; i++ {
				used[i] = true
			}
			if since > 0 && rapid.Bool().Draw(t, "arrived") {
				seen(index + since)
			}
		} else {
			for i := uint64(first); i < uint64(first)+since; i++ {
				used[i] = true
			}
			if since > 0 && rapid.Bool().Draw(t, "arrived") {
				seen(uint64(first))
			}
		}

		sender := counter.NewRTP(10)
		for _, c := range p.Media.Sent {
			if err := sender.Restore(c.SSRC, counter.Resume(c.Index, c.Window)); err != nil {
				t.Fatal(err)
			}
		}
		for _, slot := range p.Forwarding.Slots {
			if slot.Rewrite.InSSRC != 0 {
				t.Fatal("a segment goes on behind a gap")
			}
			for i := range uint16(100) {
				seq := slot.Rewrite.LastSeq + 1 + i
				mine, err := sender.Check(ssrc, seq)
				if err != nil {
					t.Fatalf("packet %d: %v", seq, err)
				}
				if used[mine.Index] {
					t.Fatalf("index %d is used again", mine.Index)
				}
				theirs, err := receiver.Check(ssrc, seq)
				if err != nil || theirs.Index != mine.Index {
					t.Fatalf("packet %d: sent as %d, taken for %d: %v", seq, mine.Index, theirs.Index, err)
				}
				sender.Accept(mine)
				receiver.Accept(theirs)
			}
		}
		if begun && len(p.Forwarding.Slots) != 1 {
			t.Fatal("a stream that goes on was dropped")
		}

		for _, c := range p.Media.SentRTCP {
			if c.Next < JumpRTCP {
				t.Fatalf("reports of %d go on with %d", c.SSRC, c.Next)
			}
		}
		if f := p.Forwarding; f.NextTransportSeq != 0 || f.FeedbackMoves != 2 || p.Epoch != 4 {
			t.Fatalf("%+v, epoch %d", f, p.Epoch)
		}
	})
}

// TestThin: what a record leaves out is what a jump makes anew, so that a thin value jumps to the same.
func TestThin(t *testing.T) {
	value := func() *Participant {
		p := &Participant{}
		p.Media.Sent = []SentRTP{{SSRC: 1, Index: 70_000, Window: [8]uint64{7}}}
		p.Forwarding.Slots = []Slot{{SSRC: 1, Rewrite: Rewrite{InSSRC: 5, LastSeq: 9}}}
		p.Forwarding.NextTransportSeq = 77
		return p
	}
	thin, full := value(), value()
	thin.Thin()
	if len(Encode(thin)) >= len(Encode(full)) || thin.Media.Sent[0].Window != [8]uint64{} || thin.Forwarding.Slots[0].Rewrite.InSSRC != 0 || thin.Forwarding.NextTransportSeq != 0 {
		t.Errorf("a thin value is %+v", thin)
	}
	thin.Jump()
	full.Jump()
	if string(Encode(thin)) != string(Encode(full)) {
		t.Errorf("a thin value jumps to %+v, a full one to %+v", thin, full)
	}
}
