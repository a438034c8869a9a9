//go:build lab && linux

package lab_test

import (
	"context"
	"encoding/binary"
	"math"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
	"github.com/atoll-mesh/atoll/tools/lab/emulator"
	"github.com/atoll-mesh/atoll/tools/lab/wan"
)

const ms = time.Millisecond

// pair is two regions 40 ms apart.
func pair(i wan.Impairment) lab.Topology {
	return lab.Topology{
		Regions: []lab.Region{{Name: "eu", NAT: true}, {Name: "us"}},
		Links:   []lab.Link{{A: "eu", B: "us", Impairment: i}},
		Seed:    1,
	}
}

var roundTrip = regexp.MustCompile(`time=([0-9.]+) ms`)

// ping returns the median round trip of 20 pings in ms, and whether any came back.
func ping(t *testing.T, from *lab.Namespace, to netip.Addr) (median float64, any bool) {
	t.Helper()
	out, _ := from.Run(t.Context(), "ping", "-n", "-i", "0.05", "-c", "20", "-W", "1", to.String())
	var times []float64
	for _, m := range roundTrip.FindAllStringSubmatch(out, -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, v)
	}
	if len(times) == 0 {
		return 0, false
	}
	slices.Sort(times)
	return times[len(times)/2], true
}

func TestPingTakesTheDelayBothWays(t *testing.T) {
	l := lab.New(t, pair(wan.Impairment{Delay: 40 * ms}))
	for name, to := range map[string]netip.Addr{"v4": l.Node("us").Addr(), "v6": l.Node("us").Addr6()} {
		got, ok := ping(t, l.Client("eu"), to)
		t.Logf("%s: median %v ms", name, got)
		if !ok || got < 80 || got > 95 {
			t.Errorf("%s: median round trip %v ms, want 80 to 95", name, got)
		}
	}
	if got, ok := ping(t, l.Client("eu"), l.Node("eu").Addr()); !ok || got > 20 {
		t.Errorf("within a region: median round trip %v ms, want next to none", got)
	}
	if err := l.ChangeBoth("eu", "us", func(i *wan.Impairment) { i.Delay = 10 * ms }); err != nil {
		t.Fatal(err)
	}
	if got, ok := ping(t, l.Client("eu"), l.Node("us").Addr()); !ok || got < 20 || got > 35 {
		t.Errorf("after the change: median round trip %v ms, want 20 to 35", got)
	}
}

func TestPartitionAndHeal(t *testing.T) {
	l := lab.New(t, pair(wan.Impairment{Delay: 5 * ms}))
	from, to := l.Client("eu"), l.Node("us").Addr()
	if _, ok := ping(t, from, to); !ok {
		t.Fatal("no answer before the partition")
	}
	if err := l.Partition("eu", "us"); err != nil {
		t.Fatal(err)
	}
	if _, ok := ping(t, from, to); ok {
		t.Error("an answer came through the partition")
	}
	if err := l.Heal("eu", "us"); err != nil {
		t.Fatal(err)
	}
	if got, ok := ping(t, from, to); !ok || got < 10 {
		t.Errorf("healed: median round trip %v ms, answered %v; want the delay of before", got, ok)
	}
}

