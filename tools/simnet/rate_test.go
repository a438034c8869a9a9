package simnet

import (
	"io"
	"testing"
	"time"
)

func TestRateAndQueue(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		// 1000 bytes take 8 ms; 5000 bytes may wait.
		n.SetLink(a, b, Link{Rate: 1_000_000, Queue: 5000, Delay: 10 * time.Millisecond})
		ca, cb := packets(t, a, ":1"), packets(t, b, ":1")
		for i := range 8 {
			sendTo(t, ca, cb.LocalAddr(), append([]byte{byte(i)}, make([]byte, 999)...))
		}
		got := collect(t, cb, time.Second)
		if len(got) != 5 {
			t.Fatalf("%d arrived", len(got))
		}
		for i, p := range got {
			if want := 10*time.Millisecond + time.Duration(i+1)*8*time.Millisecond; p.after != want || p.data[0] != byte(i) {
				t.Errorf("packet %d of %d arrived after %v, want %v", p.data[0], i, p.after, want)
			}
		}
		if s := n.Stats(a, b); s.Queue != 3 || s.Delivered != 5 || s.Bytes != 5000 {
			t.Errorf("%+v", s)
		}
		sendTo(t, ca, cb.LocalAddr(), make([]byte, 1000)) // the queue is empty again
		if got := collect(t, cb, time.Second); len(got) != 1 || got[0].after != 18*time.Millisecond {
			t.Errorf("%v", got)
		}
	})
}

func TestMTU(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		n.SetLink(a, b, Link{MTU: 1200})
		ca, cb := packets(t, a, ":1"), packets(t, b, ":1")
		sendTo(t, ca, cb.LocalAddr(), make([]byte, 1200))
		sendTo(t, ca, cb.LocalAddr(), make([]byte, 1201))
		if got := collect(t, cb, time.Second); len(got) != 1 || n.Stats(a, b).TooLarge != 1 {
			t.Errorf("%d arrived, %+v", len(got), n.Stats(a, b))
		}
	})
}

func TestStreamFillsTheRate(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		n.SetLink(a, b, Link{Rate: 8_000_000, Queue: 3000}) // 1 MB/s
		client, server := streams(t, a, b)
		start := time.Now()
		go func() {
			client.Write(make([]byte, 1<<20))
			client.Close()
		}()
		k, err := io.Copy(io.Discard, server)
		if k != 1<<20 || err != nil {
			t.Fatalf("%d bytes, %v", k, err)
		}
		// A MiB and the headers of its 749 segments, and those of opening and closing.
		if d := time.Since(start); d < 1078*time.Millisecond || d > 1080*time.Millisecond {
			t.Errorf("took %v", d)
		}
		if s := n.Stats(a, b); s.Queue != 0 {
			t.Errorf("%+v", s)
		}
	})
}
