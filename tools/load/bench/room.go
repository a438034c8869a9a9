package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/participant"
	"github.com/atoll-mesh/atoll/tools/load/socket"
)

const (
	joinPatience = 30 * time.Second
	// stragglers is how long packets of a window may still arrive after its end, while publishing goes on.
	stragglers   = 250 * time.Millisecond
	feedbackRate = 100 * time.Millisecond
	reaches      = 3 // at most
	idleTime     = 3 * time.Second
)

// room is one server with everybody in it.
type room struct {
	kind     Kind
	scenario Scenario
	server   server
	pool     *socket.Pool
	seats    []seat
	ears     []*ear // of those who receive
	show     *show
	joins    []join
	trips    int           // round trips until the first packet of one who joins, 0 when that was not found out
	empty    int64         // resident memory at the start
	idle     time.Duration // CPU time a second of the first node of a cluster before anybody came
	prompt   bool
	two      func(context.Context) error // called when the first two are in; nil for nothing
}

// join is how one client came in.
type join struct {
	took    time.Duration // from the beginning of its signalling to its first packet of media
	picture time.Duration // and to the first of a picture
}

// fill starts a server and lets everybody join, one after the other, while those who send do.
func fill(ctx context.Context, kind Kind, s Scenario, with Programs, pool *socket.Pool) (*room, error) {
	r, err := open(ctx, kind, s, with, pool)
	if err != nil {
		return nil, err
	}
	if err = r.fill(ctx); err != nil {
		err = fmt.Errorf("%s in %s: %w\nit said:\n%s", kind, s.Name, err, r.server.log())
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// open starts a server.
func open(ctx context.Context, kind Kind, s Scenario, with Programs, pool *socket.Pool) (*room, error) {
	r := &room{kind: kind, scenario: s, pool: pool, show: new(show)}
	var err error
	if r.server, err = start(ctx, kind, s, with); err != nil {
		return nil, err
	}
	if r.empty, err = memory(r.server); err == nil && s.Nodes > 1 {
		err = r.watch(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, r.server.stop())
	}
	return r, nil
}

// watch finds out what the first node of a cluster spends on nothing: its heartbeats, gossip, timers.
func (r *room) watch(ctx context.Context) error {
	before, err := cpu(r.server)
	if err == nil {
		err = rest(ctx, idleTime)
	}
	if err != nil {
		return err
	}
	after, err := cpu(r.server)
	if err == nil {
		r.idle = (after[0] - before[0]) / time.Duration(idleTime/time.Second)
	}
	return err
}

func (r *room) fill(ctx context.Context) error {
	r.pool.Gather(false)
	p, err := r.scenario.plan()
	if err != nil {
		return err
	}
	var playing sync.WaitGroup
	playingCtx, stop := context.WithCancel(ctx)
	var failed error
	defer func() {
		stop()
		playing.Wait()
	}()
	// Who sends comes first. Nobody has media before there are two.
	var waiting []func() error
	whole := ctx
	for at := range r.scenario.people() {
		begun := time.Now()
		c, performer, e := r.client(at, p)
		ctx, cancel := context.WithTimeout(ctx, joinPatience)
		defer cancel()
		s, err := r.server.join(ctx, c)
		if err != nil {
			return fmt.Errorf("client %d: %w", at, err)
		}
		r.seats = append(r.seats, s)
		waiting = append(waiting, func() error {
			out, in, err := s.ready(ctx)
			if err != nil {
				return fmt.Errorf("client %d: %w", at, err)
			}
			if e != nil {
				e.to = in
			}
			if performer != nil {
				performer.to = out
				r.show.add(performer)
			}
			return nil
		})
		if at == 0 {
			continue
		}
		for _, f := range waiting {
			if err := f(); err != nil {
				return err
			}
		}
		waiting = nil
		if at == 1 {
			playing.Go(func() { failed = r.show.run(playingCtx) })
		}
		if e == nil {
			continue
		}
		if err := e.await(ctx, !r.scenario.Mute); err != nil {
			return errors.Join(fmt.Errorf("client %d: %w", at, err), failed)
		}
		if at == 1 && r.two != nil {
			if err := r.two(whole); err != nil {
				return err
			}
		}
		if at > 1 {
			first, picture := e.began()
			r.joins = append(r.joins, join{first.Sub(begun), picture.Sub(begun)})
		}
	}
	for range reaches { // a wait for a core makes more of them, and nothing less
		trips, err := r.reach(ctx, p)
		if err != nil {
			break // not every server lets everybody in
		}
		if trips > 0 && (r.trips == 0 || trips < r.trips) {
			r.trips = trips
		}
		if r.trips > 0 && r.trips <= mostTrips {
			break
		}
	}
	return nil
}

// reach lets one more join from far away, and leave. What that takes longer than the other joins is as many round trips as a client
// really waits for: what goes on at the same time is not counted twice, and what nobody waits for is not counted.
func (r *room) reach(ctx context.Context, p plan) (trips int, err error) {
	var near []time.Duration
	for _, j := range r.joins {
		near = append(near, j.took)
	}
	ctx, cancel := context.WithTimeout(ctx, joinPatience)
	defer cancel()
	begun := time.Now()
	c, _, e := r.client(r.scenario.people(), p)
	c.line.far = true
	r.ears = r.ears[:len(r.ears)-1] // nobody measures what it gets
	s, err := r.server.join(ctx, c)
	if err != nil {
		return 0, err
	}
	defer s.leave()
	if _, _, err = s.ready(ctx); err == nil {
		err = e.await(ctx, false)
	}
	if err != nil {
		return 0, err
	}
	first, _ := e.began()
	return int((first.Sub(begun) - quantile(near, 0.5) + distance/2) / distance), nil
}

// client makes one who joins, what it sends and what it hears, each nil when it does not.
func (r *room) client(at int, p plan) (client, *performer, *ear) {
	c := client{scenario: r.scenario, at: at, codec: p.codec, line: &line{Pool: r.pool}}
	var f *performer
	if c.sends() {
		ssrc := uint32(100 * (at + 1))
		c.ssrcs = participant.SSRCs{Audio: ssrc}
		for i := range p.encodings {
			c.ssrcs.Video = append(c.ssrcs.Video, ssrc+1+2*uint32(i))
			c.ssrcs.RTX = append(c.ssrcs.RTX, ssrc+2+2*uint32(i))
		}
		f = newPerformer(at, r.scenario.Senders, p, r.server.payload(p.codec), ssrc, c.ssrcs.Video)
		f.listeners = r.scenario.listeners()
		c.onRTCP = f.feedback
	}
	var e *ear
	if c.receives() {
		e = newEar(r.server.feedback())
		c.onRTP = e.RTP
		r.ears = append(r.ears, e)
	}
	return c, f, e
}

// await polls for the first packet, of a picture where there are pictures. Its time is the kernel's.
func (e *ear) await(ctx context.Context, pictures bool) error {
	for {
		first, picture := e.began()
		if pictures && !picture.IsZero() || !pictures && !first.IsZero() {
			return nil
		}
		if err := rest(ctx, time.Millisecond); err != nil {
			return fmt.Errorf("wait for the first packet: %w", err)
		}
	}
}

// measure sends for warm and then until during returns, and returns what the server spent and delivered in that time.
func (r *room) measure(ctx context.Context, warm time.Duration, during func(context.Context) error) (Window, error) {
	r.pool.Gather(!r.prompt)
	defer r.pool.Gather(false)
	ctx, cancel := context.WithCancel(ctx)
	var traffic sync.WaitGroup
	var failed error
	traffic.Go(func() { r.answer(ctx) })
	traffic.Go(func() {
		failed = r.show.run(ctx)
		cancel()
	})
	w, err := r.window(ctx, warm, during)
	cancel()
	traffic.Wait()
	if err := errors.Join(failed, err); err != nil {
		return w, fmt.Errorf("measure %s: %w", r.kind, err)
	}
	return w, nil
}

func (r *room) window(ctx context.Context, warm time.Duration, during func(context.Context) error) (w Window, err error) {
	if err := rest(ctx, warm); err != nil {
		return w, err
	}
	objects, counts, err := r.server.allocated(ctx)
	if err != nil {
		return w, err
	}
	waited := r.waited()
	from := r.show.open()
	for _, e := range r.ears {
		e.Open(from)
	}
	before, err := cpu(r.server)
	if err == nil {
		err = during(ctx)
	}
	if err != nil {
		return w, err
	}
	spent, err := cpu(r.server)
	if err != nil {
		return w, err
	}
	to, heard, sent, slipped := r.show.close()
	for _, e := range r.ears {
		e.Close(to)
	}
	for i := range spent {
		spent[i] -= before[i]
		w.CPU += spent[i]
	}
	w = Window{CPU: w.CPU, Each: spent, Elapsed: to.Sub(from), Sent: sent, Expected: heard, Slipped: slipped, Waited: r.waited() - waited}
	later, _, err := r.server.allocated(ctx)
	if err != nil {
		return w, err
	}
	if counts {
		w.Allocated = int64(later - objects)
	}
	if err := rest(ctx, stragglers); err != nil {
		return w, err
	}
	var latency load.Histogram
	for _, e := range r.ears {
		w.Delivered += e.Count(&latency)
	}
	w.P50, w.P99 = latency.Quantile(0.5), latency.Quantile(0.99)
	return w, nil
}

// answer lets each receiver report once a second and give feedback ten times, one after the other.
func (r *room) answer(ctx context.Context) {
	if len(r.ears) == 0 {
		return
	}
	ticker := time.NewTicker(feedbackRate / time.Duration(len(r.ears)))
	defer ticker.Stop()
	for i := 0; ; i++ {
		e := r.ears[i%len(r.ears)]
		select {
		case <-ticker.C:
			e.feed()
			if i/len(r.ears)%10 == i%10 {
				e.report()
			}
		case <-ctx.Done():
			return
		}
	}
}

// waited returns how long the server's threads stood in a queue for a core.
func (r *room) waited() (sum time.Duration) {
	for _, pid := range r.server.pids() {
		sum += queued(pid)
	}
	return sum
}

// close lets everybody leave and stops the server.
func (r *room) close() error {
	r.pool.Gather(false)
	var leaving sync.WaitGroup
	for _, s := range slices.Backward(r.seats) {
		leaving.Go(s.leave)
	}
	leaving.Wait()
	return r.server.stop()
}

func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
