package stream

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

func toClient(id string) []byte {
	return stanza.New(stanza.Client, "message", "id", id).Bytes()
}

func TestResume(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		token := c.enable()
		if _, ok := session.ParseToken(token); !ok || !strings.HasPrefix(token, "n1-") {
			t.Fatalf("token %q", token)
		}
		s := n.recorder.last()
		c.send(message("1"), message("2"), rXML)
		c.expect(`<a xmlns="urn:xmpp:sm:3" h="2"/>`)
		s.Send(toClient("a"))
		s.Send(toClient("b"))
		c.expect(`id="a"`, `id="b"`)
		c.cut()
		n.recorder.expect(t, "bound", "message 1", "message 2", "suspended")
		s.Send(toClient("c"))

		c = n.dial("?room=x&previd=" + token).login()
		c.send(resumeXML(token, 1)) // b got lost on the way
		c.expect(`<resumed xmlns="urn:xmpp:sm:3" previd="`+token+`" h="2"/>`, `id="b"`, `id="c"`, `<r `)
		c.send(ackXML(3), message("3"), rXML)
		c.expect(`<a xmlns="urn:xmpp:sm:3" h="3"/>`)
		s.Send(toClient("d"))
		c.expect(`id="d"`)
		c.send(closeXML)
		c.expect(`<close `)
		c.expectEnd()
		n.recorder.expect(t, "bound", "message 1", "message 2", "suspended", "resumed", "message 3", "closed: closed by the client")
	})
}

