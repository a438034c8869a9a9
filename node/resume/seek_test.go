package resume

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/standby"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/session"
)

// TestSessionFollowsItsClient to one node after another, whoever is asked, and comes back.
func TestSessionFollowsItsClient(t *testing.T) {
	for _, in := range []string{"room@conference.meet.test", ""} {
		inCluster(t, 4, func(t *testing.T, c *cluster) {
			jid, token := c.nodes[0].session(1, in)
			for _, at := range []int{1, 2, 3, 2, 0, 1} {
				if err := c.nodes[at].fetch(token); err != nil {
					t.Fatalf("to node %d: %v", at, err)
				}
				if got := c.has(jid); len(got) != 1 || got[0] != c.nodes[at].name {
					t.Fatalf("the session is at %v, want node %d", got, at)
				}
				wait(time.Second)
			}
		})
	}
}

// TestDeadHolder: its standby's record goes on, wherever the client comes, with another epoch, and is used once.
func TestDeadHolder(t *testing.T) {
	for at := range 4 {
		inCluster(t, 5, func(t *testing.T, c *cluster) {
			holder := c.nodes[4]
			jid, token := holder.session(1, "room@conference.meet.test")
			wait(2500 * time.Millisecond)
			holder.streams.Session(jid).Send([]byte(`<message xmlns="jabber:client"/>`))
			wait(1500 * time.Millisecond)
			if c.sent["Keep"] != 1 || c.sent["Amend"] != 1 {
				t.Errorf("%d records pushed and %d changes, want one and one", c.sent["Keep"], c.sent["Amend"])
			}
			holder.kill()
			if err := c.nodes[at].fetch(token); err != nil {
				t.Fatal(err)
			}
			n := c.nodes[at]
			if len(n.revived) != 1 || n.revived[0].Epoch != 2 || len(n.revived[0].Stream.Unacked) != 1 {
				t.Errorf("revived %+v", n.revived)
			}
			// It is pushed on, and everybody finds it again.
			wait(2 * time.Second)
			records := 0
			for _, one := range c.nodes[:4] {
				records += one.service.Stats().Records
			}
			if records != 1 {
				t.Errorf("%d records", records)
			}
			next := c.nodes[(at+1)%4]
			if err := next.fetch(token); err != nil {
				t.Fatal(err)
			}
			if got := c.has(jid); len(got) != 1 || got[0] != next.name {
				t.Errorf("the session is at %v", got)
			}
		})
	}
}

// TestHolderDiesAfterMove: its maker is alive and points to the dead one; the standby of that one is found.
func TestHolderDiesAfterMove(t *testing.T) {
	inCluster(t, 4, func(t *testing.T, c *cluster) {
		jid, token := c.nodes[0].session(1, "room@conference.meet.test")
		if err := c.nodes[1].fetch(token); err != nil {
			t.Fatal(err)
		}
		wait(2 * time.Second)
		c.nodes[1].kill()
		began := time.Now()
		if err := c.nodes[2].fetch(token); err != nil {
			t.Fatal(err)
		}
		if got := c.has(jid); len(got) != 1 || got[0] != c.nodes[2].name {
			t.Errorf("the session is at %v", got)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("found after %v", took)
		}
	})
}

// TestAnswerIsLost: the session came all the same.
func TestAnswerIsLost(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, c *cluster) {
		_, token := c.nodes[0].session(1, "room@conference.meet.test")
		wait(2 * time.Second)
		c.lose = func(f wire.Frame) bool {
			s, ok := f.(wire.Sought)
			return ok && s.Code == wire.SoughtSent
		}
		if err := c.nodes[1].fetch(token); err != nil {
			t.Fatal(err)
		}
	})
}

// TestKeptSession: a node that gives nothing away says so at once, whoever asks, and the session stays where it is.
func TestKeptSession(t *testing.T) {
	for _, in := range []string{"room@conference.meet.test", ""} {
		inCluster(t, 3, func(t *testing.T, c *cluster) {
			holder := c.nodes[0]
			holder.service.cfg.Keeps = true
			jid, token := holder.session(1, in)
			for _, n := range c.nodes[1:] {
				began := time.Now()
				if n.fetch(token) == nil {
					t.Error("it was given")
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("refused after %v", took)
				}
			}
			if got := c.has(jid); len(got) != 1 || got[0] != holder.name || holder.given != 0 {
				t.Errorf("the session is at %v, given %d times", got, holder.given)
			}
		})
	}
}

// TestForgedTokens: refused at once wherever they are shown, counted, and the true session is where it was.
func TestForgedTokens(t *testing.T) {
	inCluster(t, 4, func(t *testing.T, c *cluster) {
		jid, token := c.nodes[0].session(1, "room@conference.meet.test")
		_, others := c.nodes[0].session(2, "room@conference.meet.test")
		wait(2 * time.Second)
		tt, _ := session.ParseToken(token)
		ot, _ := session.ParseToken(others)
		forged := map[string]string{
			"a secret made up":       tt.Address + strings.Repeat("x", session.SecretLength),
			"the secret of another":  tt.Address + ot.Secret,
			"a session made up":      string(c.nodes[0].name) + "-" + strings.Repeat("y", session.AddressLength) + tt.Secret,
			"a node made up":         "zzzzzzzzzz-" + strings.Repeat("y", session.AddressLength) + tt.Secret,
			"no token":               "none",
			"one character too much": token + "0",
		}
		for name, f := range forged {
			for _, n := range c.nodes[1:] {
				began := time.Now()
				if n.fetch(f) == nil {
					t.Errorf("%s: found", name)
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("%s: refused after %v", name, took)
				}
			}
		}
		if got := c.has(jid); len(got) != 1 || got[0] != c.nodes[0].name || c.nodes[0].given != 0 {
			t.Errorf("the session is at %v, given %d times", got, c.nodes[0].given)
		}
		refused := uint64(0)
		for _, n := range c.nodes {
			refused += n.service.Stats().Refused
		}
		if refused < 6 {
			t.Errorf("%d counted", refused)
		}
		// So does who keeps the record of a dead node.
		c.nodes[0].kill()
		for _, n := range c.nodes[1:] {
			if n.fetch(forged["the secret of another"]) == nil {
				t.Error("a forged token brings a record")
			}
		}
		if err := c.nodes[1].fetch(token); err != nil {
			t.Errorf("the true token: %v", err)
		}
	})
}

