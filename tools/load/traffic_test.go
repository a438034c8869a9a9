package load_test

import (
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"github.com/atoll-mesh/atoll/tools/load"
)

func parse(t *testing.T, raw []byte) *rtp.Packet {
	t.Helper()
	var p rtp.Packet
	if err := p.Unmarshal(raw); err != nil {
		t.Fatal(err)
	}
	return &p
}

func TestVideoIsValidVP8AndGoesOnAcrossWrap(t *testing.T) {
	const frames = 200
	p := load.NewPublisher(1, 2, 65530)
	seq, first := uint16(65530), uint32(0)
	var picture, transport uint16
	for f := range frames {
		if f == 130 {
			p.RequestKeyframe()
		}
		packets := p.Frame(time.Unix(0, int64(f)))
		if len(packets) != load.PacketsPerFrame {
			t.Fatalf("frame %d has %d packets", f, len(packets))
		}
		for i, raw := range packets {
			packet := parse(t, raw)
			if packet.SSRC != 2 || packet.PayloadType != 100 || len(packet.Payload) != load.VideoPayload {
				t.Fatalf("frame %d: header %+v, payload of %d bytes", f, packet.Header, len(packet.Payload))
			}
			if packet.SequenceNumber != seq {
				t.Fatalf("frame %d packet %d: sequence number %d, want %d", f, i, packet.SequenceNumber, seq)
			}
			if first == 0 {
				first = packet.Timestamp
			}
			if want := first + uint32(f)*3000; packet.Timestamp != want {
				t.Fatalf("frame %d: timestamp %d, want %d", f, packet.Timestamp, want)
			}
			if packet.Marker != (i == load.PacketsPerFrame-1) {
				t.Fatalf("frame %d packet %d: marker %v", f, i, packet.Marker)
			}
			ext := packet.GetExtension(5)
			if len(ext) != 2 || uint16(ext[0])<<8|uint16(ext[1]) != transport {
				t.Fatalf("frame %d packet %d: transport-wide number %v, want %d", f, i, ext, transport)
			}
			var d codecs.VP8Packet
			body, err := d.Unmarshal(packet.Payload)
			if err != nil {
				t.Fatalf("frame %d packet %d: %v", f, i, err)
			}
			if (d.S == 1) != (i == 0) || d.PID != 0 || d.I != 1 || d.L != 1 || d.T != 1 || d.TID != 0 {
				t.Fatalf("frame %d packet %d: descriptor %+v", f, i, d)
			}
			if f == 0 && i == 0 {
				picture = d.PictureID
			}
			if want := (picture + uint16(f)) & 0x7fff; d.PictureID != want || d.TL0PICIDX != uint8(f+1) {
				t.Fatalf("frame %d: picture %d, tl0 %d, want %d, %d", f, d.PictureID, d.TL0PICIDX, want, uint8(f+1))
			}
			if i == 0 {
				key := f%90 == 0 || f == 130
				if got := body[0]&1 == 0; got != key {
					t.Fatalf("frame %d: key frame is %v, want %v", f, got, key)
				}
				if start := [3]byte(body[3:6]); key && start != [3]byte{0x9d, 0x01, 0x2a} {
					t.Fatalf("frame %d: start code %x", f, start)
				}
			}
			seq++
			transport++
		}
	}
}

func TestOpusCarriesLevelAndSharesTheTransportNumbers(t *testing.T) {
	p := load.NewPublisher(1, 2, 65535)
	p.Frame(time.Now())
	a, b := parse(t, p.Opus(time.Now())), parse(t, p.Opus(time.Now()))
	if a.SSRC != 1 || a.PayloadType != 111 || len(a.Payload) != load.OpusPayload {
		t.Fatalf("header %+v, payload of %d bytes", a.Header, len(a.Payload))
	}
	if a.SequenceNumber != 65535 || b.SequenceNumber != 0 || b.Timestamp-a.Timestamp != 960 {
		t.Fatalf("sequence numbers %d, %d, timestamps %d, %d", a.SequenceNumber, b.SequenceNumber, a.Timestamp, b.Timestamp)
	}
	var level rtp.AudioLevelExtension
	if err := level.Unmarshal(a.GetExtension(1)); err != nil || !level.Voice || level.Level != 30 {
		t.Fatalf("audio level %+v, %v", level, err)
	}
	if ext := b.GetExtension(5); ext[1] != load.PacketsPerFrame+1 {
		t.Fatalf("transport-wide number %d", ext[1])
	}
}
