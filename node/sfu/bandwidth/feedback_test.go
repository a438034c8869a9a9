package bandwidth

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
	"pgregory.net/rapid"
)

var begin = time.UnixMilli(1_754_000_000_123)

type fact struct {
	received bool
	us       int64 // relative to the first reference time ever
}

// reader decodes feedback with pion and unwraps what it says.
type reader struct {
	count uint8
	first bool
	ref   int64
	facts map[uint16]fact
}

type fataler interface {
	Fatalf(string, ...any)
}

func (r *reader) read(t fataler, b []byte) rtcp.TransportLayerCC {
	if len(b) == 0 {
		return rtcp.TransportLayerCC{}
	}
	if len(b) > 1000 {
		t.Fatalf("feedback of %d bytes", len(b))
	}
	var f rtcp.TransportLayerCC
	if err := f.Unmarshal(b); err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	if f.SenderSSRC != 7 || f.MediaSSRC != 8 {
		t.Fatalf("from %d about %d", f.SenderSSRC, f.MediaSSRC)
	}
	if r.first && f.FbPktCount != r.count+1 {
		t.Fatalf("feedback %d after %d", f.FbPktCount, r.count)
	}
	r.count = f.FbPktCount
	if !r.first {
		r.first = true
		r.ref = int64(f.ReferenceTime)
	}
	clock := (int64(f.ReferenceTime) - r.ref) * 64000
	seq, n, deltas := f.BaseSequenceNumber, 0, f.RecvDeltas
	take := func(symbol uint16) {
		if n >= int(f.PacketStatusCount) {
			return
		}
		n++
		now := fact{}
		if symbol == rtcp.TypeTCCPacketReceivedSmallDelta || symbol == rtcp.TypeTCCPacketReceivedLargeDelta {
			if len(deltas) == 0 {
				t.Fatalf("fewer deltas than received packets")
			}
			clock += deltas[0].Delta
			deltas = deltas[1:]
			now = fact{true, clock}
		}
		if !r.facts[seq].received {
			r.facts[seq] = now
		}
		seq++
	}
	for _, c := range f.PacketChunks {
		switch c := c.(type) {
		case *rtcp.RunLengthChunk:
			for range c.RunLength {
				take(c.PacketStatusSymbol)
			}
		case *rtcp.StatusVectorChunk:
			for _, s := range c.SymbolList {
				take(s)
			}
		}
	}
	if n != int(f.PacketStatusCount) || len(deltas) != 0 {
		t.Fatalf("%d of %d statuses, %d deltas too many", n, f.PacketStatusCount, len(deltas))
	}
	return f
}

// TestFeedbackTellsTheTruth records packets with loss, reordering and pauses and decodes the feedback: every packet that
// came is reported with its time, none that did not.
func TestFeedbackTellsTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := New(7)
		got := &reader{facts: map[uint16]fact{}}
		seq := rapid.Uint16().Draw(t, "first")
		came := map[uint16]time.Time{}
		var late []uint16
		now := begin
		record := func(seq uint16) {
			if _, ok := came[seq]; !ok {
				came[seq] = now
			}
			r.Record(seq, now)
		}
		var buffer []byte
		for range rapid.IntRange(1, 150).Draw(t, "packets") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 77, 250, 3000, 63_111, 64_000, 900_000, 9_000_000}).Draw(t, "us")) * time.Microsecond)
			switch rapid.IntRange(0, 9).Draw(t, "fate") {
			case 0: // lost
			case 1:
				late = append(late, seq)
			case 2:
				record(seq)
				record(seq)
			default:
				record(seq)
			}
			seq++
			if len(late) > 0 && rapid.IntRange(0, 4).Draw(t, "release") == 0 {
				if seq-late[0] < 100 {
					record(late[0])
				}
				late = late[1:]
			}
			if rapid.IntRange(0, 20).Draw(t, "report") == 0 {
				buffer = r.Append(buffer[:0], 8, now)
				got.read(t, buffer)
			}
		}
		for range 200 {
			if buffer = r.Append(buffer[:0], 8, now); len(buffer) == 0 {
				break
			}
			got.read(t, buffer)
		}
		if r.Due(now.Add(time.Hour)) {
			t.Fatal("feedback is due for ever")
		}
		if len(came) == 0 {
			return
		}
		for s, at := range came {
			f, ok := got.facts[s]
			if !ok || !f.received {
				t.Fatalf("packet %d came and was not reported", s)
			}
			want := at.UnixMicro() - got.ref*64000
			want -= at.UnixMicro() / 64000 / (1 << 24) * (1 << 24) * 64000
			if d := f.us - want; d < -130 || d > 130 {
				t.Fatalf("packet %d reported %d us off", s, d)
			}
		}
		for s, f := range got.facts {
			if _, ok := came[s]; f.received && !ok {
				t.Fatalf("packet %d did not come and was reported", s)
			}
		}
	})
}

