// Package precedence lets the node run before the other programs of its machine while somebody joins it.
//
// Two hundred who join within two seconds take every core, and the programs of the machine share them with the node. The system then lets a
// thread that wakes up for media wait until another's slice is over, 3 ms, and one that is in the middle of something which media waits
// for (a lock, a collection's stop of the world, a processor of the runtime) waits as long. So it is no single thread that has to
// come first but all of them: while somebody joins they are scheduled in real time, SCHED_RR with the lowest priority (sched(7)), from the
// first on, since it is too late once there is a crowd. Asterisk and FreeSWITCH can run so all the time; here, however many come, others
// come first for half of it, but for the first ten seconds.
//
// It needs CAP_SYS_NICE or an RLIMIT_RTPRIO of at least 1. Without, the node says so once and is as it was; it tries again while somebody
// joins. What somebody else has chosen for a thread meanwhile stays.
//
// A thread is made as its maker is scheduled. SCHED_FLAG_RESET_ON_FORK would have every new one ordinary, so none would stay first by mistake,
// but in a storm all new ones would wait for a look, each would lose its nice value, and without CAP_SYS_NICE it can't be taken back.
package precedence

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

const (
	look = 50 * time.Millisecond // how often it is looked whether somebody joins
	// calm is how many looks in a row have to find nothing that comes first any more, until it is looked rarely. One is not enough: a
	// thread is as its maker when its making begins, and is listed when that is over, which on a busy machine takes a while.
	calm = 20
	// rarely is after how many ticks it is looked once more: nothing says how long a while is.
	rarely = 200
)

// errFirst says that the node comes first all the time, as somebody has chosen.
var errFirst = errors.New("the node is scheduled in real time already")

// Run lets the node come first while joining says so, until ctx ends.
func Run(ctx context.Context, log *slog.Logger, joining func() bool) {
	t, err := list()
	if err != nil {
		if !errors.Is(err, errFirst) {
			log.Info("media may be late while somebody joins", "error", err)
		}
		return
	}
	defer t.close()
	run(ctx, log, joining, t.set)
}

// run is Run with what has every thread come first, or not, and says whether there was one for which that was new.
func run(ctx context.Context, log *slog.Logger, joining func() bool, set func(first bool) (changed bool, err error)) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	defer func() { _, _ = set(false) }()
	var r rule
	var came, saidLate, saidStay bool // came: it has come first
	quiet := 0                        // ticks since something was to do
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		first := r.judge(time.Now(), joining())
		came = came || first
		if quiet++; !came || !first && quiet > calm && quiet%rarely != 0 {
			continue
		}
		// Again every time: threads come, and are as the one that made them.
		changed, err := set(first)
		if first || changed || err != nil {
			quiet = 0
		}
		switch {
		case err == nil:
		case first && !saidLate:
			saidLate = true
			log.Info("media may be late while somebody joins", "error", err)
		case !first && !saidStay:
			saidStay = true
			log.Warn("some threads come before other programs still", "error", err)
		}
	}
}
