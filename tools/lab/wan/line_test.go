package wan_test

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab/wan"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const ms = time.Millisecond

// drain pops everything that is due until the line is empty and returns when each packet came, by its number.
func drain(t interface{ Fatalf(string, ...any) }, l *wan.Line) (numbers []uint32, at []time.Duration) {
	for guard := 0; ; guard++ {
		next := l.Next()
		if next.IsZero() {
			return numbers, at
		}
		if guard > 100000 {
			t.Fatalf("the line never becomes empty: next %v", next.Sub(start))
		}
		for {
			p, ok := l.Pop(next)
			if !ok {
				break
			}
			numbers = append(numbers, binary.BigEndian.Uint32(p))
			at = append(at, next.Sub(start))
		}
	}
}

func numbered(n uint32, size int) []byte {
	p := make([]byte, size)
	binary.BigEndian.PutUint32(p, n)
	return p
}

func TestDelayIsExact(t *testing.T) {
	l := wan.NewLine(wan.Impairment{Delay: 40 * ms}, 1)
	l.Push(start, numbered(0, 100))
	l.Push(start.Add(7*ms), numbered(1, 100))
	if _, ok := l.Pop(start.Add(40*ms - 1)); ok {
		t.Fatal("packet came before its delay was over")
	}
	numbers, at := drain(t, l)
	if diff := cmp.Diff([]uint32{0, 1}, numbers); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]time.Duration{40 * ms, 47 * ms}, at); diff != "" {
		t.Error(diff)
	}
}

func TestJitterKeepsOrderAndBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := wan.Impairment{
			Delay:  time.Duration(rapid.IntRange(0, 200).Draw(t, "delay")) * ms,
			Jitter: time.Duration(rapid.IntRange(1, 100).Draw(t, "jitter")) * ms,
		}
		l := wan.NewLine(i, rapid.Uint64().Draw(t, "seed"))
		gaps := rapid.SliceOfN(rapid.IntRange(0, 50), 1, 50).Draw(t, "gaps")
		now := start
		var sent []time.Duration
		for n, gap := range gaps {
			now = now.Add(time.Duration(gap) * ms)
			sent = append(sent, now.Sub(start))
			l.Push(now, numbered(uint32(n), 100))
		}
		numbers, at := drain(t, l)
		if len(numbers) != len(gaps) {
			t.Fatalf("%d of %d packets came", len(numbers), len(gaps))
		}
		for n := range numbers {
			if numbers[n] != uint32(n) {
				t.Fatalf("order %v", numbers)
			}
			if d := at[n] - sent[n]; d < i.Delay || d > i.Delay+i.Jitter {
				t.Fatalf("packet %d took %v, want %v to %v", n, d, i.Delay, i.Delay+i.Jitter)
			}
		}
	})
}

func TestJitterSpreads(t *testing.T) {
	l := wan.NewLine(wan.Impairment{Delay: 100 * ms, Jitter: 10 * ms}, 3)
	var low, high int
	for n := range 1000 {
		// 20 ms apart, so that order does not limit the jitter.
		l.Push(start.Add(time.Duration(n)*20*ms), numbered(uint32(n), 100))
	}
	numbers, at := drain(t, l)
	for k, n := range numbers {
		if at[k]-time.Duration(n)*20*ms < 105*ms {
			low++
		} else {
			high++
		}
	}
	if low < 400 || high < 400 {
		t.Errorf("%d packets below the middle, %d above, want about 500 each", low, high)
	}
}

func TestLossShareAndSeed(t *testing.T) {
	lost := func(seed uint64) (pattern []bool, n int) {
		l := wan.NewLine(wan.Impairment{Loss: 0.1}, seed)
		for range 10000 {
			ok := l.Push(start, numbered(0, 100))
			pattern = append(pattern, ok)
			if !ok {
				n++
			}
		}
		if got := l.Stats().Lost; got != uint64(n) {
			t.Errorf("stats say %d lost, Push said %d", got, n)
		}
		return pattern, n
	}
	first, n := lost(7)
	// Five standard deviations of a binomial of 10000 and 0.1.
	if math.Abs(float64(n)-1000) > 150 {
		t.Errorf("%d of 10000 lost, want about 1000", n)
	}
	if again, _ := lost(7); !cmp.Equal(first, again) {
		t.Error("the same seed lost other packets")
	}
	if other, _ := lost(8); cmp.Equal(first, other) {
		t.Error("another seed lost the same packets")
	}
}

func TestRateSpacesPackets(t *testing.T) {
	// 1000 bytes at 1 Mbit/s take 8 ms.
	l := wan.NewLine(wan.Impairment{Delay: 20 * ms, Rate: 1e6}, 1)
	for n := range 3 {
		l.Push(start, numbered(uint32(n), 1000))
	}
	_, at := drain(t, l)
	if diff := cmp.Diff([]time.Duration{28 * ms, 36 * ms, 44 * ms}, at); diff != "" {
		t.Error(diff)
	}
}

