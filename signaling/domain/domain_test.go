package domain

import (
	"testing"

	"github.com/atoll-mesh/atoll/signaling/stanza"
	"github.com/atoll-mesh/atoll/signaling/stanza/stanzatest"
)

func TestAnswer(t *testing.T) {
	d := New(Config{
		Items: []string{"conference.meet.test"},
		Services: func(client string) []Service {
			if client != "u@meet.test/r" {
				t.Errorf("%q asks", client)
			}
			return []Service{{Type: "stun", Host: "h", Port: 3478}, {Type: "turn", Host: "h", Port: 3478, Transport: "tcp", Username: "u", Password: "p"}}
		},
		Identities: []Identity{{"component", "speakerstats", "speakerstats.meet.test"}},
	})
	const (
		start  = `<iq xmlns="jabber:client" to="u@meet.test/r" from="meet.test" type="result" id="1"`
		stun   = `<service xmlns="urn:xmpp:extdisco:2" type="stun" host="h" port="3478"/>`
		turn   = `<service xmlns="urn:xmpp:extdisco:2" type="turn" host="h" port="3478" transport="tcp" username="u" password="p" restricted="1"/>`
		failed = `<iq xmlns="jabber:client" to="u@meet.test/r" from="meet.test" type="error" id="1"><error xmlns="jabber:client" type="cancel">`
		none   = failed + `<service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`
	)
	for _, c := range []struct{ name, kind, query, want string }{
		{"ping", "get", `<ping xmlns="urn:xmpp:ping"/>`, start + `/>`},
		{
			"info", "get", `<query xmlns="http://jabber.org/protocol/disco#info"/>`,
			start + `><query xmlns="http://jabber.org/protocol/disco#info">` +
				`<identity xmlns="http://jabber.org/protocol/disco#info" category="server" type="im" name="Atoll"/>` +
				`<identity xmlns="http://jabber.org/protocol/disco#info" category="component" type="speakerstats" name="speakerstats.meet.test"/>` +
				`<feature xmlns="http://jabber.org/protocol/disco#info" var="http://jabber.org/protocol/disco#info"/>` +
				`<feature xmlns="http://jabber.org/protocol/disco#info" var="http://jabber.org/protocol/disco#items"/>` +
				`<feature xmlns="http://jabber.org/protocol/disco#info" var="urn:xmpp:ping"/>` +
				`<feature xmlns="http://jabber.org/protocol/disco#info" var="urn:xmpp:extdisco:2"/></query></iq>`,
		},
		{
			"info of a node", "get", `<query xmlns="http://jabber.org/protocol/disco#info" node="x"/>`,
			failed + `<item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`,
		},
		{
			"items", "get", `<query xmlns="http://jabber.org/protocol/disco#items"/>`,
			start + `><query xmlns="http://jabber.org/protocol/disco#items">` +
				`<item xmlns="http://jabber.org/protocol/disco#items" jid="conference.meet.test"/></query></iq>`,
		},
		{
			"services", "get", `<services xmlns="urn:xmpp:extdisco:2"/>`,
			start + `><services xmlns="urn:xmpp:extdisco:2">` + stun + turn + `</services></iq>`,
		},
		{
			"services of a type", "get", `<services xmlns="urn:xmpp:extdisco:2" type="turn"/>`,
			start + `><services xmlns="urn:xmpp:extdisco:2" type="turn">` + turn + `</services></iq>`,
		},
		{
			"services, the older form", "get", `<services xmlns="urn:xmpp:extdisco:1" type="stun"/>`,
			start + `><services xmlns="urn:xmpp:extdisco:1" type="stun"><service xmlns="urn:xmpp:extdisco:1" type="stun" host="h" port="3478"/></services></iq>`,
		},
		{"unknown", "get", `<query xmlns="jabber:iq:roster"/>`, none},
		{"set", "set", `<ping xmlns="urn:xmpp:ping"/>`, none},
		{"nothing asked", "get", ``, none},
		{"result", "result", `<ping xmlns="urn:xmpp:ping"/>`, ``},
		{"error", "error", ``, ``},
	} {
		iq, err := stanza.Parse([]byte(`<iq xmlns="jabber:client" from="u@meet.test/r" to="meet.test" id="1" type="`+c.kind+`">`+c.query+`</iq>`), stanza.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if a := d.Answer(iq); a != nil {
			got = string(a.Bytes())
			if err := stanzatest.CheckNamespaces(a.Bytes()); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestNoServices(t *testing.T) {
	iq, err := stanza.Parse([]byte(`<iq id="1" type="get"><services xmlns="urn:xmpp:extdisco:2"/></iq>`), stanza.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := `<iq xmlns="jabber:client" type="result" id="1"><services xmlns="urn:xmpp:extdisco:2"/></iq>`
	if got := string(New(Config{}).Answer(iq).Bytes()); got != want {
		t.Errorf("got %s", got)
	}
}