func TestResumeExpires(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		token := c.enable()
		c.cut()
		synctest.Wait()
		time.Sleep(59 * time.Second)
		n.recorder.expect(t, "bound", "suspended")
		time.Sleep(2 * time.Second)
		n.recorder.expect(t, "bound", "suspended", "closed: not resumed in time")
		c = n.dial("?previd=" + token).login()
		c.send(resumeXML(token, 0))
		c.expect(`<failed xmlns="urn:xmpp:sm:3"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
		c.send(bindXML) // the stream goes on
		c.expect(`type="result"`)
		c.cut()
		if s := n.server.Stats(); s.Expired != 1 || s.ResumeFailed != 1 || s.Bound != 2 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestEverySuspensionHasItsWholeTime(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		token := c.enable()
		want := []string{"bound"}
		for range 3 {
			c.cut()
			synctest.Wait()
			time.Sleep(50 * time.Second)
			c = n.dial("?previd=" + token).login()
			c.send(resumeXML(token, 0))
			c.expect(`<resumed `)
			want = append(want, "suspended", "resumed")
			n.recorder.expect(t, want...)
		}
		c.cut()
	})
}

func TestOnlyTheOwnerResumes(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		alice, bob := n.dial("").bind(), n.dial("").bind()
		tokenA, tokenB := alice.enable(), bob.enable()
		forged := tokenA[:len(tokenA)-1] + "A"
		if forged == tokenA {
			forged = tokenA[:len(tokenA)-1] + "B"
		}
		for _, c := range []struct{ name, previd, token string }{
			{"no previd", "", tokenA},
			{"previd of somebody else", tokenB, tokenA},
			{"wrong secret", forged, forged},
			{"wrong secret with the right previd", tokenA, forged},
			{"previd with a wrong secret", forged, tokenA},
			{"nonsense", "x", "x"},
			{"empty", "", ""},
		} {
			k := n.dial("?previd=" + c.previd).login()
			k.send(resumeXML(c.token, 0))
			if m := k.receive(); !strings.Contains(m, "<item-not-found ") {
				t.Errorf("%s: got %s", c.name, m)
			}
			k.cut()
		}
		n.recorder.expect(t, "bound", "bound")
		alice.cut()
		bob.cut()
	})
}

func TestNewerSocketWins(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		token := c.enable()
		s := n.recorder.last()
		for i := range 2 {
			k := n.dial("?previd=" + token).login()
			k.send(resumeXML(token, 0))
			k.expect(`<resumed `)
			c.expect(`<conflict xmlns="urn:ietf:params:xml:ns:xmpp-streams"/>`, `<close `)
			c.expectEnd()
			c = k
			c.send(message(fmt.Sprint(i)))
			synctest.Wait() // a resume may overtake what was not handled yet
		}
		s.Send(toClient("x"))
		c.expect(`id="x"`)
		n.recorder.expect(t, "bound", "suspended", "resumed", "message 0", "suspended", "resumed", "message 1")
		c.cut()
	})
}

func TestResumeWaitsForTheHandler(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		release := make(chan struct{})
		n.recorder.onStanza = func(_ *Session, el *stanza.Element) {
			if el.Attr("id") == "slow" {
				<-release
				n.recorder.note(nil, "slow is done")
			}
		}
		c := n.dial("").bind()
		token := c.enable()
		c.send(message("slow"))
		synctest.Wait()
		c.cut()
		k := n.dial("?previd=" + token).login()
		k.send(resumeXML(token, 0))
		n.recorder.expect(t, "bound", "message slow")
		close(release)
		k.expect(`h="1"/>`)
		k.send(message("next"))
		n.recorder.expect(t, "bound", "message slow", "slow is done", "suspended", "resumed", "message next")
		k.cut()
	})
}

func TestStaleSocketIsNotHeard(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		release := make(chan struct{})
		n.recorder.onStanza = func(_ *Session, el *stanza.Element) {
			if el.Attr("id") == "slow" {
				<-release
			}
		}
		old := n.dial("").bind()
		token := old.enable()
		old.send(message("slow"))
		synctest.Wait()
		k := n.dial("?previd=" + token).login()
		k.send(resumeXML(token, 0))
		synctest.Wait()
		go func() { _ = old.ws.Write(t.Context(), websocket.MessageText, []byte(message("stale"))) }()
		close(release)
		k.expect(`h="1"`)
		n.recorder.expect(t, "bound", "message slow", "suspended", "resumed")
		k.send(rXML)
		k.expect(`h="1"`)
		old.cut()
		k.cut()
	})
}

func TestEarlierWaitDoesNotExpireALaterOne(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		token := c.enable()
		s := n.recorder.last()
		c.cut()
		synctest.Wait()
		c = n.dial("?previd=" + token).login()
		c.send(resumeXML(token, 0))
		c.expect(`<resumed `)
		s.expire(1) // a timer that fired just before the resume
		c.cut()
		synctest.Wait()
		s.expire(1)
		n.recorder.expect(t, "bound", "suspended", "resumed", "suspended")
	})
}

func TestWithoutResumptionALostSocketIsTheEnd(t *testing.T) {
	for _, enable := range []string{"", `<enable xmlns="urn:xmpp:sm:3"/>`} {
		bubble(t, nil, func(t *testing.T, n *network) {
			c := n.dial("").bind()
			if enable != "" {
				c.send(enable)
				c.expect(`<enabled xmlns="urn:xmpp:sm:3"/>`)
			}
			c.cut()
			n.recorder.expect(t, "bound", "closed: socket lost")
		})
	}
}

func TestWrongCounterAtResume(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		token := c.enable()
		c.cut()
		synctest.Wait()
		k := n.dial("?previd=" + token).login()
		k.send(resumeXML(token, 5))
		k.expect(`<handled-count-too-high xmlns="urn:xmpp:sm:3" h="5" send-count="0"/>`, `<close `)
		k.expectEnd()
		n.recorder.expect(t, "bound", "suspended")
	})
}

func TestEnable(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").login()
		c.send(`<enable resume="true" xmlns="urn:xmpp:sm:3"/>`)
		c.expect(`<unexpected-request `)
		c.send(bindXML)
		c.expect(`<jid `)
		synctest.Wait()
		s := n.recorder.last()
		c.send(message("1"), rXML) // neither is counted yet
		s.Send(toClient("x"))
		c.expect(`id="x"`)
		token := c.enable()
		c.send(rXML)
		c.expect(`h="0"`)
		c.send(`<enable resume="true" xmlns="urn:xmpp:sm:3"/>`)
		c.expect(`<unexpected-request `)
		s.Send(toClient("y"))
		c.expect(`id="y"`)
		c.cut()
		synctest.Wait()
		c = n.dial("?previd=" + token).login()
		c.send(resumeXML(token, 0))
		c.expect(`<resumed `, `id="y"`)
		c.cut()
	})
}

func TestAcknowledgementIsAskedFor(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		c.enable()
		s := n.recorder.last()
		for round := range 3 {
			for i := range askStanzas {
				s.Send(toClient(fmt.Sprint(i)))
			}
			for range askStanzas {
				c.expect("<message ")
			}
			c.expect(`<r xmlns="urn:xmpp:sm:3"/>`)
			c.send(ackXML((round + 1) * askStanzas))
		}
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.ledger.unacked) != 0 || s.ledger.bytes != 0 {
			t.Errorf("%d stanzas, %d bytes left", len(s.ledger.unacked), s.ledger.bytes)
		}
	})
}
