package sfu

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

// lane is a RelayEgress that keeps what it is sent.
type lane struct {
	rtp     [][]byte
	reports [][]byte
	classes []Class
	where   []int
}

func (l *lane) Send(_ room.SourceName, encoding int, class Class, b []byte) {
	b = append([]byte(nil), b...)
	if b[1] == packet.TypeSR {
		l.reports = append(l.reports, b)
		return
	}
	l.rtp, l.classes, l.where = append(l.rtp, b), append(l.classes, class), append(l.where, encoding)
}

// pulled is a sender whose camera and microphone another node pulls.
func pulled(t testing.TB, encodings int) (*rig, *person, *Relay, *lane) {
	r := newRig(t)
	a := r.join(1, encodings)
	out := &lane{}
	y := r.room.JoinRelay(r.now, "far", out)
	r.do(r.room.Pull(r.now, "far", a.camera(), 720))
	r.do(r.room.Pull(r.now, "far", a.mic(), 1))
	return r, a, y, out
}

// marks returns the extended sequence numbers, and the marks, of what was sent.
func (l *lane) marks() (numbers []uint64, ms []packet.Mark) {
	for _, b := range l.rtp {
		m := packet.ReadMark(b)
		numbers, ms = append(numbers, m.Extended(binary.BigEndian.Uint16(b[2:]))), append(ms, m)
	}
	return numbers, ms
}

func (l *lane) clear() { *l = lane{} }

func TestTheOriginMarksWhatItKnows(t *testing.T) {
	_, a, _, out := pulled(t, 2)
	a.film(true, 0)
	a.film(true, 1)
	a.film(false, 1)
	a.speak(100)
	_, ms := out.marks()
	if len(ms) != 10 {
		t.Fatalf("%d packets", len(ms))
	}
	for i, m := range ms {
		if !m.Present() || m.Keyframe() != (i == 0 || i == 3) || int(m.Encoding()) != out.where[i] || out.where[i] != []int{0, 0, 0, 1, 1, 1, 1, 1, 1, 0}[i] {
			t.Errorf("packet %d of encoding %d: mark %x", i, out.where[i], uint64(m))
		}
		if level, ok := m.Level(); ok != (i == 9) || ok && level != 100 {
			t.Errorf("packet %d: level %d, %v", i, level, ok)
		}
	}
}

func TestLayersAndClassesByCodec(t *testing.T) {
	r, a, _, out := pulled(t, 1)
	a.film(true, 0)
	header := func(pt uint8) rtp.Header {
		a.seq[0]++
		return rtp.Header{Version: 2, PayloadType: pt, SSRC: cameraSSRC(0), SequenceNumber: a.seq[0] - 1, Timestamp: a.ts[0]}
	}
	type want struct {
		Class             Class
		Temporal, Spatial uint8
		Discardable       bool
	}
	for i, c := range []struct {
		pt      uint8
		payload []byte
		want    want
	}{
		{100, []byte{0x90, 0xe0, 0x80, 1, 2, 0x00, 1, 7, 7}, want{ClassVideo, 0, 0, false}},
		{100, []byte{0x90, 0xe0, 0x80, 1, 2, 0x40, 1, 7, 7}, want{ClassVideo, 1, 0, false}},
		{100, []byte{0xb0, 0xe0, 0x80, 1, 2, 0x80, 1, 7, 7}, want{ClassDiscardable, 2, 0, true}},
		{101, []byte{0xa8, 0x80, 1, 0x00, 1, 7, 7}, want{ClassVideo, 0, 0, false}},
		{101, []byte{0xe9, 0x80, 1, 2<<5 | 1<<1, 1, 7, 7}, want{ClassDiscardable, 2, 1, true}},
		{101, []byte{0xe8, 0x80, 1, 2<<5 | 0<<1, 1, 7, 7}, want{ClassVideo, 2, 0, false}},
		{101, []byte{0xe9, 0x80, 1, 1<<5 | 1<<1, 1, 7, 7}, want{ClassVideo, 1, 1, false}}, // temporal layer 2 refers to it
		{101, []byte{0xe9, 0x80, 1, 0<<5 | 1<<1, 1, 7, 7}, want{ClassVideo, 0, 1, false}}, // the next picture does
		{107, []byte{0x67, 1, 2}, want{ClassVideo, 0, 0, false}},
		{107, []byte{0x01, 1, 2}, want{ClassDiscardable, 0, 0, true}},
		{107, []byte{0x41, 1, 2}, want{ClassVideo, 0, 0, false}},
	} {
		out.clear()
		a.send(a.marshal(header(c.pt), c.payload))
		_, ms := out.marks()
		if len(ms) != 1 {
			t.Fatalf("case %d: %d packets", i, len(ms))
		}
		got := want{out.classes[0], ms[0].Temporal(), ms[0].Spatial(), ms[0].Discardable()}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("case %d: %s", i, diff)
		}
	}
	r.do(r.room.SetDominant(r.now, a.id, nil))
	out.clear()
	a.codec = VP8
	a.film(true, 0)
	a.speak(9)
	if diff := cmp.Diff([]Class{ClassSpeaker, ClassSpeaker, ClassSpeaker, ClassAudio}, out.classes); diff != "" {
		t.Errorf("of the dominant speaker: %s", diff)
	}
	r.do(r.room.SetDominant(r.now, endpoint(9), nil))
	out.clear()
	a.film(false, 0)
	if out.classes[0] != ClassVideo {
		t.Errorf("of a dominant speaker of before: class %d", out.classes[0])
	}
}

