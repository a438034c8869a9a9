package stanza

import "testing"

func TestReplies(t *testing.T) {
	iq := mustParse(t, `<iq xmlns="jabber:client" from="a@d/r" to="d" id="5" type="get"><q xmlns="n"/></iq>`)
	got := string(ErrorReply(iq, "cancel", "item-not-found", "no such", New("app", "why")).Bytes())
	want := `<iq xmlns="jabber:client" to="a@d/r" from="d" type="error" id="5"><error xmlns="jabber:client" type="cancel">` +
		`<item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>` +
		`<text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas" xml:lang="en">no such</text><why xmlns="app"/></error></iq>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got = string(Result(iq, New("n", "q")).Bytes())
	want = `<iq xmlns="jabber:client" to="a@d/r" from="d" type="result" id="5"><q xmlns="n"/></iq>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
