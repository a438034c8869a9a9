package turn

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/atoll-mesh/atoll/tools/simnet"
)

var openedTest = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}

func (w *world) connect(h *simnet.Host, port string) net.Conn {
	w.Helper()
	c, err := h.Dial("tcp", net.JoinHostPort(serverAt, port))
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// ends reports how long it takes until a connection is closed from there, at most within.
func ends(c net.Conn, within time.Duration) (time.Duration, bool) {
	begun := time.Now()
	_ = c.SetReadDeadline(begun.Add(within))
	_, err := io.Copy(io.Discard, c)
	var late net.Error
	return time.Since(begun), !(errors.As(err, &late) && late.Timeout())
}

// TestGarbageEndsAStream: at its first bytes.
func TestGarbageEndsAStream(t *testing.T) {
	for name, text := range map[string][]byte{
		"TLS to the clear port":        {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc},
		"HTTP":                         []byte("GET / HTTP/1.1\r\n"),
		"a length that wraps around":   {0, 3, 0xFF, 0xEC, 0x21, 0x12, 0xA4, 0x42},
		"a length that is too large":   {0x40, 0, 0xFF, 0},
		"STUN without its cookie":      {0, 1, 0, 0, 1, 2, 3, 4},
		"RTP":                          {0x80, 0, 0, 0},
		"a request and garbage behind": append(must(stun.Build(stun.TransactionID, stun.BindingRequest)).Raw, 0xFF),
	} {
		t.Run(name, func(t *testing.T) {
			in(t, nil, func(w *world) {
				c := w.connect(w.newHost(), "3478")
				defer c.Close()
				if _, err := c.Write(text); err != nil {
					t.Fatal(err)
				}
				if took, closed := ends(c, time.Minute); !closed || took > time.Second {
					t.Errorf("closed: %v, after %v", closed, took)
				}
				if s := w.server.Stats(); s.Garbage != 1 || s.Streams != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func must(m *stun.Message, err error) *stun.Message {
	if err != nil {
		panic(err)
	}
	return m
}

// TestStrangersGoSoon: silent ones, those that send a byte now and then, and those that ask and never prove themselves.
func TestStrangersGoSoon(t *testing.T) {
	for name, speak := range map[string]func(c net.Conn, k int){
		"silent": func(net.Conn, int) {},
		"drips a frame": func(c net.Conn, k int) {
			_, _ = c.Write([]byte{[]byte{0, 3, 0, 100, 0x21, 0x12, 0xA4, 0x42, 0, 0, 0, 0}[k%12]})
		},
		"only asks": func(c net.Conn, _ int) {
			_, _ = c.Write(must(stun.Build(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest))).Raw)
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, nil, func(w *world) {
				c := w.connect(w.newHost(), "443")
				defer c.Close()
				done := make(chan struct{})
				go func() {
					defer close(done)
					for k := range 12 {
						speak(c, k)
						time.Sleep(2 * time.Second)
					}
				}()
				took, closed := ends(c, time.Minute)
				if !closed || took < strangerTime-time.Second || took > strangerTime+time.Second {
					t.Errorf("closed: %v, after %v, want %v", closed, took, strangerTime)
				}
				<-done
				if s := w.server.Stats(); s.HalfOpen != 1 || s.Streams != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// TestStrangersOfAnAddressAreBounded opens streams without end, among which somebody with a credential still comes through from
// another address.
func TestStrangersOfAnAddressAreBounded(t *testing.T) {
	in(t, nil, func(w *world) {
		crowd := w.newHost()
		var all []net.Conn
		for range mostStrangers + 20 {
			all = append(all, w.connect(crowd, "3478"))
		}
		time.Sleep(time.Second)
		if s := w.server.Stats(); s.Streams != mostStrangers || s.OverStreams != 20 {
			t.Errorf("%+v", s)
		}
		username, password := w.key.Issue(time.Now(), "ann")
		r := w.raw(w.newHost(), "TCP", username, password)
		defer r.conn.Close()
		if got := code(r.ask(r.request(stun.MethodAllocate, true))); got != 0 {
			t.Errorf("answered %d", got)
		}
		time.Sleep(strangerTime)
		if s := w.server.Stats(); s.Streams != 1 || s.HalfOpen != mostStrangers {
			t.Errorf("%+v", s)
		}
		for _, c := range all {
			_ = c.Close()
		}
		w.server.mu.Lock()
		defer w.server.mu.Unlock()
		if len(w.server.strangers) != 0 {
			t.Errorf("left: %v", w.server.strangers)
		}
	})
}

// TestFramesInAnyPieces cuts a conversation into single bytes, and puts all of it into one write.
func TestFramesInAnyPieces(t *testing.T) {
	for _, piece := range []int{1, 7, 10_000} {
		in(t, nil, func(w *world) {
			c := w.connect(w.newHost(), "3478")
			defer c.Close()
			var all []byte
			for range 5 {
				all = append(all, must(stun.Build(stun.TransactionID, stun.BindingRequest)).Raw...)
			}
			for rest := all; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
				if _, err := c.Write(rest[:min(piece, len(rest))]); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Millisecond)
			}
			var answers bytes.Buffer
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			_, _ = io.Copy(&answers, c)
			if n := bytes.Count(answers.Bytes(), []byte{0x21, 0x12, 0xA4, 0x42}); n != 5 {
				t.Errorf("in pieces of %d: %d answers, want 5", piece, n)
			}
		})
	}
}