// TestExtendedNumbersGrow: over wraps, restarts of the sender's stream, switches, and when the participant comes anew.
func TestExtendedNumbersGrow(t *testing.T) {
	r, a, _, out := pulled(t, 2)
	a.seq[1] = 65_530
	step := func(film func()) (numbers []uint64) {
		t.Helper()
		out.clear()
		film()
		numbers, ms := out.marks()
		if len(numbers) == 0 {
			t.Fatal("nothing")
		}
		for i := range ms {
			if out.where[i] != 1 {
				t.Fatal("another encoding")
			}
		}
		return numbers
	}
	last := uint64(0)
	grows := func(what string, numbers []uint64, most uint64) {
		t.Helper()
		for i, n := range numbers {
			if last != 0 && (n <= last || n-last > most) {
				t.Errorf("%s, packet %d: %d after %d", what, i, n, last)
			}
			last, most = n, 1
		}
	}
	grows("start", step(func() { a.film(true, 1) }), 0)
	grows("wrap", step(func() {
		for range 6 {
			a.film(false, 1)
		}
	}), 1)
	a.seq[1] -= 20_000
	grows("restart", step(func() {
		a.film(false, 1)
		a.film(true, 1)
	}), 1<<20)
	r.do(r.room.Pull(r.now, "far", a.camera(), 180))
	a.film(false, 0)
	r.wait(20 * time.Millisecond)
	a.film(true, 0)
	a.film(false, 0)
	r.do(r.room.Pull(r.now, "far", a.camera(), 720))
	r.wait(20 * time.Millisecond)
	grows("switched away and back", step(func() { a.film(true, 1) }), 1<<20)
	r.now = r.now.Add(30 * time.Second)
	r.do(r.room.Leave(r.now, a.id))
	a.Participant = r.room.Join(r.now, a.id, a.wire)
	a.Connected(r.now)
	r.do(r.room.SetSources(r.now, a.id, a.source(2)))
	a.seq[1] = 5
	grows("joined again", step(func() { a.film(true, 1) }), 1<<40)
	// A packet that comes late has its own place.
	out.clear()
	late := a.frame(1, false)
	a.send(late[0], late[2], late[1])
	numbers, _ := out.marks()
	if diff := cmp.Diff([]uint64{last + 1, last + 3, last + 2}, numbers); diff != "" {
		t.Errorf("out of order: %s", diff)
	}
}

// TestRecoveredPacketsGoOn: what the sender's own link lost and repaired is passed on when it comes.
func TestRecoveredPacketsGoOn(t *testing.T) {
	_, a, _, out := pulled(t, 1)
	a.film(true, 0)
	f := a.frame(0, false)
	a.send(f[0], f[2])
	out.clear()
	p := unmarshal(t, f[1])
	rtx := &rtp.Packet{Header: p.Header, Payload: append(binary.BigEndian.AppendUint16(nil, p.SequenceNumber), p.Payload...)}
	rtx.PayloadType, rtx.SSRC, rtx.SequenceNumber = 96, cameraRTX(0), 1
	b, err := rtx.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	a.send(b)
	if len(out.rtp) != 1 {
		t.Fatalf("%d packets", len(out.rtp))
	}
	got := unmarshal(t, out.rtp[0])
	if got.SSRC != p.SSRC || got.SequenceNumber != p.SequenceNumber || got.PayloadType != p.PayloadType || !cmp.Equal(got.Payload, p.Payload) {
		t.Errorf("%+v, want %+v", got, p)
	}
}

// TestSenderReportsGoOn: once a second and encoding, the sender's time untouched, and the leaf's clients see the lips move
// when the voice is heard.
func TestSenderReportsGoOn(t *testing.T) {
	r, a, y, out := pulled(t, 2)
	theirs := packet.NTP(r.now.Add(-77 * time.Hour))
	for range 20 {
		a.rtcp(&rtcp.SenderReport{SSRC: cameraSSRC(1), NTPTime: theirs, RTPTime: 5, PacketCount: 6, OctetCount: 7})
		r.wait(100 * time.Millisecond)
	}
	a.rtcp(&rtcp.SenderReport{SSRC: micSSRC, NTPTime: theirs + 1, RTPTime: 8, Reports: []rtcp.ReceptionReport{{SSRC: 5}}})
	var got []rtcp.SenderReport
	for _, b := range out.reports {
		ps, err := rtcp.Unmarshal(b)
		if err != nil || len(ps) != 1 {
			t.Fatalf("%x: %v", b, err)
		}
		got = append(got, *ps[0].(*rtcp.SenderReport))
	}
	video := rtcp.SenderReport{SSRC: cameraSSRC(1), NTPTime: theirs, RTPTime: 5, PacketCount: 6, OctetCount: 7}
	audio := rtcp.SenderReport{SSRC: micSSRC, NTPTime: theirs + 1, RTPTime: 8}
	want := []rtcp.SenderReport{video, video, video, audio}
	for i := range got {
		got[i].Reports, got[i].ProfileExtensions = nil, nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	r.now = r.now.Add(150 * time.Millisecond)
	b, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{
		{SSRC: micSSRC, LastSenderReport: packet.ShortNTP(theirs + 1), Delay: 65536 / 20},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	y.Feedback(a.mic(), 0, b, r.now)
	if d := y.roundTrip(); d < 99*time.Millisecond || d > 101*time.Millisecond {
		t.Errorf("round trip %v, want 100 ms", d)
	}
}
