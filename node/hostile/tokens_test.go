package hostile

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

const refusedTotal = "atoll_resume_refused_total"

// two runs two nodes of one cluster that know each other.
func two(t *testing.T) (first, second *served) {
	t.Helper()
	secret := identity.NewSecret().Reveal()
	first = serve(t, "--secret", secret)
	second = serve(t, "--secret", secret, "--join", first.cluster()[0])
	for _, n := range []*served{first, second} {
		eventually(t, "second member", func() bool { return len(n.cluster()) == 2 })
	}
	return first, second
}

// cluster returns the addresses of the living members, the node's own first.
func (n *served) cluster() (alive []string) {
	n.t.Helper()
	var answer struct {
		Members []struct {
			State, Address string
			Self           bool
		}
	}
	if err := json.Unmarshal([]byte(n.get("/api/v1/cluster")), &answer); err != nil {
		n.t.Fatal(err)
	}
	for _, m := range answer.Members {
		if m.Self {
			alive = slices.Insert(alive, 0, m.Address)
		} else if m.State == "alive" {
			alive = append(alive, m.Address)
		}
	}
	return alive
}

// resume asks for a session at a node, after a login with the token of previd, and returns the stream, and why it was refused, "" when
// it was not.
func (n *served) resume(previd, token string, taken uint32) (c *client, condition string) {
	n.t.Helper()
	c = n.dial("?previd="+url.QueryEscape(previd), nil)
	c.authenticate()
	c.ask(token, taken)
	return c, c.answered()
}

func (c *client) ask(token string, taken uint32) {
	c.mu.Lock()
	c.token, c.taken = token, taken
	c.mu.Unlock()
	c.send(fmt.Sprintf(`<resume h="%d" previd="%s" xmlns="urn:xmpp:sm:3"/>`, taken, token))
}

func (c *client) answered() (condition string) {
	c.t.Helper()
	e := c.await("answer to resume", func(e *stanza.Element) bool { return e.Local == "resumed" || e.Local == "failed" || e.Local == "error" })
	switch {
	case e.Local == "resumed":
		return ""
	case len(e.Children) > 0:
		return e.Children[0].Local
	}
	return e.Local
}

// decided waits until the stream has its session, or is told that it has none, or is cut because another has taken it, and returns
// whether it had it.
func (c *client) decided() (resumed bool) {
	c.t.Helper()
	eventually(c.t, "answer to resume", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		resumed = slices.ContainsFunc(c.got, named("resumed"))
		return resumed || c.ended != nil || slices.ContainsFunc(c.got, named("failed"))
	})
	return resumed
}

// TestTokens: who shows a token that is not its own, or a made up one, or one of a session that is over, at whichever node, is told
// that there is no such session, and can begin one. Whose token it is notices nothing, and nobody sees anybody leave.
func TestTokens(t *testing.T) {
	t.Parallel()
	first, second := two(t)
	const room = "tokens"
	a, b := first.in(room), first.in(room)
	over := first.client()
	over.send(`<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`)
	over.over()

	node, rest, _ := strings.Cut(a.token, "-")
	address, secret := rest[:16], rest[16:]
	stranger := strings.Repeat("y", len(rest))
	forged := map[string]string{
		"of a session that is over":     over.token,
		"with the secret of another":    node + "-" + address + b.token[len(b.token)-len(secret):],
		"with a secret made up":         node + "-" + address + strings.Repeat("x", len(secret)),
		"with one character changed":    a.token[:len(a.token)-1] + other(a.token[len(a.token)-1]),
		"cut":                           a.token[:len(a.token)-1],
		"with more behind it":           a.token + "0",
		"of a session made up":          node + "-" + stranger,
		"of a node made up":             "zzzzzzzzzz-" + rest,
		"of no node":                    rest,
		"that is empty":                 "",
		"that is long":                  node + "-" + strings.Repeat(rest, 200),
		"of other characters":           node + "-" + strings.Repeat("é", 24),
		"that is the address alone":     node + "-" + address,
		"that is a path":                "../../" + a.token,
		"that is the other's full name": a.jid,
	}
	for name, token := range forged {
		for at, n := range map[string]*served{"holder": first, "another node": second} {
			c, condition := n.resume(token, token, 0)
			if condition != "item-not-found" && condition != "unexpected-request" {
				t.Errorf("a token %s at the %s: %q, want item-not-found", name, at, condition)
			}
			c.send(`<iq id="bind" type="set" xmlns="jabber:client"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`)
			c.await("a session of its own", answer("bind", "result"))
			c.send(`<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`)
		}
	}
	if refused := first.metric(refusedTotal) + second.metric(refusedTotal); refused < 3 { // by the holder, or by who has its record
		t.Errorf("%v questions with a wrong secret were counted, want 3", refused)
	}
	for at, n := range map[string]*served{"holder": first, "another node": second} {
		thief := n.client()
		if _, condition := n.resume(thief.token, a.token, 0); condition != "item-not-found" {
			t.Errorf("somebody else's token at the %s: %q, want item-not-found", at, condition)
		}
	}
	a.say(room, "unharmed")
	b.hears("unharmed")

	// The true token, by two sockets at once at two nodes and then by one after the other: one has the session at a time.
	taken := a.settledAt(room)
	var sockets []*client
	for _, n := range []*served{first, second} {
		c := n.dial("?previd="+a.token, nil)
		c.authenticate()
		c.withhold()
		sockets = append(sockets, c)
	}
	for _, c := range sockets {
		c.ask(a.token, taken)
	}
	resumed := 0
	for _, c := range sockets {
		if c.decided() {
			resumed++
		}
	}
	if resumed == 0 {
		t.Error("none of two sockets with the true token had the session")
	}
	c, condition := second.resume(a.token, a.token, taken)
	if condition != "" {
		t.Fatalf("the true token: %s", condition)
	}
	c.id = a.id
	c.say(room, "at the second node")
	b.hears("at the second node")
	a.over()
	for _, n := range []*served{first, second} {
		if endpoints, _ := n.occupants(room); len(endpoints) > 2 {
			t.Errorf("occupants %v, want the two", endpoints)
		}
	}

	// And once more when its owner has left for good.
	c.send(`<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`)
	c.over()
	b.await("leaving", presence(a.id, "unavailable"))
	for _, n := range []*served{first, second} {
		if _, condition := n.resume(a.token, a.token, taken); condition != "item-not-found" {
			t.Errorf("the token of who has left: %q, want item-not-found", condition)
		}
	}
	if n := strings.Count(b.heard(), `type="unavailable"`); n != 1 {
		t.Errorf("%d were seen to leave, want the one", n)
	}
	first.works()
	second.works()
}

// settledAt waits until what was said so far is answered and returns how many stanzas came since management was enabled.
func (c *client) settledAt(room string) uint32 {
	c.t.Helper()
	c.settled(room)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.taken
}

func other(b byte) string {
	if b == 'A' {
		return "B"
	}
	return "A"
}
