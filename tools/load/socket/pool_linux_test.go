package socket_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

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
	first, release, second := make(chan struct{}), make(chan struct{}), make(chan time.Time)
	n := 0
	to.Divert(func(_ []byte, at time.Time) {
		if n++; n%2 == 1 {
			first <- struct{}{}
			<-release
			return
		}
		second <- at
	})
	const pause = 50 * time.Millisecond
	// The kernel begins to stamp some time after it was asked; until then reading is stamped.
	for deadline := time.Now().Add(patience); ; {
		send(t, from, to, []byte{0x80, 0})
		<-first
		send(t, from, to, []byte{0x80, 1})
		sent := time.Now()
		<-time.After(pause)
		release <- struct{}{}
		late := (<-second).Sub(sent)
		if late <= pause/2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the packet came %v after it was sent, before a pause of %v", late, pause)
		}
	}
}

// A train of packets that the kernel was given as one comes as packets, whoever cuts it up.
func TestTrainsAreCutUp(t *testing.T) {
	for _, whole := range []bool{false, true} {
		t.Run(fmt.Sprint("whole ", whole), func(t *testing.T) {
			p := pool(t)
			p.Whole(whole)
			to := listen(t, p)
			from, err := net.DialUDP("udp4", nil, to.LocalAddr().(*net.UDPAddr))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = from.Close() })
			const size, count, last = 300, 5, 120
			got := make(chan [2]int, count+1)
			to.Divert(func(b []byte, _ time.Time) { got <- [2]int{int(b[1]), len(b)} })
			train := make([]byte, size*count+last)
			for i := range count + 1 {
				train[size*i], train[size*i+1] = 0x80, byte(i)
			}
			oob := make([]byte, unix.CmsgSpace(2))
			h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[0]))
			h.Level, h.Type = unix.SOL_UDP, unix.UDP_SEGMENT
			h.SetLen(unix.CmsgLen(2))
			binary.NativeEndian.PutUint16(oob[unix.CmsgLen(0):], size)
			if _, _, err := from.WriteMsgUDP(train, oob, nil); err != nil {
				t.Fatal(err)
			}
			for i := range count + 1 {
				want := [2]int{i, size}
				if i == count {
					want[1] = last
				}
				if g := <-got; g != want {
					t.Errorf("packet %v, want %v", g, want)
				}
			}
		})
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
