package stanza

import (
	"testing"

	"github.com/atoll-mesh/atoll/signaling/stanza/stanzatest"
)

func TestEveryElementHasItsOwnNamespace(t *testing.T) {
	iq := New(Client, "iq", "id", `a"<&`, "to", "").With(
		New("q", "query").With(New("q", "item", "name", "x\ny").WithText("<&>\r"), nil, New("r", "other")))
	got := string(iq.Bytes())
	want := `<iq xmlns="jabber:client" id="a&quot;&lt;&amp;"><query xmlns="q">` +
		`<item xmlns="q" name="x&#10;y">&lt;&amp;&gt;&#13;</item><other xmlns="r"/></query></iq>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := stanzatest.CheckNamespaces([]byte(got)); err != nil {
		t.Error(err)
	}
}

func TestWhatXMLCannotCarryIsReplaced(t *testing.T) {
	got := string(New("n", "a", "b", "\x00\xff").WithText("x\x1f\uFFFEy").Bytes())
	if want := "<a xmlns=\"n\" b=\"\uFFFD\uFFFD\">x\uFFFD\uFFFDy</a>"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
