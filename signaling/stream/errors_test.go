package stream

import (
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// Where a message is sent in the cases below.
const (
	atOnce = iota
	opened
	authenticated
	ready
)

func TestStreamErrors(t *testing.T) {
	for _, c := range []struct {
		name      string
		when      int
		message   string
		condition string
	}{
		{"no open", atOnce, authXML, "invalid-namespace"},
		{"another host", atOnce, `<open to="other.test" version="1.0" xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`, "host-unknown"},
		{"another version", atOnce, `<open to="meet.test" version="2.0" xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`, "unsupported-version"},
		{"TCP stream", atOnce, `<stream:stream xmlns:stream="http://etherx.jabber.org/streams" to="meet.test"/>`, "invalid-namespace"},
		{"garbage", atOnce, "\x01\x02", "not-well-formed"},
		{"stanza before the log-in", opened, message("1"), "not-authorized"},
		{"too long before the log-in", opened, "<auth>" + strings.Repeat("x", 10<<10) + "</auth>", "policy-violation"},
		{"stanza before bind", authenticated, message("1"), "not-authorized"},
		{"second open", ready, openXML, "policy-violation"},
		{"document type", ready, `<!DOCTYPE x><message xmlns="jabber:client"/>`, "restricted-xml"},
		{"comment", ready, `<message xmlns="jabber:client"><!-- --></message>`, "restricted-xml"},
		{"malformed", ready, `<message xmlns="jabber:client"><body></message>`, "not-well-formed"},
		{"half a stanza", ready, `<message xmlns="jabber:client">`, "not-well-formed"},
		{"two stanzas", ready, message("1") + message("2"), "not-well-formed"},
		{"too deep", ready, strings.Repeat("<a>", 70) + strings.Repeat("</a>", 70), "policy-violation"},
		{"too long", ready, `<message xmlns="jabber:client">` + strings.Repeat("x", 256<<10) + `</message>`, "policy-violation"},
		{"forged from", ready, `<message from="focus@auth.meet.test/focus" xmlns="jabber:client"/>`, "invalid-from"},
		{"forged resource", ready, `<message from="SELF/other" xmlns="jabber:client"/>`, "invalid-from"},
		{"unknown element", ready, `<thing xmlns="jabber:client"/>`, "unsupported-stanza-type"},
		{"unknown namespace", ready, `<message xmlns="jabber:server"/>`, "unsupported-stanza-type"},
		{"acknowledges what was not sent", ready, ackXML(7), "undefined-condition"},
		{"acknowledges nonsense", ready, `<a h="-1" xmlns="urn:xmpp:sm:3"/>`, "invalid-xml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, n *network) {
				other := n.dial("").bind()
				k := n.dial("")
				switch c.when {
				case opened:
					k.send(openXML)
					k.expect("<open ", "mechanisms")
				case authenticated:
					k.login()
				case ready:
					k.bind().enable()
				}
				k.send(strings.ReplaceAll(c.message, "SELF", k.jid))
				if c.when == atOnce {
					k.expect("<open ")
				}
				k.expect(`<stream:error xmlns:stream="http://etherx.jabber.org/streams"><`+c.condition+` xmlns="urn:ietf:params:xml:ns:xmpp-streams"/>`, `<close `)
				k.expectEnd()
				if c.when == ready {
					n.recorder.expect(t, "bound", "bound", "closed: stream error")
				}
				other.send(message("still"))
				if n.server.Stats().StreamErrors != 1 {
					t.Errorf("%d stream errors counted", n.server.Stats().StreamErrors)
				}
				other.send(closeXML)
				other.expect("<close ")
				other.expectEnd()
			})
		})
	}
}

func TestBinaryMessage(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		if err := c.ws.Write(t.Context(), websocket.MessageBinary, []byte(message("1"))); err != nil {
			t.Fatal(err)
		}
		c.expect(`<bad-format `, `<close `)
		c.expectEnd()
	})
}

func TestErrorsThatKeepTheStream(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		for _, x := range []struct{ message, answer string }{
			{`<iq type="get" xmlns="jabber:client"><q xmlns="n"/></iq>`, `<bad-request `},
			{`<iq type="think" id="1" xmlns="jabber:client"><q xmlns="n"/></iq>`, `<bad-request `},
			{`<iq type="get" id="1" xmlns="jabber:client"/>`, `<bad-request `},
			{`<iq type="get" id="1" xmlns="jabber:client"><q xmlns="n"/><q xmlns="n"/></iq>`, `<bad-request `},
			{bindXML, `<not-allowed `},
			{resumeXML("t", 0), `<failed xmlns="urn:xmpp:sm:3"><unexpected-request `},
		} {
			c.send(x.message)
			c.expect(x.answer)
		}
		n.recorder.expect(t, "bound")
		c.send(`<message id="m" from="`+c.jid+`" xmlns="jabber:client"/>`,
			`<message id="n" from="`+c.jid[:len(c.jid)-9]+`" xmlns="jabber:client"/>`)
		n.recorder.expect(t, "bound", "message m", "message n")
	})
}