// TestTwoNodesAtOnce: the session is in one place afterwards, whichever it is, and nowhere else.
func TestTwoNodesAtOnce(t *testing.T) {
	for _, dead := range []bool{false, true} {
		inCluster(t, 5, func(t *testing.T, c *cluster) {
			jid, token := c.nodes[0].session(1, "room@conference.meet.test")
			wait(2 * time.Second)
			if dead {
				c.nodes[0].kill()
			}
			errs := make([]error, 3)
			var both sync.WaitGroup
			for i := range errs {
				both.Go(func() { errs[i] = c.nodes[1+i].fetch(token) })
			}
			both.Wait()
			wait(4 * time.Second)
			if got := c.has(jid); len(got) != 1 {
				t.Errorf("dead %v: the session is at %v; %v", dead, got, errs)
			}
		})
	}
}

// TestGiftUnderWay: who asks a node for a session that it is just giving to another is told where it went, and nobody goes on with a record.
func TestGiftUnderWay(t *testing.T) {
	inCluster(t, 4, func(t *testing.T, c *cluster) {
		jid, token := c.nodes[0].session(1, "room@conference.meet.test")
		wait(2500 * time.Millisecond)
		var first sync.WaitGroup
		first.Go(func() {
			if err := c.nodes[1].fetch(token); err != nil {
				t.Error(err)
			}
		})
		wait(delay)
		if err := c.nodes[2].fetch(token); err != nil {
			t.Error(err)
		}
		first.Wait()
		wait(time.Second)
		if got := c.has(jid); len(got) != 1 || got[0] != c.nodes[2].name {
			t.Errorf("the session is at %v", got)
		}
	})
}

// TestManySocketsOneSearch: sockets that come with the same token at once share a search.
func TestManySocketsOneSearch(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, c *cluster) {
		_, token := c.nodes[0].session(1, "room@conference.meet.test")
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if err := c.nodes[1].fetch(token); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := c.nodes[1].service.Stats(); got.Searches != 1 || got.Found != 1 || c.nodes[0].given != 1 {
			t.Errorf("%+v, given %d times", got, c.nodes[0].given)
		}
	})
}

// TestRecordsEndWithTheirSession, with their standby, and with standby off there are none.
func TestRecordsEndWithTheirSession(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, c *cluster) {
		jid, token := c.nodes[0].session(1, "room@conference.meet.test")
		wait(1500 * time.Millisecond)
		tt, _ := session.ParseToken(token)
		at := c.node(standby.Choose(tt.Address, names(c), []identity.Name{c.nodes[0].name})[0])
		if at.service.Stats().Records != 1 {
			t.Fatal("no record at the standby")
		}
		c.mu.Lock()
		at.drains = true
		c.mu.Unlock()
		wait(1500 * time.Millisecond)
		if n := at.service.Stats().Records; n != 0 {
			t.Errorf("%d records at a standby that drains", n)
		}
		c.mu.Lock()
		delete(c.nodes[0].rooms, jid)
		c.mu.Unlock()
		c.nodes[0].service.Ended(jid)
		wait(time.Second)
		for _, n := range c.nodes {
			if s := n.service.Stats(); s.Records != 0 || s.RecordBytes != 0 {
				t.Errorf("%s: %+v", n.name, s)
			}
		}
	})
	inCluster(t, 2, func(t *testing.T, c *cluster) {
		c.nodes[0].service.cfg.Standby = false
		c.nodes[0].session(1, "room@conference.meet.test")
		wait(5 * time.Second)
		if c.sent["Keep"] != 0 {
			t.Errorf("%d records pushed", c.sent["Keep"])
		}
	})
}

// TestStandbyIsAskedUntilItAnswers: without an answer the record is sent again, whole, and then changes again.
func TestStandbyIsAskedUntilItAnswers(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, c *cluster) {
		jid, _ := c.nodes[0].session(1, "room@conference.meet.test")
		silent := true
		c.mu.Lock()
		c.lose = func(f wire.Frame) bool {
			_, kept := f.(wire.Kept)
			return silent && kept
		}
		c.mu.Unlock()
		wait(8500 * time.Millisecond)
		if c.sent["Keep"] != 3 || c.sent["Amend"] != 0 {
			t.Errorf("%d records and %d changes in 8 s without an answer, want one every 3 s", c.sent["Keep"], c.sent["Amend"])
		}
		c.mu.Lock()
		silent = false
		c.mu.Unlock()
		wait(3 * time.Second)
		c.nodes[0].streams.Session(jid).Send([]byte(`<message xmlns="jabber:client"/>`))
		wait(time.Second)
		if c.sent["Keep"] != 4 || c.sent["Amend"] != 1 {
			t.Errorf("%d records and %d changes, want one more and one", c.sent["Keep"], c.sent["Amend"])
		}
	})
}

func names(c *cluster) []identity.Name {
	var all []identity.Name
	for _, n := range c.nodes {
		all = append(all, n.name)
	}
	return all
}
