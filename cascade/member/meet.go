package member

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// Stranger is a node that is in no cluster yet.
type Stranger struct {
	Network  Network
	Name     identity.Name
	Secret   identity.Secret
	Join     []string
	Resolver Resolver // nil: the system's
	Folder   Folder   // nil: nothing is remembered
	Log      *slog.Logger
}

// ErrNobody says that there is nobody to ask: no seeds, and no members that are remembered.
var ErrNobody = errors.New("nobody to ask")

// Meet asks seeds and members that are remembered, all at once, and returns the first answer. It is asked before a node knows its
// own address and domain. The error joins what each said.
func (s Stranger) Meet(ctx context.Context) (Answer, error) {
	if s.Resolver == nil {
		s.Resolver = net.DefaultResolver
	}
	seeds, err := parseSeeds(s.Join)
	if err != nil {
		return Answer{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	known := recall(s.Folder, s.Log).places()
	known = known[:min(len(known), seedsPerRound)]
	if len(known) == 0 && len(seeds) == 0 {
		return Answer{}, ErrNobody
	}
	answers := make(chan Answer, 1)
	var mu sync.Mutex
	var errs []error
	var wait sync.WaitGroup
	ask := func(places []netip.AddrPort) {
		for _, addr := range places {
			wait.Go(func() {
				a, err := Ask(ctx, s.Network, s.Secret, addr, Question{From: s.Name})
				if err == nil && a.From != s.Name {
					select {
					case answers <- a:
						cancel()
					default: // another was faster
					}
					return
				}
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			})
		}
	}
	ask(known)
	for _, one := range seeds {
		wait.Go(func() { // one that is slow to resolve does not hold up the others
			found, err := one.resolve(ctx, s.Resolver)
			ask(found[:min(len(found), seedsPerRound)])
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	wait.Wait()
	select {
	case a := <-answers:
		return a, nil
	default:
	}
	return Answer{}, errors.Join(errs...)
}

// meetPause is how long a node waits between rounds of questions.
const meetPause = 300 * time.Millisecond

// MeetAgain is Meet again and again, until somebody answers, nobody can, or the context ends.
func (s Stranger) MeetAgain(ctx context.Context) (Answer, error) {
	for {
		a, err := s.Meet(ctx)
		if err == nil || errors.Is(err, ErrNobody) {
			return a, err
		}
		timer := time.NewTimer(meetPause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return a, err
		}
	}
}
