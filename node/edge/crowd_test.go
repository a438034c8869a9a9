package edge

import (
	"errors"
	"net"
	"runtime"
	"testing"
	"time"
)

func TestACrowdIsSeveralWhoAreComing(t *testing.T) {
	start := time.Now()
	var c crowd
	round := func(at time.Duration, legs ...*Leg) bool {
		for _, l := range legs {
			c.count(l, start.Add(at))
		}
		c.judge(start.Add(at))
		return c.here.Load()
	}
	leg := func(born time.Duration, connected bool) *Leg {
		l := &Leg{born: start.Add(born)}
		l.open.Store(connected)
		return l
	}
	a, b, d := leg(0, false), leg(0, false), leg(0, false)
	for _, s := range []struct {
		name string
		at   time.Duration
		legs []*Leg
		want bool
	}{
		{"nobody", 0, nil, false},
		{"one", 0, []*Leg{a}, false},
		{"one in another round", 20 * time.Millisecond, []*Leg{b}, false},
		{"one, and many who are in", 40 * time.Millisecond, []*Leg{a, leg(0, true), leg(0, true), leg(0, true)}, false},
		{"two", 60 * time.Millisecond, []*Leg{a, b}, true},
		{"just now", 60*time.Millisecond + crowdStays - 1, nil, true},
		{"no more", 60*time.Millisecond + crowdStays, nil, false},
		{"again", 2 * time.Second, []*Leg{a, b, d}, true},
		{"who do not come", 2*time.Second + comingTime, []*Leg{a, b, d}, false},
	} {
		if got := round(s.at, s.legs...); got != s.want {
			t.Errorf("%s: a crowd %v, want %v", s.name, got, s.want)
		}
	}
}

func TestSomebodyJoinsUntilAMomentAfter(t *testing.T) {
	start := time.Now()
	var c crowd
	l := &Leg{born: start}
	for _, s := range []struct {
		at      time.Duration
		in      bool
		joining bool
	}{
		{0, false, true},
		{time.Second, false, true},
		{time.Second + crowdStays - 1, true, true},
		{time.Second + crowdStays, true, false},
	} {
		l.open.Store(s.in)
		c.count(l, start.Add(s.at))
		c.judge(start.Add(s.at))
		if got := c.some.Load(); got != s.joining {
			t.Errorf("after %v: %v", s.at, got)
		}
	}
}

func TestTheReaderStepsBackNowAndThen(t *testing.T) {
	start := time.Now()
	var c crowd
	for _, s := range []struct {
		at   time.Duration
		want bool
	}{{0, true}, {keeping - 1, false}, {keeping, true}, {keeping + 1, false}, {2*keeping - 1, false}, {9 * keeping, true}} {
		if got := c.yields(start.Add(s.at)); got != s.want {
			t.Errorf("after %v: %v", s.at, got)
		}
	}
}

// While two are awaited the reader waits in the kernel, and takes in what comes all the same: a third gets in and is heard.
func TestMediaFlowsInACrowd(t *testing.T) {
	e := listen(t)
	awaited := make([]*Leg, crowdSize)
	for i := range awaited {
		var err error
		if awaited[i], err = e.NewLeg(forwarder{}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "there is a crowd", e.Crowded)
	_, r, c := join(t, e)
	c.sendRTP(1, 1)
	r.wait("media", func() bool { return len(r.rtp[1]) > 0 })
	for _, l := range awaited {
		l.Close()
	}
	eventually(t, "the crowd is gone", func() bool { return !e.Crowded() })
	c.sendRTP(1, 2)
	r.wait("media without a crowd", func() bool { return len(r.rtp[1]) > 1 })
}

// With one processor the reader tells the runtime when it waits, with several it does not. Either way media comes through, and who closes
// does not wait for the crowd.
func TestACrowdEndsWithTheEdge(t *testing.T) {
	for _, processors := range []int{1, 2} {
		before := runtime.GOMAXPROCS(processors)
		e := listen(t)
		for range crowdSize {
			if _, err := e.NewLeg(forwarder{}); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "there is a crowd", e.Crowded)
		_, r, c := join(t, e)
		c.sendRTP(1, 1)
		r.wait("media", func() bool { return len(r.rtp[1]) > 0 })
		closed := make(chan error, 1)
		go func() { closed <- e.Close() }()
		select {
		case err := <-closed:
			if err != nil {
				t.Errorf("%d processors: %v", processors, err)
			}
		case <-time.After(patience):
			t.Errorf("%d processors: it does not end", processors)
		}
		runtime.GOMAXPROCS(before)
	}
}

func TestWhoWaitsInTheKernelSeesTheEnd(t *testing.T) {
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSocket(conn)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if n, err := s.receiveWithin(time.Millisecond); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	s.stop()
	if _, err := s.receiveWithin(time.Millisecond); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want that it is closed", err)
	}
}
