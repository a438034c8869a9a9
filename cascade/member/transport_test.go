package member

import (
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-mesh/atoll/tools/simnet"
)

// TestOnlyPacketsWithTheLabelComeIn sends packets of all kinds to a transport.
func TestOnlyPacketsWithTheLabelComeIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		defer n.Close()
		out := &lines{}
		gripes := newComplaints(slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})))
		tr := must(openTransport(simnet.Sockets{Host: n.Host("10.0.0.1")}, ":7946", "0123456789abcdef", gripes))
		other := must(n.Host("10.0.0.2").ListenPacket("udp", ":7"))
		send := func(s string) { must(other.WriteTo([]byte(s), net.UDPAddrFromAddrPort(tr.addr()))) }
		for _, s := range []string{
			"", "hello", "\xf4", "\xf4\x10", "\xf4\x10short", "\xf4\x100123456789abcdeX", "\xf4\x05other...............", "\x0c\xf4\x100123456789abcdef",
		} {
			send(s)
		}
		send("\xf4\x10fedcba9876543210its secret is another")
		send("\xf4\x100123456789abcdefours")
		select {
		case p := <-tr.PacketCh():
			if string(p.Buf) != "ours" || p.From.String() != "10.0.0.2:7" || p.Timestamp.IsZero() {
				t.Errorf("%q from %v", p.Buf, p.From)
			}
		case <-time.After(time.Second):
			t.Error("nothing came in")
		}
		select {
		case p := <-tr.PacketCh():
			t.Errorf("%q came in too", p.Buf)
		case <-time.After(time.Minute):
		}
		if len(out.with("another secret", "addr=10.0.0.2:7")) != 1 || len(out.with("level=DEBUG", "not gossip")) != 1 {
			t.Errorf("%s", out)
		}
		if err := tr.Shutdown(); err != nil {
			t.Error(err)
		}
	})
}

// faulty is a network whose sockets fail for a while.
type faulty struct {
	simnet.Sockets
	until time.Time
}

type faultyListener struct {
	net.Listener
	*faulty
	tries int
}

func (f *faulty) Listen(network, address string) (net.Listener, error) {
	l, err := f.Sockets.Listen(network, address)
	return &faultyListener{Listener: l, faulty: f}, err
}

func (l *faultyListener) Accept() (net.Conn, error) {
	if l.tries++; time.Now().Before(l.until) {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: net.UnknownNetworkError("too many open files")}
	}
	return l.Listener.Accept()
}

func TestFailingSocketIsTriedAgain(t *testing.T) {
	in(t, 1, func(w *world) {
		a, b := w.prepare("10.0.1.1"), w.prepare("10.0.2.1")
		f := &faulty{simnet.Sockets{Host: a.host}, time.Now().Add(10 * time.Second)}
		a.start(func(c *Config) { c.Network = f })
		b.start(func(c *Config) { c.Join = []string{a.address()} })
		w.within(30*time.Second, "one cluster in the end", one(a, b))
		if l, _ := a.list.transport.listener.(*faultyListener); l.tries > 50 {
			t.Errorf("tried %d times", l.tries)
		}
	})
}
