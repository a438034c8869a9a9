package stanzatest

import "testing"

func TestCheckNamespaces(t *testing.T) {
	for _, c := range []struct {
		name, xml string
		ok        bool
	}{
		{"stanza", `<message xmlns="jabber:client"><body>x</body></message>`, true},
		{"own xmlns at each", `<iq xmlns="jabber:client"><query xmlns="q"><item xmlns="q"/></query></iq>`, true},
		{"features", `<stream:features xmlns:stream="http://etherx.jabber.org/streams"><bind xmlns="b"/></stream:features>`, true},
		{"no xmlns at the top", `<message/>`, false},
		{"inherited", `<iq xmlns="jabber:client"><query xmlns="q"><item/></query></iq>`, false},
		{"inherited from features", `<stream:features xmlns:stream="http://etherx.jabber.org/streams"><bind/></stream:features>`, false},
		{"prefix", `<iq xmlns="jabber:client"><p:query xmlns:p="q"/></iq>`, false},
		{"prefixed attribute", `<iq xmlns="jabber:client" p:a="b"/>`, false},
		{"two tops", `<iq xmlns="jabber:client"/><iq xmlns="jabber:client"/>`, false},
		{"left open", `<iq xmlns="jabber:client">`, false},
		{"nothing", ``, false},
		{"comment", `<iq xmlns="jabber:client"><!-- --></iq>`, false},
	} {
		if err := CheckNamespaces([]byte(c.xml)); (err == nil) != c.ok {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}
