package simnet

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDatagramDelayIsExact(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		n.SetLink(a, b, Link{Delay: 40 * time.Millisecond})
		n.SetLink(b, a, Link{Delay: 15 * time.Millisecond})
		ca, cb := packets(t, a, ":5000"), packets(t, b, "10.0.0.2:6000")
		sendTo(t, ca, cb.LocalAddr(), []byte("there"))
		if diff := cmp.Diff([]arrival{{40 * time.Millisecond, "there", "10.0.0.1:5000"}}, collect(t, cb, time.Second), cmp.AllowUnexported(arrival{})); diff != "" {
			t.Error(diff)
		}
		sendTo(t, cb, ca.LocalAddr(), []byte("back"))
		if diff := cmp.Diff([]arrival{{15 * time.Millisecond, "back", "10.0.0.2:6000"}}, collect(t, ca, time.Second), cmp.AllowUnexported(arrival{})); diff != "" {
			t.Error(diff)
		}
	})
}

func TestStreamDelayIsExact(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		n.Connect(a, b, Link{Delay: 40 * time.Millisecond})
		l := must(b.Listen("tcp", ":80"))
		start := time.Now()
		client := must(a.Dial("tcp", "10.0.0.2:80"))
		if d := time.Since(start); d != 80*time.Millisecond {
			t.Errorf("connecting took %v", d)
		}
		if _, err := client.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		server := must(l.Accept())
		buf := make([]byte, 10)
		k, err := server.Read(buf)
		if d := time.Since(start); err != nil || string(buf[:k]) != "hello" || d != 120*time.Millisecond {
			t.Errorf("read %q %v after %v", buf[:k], err, d)
		}
		if server.RemoteAddr().String() != client.LocalAddr().String() {
			t.Errorf("%v and %v", server.RemoteAddr(), client.LocalAddr())
		}
	})
}

func TestDefaultLinkAndChangeWhileRunning(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		ca, cb := packets(t, a, ":1"), packets(t, b, ":1")
		n.SetDefault(Link{Delay: 10 * time.Millisecond})
		sendTo(t, ca, cb.LocalAddr(), []byte("1"))
		n.SetDefault(Link{Delay: 30 * time.Millisecond}) // what is under way keeps its time
		sendTo(t, ca, cb.LocalAddr(), []byte("2"))
		n.SetLink(a, b, Link{Delay: 50 * time.Millisecond})
		sendTo(t, ca, cb.LocalAddr(), []byte("3"))
		sendTo(t, ca, ca.LocalAddr(), []byte("self"))
		want := []arrival{{10 * time.Millisecond, "1", "10.0.0.1:1"}, {30 * time.Millisecond, "2", "10.0.0.1:1"}, {50 * time.Millisecond, "3", "10.0.0.1:1"}}
		if diff := cmp.Diff(want, collect(t, cb, time.Second), cmp.AllowUnexported(arrival{})); diff != "" {
			t.Error(diff)
		}
		if own := collect(t, ca, time.Second); len(own) != 1 {
			t.Errorf("to itself: %v", own)
		}
	})
}

func TestJitter(t *testing.T) {
	for name, reorder := range map[string]bool{"in order": false, "reordered": true} {
		t.Run(name, func(t *testing.T) {
			in(t, 7, func(t *testing.T, n *Network) {
				a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
				n.SetLink(a, b, Link{Delay: 20 * time.Millisecond, Jitter: 30 * time.Millisecond, Reorder: reorder})
				ca, cb := packets(t, a, ":1"), packets(t, b, ":1")
				start := time.Now()
				for i := range 200 {
					sendTo(t, ca, cb.LocalAddr(), []byte{byte(i)})
					time.Sleep(time.Millisecond) // virtual
				}
				sending := time.Since(start)
				got := collect(t, cb, time.Second)
				swaps, early, late := 0, 0, 0
				for i, p := range got {
					sent := time.Duration(p.data[0]) * time.Millisecond
					// Those that arrived while others were sent are read at once: only the rest tells its time.
					if p.after > 0 {
						switch took := sending + p.after - sent; {
						case took < 20*time.Millisecond:
							early++
						case took > 50*time.Millisecond:
							late++
						}
					}
					if i > 0 && p.data[0] < got[i-1].data[0] {
						swaps++
					}
				}
				if len(got) != 200 || early+late > 0 {
					t.Errorf("%d arrived, %d early, %d late", len(got), early, late)
				}
				if reorder != (swaps > 0) {
					t.Errorf("%d swaps", swaps)
				}
			})
		})
	}
}