// flood sends n numbered datagrams of size bytes, gap apart, and returns how many arrived and how long they took to.
func flood(t *testing.T, from, to *lab.Namespace, n, size int, gap time.Duration) (arrived int, took time.Duration) {
	t.Helper()
	in, err := to.ListenPacket(net.JoinHostPort(to.Addr().String(), "7000"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	_ = in.(*net.UDPConn).SetReadBuffer(4 << 20)
	out, err := from.Dial(t.Context(), "udp", in.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	begun := time.Now()
	go func() {
		tick := time.NewTicker(gap)
		defer tick.Stop()
		packet := make([]byte, size)
		for k := range n {
			binary.BigEndian.PutUint32(packet, uint32(k))
			if _, err := out.Write(packet); err != nil {
				return
			}
			<-tick.C
		}
	}()
	buffer := make([]byte, 2000)
	expected := time.Duration(n) * gap
	last := begun
	for arrived < n {
		// The last ones are missed after two quiet seconds.
		if err := in.SetReadDeadline(time.Now().Add(expected/4 + 2*time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := in.ReadFrom(buffer); err != nil {
			break
		}
		arrived++
		last = time.Now()
	}
	return arrived, last.Sub(begun)
}

func TestLossIsCounted(t *testing.T) {
	l := lab.New(t, pair(wan.Impairment{Delay: 5 * ms}))
	if err := l.Change("eu", "us", func(i *wan.Impairment) { i.Loss = 0.1 }); err != nil {
		t.Fatal(err)
	}
	const n = 2000
	arrived, _ := flood(t, l.Client("eu"), l.Node("us"), n, 200, ms/2)
	t.Logf("%d of %d arrived", arrived, n)
	// Five standard deviations of a binomial of 2000 and 0.1.
	if lost := n - arrived; math.Abs(float64(lost)-n/10) > 67 {
		t.Errorf("%d of %d lost, want about %d", lost, n, n/10)
	}
	s := l.Network()[emulator.Direction{From: "eu", To: "us"}].Stats
	if s.Offered < n || s.Lost < uint64(n-arrived) {
		t.Errorf("stats %+v do not show what was sent and lost", s)
	}
	if back, _ := flood(t, l.Node("us"), l.Client("eu"), 500, 200, ms/2); back != 500 {
		t.Errorf("%d of 500 arrived in the direction without loss", back)
	}
}

func TestRateLimits(t *testing.T) {
	l := lab.New(t, pair(wan.Impairment{Delay: 5 * ms, Rate: 1e6, Queue: 20000}))
	// 2 Mbit/s for 2 s into 1 Mbit/s: half of it and the queue come through, at the rate of the link.
	const n, size = 400, 972 // 1000 bytes with IP and UDP headers
	arrived, took := flood(t, l.Client("eu"), l.Node("us"), n, size, 4*ms)
	rate := float64(arrived) * 1000 * 8 / took.Seconds()
	t.Logf("%d of %d arrived in %v: %.0f bit/s", arrived, n, took, rate)
	if rate > 1.1e6 || rate < 0.7e6 {
		t.Errorf("%.0f bit/s came through a link of 1 Mbit/s", rate)
	}
	if s := l.Network()[emulator.Direction{From: "eu", To: "us"}].Stats; s.Overflow == 0 {
		t.Errorf("nothing overflowed: %+v", s)
	}
}

func TestNATLetsOutAndNotIn(t *testing.T) {
	l := lab.New(t, pair(wan.Impairment{Delay: 5 * ms}))
	inside, node := l.NATClient("eu"), l.Node("us")
	if _, ok := ping(t, inside, node.Addr()); !ok {
		t.Error("the client behind the NAT reaches nobody over IPv4")
	}
	if _, ok := ping(t, inside, node.Addr6()); !ok {
		t.Error("the client behind the NAT reaches nobody over IPv6")
	}
	echo, err := node.ListenPacket(net.JoinHostPort(node.Addr().String(), "7000"))
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		buffer := make([]byte, 100)
		for {
			_, from, err := echo.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = echo.WriteTo([]byte(from.String()), from)
		}
	}()
	out, err := inside.Dial(t.Context(), "udp", echo.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	ask := func() string {
		for range 5 {
			_, _ = out.Write([]byte("?"))
			_ = out.SetReadDeadline(time.Now().Add(300 * ms))
			buffer := make([]byte, 100)
			if n, err := out.Read(buffer); err == nil {
				return string(buffer[:n])
			}
		}
		return ""
	}
	outside, err := netip.ParseAddrPort(ask())
	if err != nil || outside.Addr() != netip.MustParseAddr("10.1.3.10") {
		t.Fatalf("the node sees the client at %v (%v), want the NAT's address", outside, err)
	}
	if err := l.BlockUDP("eu", true); err != nil {
		t.Fatal(err)
	}
	if got := ask(); got != "" {
		t.Error("UDP passes the block")
	}
	if _, ok := ping(t, inside, node.Addr()); !ok {
		t.Error("the block stops more than UDP")
	}
	if err := l.BlockUDP("eu", false); err != nil {
		t.Fatal(err)
	}
	if got := ask(); got == "" {
		t.Error("UDP does not pass after the block is lifted")
	}
	// Nothing new comes in: not even to a socket that is open on the port the NAT would forward.
	stranger, err := l.Client("us").Dial(context.Background(), "udp", outside.String())
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	_, _ = stranger.Write([]byte("!"))
	_ = out.SetReadDeadline(time.Now().Add(300 * ms))
	buffer := make([]byte, 100)
	if n, err := out.Read(buffer); err == nil && string(buffer[:n]) == "!" {
		t.Error("a stranger's datagram came in")
	}
}
