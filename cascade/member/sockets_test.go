package member

import (
	"log/slog"
	"net"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/tools/freeport"
)

// realLists is how many lists run with real sockets.
var realLists = 50

// TestFiftyRealListsFormOneCluster runs with real sockets and real time. The bar is that of a quiet machine.
func TestFiftyRealListsFormOneCluster(t *testing.T) {
	size := realLists
	secret := identity.NewSecret()
	lists := make([]*List, size)
	complete := make(chan struct{}, size)
	lost := lateness(t)
	used, start := cpu(t), time.Now()
	for i := range lists {
		c := Config{
			Network: Sockets{}, Bind: "127.0.0.1:0", Key: identity.NewKey(), Secret: secret, Self: Meta{Region: "eu", Build: "test"},
			Log: slog.New(slog.DiscardHandler),
		}
		var once sync.Once
		c.Changed = func(all []Member) {
			if len(living(all)) == size-1 {
				once.Do(func() { complete <- struct{}{} })
			}
		}
		if i > 0 {
			c.Join = []string{lists[0].Addr().String()}
		}
		var err error
		if lists[i], err = Start(c); err != nil {
			t.Fatal(err)
		}
	}
	limit := time.After(3 * time.Minute)
	for range size {
		select {
		case <-complete:
		case <-limit:
			for _, l := range lists {
				t.Logf("%s sees %d", l.self, len(living(l.Members())))
			}
			t.Fatal("no cluster within three minutes")
		}
	}
	took, busy := time.Since(start), lost()
	t.Logf("%d lists are one cluster after %v (the machine was busy for %v of it), %v of CPU", size, took.Round(time.Millisecond),
		busy.Round(time.Millisecond), (cpu(t) - used).Round(time.Millisecond))
	if took-busy > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	time.Sleep(2 * time.Second) // the young ones look again
	used, start = cpu(t), time.Now()
	time.Sleep(2 * time.Second)
	t.Logf("idle: %.2f %% of a core per list", 100*(cpu(t)-used).Seconds()/time.Since(start).Seconds()/float64(size))
	for _, l := range lists {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	for range 300 { // memberlist's probes that were under way
		if runtime.NumGoroutine() < 20 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("%d goroutines are left", runtime.NumGoroutine())
}

// lateness measures for how long a goroutine that wants to run does not get to it: others use the machine.
func lateness(t *testing.T) func() time.Duration {
	t.Helper()
	stop, sum := make(chan struct{}), make(chan time.Duration)
	go func() {
		const nap = 5 * time.Millisecond
		var late time.Duration
		for {
			start := time.Now()
			select {
			case <-time.After(nap):
				late += max(time.Since(start)-nap-nap/5, 0)
			case <-stop:
				sum <- late
				return
			}
		}
	}()
	return func() time.Duration {
		close(stop)
		return <-sum
	}
}

func cpu(t *testing.T) time.Duration {
	t.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// busy is a network on which the UDP port of the first listeners is taken.
type busy struct {
	Sockets
	taken int
	ports []string
}

func (b *busy) ListenPacket(network, address string) (net.PacketConn, error) {
	b.ports = append(b.ports, address)
	if b.taken > 0 {
		b.taken--
		return nil, &net.OpError{Op: "listen", Net: network, Err: syscall.EADDRINUSE}
	}
	return b.Sockets.ListenPacket(network, address)
}

func TestBothProtocolsHaveOnePort(t *testing.T) {
	gripes := newComplaints(slog.New(slog.DiscardHandler))
	b := &busy{taken: 3}
	tr, err := openTransport(b, "127.0.0.1:0", "0123456789abcdef", gripes)
	if err != nil {
		t.Fatal(err)
	}
	// Four tries, and more when others on this machine have the port.
	if n := len(b.ports); n < 4 || tr.addr().String() != b.ports[n-1] || tr.conn.LocalAddr().String() != b.ports[n-1] || tr.addr().Port() == 0 {
		t.Errorf("tried %v, has %v and %v", b.ports, tr.addr(), tr.conn.LocalAddr())
	}
	if err := tr.Shutdown(); err != nil {
		t.Error(err)
	}
	// A port that is asked for is tried once, and given back.
	free := freeport.Get(t)
	if _, err := openTransport(&busy{taken: 1}, free, "0123456789abcdef", gripes); err == nil {
		t.Error("no error")
	}
	tr, err = openTransport(Sockets{}, free, "0123456789abcdef", gripes)
	if err != nil {
		t.Fatal(err)
	}
	_ = tr.Shutdown()
	for _, bind := range []string{"", "127.0.0.1", "127.0.0.1:x"} {
		if _, err := openTransport(Sockets{}, bind, "0123456789abcdef", gripes); err == nil {
			t.Errorf("bound to %q", bind)
		}
	}
}

// TestAnotherSecretOverTCP sees that the answer arrives although unread bytes are thrown away.
func TestAnotherSecretOverTCP(t *testing.T) {
	out := [2]*lines{{}, {}}
	var lists [2]*List
	for i := range lists {
		c := Config{
			Network: Sockets{}, Bind: "127.0.0.1:0", Key: identity.NewKey(), Secret: identity.NewSecret(),
			Log: slog.New(slog.NewTextHandler(out[i], nil)),
		}
		if i > 0 {
			c.Join = []string{lists[0].Addr().String()}
		}
		lists[i] = must(Start(c))
		defer func() { _ = lists[i].Close() }()
	}
	for range 1500 {
		if len(out[0].with("another secret")) == 1 && len(out[1].with("another secret", lists[0].Addr().String())) == 1 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("said %s and %s", out[0], out[1])
}

func TestBestAddress(t *testing.T) {
	nets := func(all ...string) (found []net.Addr) {
		for _, a := range all {
			ip, n, err := net.ParseCIDR(a)
			if err != nil {
				panic(err)
			}
			n.IP = ip
			found = append(found, n)
		}
		return found
	}
	order := []string{"192.0.2.1", "2001:db8::1", "10.0.0.1", "fd00::1", "127.0.0.1", "::1"}
	for i := range order {
		var all []string
		for _, a := range order[i:] {
			bits := "/24"
			if slices.Contains([]string{"2001:db8::1", "fd00::1", "::1"}, a) {
				bits = "/64"
			}
			all = append([]string{a + bits}, all...)
		}
		if got := best(nets(append(all, "fe80::1/64", "169.254.1.1/16")...)); got.String() != order[i] {
			t.Errorf("of %v: %v", all, got)
		}
	}
	if got := best(nets("fe80::1/64")); got.IsValid() {
		t.Error(got)
	}
	for _, c := range [][3]string{
		{"192.0.2.1:5", "10.0.0.1:7", "192.0.2.1:5"},
		{"192.0.2.1:0", "10.0.0.1:7", "192.0.2.1:7"},
		{"0.0.0.0:5", "10.0.0.1:7", "10.0.0.1:5"},
		{"[::ffff:192.0.2.1]:5", "[::]:7", "192.0.2.1:5"},
	} {
		if got, err := advertised(addrPort(c[0]), addrPort(c[1])); err != nil || got.String() != c[2] {
			t.Errorf("%v: %v, %v", c, got, err)
		}
	}
	if _, err := advertised(addrPort("224.0.0.1:1"), addrPort("10.0.0.1:7")); err == nil {
		t.Error("multicast")
	}
	if got, err := advertised(addrPort("0.0.0.0:0"), addrPort("[::]:7")); err != nil || got.Addr().IsUnspecified() || got.Port() != 7 {
		t.Errorf("%v, %v", got, err)
	}
}
