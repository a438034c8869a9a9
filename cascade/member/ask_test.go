package member

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/tools/simnet"
)

// stranger is a node at 10.7.7.7 that is in no cluster.
func (w *world) stranger(join ...string) Stranger {
	return Stranger{
		Network: simnet.Sockets{Host: w.net.Host("10.7.7.7")}, Name: identity.NewKey().Name(), Secret: w.secret, Join: join,
		Resolver: noNames{}, Folder: &folder{files: map[string][]byte{}}, Log: slog.New(slog.DiscardHandler),
	}
}

func TestAStrangerLearnsTheDomainAndItsAddress(t *testing.T) {
	in(t, 1, func(w *world) {
		n := w.prepare("10.0.1.1")
		n.start(func(c *Config) { c.Domain = "meet.example.org" })
		s := w.stranger("10.0.9.9", n.address()) // nobody is at the first
		began := time.Now()
		a, err := s.MeetAgain(w.t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if a.Domain != "meet.example.org" || a.You != netip.MustParseAddr("10.7.7.7") || a.From != n.name() {
			t.Errorf("%+v", a)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("one that does not answer holds up the others: %v", took)
		}
		if a.RoundTrip < 70*time.Millisecond || a.RoundTrip > 100*time.Millisecond {
			t.Errorf("round trip %v", a.RoundTrip)
		}
		if off := time.UnixMilli(a.Clock).Sub(a.Received.Add(-a.RoundTrip / 2)); off.Abs() > 30*time.Millisecond {
			t.Errorf("in virtual time the clocks differ by %v", off)
		}
		if len(n.list.Members()) != 1 {
			t.Error("who asks is a member")
		}
	})
}

func TestAStrangerAsksWhomItRemembers(t *testing.T) {
	in(t, 1, func(w *world) {
		nodes := w.cluster(2)
		s := w.stranger()
		s.Folder = nodes[1].folder
		w.within(10*time.Second, "a member is remembered", func() bool { b, err := s.Folder.Read(memoryFile); return err == nil && len(b) > 0 })
		if a, err := s.Meet(w.t.Context()); err != nil || a.From != nodes[0].name() {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

func TestNobodyAnswers(t *testing.T) {
	in(t, 1, func(w *world) {
		s := w.stranger()
		if _, err := s.MeetAgain(w.t.Context()); !errors.Is(err, ErrNobody) {
			t.Errorf("without seeds: %v", err)
		}
		began := time.Now()
		s.Join = []string{"nowhere.example"}
		ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
		defer cancel()
		_, err := s.MeetAgain(ctx)
		if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "no such host") || took < 4*time.Second || took > 6*time.Second {
			t.Errorf("a name that is nothing: %v after %v", err, took)
		}
		n := w.prepare("10.0.1.1")
		n.start(func(c *Config) { c.Secret = identity.NewSecret() })
		s.Join = []string{n.address()}
		if _, err := s.Meet(w.t.Context()); err == nil || !strings.Contains(err.Error(), errOtherSecret.Error()) {
			t.Errorf("another secret: %v", err)
		}
	})
}

func TestATaskIsDoneForWhoHasTheSecret(t *testing.T) {
	in(t, 1, func(w *world) {
		n := w.prepare("10.0.1.1")
		var from netip.Addr
		n.start(func(c *Config) {
			c.Do = func(_ context.Context, who netip.Addr, task []byte) []byte {
				from = who
				return append(append([]byte(`{"did":`), task...), '}')
			}
		})
		s := w.stranger()
		a, err := Ask(w.t.Context(), s.Network, s.Secret, n.list.Addr(), Question{From: s.Name, Task: []byte(`"this"`)})
		if err != nil || string(a.Done) != `{"did":"this"}` || from != netip.MustParseAddr("10.7.7.7") {
			t.Errorf("%+v, %v, for %v", a, err, from)
		}
		if _, err := Ask(w.t.Context(), s.Network, s.Secret, n.list.Addr(), Question{Task: []byte(`"` + strings.Repeat("x", mostSealed) + `"`)}); err == nil {
			t.Error("too long a task is asked for")
		}
	})
}

// TestQuestionsHoldNobodyUp opens more questions than are answered at once and never ends them.
func TestQuestionsHoldNobodyUp(t *testing.T) {
	in(t, 1, func(w *world) {
		n := w.add()
		e, err := newEnvelope(w.secret)
		if err != nil {
			t.Fatal(err)
		}
		s := w.stranger()
		for range 2 * mostQuestions {
			conn, err := s.Network.DialContext(w.t.Context(), "tcp", n.list.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write(e.label); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		if _, err := Ask(w.t.Context(), s.Network, s.Secret, n.list.Addr(), Question{}); err == nil {
			t.Error("one more is answered")
		}
		w.add(n.address())
		w.within(5*time.Second, "others join meanwhile", one(w.nodes...))
		time.Sleep(greetTimeout)
		if _, err := Ask(w.t.Context(), s.Network, s.Secret, n.list.Addr(), Question{}); err != nil {
			t.Errorf("after their time: %v", err)
		}
		w.within(5*time.Second, "no stream is left", func() bool { return streams(n) == 0 })
	})
}

// TestAnAnswerIsToOneQuestion takes an answer for another question's.
func TestAnAnswerIsToOneQuestion(t *testing.T) {
	secret := identity.NewSecret()
	e, err := newEnvelope(secret)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.ReadFull(conn, make([]byte, len(e.label)))
		var q Question
		if _, err := e.read(conn, &q, aboutQuestion); err == nil {
			_, _ = e.write(conn, nil, Answer{Domain: "evil.example"}, append(append([]byte{}, aboutAnswer...), make([]byte, nonceSize)...))
		}
	}()
	if a, err := Ask(t.Context(), Sockets{}, secret, netip.MustParseAddrPort(l.Addr().String()), Question{}); err == nil {
		t.Errorf("taken: %+v", a)
	}
}

func TestAnotherDomainIsSaid(t *testing.T) {
	in(t, 1, func(w *world) {
		a, b, c := w.prepare("10.0.1.1"), w.prepare("10.0.2.1"), w.prepare("10.0.3.1")
		a.start(func(c *Config) { c.Domain = "a.example" })
		b.start(func(c *Config) { c.Domain, c.Join = "b.example", []string{a.address()} })
		c.start(func(c *Config) { c.Domain, c.Join = "a.example", []string{a.address()} })
		w.within(10*time.Second, "they are one cluster", one(a, b, c))
		time.Sleep(time.Minute)
		if got := a.lines.with("serves another domain", "theirs=b.example"); len(got) == 0 {
			t.Errorf("lines %q", a.lines.String())
		}
		if got := a.lines.with("theirs=a.example"); len(got) > 0 {
			t.Errorf("lines %q", got)
		}
	})
}

// FuzzQuestion reads what it likes, and seals of it what it likes.
func FuzzQuestion(f *testing.F) {
	e, err := newEnvelope(identity.NewSecret())
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"from":"ubiig7mfa4","task":{}}`), true)
	f.Add([]byte(`{"task":"`), true)
	f.Add(append([]byte{questionVersion}, make([]byte, 40)...), false)
	f.Fuzz(func(t *testing.T, b []byte, sealed bool) {
		if sealed {
			nonce := make([]byte, nonceSize)
			size := len(b) + e.aead.Overhead()
			b = append([]byte{questionVersion}, e.aead.Seal(append(nonce, byte(size>>8), byte(size)), nonce, b, aboutQuestion)...)
		}
		var q Question
		_, err := e.read(strings.NewReader(string(b)), &q, aboutQuestion)
		if err == nil && !sealed {
			t.Fatal("what nobody sealed is read")
		}
	})
}
