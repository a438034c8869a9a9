package simnet

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestReadDeadline(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		c := packets(t, n.Host("10.0.0.1"), ":1")
		start := time.Now()
		go func() {
			time.Sleep(time.Second)
			c.SetReadDeadline(time.Now().Add(time.Second)) // moves one that is waited for
		}()
		check(t, c.SetReadDeadline(start.Add(time.Hour)))
		_, _, err := c.ReadFrom(make([]byte, 1))
		var timeout net.Error
		if d := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() || d != 2*time.Second {
			t.Errorf("%v after %v", err, d)
		}
		check(t, c.SetDeadline(time.Unix(1, 0)))
		if _, err := c.WriteTo([]byte("x"), c.LocalAddr()); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %v", err)
		}
	})
}

func TestCloseWakes(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		c := packets(t, n.Host("10.0.0.1"), ":1")
		failed := make(chan error)
		go func() {
			_, _, err := c.ReadFrom(make([]byte, 1))
			failed <- err
		}()
		synctest.Wait()
		check(t, c.Close())
		if err := <-failed; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if c.Close() == nil || c.SetDeadline(time.Time{}) == nil {
			t.Error("a closed socket works")
		}
	})
}

func TestNetworkClosesEverything(t *testing.T) {
	// The bubble ends only when all of these return.
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		client, _ := streams(t, a, b)
		l := must(b.Listen("tcp", ":80"))
		c := packets(t, a, ":1")
		n.Cut(a, b)
		go c.ReadFrom(make([]byte, 1))
		go l.Accept()
		go client.Read(make([]byte, 1))
		go client.Write(make([]byte, 1<<20))
		go a.Dial("tcp", "10.0.0.2:80")
		synctest.Wait()
		n.Close()
		if _, err := a.ListenPacket("udp", ":2"); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if _, err := a.Dial("tcp", "10.0.0.2:80"); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

func TestBinding(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		h := n.Host("10.0.0.1", "2001:db8::1")
		packets(t, h, "10.0.0.1:5")
		for address, want := range map[string]error{
			"10.0.0.1:5": syscall.EADDRINUSE, ":5": syscall.EADDRINUSE, "0.0.0.0:5": syscall.EADDRINUSE, "10.0.0.9:6": syscall.EADDRNOTAVAIL,
		} {
			if _, err := h.ListenPacket("udp", address); !errors.Is(err, want) {
				t.Errorf("%s: %v", address, err)
			}
		}
		v6 := packets(t, h, "[2001:db8::1]:5")
		wild := packets(t, h, ":6")
		if _, err := h.ListenPacket("udp", "10.0.0.1:6"); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("beside a wildcard: %v", err)
		}
		sendTo(t, v6, &net.UDPAddr{IP: net.ParseIP("2001:db8::1"), Port: 6}, []byte("x"))
		sendTo(t, wild, &net.UDPAddr{IP: net.ParseIP("10.0.0.1"), Port: 6}, []byte("x"))
		if got := collect(t, wild, time.Second); len(got) != 2 || got[0].from != "[2001:db8::1]:5" || got[1].from != "10.0.0.1:6" {
			t.Errorf("%v", got)
		}
		if _, err := v6.WriteTo([]byte("x"), wild.LocalAddr()); !errors.Is(err, syscall.EAFNOSUPPORT) {
			t.Errorf("v6 to v4: %v", err)
		}
		if _, err := wild.WriteTo(make([]byte, 70000), wild.LocalAddr()); !errors.Is(err, syscall.EMSGSIZE) {
			t.Errorf("too long: %v", err)
		}
		one, two := packets(t, h, ":0"), packets(t, h, ":0")
		if one.LocalAddr().String() == two.LocalAddr().String() {
			t.Error("the same port twice")
		}
	})
}

func TestDialledSocketHearsItsPeer(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		peer, other := packets(t, b, ":1"), packets(t, b, ":2")
		c := must(a.Dial("udp", "10.0.0.2:1"))
		must(c.Write([]byte("hi")))
		got := collect(t, peer, time.Second)
		if len(got) != 1 || got[0].from != c.LocalAddr().String() {
			t.Fatalf("%v", got)
		}
		sendTo(t, other, c.LocalAddr(), []byte("stranger"))
		sendTo(t, peer, c.LocalAddr(), []byte("peer"))
		buf := make([]byte, 20)
		if k, err := c.Read(buf); string(buf[:k]) != "peer" || err != nil {
			t.Errorf("%q %v", buf[:k], err)
		}
	})
}

func TestFullBuffer(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		ca, cb := packets(t, a, ":1"), packets(t, b, ":1")
		check(t, cb.SetReadBuffer(2500))
		for range 5 {
			sendTo(t, ca, cb.LocalAddr(), make([]byte, 1000))
		}
		synctest.Wait()
		if s := n.Stats(a, b); s.Delivered != 2 || s.Unheard != 3 {
			t.Errorf("%+v", s)
		}
		collect(t, cb, time.Second)
		sendTo(t, ca, cb.LocalAddr(), make([]byte, 2500)) // what was read left room
		if got := collect(t, cb, time.Second); len(got) != 1 {
			t.Errorf("%d arrived", len(got))
		}
		sendTo(t, ca, &net.UDPAddr{IP: net.ParseIP("10.0.0.2"), Port: 99}, []byte("nobody"))
		synctest.Wait()
		if s := n.Stats(a, b); s.Unheard != 4 {
			t.Errorf("%+v", s)
		}
	})
}
