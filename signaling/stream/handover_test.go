package stream

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/node/session"
)

func TestSessionMovesToAnotherServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newNetwork(t, nil)
		defer a.close()
		b := newNetwork(t, func(c *Config) { c.Node = "n2" })
		defer b.close()
		c := a.dial("").bind()
		token := c.enable()
		jid := c.jid
		s := a.recorder.last()
		c.send(message("1"))
		s.Send(toClient("x"))
		s.Send(toClient("y"))
		c.expect(`id="x"`)
		synctest.Wait()

		value := s.Export()
		want := session.Stream{JID: jid, ResumeToken: token, Received: 1, Unacked: [][]byte{toClient("x"), toClient("y")}}
		if d := cmp.Diff(want, value); d != "" {
			t.Error(d)
		}
		s.Send(toClient("into the void"))
		if again := s.Export(); again.ResumeToken != "" {
			t.Errorf("exported twice: %+v", again)
		}
		a.recorder.expect(t, "bound", "message 1")
		if a.server.Stats().Sessions != 0 {
			t.Error("the old server still knows the session")
		}
		_ = c.ws.CloseNow()

		moved, err := b.server.Import(value)
		if err != nil {
			t.Fatal(err)
		}
		if moved.JID() != jid || string(moved.Endpoint()) != jid[:8] || b.server.Session(jid) != moved {
			t.Errorf("imported %s", moved.JID())
		}
		moved.Send(toClient("z"))
		c = b.dial("?previd=" + token).login()
		c.send(resumeXML(token, 1))
		c.expect(`<resumed xmlns="urn:xmpp:sm:3" previd="`+token+`" h="1"/>`, `id="y"`, `id="z"`, "<r ")
		c.send(message("2"), rXML)
		c.expect(`h="2"`)
		a.recorder.expect(t, "bound", "message 1")
		b.recorder.expect(t, "resumed", "message 2")
		c.cut()
	})
}

// TestArrivalIsWaitedFor: who resumes a session whose room is not here yet waits, and is heard when it is.
func TestArrivalIsWaitedFor(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		v := session.Stream{JID: "0123abcd-x@meet.test/r", ResumeToken: newToken("far").String()}
		s, err := n.server.Arrive(v, false)
		if err != nil {
			t.Fatal(err)
		}
		c := n.dial("?previd=" + v.ResumeToken).login()
		c.send(resumeXML(v.ResumeToken, 0))
		time.Sleep(time.Second)
		n.recorder.expect(t)
		s.Settle()
		s.Settle()
		c.expect(`<resumed xmlns="urn:xmpp:sm:3" previd="` + v.ResumeToken + `" h="0"/>`)
		c.send(message("1"))
		n.recorder.expect(t, "resumed", "message 1")
		c.cut()
	})
}

// TestArrivalThatFails: its room did not take it.
func TestArrivalThatFails(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		v := session.Stream{JID: "0123abcd-x@meet.test/r", ResumeToken: newToken("far").String()}
		s, err := n.server.Arrive(v, true)
		if err != nil {
			t.Fatal(err)
		}
		c := n.dial("?previd=" + v.ResumeToken).login()
		c.send(resumeXML(v.ResumeToken, 0))
		time.Sleep(time.Second)
		s.Close("")
		s.Settle()
		c.expect("item-not-found")
		c.cut()
	})
}

func TestSuspendThenExport(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		c.enable()
		s := n.recorder.last()
		c.send(message("1"), message("2"))
		synctest.Wait()
		s.Suspend()
		n.recorder.expect(t, "bound", "message 1", "message 2", "suspended")
		if v := s.Export(); v.Received != 2 {
			t.Errorf("%d received, want 2", v.Received)
		}
		time.Sleep(2 * time.Minute)
		n.recorder.expect(t, "bound", "message 1", "message 2", "suspended")
		_ = c.ws.CloseNow()
	})
}

func TestImportExpires(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		v := session.Stream{JID: "0123abcd-x@meet.test/r", ResumeToken: newToken("far").String()}
		if _, err := n.server.Import(v); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		n.recorder.expect(t, "closed: not resumed in time")
	})
}

func TestImportRefuses(t *testing.T) {
	bubble(t, func(c *Config) { c.Limits.Sessions = 2 }, func(t *testing.T, n *network) {
		value := func(jid string) session.Stream {
			return session.Stream{JID: jid, ResumeToken: newToken("far").String()}
		}
		good := value("0123abcd-x@meet.test/r")
		if _, err := n.server.Import(good); err != nil {
			t.Fatal(err)
		}
		many := value("1123abcd-x@meet.test/r")
		for range (Limits{}).orDefault().QueueStanzas + 1 {
			many.Unacked = append(many.Unacked, toClient("x"))
		}
		for name, v := range map[string]session.Stream{
			"again":            good,
			"same endpoint":    value("0123abcd-y@meet.test/r"),
			"same token":       {JID: "1123abcd-x@meet.test/r", ResumeToken: good.ResumeToken},
			"bare JID":         value("1123abcd-x@meet.test"),
			"another domain":   value("1123abcd-x@other.test/r"),
			"no endpoint id":   value("alice@meet.test/r"),
			"upper-case digit": value("1123ABCD-x@meet.test/r"),
			"no token":         {JID: "1123abcd-x@meet.test/r"},
			"bad token":        {JID: "1123abcd-x@meet.test/r", ResumeToken: strings.Repeat("+", 60)},
			"too much waits":   many,
		} {
			if _, err := n.server.Import(v); err == nil {
				t.Errorf("%s: imported", name)
			}
		}
		if _, err := n.server.Import(value("1123abcd-x@meet.test/r")); err != nil {
			t.Errorf("up to the limit: %v", err)
		}
		if _, err := n.server.Import(value("2123abcd-x@meet.test/r")); err == nil {
			t.Error("over the limit")
		}
	})
}
