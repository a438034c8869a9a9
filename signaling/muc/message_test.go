package muc

import (
	"strings"
	"testing"
)

func TestGroupchat(t *testing.T) {
	for name, c := range map[string]struct{ children, want string }{
		"body":     {`<body>hi &amp; bye</body>`, "body=hi & bye"},
		"json":     {`<json-message xmlns="http://jitsi.org/jitmeet">{}</json-message>`, "json-message"},
		"reaction": {`<reactions xmlns="urn:xmpp:reactions:0" id="m0"><reaction xmlns="urn:xmpp:reactions:0">x</reaction></reactions>`, "reactions"},
		"retract":  {`<retract xmlns="urn:xmpp:message-retract:1" id="m0"/>`, "retract"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.join(alice, bob)
			f.send(bob, `<message to="%s" type="groupchat" id="m1" xml:lang="fr">%s</message>`, roomJID, c.children)
			f.want(alice, "message bbbbbbbb groupchat #m1 "+c.want)
			f.want(bob, "message bbbbbbbb groupchat #m1 "+c.want)
			if lang := f.last[alice].Attr("xml:lang"); lang != "fr" {
				t.Errorf("language %q", lang)
			}
		})
	}
}

func TestMessagesLoseForgedOrigins(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	for _, forged := range []string{
		`<addresses xmlns="http://jabber.org/protocol/address"><address xmlns="http://jabber.org/protocol/address" type="ofrom" jid="x"/></addresses>`,
		`<display-name xmlns="http://jitsi.org/protocol/display-name" source="visitor">Alice</display-name>`,
		`<subject>not the subject</subject>`,
	} {
		f.send(bob, `<message to="%s" type="groupchat"><body>b</body>%s</message>`, roomJID, forged)
		f.want(alice, "message bbbbbbbb groupchat body=b")
		f.send(bob, `<message to="%s/aaaaaaaa" type="chat"><body>b</body>%s</message>`, roomJID, forged)
		f.want(alice, "message bbbbbbbb chat body=b")
	}
}

func TestStanzaID(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.StanzaID = func() string { return "s7" } })
	f.join(alice)
	f.send(alice, `<message to="%s" type="groupchat"><body>b</body><stanza-id xmlns="urn:xmpp:sid:0" by="%s" id="forged"/></message>`, roomJID, roomJID)
	f.want(alice, "message aaaaaaaa groupchat body=b stanza-id")
	if id := f.last[alice].Child(nsStanzaID, "stanza-id"); id.Attr("id") != "s7" || id.Attr("by") != roomJID {
		t.Errorf("%s", id.Bytes())
	}
}

func TestPrivateMessage(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob, carol)
	f.send(bob, `<message to="%s/aaaaaaaa" type="chat" id="7"><json-message xmlns="http://jitsi.org/jitmeet">{"type":"olm"}</json-message></message>`, roomJID)
	f.want(alice, "message bbbbbbbb chat #7 json-message")
	f.want(bob)
	f.want(carol)
}

func TestMessagesRefused(t *testing.T) {
	for name, c := range map[string]struct{ from, attrs, children, want string }{
		"stranger":              {mallo, `to="` + roomJID + `" type="groupchat"`, "<body>x</body>", "message room error not-acceptable"},
		"stranger, private":     {mallo, `to="` + roomJID + `/aaaaaaaa" type="chat"`, "<body>x</body>", "message aaaaaaaa error not-acceptable"},
		"stranger, focus":       {mallo, `to="` + roomJID + `/focus" type="chat"`, "<body>x</body>", "message focus error not-acceptable"},
		"stranger's error":      {mallo, `to="` + roomJID + `" type="error"`, "<body>x</body>", ""},
		"strange type":          {bob, `to="` + roomJID + `/aaaaaaaa" type="` + strings.Repeat("x", 65) + `"`, "<body>x</body>", "message aaaaaaaa error bad-request"},
		"unknown nick":          {bob, `to="` + roomJID + `/99999999" type="chat"`, "<body>x</body>", "message 99999999 error item-not-found"},
		"groupchat to one":      {bob, `to="` + roomJID + `/aaaaaaaa" type="groupchat"`, "<body>x</body>", "message aaaaaaaa error bad-request"},
		"chat to all":           {bob, `to="` + roomJID + `" type="chat"`, "<body>x</body>", "message room error feature-not-implemented"},
		"too large":             {bob, `to="` + roomJID + `" type="groupchat"`, "<body>" + strings.Repeat("x", 2000) + "</body>", "message room error policy-violation"},
		"private too large":     {bob, `to="` + roomJID + `/aaaaaaaa" type="chat"`, "<body>" + strings.Repeat("x", 2000) + "</body>", "message aaaaaaaa error policy-violation"},
		"nothing left of it":    {bob, `to="` + roomJID + `" type="groupchat"`, `<delay xmlns="urn:xmpp:delay" stamp="x"/>`, ""},
		"a bounced message":     {bob, `to="` + roomJID + `/aaaaaaaa" type="error"`, "<body>x</body>", ""},
		"subject by a listener": {bob, `to="` + roomJID + `" type="groupchat"`, "<subject>mine</subject>", "message room error forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(c *Config) { c.Limits.Payload = 1000 })
			f.join(alice, bob)
			f.send(c.from, "<message %s>%s</message>", c.attrs, c.children)
			if c.want == "" {
				f.want(c.from)
			} else {
				f.want(c.from, c.want)
			}
			f.want(alice)
			if len(f.other) != 0 {
				t.Errorf("effects %v", f.other)
			}
		})
	}
}

func TestSubject(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.send(alice, `<message to="%s" type="groupchat"><subject>Plans &lt;1&gt;</subject></message>`, roomJID)
	f.want(bob, "message aaaaaaaa groupchat subject=Plans <1>")
	f.now = f.now.Add(1)
	f.enter(carol, "cccccccc", "", "")
	if got := f.inbox[carol][4]; got != "message aaaaaaaa groupchat subject=Plans <1> delay" {
		t.Errorf("joiner got %s", got)
	}
	f.send(alice, `<message to="%s" type="groupchat"><subject>%s</subject></message>`, roomJID, strings.Repeat("x", 2049))
	f.want(alice, "message room error policy-violation")
	f.configure(alice, fieldSubject, "1")
	f.send(bob, `<message to="%s" type="groupchat"><subject/></message>`, roomJID)
	f.want(alice, "message bbbbbbbb groupchat subject")
	f.enter(mallo, "dddddddd", "", "")
	if got := f.inbox[mallo][5]; got != "message bbbbbbbb groupchat subject delay" {
		t.Errorf("joiner got %s", got)
	}
}

func TestLongLanguageIsDropped(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.send(alice, `<message to="%s" type="groupchat" xml:lang="%s"><body>b</body></message>`, roomJID, strings.Repeat("x", 300))
	f.want(alice, "message aaaaaaaa groupchat body=b")
	if lang := first[Said](f.other).Utterance.Lang; lang != "" {
		t.Errorf("language %s", lang)
	}
}
