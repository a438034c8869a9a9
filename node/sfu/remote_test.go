package sfu

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

// upstream is an Upstream that keeps what is asked for.
type upstream struct {
	lost      []uint16
	keyframes int
	encoding  int
}

func (u *upstream) Feedback(_ room.SourceName, encoding int, b []byte) {
	ps, err := rtcp.Unmarshal(b)
	if err != nil {
		panic(err)
	}
	for _, p := range ps {
		switch p := p.(type) {
		case *rtcp.TransportLayerNack:
			for _, n := range p.Nacks {
				u.lost = append(u.lost, n.PacketList()...)
			}
		case *rtcp.PictureLossIndication:
			u.keyframes++
			u.encoding = encoding
		}
	}
}

// far is a participant of another node, whose packets the test makes, and one receiver here.
type far struct {
	*rig
	a  *person
	m  *Remote
	up *upstream
	b  *person
}

func newFar(t testing.TB, encodings int) *far {
	f := &far{rig: newRig(t), up: &upstream{}}
	f.a = f.known(1)
	delete(f.people, 1) // it is elsewhere
	f.m = f.room.JoinRemote(f.now, f.a.id, f.up)
	f.do(f.room.SetSources(f.now, f.a.id, f.a.source(encodings)))
	f.b = f.join(2, 1)
	return f
}

// bring delivers packets with the cycle given.
func (f *far) bring(layer int, cycle uint32, key bool, packets ...[]byte) {
	for i, b := range packets {
		m := packet.NewMark(uint8(layer)).WithCycle(cycle).WithPicture(key && i == 0, &packet.Descriptor{})
		f.m.RTP(f.a.camera(), layer, packet.AppendMarked(nil, b, m), f.now)
	}
}

func (f *far) wait(d time.Duration) {
	for end := f.now.Add(d); f.now.Before(end); {
		f.rig.wait(20 * time.Millisecond)
		f.m.Tick(f.now)
	}
}

func (f *far) got(t testing.TB) []media {
	ssrc, _ := f.b.ssrc(f.a.camera())
	return on(f.b.wire.take(t), ssrc)
}

// TestAGapLongerThanACycle: so much was lost that the sequence number alone leads astray. The numbers that the origin gave
// tell; the client sees the next key frame follow.
func TestAGapLongerThanACycle(t *testing.T) {
	for name, gap := range map[string]uint32{"a little more than half": 33_000, "almost a cycle": 65_000, "a cycle and a little": 65_540, "many": 3*65_536 + 20_000} {
		t.Run(name, func(t *testing.T) {
			f := newFar(t, 1)
			f.a.seq[0] = 1000
			f.bring(0, 7, true, f.a.frame(0, true)...)
			f.wait(40 * time.Millisecond)
			before := f.got(t)
			n := uint32(f.a.seq[0]) + gap
			f.a.seq[0] = uint16(n)
			f.bring(0, 7+n>>16, false, f.a.frame(0, false)...)
			f.wait(40 * time.Millisecond)
			if n := len(f.got(t)); n != 0 || f.up.keyframes != 1 || len(f.up.lost) != 0 {
				t.Errorf("%d packets, %d key frames asked for, %v lost", n, f.up.keyframes, f.up.lost)
			}
			f.bring(0, 7+n>>16, true, f.a.frame(0, true)...)
			after := f.got(t)
			if len(after) != 3 || after[0].SequenceNumber != before[len(before)-1].SequenceNumber+1 {
				t.Errorf("%d packets, from %d on after %d", len(after), after[0].SequenceNumber, before[len(before)-1].SequenceNumber)
			}
		})
	}
}

