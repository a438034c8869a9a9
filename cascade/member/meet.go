package member

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
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
	var mu sync.Mutex
	var errs []error
	var places []netip.AddrPort
	var wait sync.WaitGroup
	for _, one := range seeds {
		wait.Go(func() {
			found, err := one.resolve(ctx, s.Resolver)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			places = append(places, found...)
		})
	}
	wait.Wait()
	known := recall(s.Folder, s.Log).places()
	places = append(places[:min(len(places), seedsPerRound)], known[:min(len(known), seedsPerRound)]...)
	slices.SortFunc(places, netip.AddrPort.Compare)
	places = slices.Compact(places)
	if len(places) == 0 && len(seeds) == 0 {
		return Answer{}, ErrNobody
	}
	answers := make(chan Answer, len(places))
	for _, addr := range places {
		wait.Go(func() {
			a, err := Ask(ctx, s.Network, s.Secret, addr, Question{From: s.Name})
			if err == nil && a.From != s.Name {
				answers <- a
				cancel()
				return
			}
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
