package bench

import (
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"github.com/atoll-mesh/atoll/tools/load/trace"
)

// written keeps packets, and when they came.
type written struct {
	packets [][]byte
	stall   time.Duration // of the hundredth
}

func (w *written) WriteRTP(packet []byte) error {
	w.packets = append(w.packets, append([]byte(nil), packet...))
	if len(w.packets) == 100 {
		time.Sleep(w.stall)
	}
	return nil
}

// sent returns what a publisher sends in a time.
func sent(t *testing.T, p plan, d time.Duration, video ...uint32) []*rtp.Packet {
	t.Helper()
	w := new(written)
	f := newPerformer(0, 1, p, p.codec, 1, video)
	f.to = w
	f.begin(0)
	for at := time.Duration(0); at < d; at += time.Millisecond {
		if _, _, err := f.send(at, time.Unix(0, int64(at))); err != nil {
			t.Fatal(err)
		}
	}
	var out []*rtp.Packet
	for _, raw := range w.packets {
		h := new(rtp.Packet)
		if err := h.Unmarshal(raw); err != nil {
			t.Fatal(err)
		}
		out = append(out, h)
	}
	return out
}

func TestVideoIsValidVP8AndGoesOn(t *testing.T) {
	for name, p := range map[string]plan{"equal": equal(3), "filmed": film(t, VP8)} {
		t.Run(name, func(t *testing.T) {
			last := map[uint32]*rtp.Packet{}
			keys := map[uint32]int{}
			transport := uint16(0)
			for k, packet := range sent(t, p, 20*time.Second, 11, 12, 13) {
				ext := packet.GetExtension(5)
				if got := uint16(ext[0])<<8 | uint16(ext[1]); got != transport {
					t.Fatalf("packet %d: transport-wide number %d, want %d", k, got, transport)
				}
				transport++
				before := last[packet.SSRC]
				last[packet.SSRC] = packet
				if packet.SSRC == 1 {
					if before != nil && (packet.SequenceNumber != before.SequenceNumber+1 || packet.Timestamp != before.Timestamp+960) {
						t.Fatalf("packet %d: sound %+v after %+v", k, packet.Header, before.Header)
					}
					continue
				}
				var d codecs.VP8Packet
				body, err := d.Unmarshal(packet.Payload)
				if err != nil {
					t.Fatalf("packet %d: %v", k, err)
				}
				starts := before == nil || before.Timestamp != packet.Timestamp
				if (d.S == 1) != starts {
					t.Fatalf("packet %d starts a frame: %v, is at %d", k, d.S == 1, packet.Timestamp)
				}
				if d.S == 1 && body[0]&1 == 0 {
					keys[packet.SSRC]++
				}
				if before == nil {
					continue
				}
				if packet.SequenceNumber != before.SequenceNumber+1 || int32(packet.Timestamp-before.Timestamp) < 0 || before.Marker != starts {
					t.Fatalf("packet %d: %+v after %+v", k, packet.Header, before.Header)
				}
			}
			for _, ssrc := range []uint32{11, 12, 13} {
				if keys[ssrc] < 2 {
					t.Errorf("%d has %d key frames", ssrc, keys[ssrc])
				}
			}
		})
	}
}

func film(t *testing.T, name string) plan {
	t.Helper()
	p, err := filmed(name, 3)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFilmsAreWhatBrowsersSend(t *testing.T) {
	for name, want := range map[string]struct {
		encodings int
		bits      float64 // a second, at least
	}{VP8: {3, 1e6}, AV1: {1, 0.5e6}} {
		packets, err := trace.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		bytes, sizes := 0, map[int]bool{}
		for _, p := range packets {
			bytes += p.Size
			sizes[p.Size] = true
		}
		d := packets[len(packets)-1].At
		p := film(t, name)
		if rate := 8 * float64(bytes) / d.Seconds(); p.encodings != want.encodings || rate < want.bits || d < 5*time.Second || len(sizes) < 20 {
			t.Errorf("%s: %d encodings, %.0f bit/s for %v, %d sizes", name, p.encodings, rate, d, len(sizes))
		}
	}
}

func TestAskedForKeyframeComes(t *testing.T) {
	f := newPerformer(0, 1, equal(1), payloadVP8, 1, []uint32{2})
	w := new(written)
	f.to = w
	f.begin(0)
	step := func(at time.Duration) (keys int) {
		w.packets = nil
		if _, _, err := f.send(at, time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		for _, raw := range w.packets {
			var p rtp.Packet
			var d codecs.VP8Packet
			if err := p.Unmarshal(raw); err != nil {
				t.Fatal(err)
			}
			if p.PayloadType != payloadVP8 {
				continue
			}
			if body, err := d.Unmarshal(p.Payload); err == nil && d.S == 1 && body[0]&1 == 0 {
				keys++
			}
		}
		return keys
	}
	if n := step(0); n != 1 {
		t.Errorf("%d key frames at first", n)
	}
	if n := step(100 * time.Millisecond); n != 0 {
		t.Errorf("%d key frames that nobody asked for", n)
	}
	f.feedback([]byte{0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2})
	if n := step(200 * time.Millisecond); n != 1 {
		t.Errorf("%d key frames after one was asked for", n)
	}
}
