package stream

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

func TestDrop(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		c.enable()
		s := n.recorder.last()
		s.Send(toClient("last"))
		s.Close("policy-violation")
		s.Send(toClient("too late"))
		s.Close("")
		c.expect(`id="last"`, `<stream:error xmlns:stream="http://etherx.jabber.org/streams"><policy-violation `, `<close `)
		c.expectEnd()
		n.recorder.expect(t, "bound", "closed: dropped")
	})
}

func TestDropFromTheHandler(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		n.recorder.onStanza = func(s *Session, _ *stanza.Element) { s.Close("") }
		c := n.dial("").bind()
		c.enable()
		c.send(message("1"), message("2"))
		c.expect(`<close `)
		c.expectEnd()
		n.recorder.expect(t, "bound", "message 1", "closed: dropped")
	})
}

func TestDropSuspended(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		c.enable()
		s := n.recorder.last()
		c.cut()
		synctest.Wait()
		s.Close("")
		n.recorder.expect(t, "bound", "suspended", "closed: dropped")
		time.Sleep(2 * time.Minute)
		n.recorder.expect(t, "bound", "suspended", "closed: dropped")
	})
}

func TestShutdown(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		early := n.dial("")
		early.send(openXML)
		early.expect("<open ", "features")
		gone := n.dial("").bind()
		gone.enable()
		gone.cut()
		c := n.dial("").bind()
		c.enable()
		n.recorder.expect(t, "bound", "suspended", "bound")
		done := make(chan struct{})
		go func() { n.server.Close(); close(done) }()
		c.expect(`<system-shutdown `, `<close `)
		c.expectEnd()
		early.expect(`<close `)
		early.expectEnd()
		<-done
		n.recorder.expect(t, "bound", "suspended", "bound", "closed: server shut down", "closed: server shut down")
		if s := n.server.Stats(); s.Sockets != 0 || s.Sessions != 0 {
			t.Errorf("left over: %+v", s)
		}
	})
}

func TestShutdownDoesNotWaitForClients(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		c.enable()
		start := time.Now()
		n.server.Close() // nobody reads
		if got := time.Since(start); got > 5*time.Second {
			t.Errorf("took %v", got)
		}
		n.recorder.expect(t, "bound", "closed: server shut down")
		c.cut()
	})
}

func TestShutdownDoesNotWaitForAPong(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		go func() { _, _ = io.Copy(io.Discard, c.net) }()
		time.Sleep(31 * time.Second)
		c.cut()
		start := time.Now()
		n.server.Close()
		if got := time.Since(start); got > time.Second {
			t.Errorf("took %v", got)
		}
	})
}
