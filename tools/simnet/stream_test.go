package simnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"
)

// TestStreamIsAConn runs the standard conformance test, on the real clock.
func TestStreamIsAConn(t *testing.T) {
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		n := New(1)
		client, server := streams(t, n.Host("10.0.0.1"), n.Host("10.0.0.2"))
		return client, server, n.Close, nil
	})
}

func TestStreamSurvivesLossAndDisorder(t *testing.T) {
	in(t, 99, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		n.Connect(a, b, Link{Delay: 30 * time.Millisecond, Jitter: 20 * time.Millisecond, Reorder: true, Loss: 0.05})
		client, server := streams(t, a, b)
		sent := make([]byte, 2<<20)
		chance := rand.New(rand.NewPCG(99, 1))
		for i := range sent {
			sent[i] = byte(chance.Uint32())
		}
		go func() {
			client.Write(sent)
			client.Close()
		}()
		got, err := io.ReadAll(server)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if s := n.Stats(a, b); s.Lost == 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWriterWaitsForTheReader(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		client, server := streams(t, n.Host("10.0.0.1"), n.Host("10.0.0.2"))
		check(t, client.SetWriteDeadline(time.Now().Add(time.Second)))
		k, err := client.Write(make([]byte, 1<<20))
		if k != window || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("wrote %d, %v", k, err)
		}
		check(t, client.SetWriteDeadline(time.Time{}))
		go io.CopyN(io.Discard, server, window+500)
		if k, err := client.Write(make([]byte, 1000)); k != 1000 || err != nil {
			t.Errorf("wrote %d, %v", k, err)
		}
		synctest.Wait()
		check(t, client.SetWriteDeadline(time.Now().Add(time.Second)))
		if k, _ := client.Write(make([]byte, 1<<20)); k > window-500 || k < window/2 {
			t.Errorf("wrote %d more than was read", k)
		}
	})
}

func TestHalfClose(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		client, server := streams(t, n.Host("10.0.0.1"), n.Host("10.0.0.2"))
		must(client.Write([]byte("question")))
		check(t, client.(*StreamConn).CloseWrite())
		if b, err := io.ReadAll(server); string(b) != "question" || err != nil {
			t.Fatalf("%q %v", b, err)
		}
		must(server.Write([]byte("answer")))
		check(t, server.Close())
		if b, err := io.ReadAll(client); string(b) != "answer" || err != nil {
			t.Errorf("%q %v", b, err)
		}
		if _, err := client.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write after the end: %v", err)
		}
	})
}

func TestWriteToWhoClosed(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		client, server := streams(t, a, b)
		check(t, server.Close())
		must(client.Write([]byte("x")))
		synctest.Wait()
		if _, err := client.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%v", err)
		}
	})
}

func TestStreamsAreForgotten(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		c1, s1 := streams(t, a, b)
		check(t, c1.Close())
		synctest.Wait()
		check(t, s1.Close())
		c2, _ := streams(t, a, b) // closed on one side alone
		check(t, c2.Close())
		synctest.Wait()
		if known(a) != 1 || known(b) != 1 {
			t.Errorf("%d and %d streams", known(a), known(b))
		}
		time.Sleep(orphan)
		synctest.Wait()
		if known(a) != 0 {
			t.Errorf("%d orphans", known(a))
		}
	})
}

// known returns how many streams a host knows of.
func known(h *Host) int {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	return len(h.streams)
}

func TestDialRefused(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		n.Connect(a, b, Link{Delay: 20 * time.Millisecond})
		start := time.Now()
		_, err := a.Dial("tcp", "10.0.0.2:81")
		if d := time.Since(start); !errors.Is(err, syscall.ECONNREFUSED) || d != 40*time.Millisecond {
			t.Errorf("%v after %v", err, d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start = time.Now()
		_, err = a.DialContext(ctx, "tcp", "10.9.9.9:81")
		if d := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || d != 3*time.Second {
			t.Errorf("%v after %v", err, d)
		}
		if known(a) != 0 || n.Strays() == 0 {
			t.Errorf("%d streams, %d strays", known(a), n.Strays())
		}
	})
}

func TestListenerCloses(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		l := must(b.Listen("tcp", ":80"))
		client := must(a.Dial("tcp", "10.0.0.2:80"))
		synctest.Wait()
		check(t, l.Close())
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%v", err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v", err)
		}
		if _, err := b.Listen("tcp", ":80"); err != nil {
			t.Errorf("the port is not free: %v", err)
		}
	})
}

func TestHTTP(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		n.Name("meet.test", "10.0.0.2")
		n.Connect(a, b, Link{Delay: 50 * time.Millisecond})
		l := must(b.Listen("tcp", ":80"))
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) })}
		go server.Serve(l)
		transport := &http.Transport{DialContext: a.DialContext}
		start := time.Now()
		answer, err := (&http.Client{Transport: transport}).Get("http://meet.test/x")
		check(t, err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if d := time.Since(start); string(body) != "meet.test" || err != nil || d != 200*time.Millisecond {
			t.Errorf("%q %v after %v", body, err, d)
		}
		transport.CloseIdleConnections()
		server.Close()
	})
}