func TestFeedbackAfterAJump(t *testing.T) {
	r := New(7)
	r.Record(10, begin)
	r.Record(30000, begin)
	got := &reader{facts: map[uint16]fact{}}
	f := got.read(t, r.Append(nil, 8, begin))
	if f.BaseSequenceNumber != 30000 || f.PacketStatusCount != 1 {
		t.Errorf("feedback %+v, want about 30000 alone", f)
	}
}

func TestFeedbackOfFullRateInPieces(t *testing.T) {
	r := New(7)
	for i := range 900 {
		r.Record(uint16(i), begin.Add(time.Duration(i)*time.Millisecond))
	}
	got := &reader{facts: map[uint16]fact{}}
	pieces := 0
	for now := begin; r.Due(now); now = now.Add(report) {
		got.read(t, r.Append(nil, 8, now))
		pieces++
	}
	if pieces != 3 || len(got.facts) != 900 {
		t.Errorf("%d packets in %d pieces, want 900 in 3", len(got.facts), pieces)
	}
}

func TestDue(t *testing.T) {
	r := New(7)
	if r.Due(begin) {
		t.Error("due before anything came")
	}
	r.Record(1, begin)
	if !r.Due(begin) {
		t.Error("the first feedback waits")
	}
	r.Append(nil, 8, begin)
	r.Record(2, begin)
	if r.Due(begin.Add(49 * time.Millisecond)) {
		t.Error("due after 49 ms")
	}
	if !r.Due(begin.Add(50 * time.Millisecond)) {
		t.Error("not due after 50 ms")
	}
	for i := range uint16(urgent) {
		r.Record(3+i, begin)
	}
	if !r.Due(begin.Add(time.Millisecond)) {
		t.Error("much is waiting and not due")
	}
}

func TestResumeGoesOnWithAJumpInTime(t *testing.T) {
	a := New(7)
	if _, ok := a.State(); ok {
		t.Error("a recorder that recorded nothing has a state")
	}
	for i := range uint16(10) {
		a.Record(65530+i, begin)
	}
	before := (&reader{facts: map[uint16]fact{}}).read(t, a.Append(nil, 8, begin))
	st, ok := a.State()
	if want := (State{Next: 4, Count: 1}); !ok || st != want {
		t.Fatalf("state %+v, want %+v", st, want)
	}
	b := Resume(7, st)
	b.Record(6, begin.Add(20*time.Millisecond))
	after := (&reader{facts: map[uint16]fact{}}).read(t, b.Append(nil, 8, begin))
	if after.BaseSequenceNumber != 4 || after.PacketStatusCount != 3 || after.FbPktCount != before.FbPktCount+1 {
		t.Errorf("feedback %+v, want 3 packets from 4 on", after)
	}
	if jump := time.Duration(after.ReferenceTime-before.ReferenceTime) * 64 * time.Millisecond; jump < 9900*time.Millisecond || jump > 10100*time.Millisecond {
		t.Errorf("reference time jumps by %v, want 10 s", jump)
	}
}

func TestRecordingDoesNotAllocate(t *testing.T) {
	r := New(7)
	r.Record(0, begin)
	buffer := make([]byte, 0, 1500)
	seq, now := uint16(1), begin
	if n := testing.AllocsPerRun(100, func() {
		for range 60 {
			now = now.Add(time.Millisecond)
			seq++
			if seq%7 != 0 {
				r.Record(seq, now)
			}
		}
		buffer = r.Append(buffer[:0], 8, now)
	}); n != 0 {
		t.Errorf("%v allocations a feedback", n)
	}
}

// FuzzRecord feeds any order of numbers and checks that what is written can be read.
func FuzzRecord(f *testing.F) {
	f.Add([]byte{0, 1, 0, 2, 0, 3})
	f.Add([]byte{255, 255, 0, 0, 128, 0, 4, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := New(7)
		got := &reader{facts: map[uint16]fact{}}
		now := begin
		for ; len(b) >= 3; b = b[3:] {
			now = now.Add(time.Duration(int8(b[2])) * time.Millisecond)
			r.Record(uint16(b[0])<<8|uint16(b[1]), now)
			if b[2] == 77 {
				got.read(t, r.Append(nil, 8, now))
			}
		}
		for range 20 {
			got.read(t, r.Append(nil, 8, now))
		}
	})
}
