//go:build linux

// Package emulator moves real packets through the network that package wan decides.
//
// It opens one TUN device, named wan0, inside the network namespace of each place and carries what the kernel routes into it
// to the device of the place that the destination address belongs to, by way of one [wan.Line] per directed pair of places.
// Packets for no place are counted and dropped. Pairs that no link was given for are down.
//
// It stands in for tc netem, which not every kernel has, and can be changed while running. One goroutine reads each device
// and one serves each line; all end with Close, and the devices end with them.
package emulator

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab/wan"
)

// Device is the name of the device inside each namespace.
const Device = "wan0"

// MTU is the largest packet that a device carries.
const MTU = 1500

// Place is where the network ends: a router namespace and the addresses behind it.
type Place struct {
	Name     string
	Prefixes []netip.Prefix
	Enter    func(func() error) error // runs a function inside the place's network namespace
}

// Direction names one line: packets from one place to another.
type Direction struct{ From, To string }

// Emulator is a running network between places.
type Emulator struct {
	table    *wan.Table
	devices  map[string]*os.File
	lines    map[Direction]*line
	unrouted atomic.Uint64

	stop    chan struct{}
	running sync.WaitGroup
}

// Open makes the devices and starts the network. Every directed pair of places is down until Set says otherwise.
// The random choices of each line follow from seed.
func Open(places []Place, seed uint64) (*Emulator, error) {
	e := &Emulator{devices: map[string]*os.File{}, lines: map[Direction]*line{}, stop: make(chan struct{})}
	prefixes := map[string][]netip.Prefix{}
	for _, p := range places {
		prefixes[p.Name] = p.Prefixes
		var device *os.File
		err := p.Enter(func() (err error) {
			device, err = openTUN(Device)
			return err
		})
		if err != nil {
			e.Close()
			return nil, fmt.Errorf("open %s of %s: %w", Device, p.Name, err)
		}
		e.devices[p.Name] = device
	}
	e.table = wan.NewTable(prefixes)
	for _, from := range places {
		for _, to := range places {
			if from.Name == to.Name {
				continue
			}
			seed++
			e.lines[Direction{from.Name, to.Name}] = &line{
				line: wan.NewLine(wan.Impairment{Down: true}, seed), wake: make(chan struct{}, 1), out: e.devices[to.Name],
			}
		}
	}
	for name, device := range e.devices {
		e.running.Go(func() { e.read(name, device) })
	}
	for _, l := range e.lines {
		e.running.Go(func() { l.serve(e.stop) })
	}
	return e, nil
}

// Close removes the devices and waits until nothing runs any more.
func (e *Emulator) Close() error {
	close(e.stop)
	var errs []error
	for _, d := range e.devices {
		errs = append(errs, d.Close())
	}
	e.running.Wait()
	return errors.Join(errs...)
}

// Set changes one direction from now on.
func (e *Emulator) Set(d Direction, i wan.Impairment) error {
	return e.Change(d, func(old *wan.Impairment) { *old = i })
}

// Change edits what one direction does from now on.
func (e *Emulator) Change(d Direction, edit func(*wan.Impairment)) error {
	l := e.lines[d]
	if l == nil {
		return fmt.Errorf("no line from %q to %q", d.From, d.To)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.line.Impairment()
	edit(&i)
	if err := i.Validate(); err != nil {
		return fmt.Errorf("line from %s to %s: %w", d.From, d.To, err)
	}
	l.line.Set(time.Now(), i)
	l.wakeUp()
	return nil
}

// State is what a direction does and has done.
type State struct {
	Impairment wan.Impairment `json:"impairment"`
	Stats      wan.Stats      `json:"stats"`
}

// States returns the state of every direction.
func (e *Emulator) States() map[Direction]State {
	states := make(map[Direction]State, len(e.lines))
	for d, l := range e.lines {
		l.mu.Lock()
		states[d] = State{l.line.Impairment(), l.line.Stats()}
		l.mu.Unlock()
	}
	return states
}

// Late returns the longest that a packet came later than its line wanted, because the machine had no time for it, since the last
// call.
func (e *Emulator) Late() (late time.Duration) {
	for _, l := range e.lines {
		l.mu.Lock()
		late, l.late = max(late, l.late), 0
		l.mu.Unlock()
	}
	return late
}

// Unrouted returns how many packets were for no place.
func (e *Emulator) Unrouted() uint64 { return e.unrouted.Load() }

// read takes packets that leave a place and offers each to the line that leads to its destination.
func (e *Emulator) read(place string, device *os.File) {
	buffer := make([]byte, MTU)
	for {
		n, err := device.Read(buffer)
		if err != nil {
			return // closed
		}
		now := time.Now()
		var to string
		address, known := wan.Destination(buffer[:n])
		if known {
			to, known = e.table.Place(address)
		}
		l := e.lines[Direction{place, to}]
		if !known || l == nil {
			// IPv6 speaks multicast to its neighbours, which is nothing to worry about.
			if !address.IsMulticast() {
				e.unrouted.Add(1)
			}
			continue
		}
		l.offer(now, buffer[:n])
	}
}
