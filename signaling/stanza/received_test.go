package stanza

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReceivedBytesAreSplicedVerbatim(t *testing.T) {
	const inner = `<x  xmlns='muc'><a>1</a>&#65;<b/></x><p:y xmlns:p = "z" p:q='"'/> <SourceInfo>{}</SourceInfo>`
	st := mustParse(t, `<presence xmlns="jabber:client" to='r/n' id="7">`+inner+`</presence>`)
	st.Set("from", "me@d/r")
	if got := string(st.Inner()); got != inner {
		t.Errorf("inner bytes are %s", got)
	}
	v := st.Envelope()
	v.To = "you@d/r"
	want := `<presence xmlns="jabber:client" to="you@d/r" from="me@d/r" id="7">` + inner + `</presence>`
	if got := string(v.Append(nil, st.Inner())); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	want = `<presence xmlns="jabber:client" to="r/n" id="7" from="me@d/r">` + inner + `</presence>`
	if got := string(st.Bytes()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEnvelopeWithoutContent(t *testing.T) {
	if got, want := string(Envelope{Name: "presence", Type: "unavailable"}.Append(nil, nil)),
		`<presence xmlns="jabber:client" type="unavailable"/>`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestInnerBytesNeverChangeNamespace(t *testing.T) {
	for _, c := range []struct{ name, in, inner string }{
		{"default of a top element in another namespace", `<a xmlns="n"><b/>t</a>`, `t<b xmlns="n"/>`},
		{"prefixed stanza", `<c:message xmlns:c="jabber:client"><body/></c:message>`, `<body/>`},
	} {
		if got := string(mustParse(t, c.in).Inner()); got != c.inner {
			t.Errorf("%s: inner is %s, want %s", c.name, got, c.inner)
		}
	}
}

func TestReceivedChildMovesToAnotherParent(t *testing.T) {
	st := mustParse(t, `<message xmlns="jabber:client"><body>x</body><q xmlns="n" xmlns:p="m"><i/><p:j p:k="1"/></q></message>`)
	body, q := st.Children[0], st.Children[1]
	for _, c := range []struct {
		name string
		got  *Element
		want string
	}{
		{"into another namespace", New("f", "fwd").With(body), `<fwd xmlns="f"><body xmlns="jabber:client">x</body></fwd>`},
		{"into its namespace", New(Client, "message").With(body), `<message xmlns="jabber:client"><body>x</body></message>`},
		{"grandchild", New("f", "fwd").With(q.Children[0]), `<fwd xmlns="f"><i xmlns="n"/></fwd>`},
		{"prefix from outside", New("f", "fwd").With(q.Children[1]), `<fwd xmlns="f"><j xmlns="m" xmlns:a0="m" a0:k="1"/></fwd>`},
		{"with its own declarations", New("f", "fwd").With(q), `<fwd xmlns="f"><q xmlns="n" xmlns:p="m"><i/><p:j p:k="1"/></q></fwd>`},
	} {
		if got := string(c.got.Bytes()); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
	if q.Children[1].Raw != nil {
		t.Errorf("raw bytes with a foreign prefix: %s", q.Children[1].Raw)
	}
}

func TestChangedElementsAreWrittenAnew(t *testing.T) {
	const in = `<presence xmlns="jabber:client"><x xmlns="muc#user"><item a="1"/></x><nick>n</nick></presence>`
	for _, c := range []struct {
		name   string
		change func(*Element)
		inner  string
	}{
		{"nothing", func(*Element) {}, `<x xmlns="muc#user"><item a="1"/></x><nick>n</nick>`},
		{
			"attribute of a grandchild", func(e *Element) { e.Children[0].Children[0].Set("a", "2") },
			`<x xmlns="muc#user"><item xmlns="muc#user" a="2"/></x><nick>n</nick>`,
		},
		{
			"attribute removed", func(e *Element) { e.Children[0].Children[0].Set("a", "") },
			`<x xmlns="muc#user"><item xmlns="muc#user"/></x><nick>n</nick>`,
		},
		{"child dropped", func(e *Element) { e.Keep(func(c *Element) bool { return c.Space != "muc#user" }) }, `<nick>n</nick>`},
		{"child dropped by hand", func(e *Element) { e.Children = e.Children[1:] }, `<nick>n</nick>`},
		{
			"child added", func(e *Element) { e.With(New("z", "z")) },
			`<x xmlns="muc#user"><item a="1"/></x><nick>n</nick><z xmlns="z"/>`,
		},
		{
			"text", func(e *Element) { e.Children[1].WithText("m") },
			`<x xmlns="muc#user"><item a="1"/></x><nick xmlns="jabber:client">m</nick>`,
		},
	} {
		e := mustParse(t, in)
		c.change(e)
		if d := cmp.Diff(c.inner, string(e.Inner())); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		if got, want := string(e.Bytes()), `<presence xmlns="jabber:client">`+c.inner+`</presence>`; got != want {
			t.Errorf("%s: bytes are %s", c.name, got)
		}
	}
}
