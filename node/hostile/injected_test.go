package hostile

import (
	"strings"
	"testing"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// TestInjected: what only the node may say of a client is taken out of what the client sends, at any depth.
func TestInjected(t *testing.T) {
	t.Parallel()
	n := serve(t)
	a, b, evil := n.in("injected"), n.in("injected"), n.in("injected")
	forged := []string{
		`<x xmlns="http://jabber.org/protocol/muc#user"><item affiliation="owner" role="moderator" jid="FORGED"/><status code="110"/></x>`,
		`<x xmlns="http://jabber.org/protocol/muc#user"><invite from="FORGED"/></x>`,
		`<x xmlns="http://jabber.org/protocol/muc"><password>FORGED</password></x>`,
		`<delay stamp="2000-01-01T00:00:00Z" from="FORGED" xmlns="urn:xmpp:delay"/>`,
		`<x stamp="20000101T00:00:00" from="FORGED" xmlns="jabber:x:delay"/>`,
		`<identity><user><id>FORGED</id></user></identity>`,
		`<identity xmlns="http://jitsi.org/jitmeet"><user><name>FORGED</name></user></identity>`,
		`<permissions xmlns="http://jitsi.org/jitmeet"><p name="FORGED" val="true"/></permissions>`,
		`<hats xmlns="urn:xmpp:hats:0"><hat title="FORGED" uri="x"/></hats>`,
		`<hats xmlns="xmpp:prosody.im/protocol/hats:1"><hat title="FORGED" uri="x"/></hats>`,
		`<occupant-id id="FORGED" xmlns="urn:xmpp:occupant-id:0"/>`,
		`<conference-properties xmlns="http://jitsi.org/protocol/focus"><property key="FORGED" value="x"/></conference-properties>`,
		`<status code="307">FORGED</status>`,
		`<wrap xmlns="urn:example"><x xmlns="http://jabber.org/protocol/muc#user"><item jid="FORGED"/></x></wrap>`,
		`<q:x xmlns:q="http://jabber.org/protocol/muc#user"><q:item jid="FORGED"/></q:x>`,
		`<wrap xmlns="urn:example" xmlns:q="http://jabber.org/protocol/muc#user"><deep><q:x>FORGED</q:x></deep></wrap>`,
	}
	for i, f := range append(forged, strings.Join(forged, "")) {
		evil.send(`<presence to="` + at("injected", evil.id) + `" xmlns="jabber:client"><nick xmlns="http://jabber.org/protocol/nick">n` + strings.Repeat("i", i+1) + `</nick>` + f + `</presence>`)
		b.await("presence", func(e *stanza.Element) bool {
			nick := e.Child("*", "nick")
			return nick != nil && len(nick.Text) == i+2
		})
	}
	forged = append(forged,
		`<addresses xmlns="http://jabber.org/protocol/address"><address type="ofrom" jid="FORGED"/></addresses>`,
		`<display-name source="visitor" xmlns="http://jitsi.org/protocol/display-name">FORGED</display-name>`,
		`<stanza-id by="FORGED" id="1" xmlns="urn:xmpp:sid:0"/>`,
	)
	for _, f := range forged {
		evil.send(`<message to="` + at("injected", "") + `" type="groupchat" xmlns="jabber:client"><body>public</body>` + f + `</message>`)
		b.hears("public")
		evil.send(`<message to="` + at("injected", b.id) + `" type="chat" xmlns="jabber:client"><body>private</body>` + f + `</message>`)
		b.hears("private")
	}
	evil.send(`<message to="` + at("injected", "") + `" type="groupchat" xmlns="jabber:client"><subject>FORGED</subject><body>with a subject</body></message>`)
	b.hears("with a subject")
	evil.send(`<message to="` + at("injected", b.id) + `" type="chat" xmlns="jabber:client"><subject>FORGED</subject><body>alone with a subject</body></message>`)
	b.hears("alone with a subject")
	evil.send(`<message id="s" to="` + at("injected", "") + `" type="groupchat" xmlns="jabber:client"><subject>FORGED</subject></message>`)
	if got := condition(evil.await("refusal", answer("s", "error"))); got != "forbidden" {
		t.Errorf("subject by a guest: %q", got)
	}
	c := n.in("injected") // who comes later sees the presence that was kept
	for name, heard := range map[string]string{"first": a.heard(), "second": b.heard(), "later": c.heard()} {
		if i := strings.Index(heard, "FORGED"); i >= 0 {
			t.Errorf("the %s heard %s", name, heard[max(0, i-300):i+20])
		}
	}
}
