package bench

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

// perform lets one publisher send for 10 s and returns what was sent, expected at two listeners, and given up.
func perform(t *testing.T, w *written) (sent, heard int64, slipped time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newPerformer(0, 1, equal(1), payloadVP8, 1, []uint32{2})
		f.to, f.listeners = w, 2
		s := new(show)
		s.add(f)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second+time.Millisecond)
		defer cancel()
		s.open()
		if err := s.run(ctx); err != nil {
			t.Error(err)
		}
		_, heard, sent, slipped = s.close()
	})
	return sent, heard, slipped
}

const perSecond = framesPerSecond*packetsPerFrame + 50

func TestShowKeepsThePlan(t *testing.T) {
	sent, heard, slipped := perform(t, new(written))
	if least, most := int64(10*perSecond-7), int64(10*perSecond+7); sent < least || sent > most || heard != 2*sent || slipped != 0 {
		t.Errorf("sent %d of %d, of which %d are expected, and gave up %v", sent, 10*perSecond, heard, slipped)
	}
}

func TestShowDoesNotMakeUpForAStall(t *testing.T) {
	w := &written{stall: time.Second}
	sent, _, slipped := perform(t, w)
	if least, most := int64(9*perSecond-20), int64(9*perSecond+30); sent < least || sent > most {
		t.Errorf("sent %d with a stall of 1 s, want between %d and %d", sent, least, most)
	}
	if slipped < 900*time.Millisecond || slipped > time.Second {
		t.Errorf("says that it gave up %v", slipped)
	}
}

// Who is measured in turns sends the same in each, and clocks go on.
func TestShowBeginsAnew(t *testing.T) {
	w := new(written)
	synctest.Test(t, func(t *testing.T) {
		f := newPerformer(0, 1, equal(1), payloadVP8, 1, []uint32{2})
		f.to = w
		s := new(show)
		s.add(f)
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := s.run(ctx); err != nil {
				t.Error(err)
			}
			cancel()
			time.Sleep(time.Minute)
		}
	})
	var last rtp.Packet
	for k, raw := range w.packets {
		var p rtp.Packet
		if err := p.Unmarshal(raw); err != nil {
			t.Fatal(err)
		}
		if p.SSRC != 2 {
			continue
		}
		if last.SSRC != 0 && (p.SequenceNumber != last.SequenceNumber+1 || int32(p.Timestamp-last.Timestamp) < 0 || p.Timestamp-last.Timestamp > clockVideo) {
			t.Fatalf("packet %d: %+v after %+v", k, p.Header, last.Header)
		}
		last = p
	}
	if n := len(w.packets); n < 3*perSecond-10 || n > 3*(perSecond+packetsPerFrame+2) {
		t.Errorf("sent %d packets in three turns of a second, want %d", n, 3*perSecond)
	}
}
