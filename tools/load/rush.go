package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/tools/load/participant"
	"github.com/atoll-mesh/atoll/tools/load/socket"
)

// Rush is many who come to one room at once. They declare sources and send nothing.
type Rush struct {
	URL, Domain, Room string
	People            int
	Within            time.Duration // the last begins this long after the first
}

// Run lets everybody join until all have media, or one cannot. It returns how long each took from its own beginning to its media, how
// long all took together, and what lets everybody leave.
func (r Rush) Run(ctx context.Context) (each []time.Duration, all time.Duration, leave func(), err error) {
	pool, err := socket.NewPool()
	if err != nil {
		return nil, 0, func() {}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*joinTime)
	defer cancel()
	each = make([]time.Duration, r.People)
	errs := make([]error, r.People)
	people := make([]*participant.Participant, r.People)
	var coming sync.WaitGroup
	begun := time.Now()
	for k := range r.People {
		coming.Go(func() {
			timer := time.NewTimer(r.Within * time.Duration(k) / time.Duration(r.People))
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
			start := time.Now()
			people[k], errs[k] = participant.Join(ctx, participant.Config{
				URL: r.URL, Domain: r.Domain, Room: r.Room, Name: fmt.Sprintf("r%d", k), Network: pool,
				SSRCs: participant.SSRCs{Audio: 1, Video: []uint32{2}, RTX: []uint32{3}},
			})
			if errs[k] == nil {
				errs[k] = people[k].AwaitMedia(ctx)
			}
			each[k] = time.Since(start)
		})
	}
	coming.Wait()
	all = time.Since(begun)
	return each, all, func() {
		var leaving sync.WaitGroup
		for _, p := range people {
			if p != nil {
				leaving.Go(p.Leave)
			}
		}
		leaving.Wait()
		pool.Close()
	}, errors.Join(errs...)
}
