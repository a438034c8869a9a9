package hostile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// TestBrokenStream: who breaks the rules of XML, of framing or of addressing is told why and loses the stream. Those in the
// same room see it leave and go on.
func TestBrokenStream(t *testing.T) {
	t.Parallel()
	n := serve(t)
	a, b := n.in("broken"), n.in("broken")
	message := func(inner string) string {
		return `<message to="` + at("broken", "") + `" type="groupchat" xmlns="jabber:client">` + inner + `</message>`
	}
	cases := map[string]struct {
		kind      websocket.MessageType
		text      string
		condition string
	}{
		"too large":         {text: message("<body>" + strings.Repeat("x", 300<<10) + "</body>"), condition: "policy-violation"},
		"too deep":          {text: message(strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100)), condition: "policy-violation"},
		"deep without end":  {text: message(strings.Repeat("<a>", 50_000)), condition: "policy-violation"},
		"many elements":     {text: message(strings.Repeat("<a/>", 10_000)), condition: "policy-violation"},
		"many attributes":   {text: message("<a" + numbered(200, ` a%d=""`) + "/>"), condition: "policy-violation"},
		"many namespaces":   {text: message(numbered(300, `<a xmlns="n%d"/>`)), condition: "policy-violation"},
		"not closed":        {text: message("<body>"), condition: "not-well-formed"},
		"crossed":           {text: message("<a><b></a></b>"), condition: "not-well-formed"},
		"two at once":       {text: message("") + message(""), condition: "not-well-formed"},
		"text only":         {text: "hello", condition: "not-well-formed"},
		"nothing":           {text: "", condition: "not-well-formed"},
		"document type":     {text: `<!DOCTYPE a [<!ENTITY b "c">]>` + message("<body>&b;</body>"), condition: "restricted-xml"},
		"XML declaration":   {text: `<?xml version="1.0"?>` + message(""), condition: "restricted-xml"},
		"instruction":       {text: message("<?php x?>"), condition: "restricted-xml"},
		"comment":           {text: message("<!-- x -->"), condition: "restricted-xml"},
		"own entity":        {text: message("<body>&lol;</body>"), condition: "restricted-xml"},
		"undeclared prefix": {text: message("<a:b/>"), condition: "bad-namespace-prefix"},
		"control character": {text: message("<body>\x01</body>"), condition: "not-well-formed"},
		"invalid UTF-8":     {text: message("<body>\xff\xfe</body>"), condition: "unsupported-encoding"},
		"binary":            {kind: websocket.MessageBinary, text: message(""), condition: "bad-format"},
		"no stanza":         {text: `<query xmlns="jabber:client"/>`, condition: "unsupported-stanza-type"},
		"foreign namespace": {text: `<message xmlns="jabber:server"/>`, condition: "unsupported-stanza-type"},
		"forged from":       {text: `<message from="` + a.jid + `" to="` + at("broken", "") + `" type="groupchat" xmlns="jabber:client"><body>I am a</body></message>`, condition: "invalid-from"},
		"from an occupant":  {text: `<message from="` + at("broken", a.id) + `" to="` + at("broken", "") + `" type="groupchat" xmlns="jabber:client"><body>I am a</body></message>`, condition: "invalid-from"},
		"from the focus":    {text: `<iq from="` + at("broken", "focus") + `" to="` + at("broken", b.id) + `" id="x" type="set" xmlns="jabber:client"><a/></iq>`, condition: "invalid-from"},
		"opened again":      {text: open, condition: "policy-violation"},
		"acknowledged much": {text: `<a h="4000000000" xmlns="urn:xmpp:sm:3"/>`, condition: "undefined-condition"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if c.kind == 0 {
				c.kind = websocket.MessageText
			}
			evil := n.in("broken")
			a.await("newcomer", presence(evil.id, ""))
			evil.frame(c.kind, c.text)
			if got := condition(evil.await("stream error", named("error"))); got != c.condition {
				t.Errorf("condition %q, want %q", got, c.condition)
			}
			evil.await("close", named("close"))
			evil.over()
			a.await("leaving", presence(evil.id, "unavailable"))
			a.say("broken", "after "+name)
			b.hears("after " + name)
		})
	}
	if strings.Contains(a.heard()+b.heard(), "I am a") {
		t.Error("a forged message was delivered")
	}
}

func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func presence(nick, kind string) func(*stanza.Element) bool {
	return func(e *stanza.Element) bool {
		return e.Local == "presence" && e.Attr("type") == kind && strings.HasSuffix(e.Attr("from"), "/"+nick)
	}
}

// TestBeforeTheLogin: what comes before it is known who speaks.
func TestBeforeTheLogin(t *testing.T) {
	t.Parallel()
	n := serve(t)
	for name, c := range map[string]struct {
		opened    bool
		text      string
		condition string
	}{
		"large":          {true, `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl">` + strings.Repeat("A", 20<<10) + `</auth>`, "policy-violation"},
		"no open":        {false, `<auth mechanism="ANONYMOUS" xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`, "invalid-namespace"},
		"stream of TCP":  {false, `<stream:stream xmlns:stream="http://etherx.jabber.org/streams" xmlns="jabber:client" to="localhost" version="1.0"/>`, "bad-namespace-prefix"},
		"another domain": {false, strings.Replace(open, "localhost", "example.org", 1), "host-unknown"},
		"stanza":         {true, `<message to="` + at("x", "") + `" type="groupchat" xmlns="jabber:client"><body>x</body></message>`, "not-authorized"},
		"bind":           {true, `<iq id="b" type="set" xmlns="jabber:client"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`, "not-authorized"},
		"resume":         {true, `<resume h="0" previd="x" xmlns="urn:xmpp:sm:3"/>`, "not-authorized"},
	} {
		t.Run(name, func(t *testing.T) {
			evil := n.connect()
			if c.opened {
				evil.send(open)
				evil.await("features", named("features"))
			}
			evil.send(c.text)
			if got := condition(evil.await("stream error", named("error"))); got != c.condition {
				t.Errorf("condition %q, want %q", got, c.condition)
			}
			evil.over()
		})
	}
	evil := n.connect()
	evil.send(open)
	evil.await("features", named("features"))
	for range 2 {
		evil.send(`<auth mechanism="PLAIN" xmlns="urn:ietf:params:xml:ns:xmpp-sasl">AGEAYg==</auth>`)
		evil.await("failure", named("failure"))
	}
	evil.send(`<auth mechanism="PLAIN" xmlns="urn:ietf:params:xml:ns:xmpp-sasl">AGEAYg==</auth>`)
	if got := condition(evil.await("stream error", named("error"))); got != "policy-violation" {
		t.Errorf("after three attempts: %q", got)
	}
	evil.over()
	n.works()
}
