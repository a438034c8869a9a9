package member

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	roundInterval = 5 * time.Second
	firstPause    = 500 * time.Millisecond
	// After an exchange with an address that belongs to no member (a seed behind another address than it advertises) it is left
	// alone for this long.
	metFor = 15 * time.Second
	// young is how long a node that came into a cluster makes sure that it knows all of it: a message lost in the crowd of a common
	// start is otherwise repaired by the next push/pull, up to a minute later.
	young = 10 * time.Second

	seedsPerRound = 8
	lastPerRound  = 2
	luckyPerRound = 2
)

// rejoin looks for those who are not there, for ever.
func (l *List) rejoin(seeds []seed) {
	met := make(map[netip.AddrPort]time.Time)
	var joined time.Time
	var peers int
	for pause := firstPause; ; pause = min(2*pause, roundInterval) {
		now := time.Now()
		members := l.Members()
		poke(l.table.changed) // for those who have been dead for long enough
		l.memory.note(now, members)
		l.memory.keep(now, l.cfg.Folder, l.log)
		alive := living(members)
		if len(alive) > peers {
			joined, pause = now, firstPause
		}
		peers = len(alive)
		if !l.leaving() {
			targets := l.targets(now, seeds, alive, met)
			if peers > 0 && now.Sub(joined) < young {
				targets = append(targets, target{addr: alive[rand.IntN(peers)].Addr})
			}
			l.meet(targets, met)
		}
		if !l.rest(jitter(pause)) {
			return
		}
	}
}

// target is where a round goes to.
type target struct {
	addr  netip.AddrPort
	asked bool // it is a seed, or nobody else is known: whoever runs the node expects an answer
}

func jitter(d time.Duration) time.Duration { return d*4/5 + rand.N(d*2/5) }

// rest waits for the next round, and returns false at the end.
func (l *List) rest(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.ctx.Done():
	}
	return l.ctx.Err() == nil
}

// living returns the other members that are alive.
func living(members []Member) []Member {
	return slices.DeleteFunc(slices.Clone(members), func(m Member) bool { return m.Self || m.State != Alive })
}

// targets returns the addresses to exchange states with in this round.
func (l *List) targets(now time.Time, seeds []seed, alive []Member, met map[netip.AddrPort]time.Time) []target {
	known := map[netip.AddrPort]bool{l.advertise: true, l.transport.addr(): true}
	for _, m := range alive {
		known[m.Addr] = true
	}
	for addr, when := range met {
		switch {
		case now.Sub(when) > metFor:
			delete(met, addr)
		case len(alive) > 0:
			known[addr] = true
		}
	}
	var chosen []target
	choose := func(from []netip.AddrPort, most int, asked bool) {
		for _, addr := range from {
			if most > 0 && !known[addr] {
				known[addr] = true
				chosen = append(chosen, target{addr, asked || len(alive) == 0})
				most--
			}
		}
	}
	choose(shuffled(l.resolve(seeds)), seedsPerRound, true)
	places := l.memory.places()
	choose(places, lastPerRound, false)
	choose(shuffled(places), luckyPerRound, false)
	return chosen
}

func shuffled(all []netip.AddrPort) []netip.AddrPort {
	all = slices.Clone(all)
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// resolve returns where the seeds are now.
func (l *List) resolve(seeds []seed) []netip.AddrPort {
	found := make([][]netip.AddrPort, len(seeds))
	var wait sync.WaitGroup
	for i, s := range seeds {
		wait.Go(func() {
			var err error
			if found[i], err = s.resolve(l.ctx, l.cfg.Resolver); err != nil && l.ctx.Err() == nil {
				l.gripes.say(deafSeed, "seed", s.text, "error", err)
			}
		})
	}
	wait.Wait()
	return slices.Concat(found...)
}

// meet exchanges states with the targets, all at once.
func (l *List) meet(targets []target, met map[netip.AddrPort]time.Time) {
	errs := make([]error, len(targets))
	var wait sync.WaitGroup
	for i, t := range targets {
		wait.Go(func() { _, errs[i] = l.gossip.Join([]string{t.addr.String()}) })
	}
	wait.Wait()
	for i, t := range targets {
		switch reason := reasonOf(errs[i]); {
		case errs[i] == nil:
			met[t.addr] = time.Now()
		case l.ctx.Err() != nil, reason == errOtherSecret.Error(): // the second has been said
		case t.asked:
			l.gripes.say(deafSeed, "addr", t.addr.String(), "error", reason)
		default:
			l.gripes.say(deafMember, "addr", t.addr.String(), "error", reason)
		}
	}
}

// reasonOf takes off what memberlist puts around the reason of a failed join.
func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	text := strings.TrimSpace(err.Error())
	if _, rest, found := strings.Cut(text, "failed to join "); found {
		if _, reason, found := strings.Cut(rest, ": "); found {
			return reason
		}
	}
	return text
}
