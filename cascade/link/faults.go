package link

import (
	"errors"
	"fmt"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

const (
	faultWindow = time.Minute
	maxFaults   = 100 // in a window
	banned      = time.Minute
)

// faults counts what a peer sent that was refused.
type faults struct {
	window time.Time // begin
	count  int
	until  time.Time // no link before
}

// add counts one, and reports whether it was one too many.
func (f *faults) add(now time.Time) bool {
	if now.Sub(f.window) >= faultWindow {
		f.window, f.count = now, 0
	}
	if f.count++; f.count <= maxFaults {
		return false
	}
	f.window, f.count, f.until = now, 0, now.Add(banned)
	return true
}

// rest returns how long there is to be no link.
func (f *faults) rest(now time.Time) time.Duration { return max(f.until.Sub(now), 0) }

// Misbehaved counts something of a peer that was refused. After more than 100 in a minute the link is closed for a minute.
func (e *Endpoint) Misbehaved(peer identity.Name, what error) {
	p := e.peer(peer)
	if p == nil {
		return
	}
	p.tally.refused.Add(1)
	e.trouble.note("refused a frame", peer, nil, what)
	now := time.Now()
	p.mu.Lock()
	over := p.faults.add(now)
	l := p.place
	p.mu.Unlock()
	if over {
		err := fmt.Errorf("more than %d refused frames in a minute, the last: %w", maxFaults, what)
		e.trouble.note("closed a link", peer, nil, err)
		if l != nil {
			l.fail(codeRefused, errors.New("too many refused frames"))
		}
	}
}
