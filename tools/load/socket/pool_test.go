package socket_test

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/load/socket"
)

const patience = 20 * time.Second

func pool(t *testing.T) *socket.Pool {
	t.Helper()
	before := runtime.NumGoroutine()
	p, err := socket.NewPool()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; <-time.After(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d goroutines are left, %d were there before", runtime.NumGoroutine(), before)
			}
		}
	})
	return p
}

func listen(t *testing.T, p *socket.Pool) *socket.Conn {
	t.Helper()
	c, err := p.ListenPacket("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*socket.Conn)
}

func send(t *testing.T, from, to *socket.Conn, b []byte) {
	t.Helper()
	if _, err := from.WriteTo(b, to.LocalAddr()); err != nil {
		t.Fatal(err)
	}
}

// Media goes one way, everything else the other; nothing is lost and the kernel says when it came.
func TestMediaIsDiverted(t *testing.T) {
	for _, gathers := range []bool{false, true} {
		t.Run(fmt.Sprint("gathers ", gathers), func(t *testing.T) {
			p := pool(t)
			p.Gather(gathers)
			const sockets, packets = 20, 150 // more than one batch
			from := listen(t, p)
			var got atomic.Int64
			var wrong atomic.Value
			begun := time.Now()
			var all []*socket.Conn
			for k := range sockets {
				c := listen(t, p)
				c.Divert(func(b []byte, at time.Time) {
					if len(b) != 100 || b[0] != 0x80 || b[1] != byte(k) || at.Before(begun) || at.After(time.Now()) {
						wrong.Store(fmt.Sprintf("socket %d got %d bytes that begin with %x, of %v", k, len(b), b[:2], at))
					}
					got.Add(1)
				})
				all = append(all, c)
			}
			for k, c := range all {
				b := make([]byte, 100)
				b[0], b[1] = 0x80, byte(k)
				for range packets {
					send(t, from, c, b)
				}
				send(t, from, c, []byte{0, 1, byte(k)})
			}
			for k, c := range all {
				b := make([]byte, 10)
				n, at, err := c.ReadFrom(b)
				if err != nil || n != 3 || b[2] != byte(k) || at.String() != from.LocalAddr().String() {
					t.Fatalf("socket %d: %d bytes %x from %v, %v", k, n, b[:n], at, err)
				}
			}
			for deadline := time.Now().Add(patience); got.Load() < sockets*packets; {
				if time.Now().After(deadline) {
					t.Fatalf("%d of %d packets came", got.Load(), sockets*packets)
				}
				<-time.After(time.Millisecond)
			}
			if w := wrong.Load(); w != nil {
				t.Error(w)
			}
		})
	}
}

// The time of arrival is not that of the look: what came before a pause came then.
func TestArrivalIsTheKernels(t *testing.T) {
	p := pool(t)
	from, to := listen(t, p), listen(t, p)
	release := make(chan struct{})
	first, second := make(chan struct{}), make(chan time.Time, 1)
	n := 0
	to.Divert(func(_ []byte, at time.Time) {
		if n++; n == 1 {
			close(first)
			<-release
			return
		}
		second <- at
	})
	send(t, from, to, []byte{0x80, 0})
	<-first
	send(t, from, to, []byte{0x80, 1})
	sent := time.Now()
	const pause = 200 * time.Millisecond
	<-time.After(pause)
	close(release)
	if at := <-second; at.Sub(sent) > pause/2 {
		t.Errorf("the packet came %v after it was sent, before a pause of %v", at.Sub(sent), pause)
	}
}

func TestTripsAreCounted(t *testing.T) {
	p := pool(t)
	a, b := listen(t, p), listen(t, p)
	buf := make([]byte, 10)
	for range 3 {
		send(t, a, b, []byte{1, 2})
		send(t, a, b, []byte{1, 2})
		for range 2 {
			if _, _, err := b.ReadFrom(buf); err != nil {
				t.Fatal(err)
			}
		}
		send(t, b, a, []byte{1, 2})
		if _, _, err := a.ReadFrom(buf); err != nil {
			t.Fatal(err)
		}
	}
	if a.Trips() != 3 || b.Trips() != 2 {
		t.Errorf("%d and %d round trips, want 3 and, since the other side began, 2", a.Trips(), b.Trips())
	}
}

func TestCloseEndsReading(t *testing.T) {
	p := pool(t)
	c := listen(t, p)
	ended := make(chan error, 1)
	go func() {
		_, _, err := c.ReadFrom(make([]byte, 10))
		ended <- err
	}()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading ended with %v", err)
	}
	if _, err := c.WriteTo([]byte{1, 2}, c.LocalAddr()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("writing ended with %v", err)
	}
	for _, bad := range []string{"", "127.0.0.1", "[::1]:0", "localhost:0"} {
		if _, err := p.ListenPacket(bad); err == nil {
			t.Errorf("listened on %q", bad)
		}
	}
}
