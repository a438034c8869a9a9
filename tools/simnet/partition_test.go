package simnet

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestCutIsOneWay(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		n.Connect(a, b, Link{Delay: 5 * time.Millisecond})
		ca, cb := packets(t, a, ":1"), packets(t, b, ":1")
		sendTo(t, ca, cb.LocalAddr(), []byte("under way"))
		n.Cut(a, b)
		sendTo(t, ca, cb.LocalAddr(), []byte("cut"))
		sendTo(t, cb, ca.LocalAddr(), []byte("open"))
		if got := collect(t, cb, time.Second); len(got) != 1 || got[0].data != "under way" {
			t.Errorf("%v", got)
		}
		if got := collect(t, ca, time.Second); len(got) != 1 {
			t.Errorf("%v", got)
		}
		n.Mend(a, b)
		sendTo(t, ca, cb.LocalAddr(), []byte("mended"))
		if got := collect(t, cb, time.Second); len(got) != 1 || got[0].after != 5*time.Millisecond {
			t.Errorf("%v", got)
		}
		if s := n.Stats(a, b); s.Cut != 1 || s.Sent != 3 {
			t.Errorf("%+v", s)
		}
	})
}

func TestPartitionAndHeal(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		hosts := []*Host{n.Host("10.0.0.1"), n.Host("10.0.0.2"), n.Host("10.0.0.3")}
		conns := make([]*PacketConn, 3)
		for i, h := range hosts {
			conns[i] = packets(t, h, ":1")
		}
		heard := func() (matrix [3]int) {
			for i, c := range conns {
				for j, d := range conns {
					if i != j {
						sendTo(t, c, d.LocalAddr(), []byte("x"))
					}
				}
			}
			for i, c := range conns {
				matrix[i] = len(collect(t, c, time.Second))
			}
			return matrix
		}
		n.Partition([]Site{hosts[0]}, []Site{hosts[1], hosts[2]})
		if got := heard(); got != [3]int{0, 1, 1} {
			t.Errorf("partitioned: %v", got)
		}
		n.Heal()
		if got := heard(); got != [3]int{2, 2, 2} {
			t.Errorf("healed: %v", got)
		}
	})
}

func TestStreamWaitsForTheHealing(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		n.Connect(a, b, Link{Delay: 10 * time.Millisecond})
		client, server := streams(t, a, b)
		n.Partition([]Site{a}, []Site{b})
		start := time.Now()
		must(client.Write([]byte("x")))
		check(t, server.SetReadDeadline(start.Add(10*time.Second)))
		buf := make([]byte, 1)
		if _, err := server.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("read %v", err)
		}
		n.Heal()
		check(t, server.SetReadDeadline(time.Time{}))
		_, err := server.Read(buf)
		// Tries 0.2, 0.6, 1.4, 3, 6.2 s fail; the one at 12.6 s passes.
		if d := time.Since(start); err != nil || d != 12610*time.Millisecond {
			t.Errorf("read %v after %v", err, d)
		}
	})
}

func TestStreamGivesUp(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		client, _ := streams(t, a, b)
		n.Cut(a, b)
		start := time.Now()
		must(client.Write([]byte("x")))
		_, err := client.Read(make([]byte, 1))
		if d := time.Since(start); !errors.Is(err, syscall.ETIMEDOUT) || d < 10*time.Minute || d > 20*time.Minute {
			t.Errorf("%v after %v", err, d)
		}
		start = time.Now()
		_, err = a.Dial("tcp", "10.0.0.2:80")
		if d := time.Since(start); !errors.Is(err, syscall.ETIMEDOUT) || d != 63*time.Second {
			t.Errorf("dial: %v after %v", err, d)
		}
	})
}

func TestHostLosesPower(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		n.Connect(a, b, Link{Delay: 10 * time.Millisecond})
		client, server := streams(t, a, b)
		ca, cb := packets(t, a, ":1"), packets(t, b, ":1")
		b.Close()
		if _, err := server.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("its own stream: %v", err)
		}
		if _, _, err := cb.ReadFrom(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("its own socket: %v", err)
		}
		check(t, client.SetReadDeadline(time.Now().Add(time.Minute)))
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the peer was told: %v", err)
		}
		sendTo(t, ca, cb.LocalAddr(), []byte("x"))
		time.Sleep(time.Second) // virtual
		if s := n.Stats(a, b); s.Unheard != 1 {
			t.Errorf("%+v", s)
		}
	})
}
