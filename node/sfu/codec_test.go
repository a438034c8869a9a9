package sfu

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// videoCodecs by name.
var videoCodecs = map[string]Codec{"VP8": VP8, "VP9": VP9, "H264": H264, "AV1": AV1}

// TestOneSlotFollowsSourcesOfAnyCodec: what a slot carries changes twenty times, between senders of the same codec and of
// different ones. The receiver sees one stream in which every sender begins with a key frame and whose numbers go on.
func TestOneSlotFollowsSourcesOfAnyCodec(t *testing.T) {
	for _, pair := range [][2]Codec{{VP9, VP9}, {AV1, AV1}, {H264, H264}, {VP8, AV1}, {VP9, AV1}, {H264, VP8}} {
		r := newRig(t)
		a, b := r.join(1, 3), r.join(2, 3)
		a.codec, b.codec = pair[0], pair[1]
		a.num[0], b.num[0] = 65000, 30000
		c := r.known(3)
		c.Participant = r.room.Join(r.now, c.id, c.wire)
		c.Connected(r.now)
		var got []media
		for i := range 20 {
			p := []*person{a, b}[i%2]
			r.do(r.room.SetConstraints(r.now, c.id, Constraints{LastN: 1, Default: 720, Selected: names(p.camera())}))
			r.wait(time.Duration(i*10) * time.Millisecond)
			a.film(false, 0)
			b.film(false, 0)
			p.film(true, 0)
			p.film(false, 0)
			got = append(got, c.wire.take(t)...)
		}
		if len(got) != 20*6 {
			t.Fatalf("codecs %v: %d packets, want 120", pair, len(got))
		}
		for i, m := range got {
			if m.sender != byte(1+i/6%2) || m.codec != pair[i/6%2] {
				t.Fatalf("codecs %v: packet %d is of sender %d, codec %d", pair, i, m.sender, m.codec)
			}
		}
		checkStream(t, got)
	}
}

// failer is a test, or one run of a property.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// begins reports whether m is the first packet of a key frame.
func begins(m *media) bool {
	switch m.codec {
	case VP8:
		return m.vp8.S == 1 && m.vp8.Payload[0]&1 == 0
	case VP9:
		return m.vp9.B && !m.vp9.P && m.vp9.SID == 0
	case H264:
		return m.Payload[0]&0x1f == 7
	case AV1:
		return m.structure
	}
	return false
}

// checkStream checks what decoders need of one outgoing SSRC, in order of sequence numbers without holes at switches: what
// changes begins with a key frame, time and the numbers of the codecs go on, also when another codec was there meanwhile.
func checkStream(t failer, got []media) {
	t.Helper()
	var last *media
	latest := map[Codec]*media{}
	for i := range got {
		m := &got[i]
		if last == nil {
			if !begins(m) {
				t.Fatalf("the stream begins with %+v", m.Header)
			}
		} else {
			changed := m.sender != last.sender || m.layer != last.layer || m.codec != last.codec
			step := m.SequenceNumber - last.SequenceNumber
			switch {
			case step == 0:
				t.Fatalf("sequence number %d twice", m.SequenceNumber)
			case changed && (step != 1 || !begins(m)):
				t.Fatalf("packet %d: sender %d, codec %d after sender %d, codec %d, %d later, key frame: %v",
					i, m.sender, m.codec, last.sender, last.codec, step, begins(m))
			case int32(m.Timestamp-last.Timestamp) < 0 || changed && m.Timestamp == last.Timestamp:
				t.Fatalf("packet %d: timestamp %d after %d", i, m.Timestamp, last.Timestamp)
			}
			if was := latest[m.codec]; was != nil {
				checkNumbers(t, was, m, changed && was == last)
			}
		}
		last, latest[m.codec] = m, m
	}
}

// checkNumbers checks the numbers of a codec in m, which comes after was. next: directly after, at a switch.
func checkNumbers(t failer, was, m *media, next bool) {
	t.Helper()
	var step int
	switch m.codec {
	case VP8:
		step = int((m.vp8.PictureID - was.vp8.PictureID) & 0x7fff)
		if next && m.vp8.TL0PICIDX != was.vp8.TL0PICIDX+1 {
			t.Fatalf("TL0PICIDX %d after %d", m.vp8.TL0PICIDX, was.vp8.TL0PICIDX)
		}
	case VP9:
		step = int((m.vp9.PictureID - was.vp9.PictureID) & 0x7fff)
		if next && m.vp9.TL0PICIDX != was.vp9.TL0PICIDX+1 {
			t.Fatalf("TL0PICIDX %d after %d", m.vp9.TL0PICIDX, was.vp9.TL0PICIDX)
		}
	case AV1:
		step = int(m.frame - was.frame)
		if step == 0 {
			t.Fatalf("frame number %d twice", m.frame)
		}
	}
	if step > 300 || next && m.codec != H264 && step != 1 {
		t.Fatalf("codec %d: number %d later, next: %v", m.codec, step, next)
	}
}

// TestContinuousOverSources: senders of any codecs lose and reorder packets, let encodings come and go and change their
// codec, and the receiver changes its mind.
func TestContinuousOverSources(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t)
		codec := rapid.SampledFrom([]Codec{VP8, VP9, H264, AV1})
		var people []*person
		for n := range byte(3) {
			p := r.join(n+1, 3)
			p.codec = codec.Draw(rt, "codec")
			for l := range p.num {
				p.num[l], p.pic[l] = rapid.Uint16().Draw(rt, "frame number"), rapid.Uint16().Draw(rt, "picture")
			}
			people = append(people, p)
		}
		c := r.known(9)
		c.Participant = r.room.Join(r.now, c.id, c.wire)
		c.Connected(r.now)
		sending := []int{0, 1, 2}
		var got []media
		for i := range rapid.IntRange(10, 150).Draw(rt, "frames") {
			switch event := rapid.IntRange(0, 20).Draw(rt, "event"); {
			case event < 2 || i == 0:
				p := people[rapid.IntRange(0, 2).Draw(rt, "who")]
				height := rapid.SampledFrom([]int{180, 360, 720}).Draw(rt, "height")
				r.do(r.room.SetConstraints(r.now, c.id, Constraints{LastN: 1, Default: height, Selected: names(p.camera())}))
			case event == 2:
				sending = rapid.SampledFrom([][]int{{0, 1, 2}, {0, 1}, {0}}).Draw(rt, "sending")
			case event == 3:
				people[rapid.IntRange(0, 2).Draw(rt, "who")].codec = codec.Draw(rt, "codec")
			}
			for _, p := range people {
				asked := p.wire.plis(t)
				for _, l := range sending {
					packets := p.frame(l, slices.Contains(asked, cameraSSRC(l)) || rapid.IntRange(0, 30).Draw(rt, "key") == 0)
					switch rapid.IntRange(0, 9).Draw(rt, "fate") {
					case 0:
						packets = packets[:2]
					case 1:
						packets[1], packets[2] = packets[2], packets[1]
					case 2:
						packets = append(packets, packets[0])
					case 3:
						packets = packets[1:]
					}
					p.send(packets...)
				}
			}
			r.wait(time.Duration(rapid.IntRange(1, 60).Draw(rt, "ms")) * time.Millisecond)
			for _, m := range c.wire.take(t) {
				if m.codec != Opus && !m.again {
					got = append(got, m)
				}
			}
		}
		slices.SortStableFunc(got, func(x, y media) int { return int(int16(x.SequenceNumber - y.SequenceNumber)) })
		checkStream(rt, got)
	})
}