// TestTwoWaysOfDifferentLength: of packets that come by a quick way and again, up to half a second later, by a slow one,
// each is taken once, over a wrap.
func TestTwoWaysOfDifferentLength(t *testing.T) {
	f := newFar(t, 1)
	f.a.seq[0] = 65_400
	f.bring(0, 7, true, f.a.frame(0, true)...)
	type copied struct {
		cycle   uint32
		packets [][]byte
	}
	var slow []copied
	cycle := uint32(7)
	for range 100 {
		before := f.a.seq[0]
		c := copied{cycle, f.a.frame(0, false)}
		if f.a.seq[0] < before {
			c.packets, cycle = c.packets[:0], cycle+1 // the frame of the wrap is made anew, so that it has one cycle
			f.a.seq[0] = 0
			for range 3 {
				c.packets = append(c.packets, f.a.packet(0, false, false, false))
			}
			c.cycle = cycle
		}
		slow = append(slow, c)
		f.bring(0, c.cycle, false, c.packets...)
		if len(slow) > 60 {
			f.bring(0, slow[0].cycle, false, slow[0].packets...)
			slow = slow[1:]
		}
		f.wait(20 * time.Millisecond)
	}
	got := f.got(t)
	seen := map[uint16]bool{}
	for _, m := range got {
		if seen[m.SequenceNumber] {
			t.Fatalf("number %d twice", m.SequenceNumber)
		}
		seen[m.SequenceNumber] = true
	}
	if n := f.m.Counters().Duplicates; len(got) != 303 || n != 120 {
		t.Errorf("%d packets, %d duplicates", len(got), n)
	}
}

// TestABeginningOutOfOrder: the first packet of all comes after others.
func TestABeginningOutOfOrder(t *testing.T) {
	f := newFar(t, 1)
	p := f.a.frame(0, true)
	mark := func(i int) []byte {
		return packet.AppendMarked(nil, p[i], packet.NewMark(0).WithCycle(3).WithPicture(i == 0, &packet.Descriptor{}))
	}
	for _, i := range []int{1, 0, 2} {
		f.m.RTP(f.a.camera(), 0, mark(i), f.now)
	}
	got := f.got(t)
	if len(got) != 2 {
		t.Fatalf("%d packets", len(got))
	}
	ssrc, rtx := f.b.ssrc(f.a.camera())
	f.b.rtcp(&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: []rtcp.NackPair{{PacketID: got[0].SequenceNumber + 1}}})
	if n := len(on(f.b.wire.take(t), rtx)); n != 1 {
		t.Errorf("the one that came too early is not there: %d packets", n)
	}
}

// TestAnOlderKeyFrameIsNoSwitch: beginnings of encodings that the origin left before arrive after the last one.
func TestAnOlderKeyFrameIsNoSwitch(t *testing.T) {
	f := newFar(t, 3)
	low, middle, old := f.a.frame(0, true), f.a.frame(1, true), f.a.frame(2, true)
	f.bring(2, 9, true, f.a.frame(2, true)...)
	f.bring(0, 7, true, low...)
	f.bring(1, 8, true, middle...)
	f.bring(2, 5, true, old...)
	f.bring(2, 9, false, f.a.frame(2, false)...)
	f.wait(100 * time.Millisecond)
	got := f.got(t)
	if len(got) != 6 || got[0].layer != 2 || f.up.keyframes != 0 {
		t.Errorf("%d packets, the first of encoding %d, %d key frames asked for", len(got), got[0].layer, f.up.keyframes)
	}
	f.bring(0, 1<<24-1, true, f.a.frame(0, true)...)
	f.bring(0, 10, true, f.a.frame(0, true)...)
	if got := f.got(t); len(got) != 3 || got[0].layer != 0 {
		t.Errorf("%d packets of an encoding that the origin went back to", len(got))
	}
}

// TestOnlyWhatIsAnnounced of a remote participant is taken.
func TestOnlyWhatIsAnnounced(t *testing.T) {
	f := newFar(t, 2)
	key := f.a.frame(0, true)[0]
	marked := func(encoding uint8) []byte {
		return packet.AppendMarked(nil, key, packet.NewMark(encoding).WithCycle(1).WithPicture(true, &packet.Descriptor{}))
	}
	rtx := slices.Clone(key)
	rtx[1] = rtx[1]&0x80 | 96
	f.m.RTP("00000009-v0", 0, marked(0), f.now)
	f.m.RTP("", 0, marked(0), f.now)
	f.m.RTP(f.a.mic(), 0, marked(0), f.now)
	f.m.RTP(f.a.camera(), 2, marked(2), f.now)
	f.m.RTP(f.a.camera(), -1, key, f.now)
	f.m.RTP(f.a.camera(), 1, marked(1), f.now) // another's SSRC
	f.m.RTP(f.a.camera(), 0, rtx, f.now)
	f.m.RTP(f.a.camera(), 0, marked(1), f.now)
	f.m.RTP(f.a.camera(), 0, marked(0)[:20], f.now)
	if n := f.m.Counters(); len(f.got(t)) != 0 || n.Unknown != 7 || n.Malformed != 2 {
		t.Errorf("counted %+v", n)
	}
	f.m.RTP(f.a.camera(), 0, marked(0), f.now)
	if n := len(f.got(t)); n != 1 {
		t.Errorf("%d packets", n)
	}
	f.do(f.room.Leave(f.now, f.a.id))
	f.m.RTP(f.a.camera(), 0, marked(0), f.now)
	f.m.Tick(f.now)
}

