package resume

import (
	"slices"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/standby"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/session"
)

const meeting = "room@conference.meet.test"

// TestClientIsToldOfWhatIsKept: a client hears that its stanzas have come when the standby has a record with them, and sends the others
// again to the node that goes on.
func TestClientIsToldOfWhatIsKept(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, c *cluster) {
		holder := c.nodes[0]
		client := holder.client()
		c.mu.Lock()
		holder.rooms[client.jid] = meeting
		c.mu.Unlock()
		wait(1500 * time.Millisecond)
		client.say(`<message xmlns="jabber:client"/>`, `<r xmlns="urn:xmpp:sm:3"/>`)
		if got := client.hear(); got != `<a xmlns="urn:xmpp:sm:3" h="0"/>` {
			t.Errorf("answered with %s before the record has the stanza", got)
		}
		began := time.Now()
		if got := client.hear(); got != `<a xmlns="urn:xmpp:sm:3" h="1"/>` || time.Since(began) > every {
			t.Errorf("told %s after %v", got, time.Since(began))
		}
	})
}

// TestOnlyTheStandbySaysWhatItKeeps: the answer of another node, who may guess what is kept, is none.
func TestOnlyTheStandbySaysWhatItKeeps(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, c *cluster) {
		holder := c.nodes[0]
		jid, token := holder.session(1, meeting)
		answer := make(chan wire.Kept, 10)
		c.mu.Lock()
		c.lose = func(f wire.Frame) bool {
			k, ok := f.(wire.Kept)
			if ok {
				answer <- k
			}
			return ok
		}
		c.mu.Unlock()
		wait(1500 * time.Millisecond)
		tt, _ := session.ParseToken(token)
		keeps := standby.Choose(tt.Address, names(c), []identity.Name{holder.name})
		holder.service.Session(keeps[1], <-answer)
		holder.streams.Session(jid).Send([]byte(`<message xmlns="jabber:client"/>`))
		wait(time.Second)
		if c.sent["Keep"] != 2 || c.sent["Amend"] != 0 {
			t.Errorf("%d records and %d changes, want the record twice", c.sent["Keep"], c.sent["Amend"])
		}
		holder.service.Session(keeps[0], <-answer)
		holder.streams.Session(jid).Send([]byte(`<message xmlns="jabber:client"/>`))
		wait(time.Second)
		if c.sent["Keep"] != 2 || c.sent["Amend"] != 1 {
			t.Errorf("%d records and %d changes after its answer, want one change", c.sent["Keep"], c.sent["Amend"])
		}
	})
}

// TestRecordIsThin: what would be left out by who goes on with it is not sent.
func TestRecordIsThin(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, c *cluster) {
		c.nodes[0].session(1, meeting)
		var kept *session.Participant
		c.mu.Lock()
		c.lose = func(f wire.Frame) bool {
			if k, ok := f.(wire.Keep); ok {
				var err error
				if kept, err = session.Decode(slices.Clone(k.Value)); err != nil {
					t.Error(err)
				}
			}
			return false
		}
		c.mu.Unlock()
		wait(1500 * time.Millisecond)
		if kept == nil || len(kept.Media.Sent) != 1 || kept.Media.Sent[0] != (session.SentRTP{SSRC: 1, Index: 2}) {
			t.Errorf("the standby was sent %+v", kept)
		}
	})
}

// TestNothingIsLeftOfASessionThatEnded: its holder overwrites what it kept to tell changes by.
func TestNothingIsLeftOfASessionThatEnded(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, c *cluster) {
		holder := c.nodes[0]
		jid, _ := holder.session(1, meeting)
		c.mu.Lock()
		c.lose = func(f wire.Frame) bool { _, ok := f.(wire.Kept); return ok }
		c.mu.Unlock()
		wait(1500 * time.Millisecond)
		holder.service.mu.Lock()
		p := holder.service.pushed[jid]
		holder.service.mu.Unlock()
		later := time.Now().Add(time.Minute)
		if p == nil || !p.copy.Overdue(later) {
			t.Fatal("no copy that waits for an answer")
		}
		holder.service.Ended(jid)
		if p.copy.Overdue(later) {
			t.Error("the copy is as it was")
		}
	})
}
