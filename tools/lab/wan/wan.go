// Package wan decides what a wide area network does to packets: when each comes out at the far end, or that it never does.
//
// It is an engine: no sockets, no goroutines, no clock. Time is an argument of every call, and randomness comes from a seed,
// so a network behaves the same in every run. The driver that moves real packets through it is package emulator.
//
// A [Line] is one direction between two places. A packet passes two stages:
//
//		Push --> loss --> bottleneck (Rate, Queue) --> delay line (Delay, Jitter) --> Pop
//
//	  - Loss is drawn for each packet on its own, before the bottleneck.
//	  - The bottleneck sends one packet at a time at Rate. A packet that would make more than Queue bytes wait is dropped
//	    (drop tail); the packet being sent counts as waiting. An idle bottleneck takes any packet; without Rate there is none.
//	  - The delay line adds Delay and a jitter between 0 and Jitter. Packets never overtake each other, not even when the
//	    delay is lowered while they are on the way.
//	  - A line that is down loses what is offered to it, and going down loses what was on the way.
//
// A change of [Impairment] takes effect at once: packets that wait at the bottleneck leave at the new rate; packets in the
// delay line keep the time they were given.
//
// A [Table] says which place an address belongs to.
package wan

import (
	"errors"
	"fmt"
	"time"
)

// Impairment is what one direction of a link does to packets. The zero value is a perfect link.
type Impairment struct {
	Delay  time.Duration `json:"delay"`  // added to every packet
	Jitter time.Duration `json:"jitter"` // largest further delay, uniform from 0
	Loss   float64       `json:"loss"`   // share of packets lost at random, 0 to 1
	Rate   int64         `json:"rate"`   // bits per second of the bottleneck, 0 for none
	Queue  int           `json:"queue"`  // bytes that may wait at the bottleneck, 0 for DefaultQueue
	Down   bool          `json:"down"`   // loses everything
}

// DefaultQueue is the bottleneck's queue in bytes when none is given: 43 packets of full size.
const DefaultQueue = 64 << 10

// flightLimit bounds the bytes in a delay line: 2 s at 128 Mbit/s. What does not fit is dropped and counted as overflow.
const flightLimit = 32 << 20

// Validate reports every value that no link can have.
func (i Impairment) Validate() error {
	var errs []error
	if i.Delay < 0 || i.Jitter < 0 {
		errs = append(errs, fmt.Errorf("delay %v, jitter %v: want 0 or more", i.Delay, i.Jitter))
	}
	if !(i.Loss >= 0 && i.Loss <= 1) {
		errs = append(errs, fmt.Errorf("loss %v: want 0 to 1", i.Loss))
	}
	if i.Rate < 0 {
		errs = append(errs, fmt.Errorf("rate %d: want bits per second, 0 for no limit", i.Rate))
	}
	if i.Queue < 0 {
		errs = append(errs, fmt.Errorf("queue %d: want bytes, 0 for %d", i.Queue, DefaultQueue))
	}
	return errors.Join(errs...)
}

// Stats counts the packets of one direction since it was made.
type Stats struct {
	Offered   uint64 `json:"offered"`   // given to Push
	Delivered uint64 `json:"delivered"` // taken by Pop
	Bytes     uint64 `json:"bytes"`     // of the delivered packets
	Lost      uint64 `json:"lost"`      // by random loss
	Overflow  uint64 `json:"overflow"`  // found the queue full
	Cut       uint64 `json:"cut"`       // lost because the line was down
}
