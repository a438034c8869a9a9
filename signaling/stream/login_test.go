package stream

import (
	"regexp"
	"testing"
)

func TestLogin(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("?room=x").bind()
		if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}@meet\.test/[0-9a-f]{8}$`).MatchString(c.jid) {
			t.Errorf("JID %q", c.jid)
		}
		n.recorder.expect(t, "bound")
		s := n.recorder.last()
		if s.JID() != c.jid || string(s.Endpoint()) != c.jid[:8] || n.server.Session(c.jid) != s {
			t.Errorf("session of %s is %s, %s", c.jid, s.JID(), s.Endpoint())
		}
		c.send(`<iq id="s" type="set" xmlns="jabber:client"><session xmlns="urn:ietf:params:xml:ns:xmpp-session"/></iq>`)
		c.expect(`<iq xmlns="jabber:client" to="` + c.jid + `" type="result" id="s"/>`)
		c.send(closeXML)
		c.expect(`<close `)
		c.expectEnd()
		n.recorder.expect(t, "bound", "closed: closed by the client")
		if n.server.Session(c.jid) != nil {
			t.Error("the session is still known")
		}
	})
}

func TestLoginRefuses(t *testing.T) {
	const auth = `<auth mechanism="PLAIN" xmlns="urn:ietf:params:xml:ns:xmpp-sasl">AGEAYg==</auth>`
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("")
		c.send(openXML)
		c.expect(`<open `, `mechanisms`)
		c.send(auth)
		c.expect(`<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><invalid-mechanism xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/></failure>`)
		c.send(`<abort xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`)
		c.expect(`<aborted `)
		c.send(auth)
		c.expect(`<policy-violation xmlns="urn:ietf:params:xml:ns:xmpp-streams"/>`, `<close `)
		c.expectEnd()
		n.recorder.expect(t)
	})
}
