package stream

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/node/session"
)

// other is another server, as the one under test sees it.
type other struct {
	asked atomic.Int32
	fetch func(context.Context, string) error
}

func (o *other) Fetch(ctx context.Context, token string) error {
	o.asked.Add(1)
	return o.fetch(ctx, token)
}

const notFound = `<failed xmlns="urn:xmpp:sm:3"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`

func TestResumeOfSessionElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newNetwork(t, nil)
		defer a.close()
		o := &other{}
		b := newNetwork(t, func(c *Config) { c.Node, c.Elsewhere = "n2", o })
		defer b.close()
		o.fetch = func(context.Context, string) error {
			time.Sleep(time.Second)
			_, err := b.server.Import(a.recorder.last().Export())
			return err
		}
		c := a.dial("").bind()
		token := c.enable()
		c.send(message("1"))
		c.cut()
		a.recorder.last().Send(toClient("x"))

		c = b.dial("?previd=" + token).login()
		// What the client says before it has its answer is not processed before.
		c.send(resumeXML(token, 0), message("2"), rXML)
		c.expect(`<resumed xmlns="urn:xmpp:sm:3" previd="`+token+`" h="1"/>`, `id="x"`, "<r ", `<a xmlns="urn:xmpp:sm:3" h="2"/>`)
		b.recorder.expect(t, "resumed", "message 2")
		if s := b.server.Stats(); s.Fetched != 1 || s.Resumed != 1 || s.ResumeFailed != 0 {
			t.Errorf("stats %+v", s)
		}
		c.cut()
		// Then it is this server's, and nobody else is asked.
		c = b.dial("?previd=" + token).login()
		c.send(resumeXML(token, 1))
		c.expect(`<resumed `)
		if n := o.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		c.cut()
	})
}

// TestElsewhereHasAnEnd: who does not answer is not waited for, and the stream goes on.
func TestElsewhereHasAnEnd(t *testing.T) {
	o := &other{fetch: func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }}
	bubble(t, func(c *Config) { c.Elsewhere = o }, func(t *testing.T, n *network) {
		token := newToken("far").String()
		c := n.dial("?previd=" + token).login()
		began := time.Now()
		c.send(resumeXML(token, 0))
		c.expect(notFound)
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("answered after %v", took)
		}
		c.send(bindXML)
		c.expect(`type="result"`)
		c.cut()
	})
}

// TestElsewhereIsNotAskedForEverything: only for tokens that could be another server's, from who came with them, and for a few at once.
func TestElsewhereIsNotAskedForEverything(t *testing.T) {
	o := &other{fetch: func(context.Context, string) error { return errors.New("unknown") }}
	bubble(t, func(c *Config) { c.Elsewhere, c.Limits.Fetches = o, 1 }, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		mine := c.enable()
		c.cut()
		forged := mine[:len(mine)-session.SecretLength] + newToken("n1").Secret
		far := newToken("far").String()
		for _, try := range []struct{ url, token string }{
			{forged, forged}, {far, newToken("far").String()}, {"", far}, {far, mine}, {"short", "short"}, {far + "+", far + "+"},
		} {
			c := n.dial("?previd=" + try.url).login()
			c.send(resumeXML(try.token, 0))
			c.expect(notFound)
			c.cut()
		}
		if got := o.asked.Load(); got != 0 {
			t.Errorf("asked %d times", got)
		}
		n.recorder.expect(t, "bound", "suspended") // the true session is as it was
		if s, known := n.server.Prove(forged); s != nil || !known {
			t.Errorf("a forged token proves %v, %v", s, known)
		}
		if s, known := n.server.Prove(mine); s == nil || !known {
			t.Error("a true token proves nothing")
		}
		if s, known := n.server.Prove(far); s != nil || known {
			t.Errorf("a token of another server proves %v, %v", s, known)
		}
		if s := n.server.Stats(); s.Forged != 1 || s.ResumeFailed != 6 {
			t.Errorf("stats %+v", s)
		}

		hold := make(chan struct{})
		o.fetch = func(context.Context, string) error { <-hold; return errors.New("unknown") }
		first := n.dial("?previd=" + far).login()
		first.send(resumeXML(far, 0))
		synctest.Wait()
		second := n.dial("?previd=" + far).login()
		second.send(resumeXML(far, 0))
		second.expect(notFound)
		if s := n.server.Stats(); s.FetchRefused != 1 {
			t.Errorf("stats %+v", s)
		}
		close(hold)
		first.expect(notFound)
		first.cut()
		second.cut()
	})
}

// TestServerGoesOnAfterAnother: the client has had more than the snapshot knows, and is told of nothing that the snapshot lacks.
func TestServerGoesOnAfterAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newNetwork(t, nil)
		defer a.close()
		b := newNetwork(t, func(c *Config) { c.Node = "n2" })
		defer b.close()
		c := a.dial("").bind()
		token := c.enable()
		s := a.recorder.last()
		c.send(message("1"))
		s.Send(toClient("x"))
		c.expect(`id="x"`)
		synctest.Wait()
		value, ok := s.Snapshot()
		want := session.Stream{JID: c.jid, ResumeToken: token, Received: 1, Unacked: [][]byte{toClient("x")}}
		if d := cmp.Diff(want, value); d != "" || !ok {
			t.Error(d)
		}
		s.Guard(value.Received)
		c.send(message("2"), rXML)
		c.expect(`<a xmlns="urn:xmpp:sm:3" h="1"/>`)
		s.Send(toClient("y"))
		c.expect(`id="y"`)
		_ = c.ws.CloseNow() // the server died

		revived, err := b.server.Revive(value)
		if err != nil {
			t.Fatal(err)
		}
		revived.Send(toClient("z"))
		c = b.dial("?previd=" + token).login()
		c.send(resumeXML(token, 2))
		c.expect(`<resumed xmlns="urn:xmpp:sm:3" previd="`+token+`" h="1"/>`, `id="z"`, "<r ")
		c.send(ackXML(3), message("2"), rXML)
		c.expect(`<a xmlns="urn:xmpp:sm:3" h="2"/>`)
		b.recorder.expect(t, "resumed", "message 2")
		c.send(ackXML(4))
		c.expect(`handled-count-too-high`) // from now on it counts right
		_ = c.ws.CloseNow()
	})
}

// TestGuardEnds: what was held back is told when it is safe, or when nobody guards any more.
func TestGuardEnds(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		c.enable()
		s := n.recorder.last()
		s.Guard(0)
		c.send(message("1"), message("2"), rXML)
		c.expect(`h="0"`)
		s.Guard(1)
		c.expect(`h="1"`)
		s.Unguard()
		c.expect(`h="2"`)
		s.Guard(2) // nobody waits
		c.send(rXML)
		c.expect(`h="2"`)
		c.cut()
	})
}