func TestQueueDropsTheTail(t *testing.T) {
	l := wan.NewLine(wan.Impairment{Rate: 1e6, Queue: 2500}, 1)
	var accepted []bool
	for n := range 4 {
		accepted = append(accepted, l.Push(start, numbered(uint32(n), 1000)))
	}
	// After 8 ms one packet has left and one more fits.
	accepted = append(accepted, l.Push(start.Add(8*ms), numbered(4, 1000)))
	if diff := cmp.Diff([]bool{true, true, false, false, true}, accepted); diff != "" {
		t.Error(diff)
	}
	numbers, _ := drain(t, l)
	if diff := cmp.Diff([]uint32{0, 1, 4}, numbers); diff != "" {
		t.Error(diff)
	}
	want := wan.Stats{Offered: 5, Delivered: 3, Bytes: 3000, Overflow: 2}
	if diff := cmp.Diff(want, l.Stats()); diff != "" {
		t.Error(diff)
	}
}

func TestPacketLargerThanTheQueuePassesAlone(t *testing.T) {
	l := wan.NewLine(wan.Impairment{Rate: 1e6, Queue: 500}, 1)
	if !l.Push(start, numbered(0, 1000)) {
		t.Error("an idle bottleneck refused a packet")
	}
	if l.Push(start, numbered(1, 100)) {
		t.Error("a packet waits in a full queue")
	}
}

func TestChangedRateAppliesToWaitingPackets(t *testing.T) {
	for _, c := range []struct {
		name string
		rate int64
		want []time.Duration
	}{
		// At 4 ms half of the first packet is sent.
		{"halved", 5e5, []time.Duration{12 * ms, 28 * ms}},
		{"doubled", 2e6, []time.Duration{6 * ms, 10 * ms}},
		{"lifted", 0, []time.Duration{4 * ms, 4 * ms}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := wan.NewLine(wan.Impairment{Rate: 1e6}, 1)
			l.Push(start, numbered(0, 1000))
			l.Push(start, numbered(1, 1000))
			l.Set(start.Add(4*ms), wan.Impairment{Rate: c.rate})
			_, at := drain(t, l)
			if diff := cmp.Diff(c.want, at); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoweredDelayKeepsOrder(t *testing.T) {
	l := wan.NewLine(wan.Impairment{Delay: 100 * ms}, 1)
	l.Push(start, numbered(0, 100))
	l.Set(start.Add(ms), wan.Impairment{Delay: 10 * ms})
	l.Push(start.Add(2*ms), numbered(1, 100))
	l.Push(start.Add(95*ms), numbered(2, 100))
	numbers, at := drain(t, l)
	if diff := cmp.Diff([]uint32{0, 1, 2}, numbers); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]time.Duration{100 * ms, 100 * ms, 105 * ms}, at); diff != "" {
		t.Error(diff)
	}
}

func TestDownLosesWhatIsOnTheWay(t *testing.T) {
	l := wan.NewLine(wan.Impairment{Delay: 40 * ms}, 1)
	l.Push(start, numbered(0, 100))
	l.Set(start.Add(10*ms), wan.Impairment{Delay: 40 * ms, Down: true})
	if l.Push(start.Add(20*ms), numbered(1, 100)) {
		t.Error("a line that is down took a packet")
	}
	l.Set(start.Add(30*ms), wan.Impairment{Delay: 5 * ms})
	l.Push(start.Add(31*ms), numbered(2, 100)) // and nobody waits for the packet that was lost
	numbers, at := drain(t, l)
	if diff := cmp.Diff([]uint32{2}, numbers); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]time.Duration{36 * ms}, at); diff != "" {
		t.Error(diff)
	}
	if got := l.Stats().Cut; got != 2 {
		t.Errorf("cut %d, want 2", got)
	}
}

func TestFlightIsBounded(t *testing.T) {
	l := wan.NewLine(wan.Impairment{Delay: time.Hour}, 1)
	packet := numbered(0, 1500)
	for range 100000 { // 150 MB
		l.Push(start, packet)
	}
	s := l.Stats()
	if s.Overflow == 0 || (s.Offered-s.Overflow)*1500 > 33<<20 {
		t.Errorf("%d of %d packets kept in flight", s.Offered-s.Overflow, s.Offered)
	}
}

// Every packet is accounted for, whatever happens to the line.
func TestNothingIsUncounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := wan.NewLine(wan.Impairment{}, rapid.Uint64().Draw(t, "seed"))
		now := start
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "gap")) * ms)
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				l.Set(now, wan.Impairment{
					Delay: time.Duration(rapid.IntRange(0, 50).Draw(t, "delay")) * ms,
					Loss:  rapid.Float64Range(0, 1).Draw(t, "loss"),
					Rate:  int64(rapid.IntRange(0, 3).Draw(t, "rate")) * 500_000,
					Queue: 3000,
					Down:  rapid.Bool().Draw(t, "down"),
				})
			case 1:
				l.Pop(now)
			default:
				l.Push(now, numbered(0, rapid.IntRange(20, 1500).Draw(t, "size")))
			}
		}
		drain(t, l)
		s := l.Stats()
		if s.Offered != s.Delivered+s.Lost+s.Overflow+s.Cut {
			t.Fatalf("%+v does not add up", s)
		}
	})
}

func TestValidateNamesEveryProblem(t *testing.T) {
	if err := (wan.Impairment{Delay: ms, Loss: 1, Rate: 1, Queue: 1}).Validate(); err != nil {
		t.Errorf("a sound link is refused: %v", err)
	}
	err := wan.Impairment{Delay: -1, Loss: math.NaN(), Rate: -1, Queue: -1}.Validate()
	if joined, ok := err.(interface{ Unwrap() []error }); !ok || len(joined.Unwrap()) != 4 {
		t.Errorf("got %v, want four problems", err)
	}
}
