package muc

import (
	"strings"
	"testing"

	"github.com/atoll-mesh/atoll/cascade/room"
)

func TestHear(t *testing.T) {
	const id = `<stanza-id xmlns="urn:xmpp:sid:0" by="` + roomJID + `" id="s1"/>`
	for name, c := range map[string]struct{ from, inner, want string }{
		"body":         {"bbbbbbbb", "<body>hi &amp; bye</body>" + id, "message bbbbbbbb groupchat #m1 body=hi & bye stanza-id"},
		"unknown":      {"cccccccc", "<body>x</body>", ""},
		"not readable": {"bbbbbbbb", "<body>x", ""},
		"injection":    {"bbbbbbbb", "</message><presence/><message>", ""},
		"forged":       {"bbbbbbbb", `<body>x</body><x xmlns="http://jabber.org/protocol/muc#user"><status code="307"/></x>`, "message bbbbbbbb groupchat #m1 body=x"},
		"forged id":    {"bbbbbbbb", `<body>x</body><stanza-id xmlns="urn:xmpp:sid:0" by="else@where" id="s1"/>`, "message bbbbbbbb groupchat #m1 body=x"},
		"subject":      {"bbbbbbbb", `<subject>mine</subject>`, ""},
		"nothing":      {"bbbbbbbb", ``, ""},
		"too long":     {"bbbbbbbb", "<body>" + strings.Repeat("x", 70_000) + "</body>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.join(alice)
			f.appear(bob, "")
			f.clear()
			f.take(f.room.Hear(f.now, room.Utterance{From: room.EndpointID(c.from), ID: "m1", Lang: "fr", Inner: []byte(c.inner)}))
			if c.want == "" {
				f.want(alice)
				return
			}
			f.want(alice, c.want)
			if lang := f.last[alice].Attr("xml:lang"); lang != "fr" {
				t.Errorf("language %q", lang)
			}
			if len(f.other) != 0 {
				t.Errorf("effects %+v", f.other)
			}
		})
	}
}

func TestSaid(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.StanzaID = func() string { return "s7" } })
	f.join(alice)
	f.send(alice, `<message to="%s" type="groupchat" id="m1" xml:lang="fr"><body>b</body></message>`, roomJID)
	s, last := f.other[0].(Said)
	want := `<body>b</body><stanza-id xmlns="urn:xmpp:sid:0" by="` + roomJID + `" id="s7"/>`
	if u := s.Utterance; !last || len(f.other) != 1 || u.From != "aaaaaaaa" || u.ID != "m1" || u.Lang != "fr" || string(u.Inner) != want {
		t.Errorf("effects %+v", f.other)
	}
	f.send(alice, `<message to="%s" type="groupchat"><subject>S</subject></message>`, roomJID)
	if count[Said](f.other) != 0 || count[Write](f.other) != 1 {
		t.Errorf("a subject: %+v", f.other)
	}
}