// TestWithoutMarks: packets that nobody marked are taken by what they show themselves.
func TestWithoutMarks(t *testing.T) {
	f := newFar(t, 2)
	plain := func(layer int, packets ...[]byte) {
		for _, b := range packets {
			f.m.RTP(f.a.camera(), layer, slices.Clone(b), f.now)
		}
	}
	first, second := f.a.frame(0, true), f.a.frame(1, true)
	late := f.a.frame(0, true)
	plain(0, first...)
	plain(1, second...)
	plain(1, second...)
	plain(0, late[1], late[0])
	plain(1, f.a.frame(1, false)...)
	var layers []byte
	for _, m := range f.got(t) {
		layers = append(layers, m.layer)
	}
	if !slices.Equal(layers, []byte{0, 0, 0, 1, 1, 1, 1, 1, 1}) {
		t.Errorf("encodings %v", layers)
	}
}

// TestWhatIsAskedOfTheOrigin: gaps once a round trip, key frames not before one could have come, nothing else.
func TestWhatIsAskedOfTheOrigin(t *testing.T) {
	f := newFar(t, 1)
	f.m.SetRTT(400 * time.Millisecond)
	f.bring(0, 1, true, f.a.frame(0, true)...)
	p := f.a.frame(0, false)
	f.bring(0, 1, false, p[0], p[2])
	start := f.now
	ssrc, _ := f.b.ssrc(f.a.camera())
	for f.now.Sub(start) < 580*time.Millisecond {
		f.bring(0, 1, false, f.a.frame(0, false)...)
		if f.now.Sub(start) > 100*time.Millisecond {
			f.b.rtcp(&rtcp.PictureLossIndication{MediaSSRC: ssrc})
		}
		f.wait(20 * time.Millisecond)
	}
	lost := f.a.seq[0] - uint16(3*(f.now.Sub(start)/(20*time.Millisecond))) - 2
	if !slices.Equal(f.up.lost, []uint16{lost, lost}) || f.up.keyframes != 1 {
		t.Errorf("asked for %v, want %d twice; %d key frames", f.up.lost, lost, f.up.keyframes)
	}
	f.wait(200 * time.Millisecond)
	f.bring(0, 1, false, f.a.frame(0, false)...)
	f.wait(20 * time.Millisecond)
	if f.up.keyframes != 2 {
		t.Errorf("%d key frames after 600 ms without one", f.up.keyframes)
	}
}

// TestAMoveAmongRemotes: a participant that moves to another node goes on there with what the links bring.
func TestAMoveAmongRemotes(t *testing.T) {
	f := newFar(t, 2)
	f.bring(0, 1, true, f.a.frame(0, true)...)
	f.bring(0, 1, false, f.a.frame(0, false)...)
	before := f.got(t)
	out := f.b.Export()
	n := newFar(t, 2)
	n.a.seq, n.a.ts, n.a.pic = f.a.seq, f.a.ts, f.a.pic
	n.do(n.room.Leave(n.now, n.b.id))
	n.b.Participant = n.room.Import(n.now, n.b.id, n.b.wire, false, &out)
	n.b.Connected(n.now)
	n.do(n.room.SetSources(n.now, n.b.id, n.b.source(1)))
	n.b.want(-1, 720)
	n.bring(0, 1, false, n.a.frame(0, false)...)
	after := n.got(t)
	if len(after) != 3 || after[0].SSRC != before[0].SSRC || after[0].SequenceNumber != before[5].SequenceNumber+1 {
		t.Fatalf("%d packets after the move", len(after))
	}
	n.bring(1, 2, true, n.a.frame(1, true)...)
	if got := n.got(t); len(got) != 3 || got[0].SequenceNumber != after[2].SequenceNumber+1 || got[0].layer != 1 {
		t.Errorf("%d packets after a switch", len(got))
	}
}

