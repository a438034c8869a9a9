package wan

import (
	"math/rand/v2"
	"time"
)

// Line is one direction between two places. It is not safe for concurrent use.
type Line struct {
	impairment Impairment
	random     *rand.Rand
	stats      Stats

	waiting  fifo      // at the bottleneck; the head is being sent
	finished time.Time // when the head is sent
	flight   fifo      // in the delay line; the head keeps back those behind it, which is what keeps the order
}

// NewLine makes a line whose random choices follow from seed.
func NewLine(i Impairment, seed uint64) *Line {
	return &Line{impairment: i, random: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))}
}

// Push offers a packet at time now and takes it over. It reports false when the packet is lost at once.
// now must not go back between calls.
func (l *Line) Push(now time.Time, packet []byte) bool {
	l.advance(now)
	l.stats.Offered++
	i := l.impairment
	switch {
	case i.Down:
		l.stats.Cut++
		return false
	case i.Loss > 0 && l.random.Float64() < i.Loss:
		l.stats.Lost++
		return false
	case i.Rate > 0 && !l.waiting.empty() && l.waiting.bytes+len(packet) > l.queue():
		l.stats.Overflow++
		return false
	case l.flight.bytes+len(packet) > flightLimit:
		l.stats.Overflow++
		return false
	case i.Rate == 0 && l.waiting.empty():
		l.launch(now, packet)
		return true
	}
	if l.waiting.empty() {
		l.finished = now.Add(sendTime(len(packet), i.Rate))
	}
	l.waiting.push(packet, now)
	return true
}

// Pop takes the next packet that is due at time now.
func (l *Line) Pop(now time.Time) ([]byte, bool) {
	l.advance(now)
	if l.flight.empty() || l.flight.head().due.After(now) {
		return nil, false
	}
	packet := l.flight.pop().packet
	l.stats.Delivered++
	l.stats.Bytes += uint64(len(packet))
	return packet, true
}

// Next returns when Pop has to be called next, or the zero time when the line is empty.
func (l *Line) Next() time.Time {
	var next time.Time
	if !l.flight.empty() {
		next = l.flight.head().due
	}
	// A packet that leaves the bottleneck can only be due after those in flight, but without any it decides.
	if next.IsZero() && !l.waiting.empty() {
		next = l.finished
	}
	return next
}

// Set changes what the line does from now on.
func (l *Line) Set(now time.Time, i Impairment) {
	l.advance(now)
	old := l.impairment
	l.impairment = i
	if i.Down {
		l.stats.Cut += uint64(l.waiting.len() + l.flight.len())
		l.waiting, l.flight = fifo{}, fifo{}
		return
	}
	if l.waiting.empty() || i.Rate == old.Rate {
		return
	}
	if i.Rate == 0 {
		for !l.waiting.empty() {
			l.launch(now, l.waiting.pop().packet)
		}
		return
	}
	// What is left of the packet being sent goes on at the new rate.
	left := float64(l.finished.Sub(now)) * float64(old.Rate) / float64(i.Rate)
	l.finished = now.Add(time.Duration(left))
}

// Impairment returns what the line does now.
func (l *Line) Impairment() Impairment { return l.impairment }

// Stats returns the counters.
func (l *Line) Stats() Stats { return l.stats }

// advance moves every packet that the bottleneck has sent by now into the delay line.
func (l *Line) advance(now time.Time) {
	for !l.waiting.empty() && !l.finished.After(now) {
		sent := l.finished
		l.launch(sent, l.waiting.pop().packet)
		if !l.waiting.empty() {
			l.finished = sent.Add(sendTime(len(l.waiting.head().packet), l.impairment.Rate))
		}
	}
}

// launch puts a packet into the delay line at time at.
func (l *Line) launch(at time.Time, packet []byte) {
	due := at.Add(l.impairment.Delay)
	if j := l.impairment.Jitter; j > 0 {
		due = due.Add(time.Duration(l.random.Int64N(int64(j) + 1)))
	}
	l.flight.push(packet, due)
}

func (l *Line) queue() int {
	if l.impairment.Queue > 0 {
		return l.impairment.Queue
	}
	return DefaultQueue
}

func sendTime(bytes int, rate int64) time.Duration {
	return time.Duration(int64(bytes) * 8 * int64(time.Second) / rate)
}