// TestSomebodyComesHere: a participant that was at another node is here now, and the reverse.
func TestSomebodyComesHere(t *testing.T) {
	f := newFar(t, 1)
	f.bring(0, 1, true, f.a.frame(0, true)...)
	f.got(t)
	old := f.m
	a := f.join(1, 1)
	a.seq = f.a.seq
	a.film(true, 0)
	if n := len(f.got(t)); n != 3 {
		t.Errorf("%d packets from here", n)
	}
	old.RTP(f.a.camera(), 0, f.a.frame(0, true)[0], f.now)
	if n := len(f.got(t)); n != 0 {
		t.Error("the one of before is still heard")
	}
	f.m = f.room.JoinRemote(f.now, a.id, f.up)
	delete(f.people, 1)
	f.do(f.room.SetSources(f.now, a.id, a.source(1)))
	f.bring(0, 9, true, f.a.frame(0, true)...)
	if n := len(f.got(t)); n != 3 {
		t.Errorf("%d packets from there", n)
	}
}

// TestTheStartOfTheNewerEncodingIsMissing: packets of an encoding that the origin went over to come without the beginning
// of its key frame. It may be on its way for a moment; then another is asked for, of that encoding.
func TestTheStartOfTheNewerEncodingIsMissing(t *testing.T) {
	f := newFar(t, 2)
	f.bring(0, 4, true, f.a.frame(0, true)...)
	f.got(t)
	key := f.a.frame(1, true)
	f.bring(1, 5, false, key[1:]...)
	f.wait(20 * time.Millisecond)
	if f.up.keyframes != 0 || len(f.got(t)) != 0 {
		t.Error("no patience")
	}
	f.bring(1, 5, false, f.a.frame(1, false)...)
	f.wait(40 * time.Millisecond)
	if f.up.keyframes != 1 || f.up.encoding != 1 {
		t.Errorf("%d key frames asked for, of encoding %d", f.up.keyframes, f.up.encoding)
	}
	f.bring(1, 5, true, key[0])
	if got := f.got(t); len(got) != 1 || got[0].layer != 1 {
		t.Errorf("%d packets when it comes", len(got))
	}
}

// TestFallsSilentWhileAnotherComes: the encoding that the source is at comes no more, and nothing tells that another is the
// newer one.
func TestFallsSilentWhileAnotherComes(t *testing.T) {
	f := newFar(t, 2)
	f.bring(1, 5, true, f.a.frame(1, true)...)
	f.up.encoding = -1
	for range 30 {
		f.bring(0, 4, false, f.a.frame(0, false)...)
		f.wait(20 * time.Millisecond)
	}
	if f.up.keyframes != 1 || f.up.encoding != 0 {
		t.Errorf("%d key frames asked for, of encoding %d", f.up.keyframes, f.up.encoding)
	}
}

// TestARelayPassesOnBeforeItHasAPicture: another node that changes its way in the middle of a stream needs no key frame.
func TestARelayPassesOnBeforeItHasAPicture(t *testing.T) {
	f := newFar(t, 2)
	out := &lane{}
	f.room.JoinRelay(f.now, "far", out)
	f.do(f.room.Pull(f.now, "far", f.a.camera(), 720))
	p := f.a.frame(1, false)
	f.bring(1, 5, false, p[0], p[0], p[1])
	if len(out.rtp) != 2 || len(f.got(t)) != 0 {
		t.Errorf("%d packets to the other node", len(out.rtp))
	}
	y := f.room.relays["far"]
	out.clear()
	y.Feedback(f.a.camera(), 1, compound(t, nackOf(f.a.seq[1]-3)), f.now)
	if len(out.rtp) != 1 || packet.ReadMark(out.rtp[0]).Cycle() != 5 {
		t.Errorf("%d packets again", len(out.rtp))
	}
}
