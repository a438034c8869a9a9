package hostile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// TestForeignNick: nobody is called as the focus or as somebody else, and nobody changes its name.
func TestForeignNick(t *testing.T) {
	t.Parallel()
	n := serve(t)
	a := n.in("nicks")
	evil := n.client()
	for _, nick := range []string{"focus", "FOCUS", a.id, "ffffffff", strings.ToUpper(evil.id) + "x", evil.id + "0", "", "a b", "\u202e" + evil.id} {
		evil.send(`<presence id="p` + nick + `" to="` + at("nicks", nick) + `" xmlns="jabber:client"><x xmlns="http://jabber.org/protocol/muc"/></presence>`)
		e := evil.await("refusal of "+nick, func(e *stanza.Element) bool { return e.Local == "presence" && e.Attr("type") == "error" })
		if got := condition(e); got != "not-acceptable" && got != "jid-malformed" {
			t.Errorf("nick %q: %q", nick, got)
		}
	}
	evil.join("nicks")
	for _, nick := range []string{"focus", a.id, "ffffffff"} {
		evil.send(`<presence to="` + at("nicks", nick) + `" xmlns="jabber:client"/>`)
		e := evil.await("refusal of "+nick, func(e *stanza.Element) bool { return e.Local == "presence" && e.Attr("type") == "error" })
		if got := condition(e); got != "not-acceptable" {
			t.Errorf("change to %q: %q", nick, got)
		}
	}
	evil.settled("nicks")
	if endpoints, _ := n.occupants("nicks"); len(endpoints) != 2 {
		t.Errorf("in the room: %q", endpoints)
	}
}

const (
	nsJingle = "urn:xmpp:jingle:1"
	nsSource = "urn:xmpp:jingle:apps:rtp:ssma:0"
)

// offered is a session that the focus offers.
type offered struct{ sid, channel string }

func (c *client) offered() offered {
	c.t.Helper()
	j := c.await("session-initiate", func(e *stanza.Element) bool {
		j := e.Child(nsJingle, "jingle")
		return j != nil && j.Attr("action") == "session-initiate"
	}).Child(nsJingle, "jingle")
	o := offered{sid: j.Attr("sid")}
	for _, content := range j.Children {
		if ws := content.Child("*", "transport"); ws != nil && ws.Child("*", "web-socket") != nil {
			o.channel = ws.Child("*", "web-socket").Attr("url")
		}
	}
	return o
}

// jingle sends a request of the session and returns the condition of the error that answers it, "" for a result.
func (c *client) jingle(room, sid, action, inner string) string {
	c.t.Helper()
	id := action + fmt.Sprint(len(c.heard()))
	c.send(`<iq id="` + id + `" to="` + at(room, "focus") + `" type="set" xmlns="jabber:client"><jingle action="` + action + `" sid="` + sid + `" xmlns="` + nsJingle + `">` + inner + `</jingle></iq>`)
	return condition(c.await("answer to "+action, func(e *stanza.Element) bool { return e.Attr("id") == id }))
}

// accepting returns the contents of a session-accept.
func accepting(audio, video string) string {
	transport := `<transport ufrag="abcd" pwd="0123456789abcdef01234567" xmlns="urn:xmpp:jingle:transports:ice-udp:1"><fingerprint hash="sha-256" setup="active" xmlns="urn:xmpp:jingle:apps:dtls:0">` +
		strings.TrimSuffix(strings.Repeat("AB:", 32), ":") + `</fingerprint></transport>`
	return content("audio", audio, transport) + content("video", video, transport)
}

func content(media, sources, transport string) string {
	return `<content creator="responder" name="` + media + `"><description media="` + media + `" xmlns="urn:xmpp:jingle:apps:rtp:1">` + sources + `</description>` + transport + `</content>`
}

func source(name string, ssrc int) string {
	return fmt.Sprintf(`<source name="%s" ssrc="%d" xmlns="%s"><parameter name="msid" value="s t"/></source>`, name, ssrc, nsSource)
}

// TestForeignSources: sources of others, SSRCs twice, and too many of either are refused, and nobody gets to see them.
func TestForeignSources(t *testing.T) {
	t.Parallel()
	n := serve(t)
	a, evil := n.in("sources"), n.in("sources")
	own := func(name string, ssrc int) string { return source(evil.id+"-"+name, ssrc) }
	sid := a.offered().sid
	if got := a.jingle("sources", sid, "session-accept", accepting(source(a.id+"-a0", 7), source(a.id+"-v0", 8))); got != "" {
		t.Fatal(got)
	}
	if got := evil.jingle("sources", sid, "session-accept", accepting("", "")); got != "item-not-found" {
		t.Errorf("the session of another: %q", got)
	}
	sid = evil.offered().sid
	// The SSRC of somebody else is nothing special: they are scoped to their participant.
	if got := evil.jingle("sources", sid, "session-accept", accepting(own("a0", 7), "")); got != "" {
		t.Fatal(got)
	}
	many := func(n, from int) (s string) {
		for i := range n {
			s += own(fmt.Sprintf("v%d", from+i), 1000+from+i)
		}
		return s
	}
	group := func(semantics string, ssrcs ...int) string {
		g := `<ssrc-group semantics="` + semantics + `" xmlns="` + nsSource + `">`
		for _, ssrc := range ssrcs {
			g += fmt.Sprintf(`<source ssrc="%d"/>`, ssrc)
		}
		return g + `</ssrc-group>`
	}
	for name, c := range map[string]struct{ sources, condition string }{
		"of another":           {source(a.id+"-v1", 100), "forbidden"},
		"of nobody":            {source("ffffffff-v0", 100), "forbidden"},
		"of the focus":         {source("focus-v0", 100), "bad-request"},
		"no name of a source":  {source("x", 100), "bad-request"},
		"of the other kind":    {own("a1", 100), "bad-request"},
		"name twice":           {own("v0", 100) + own("v0", 101), "bad-request"},
		"SSRC in use":          {own("v0", 7), "bad-request"},
		"SSRC twice":           {own("v0", 100) + own("v1", 100), "bad-request"},
		"SSRC 0":               {own("v0", 0), "bad-request"},
		"SSRC too large":       {own("v0", 1<<32), "bad-request"},
		"too many sources":     {many(5, 0), "resource-constraint"},
		"too many SSRCs":       {many(100, 0), "resource-constraint"},
		"group of the absent":  {own("v0", 100) + group("FID", 100, 101), "bad-request"},
		"group with oneself":   {own("v0", 100) + group("FID", 100, 100), "bad-request"},
		"group across sources": {own("v0", 100) + own("v1", 101) + group("SIM", 100, 101), "bad-request"},
		"many encodings":       {own("v0", 1) + own("v0", 2) + own("v0", 3) + own("v0", 4) + own("v0", 5) + group("SIM", 1, 2, 3, 4, 5), "resource-constraint"},
	} {
		if got := evil.jingle("sources", sid, "source-add", content("video", c.sources, "")); got != c.condition {
			t.Errorf("%s: %q, want %q", name, got, c.condition)
		}
	}
	if got := evil.jingle("sources", sid, "source-remove", content("video", source(a.id+"-v0", 8), "")); got != "item-not-found" {
		t.Errorf("taking away the source of another: %q", got)
	}
	if got := evil.jingle("sources", sid, "source-add", content("video", many(4, 0), "")); got != "" {
		t.Errorf("as many as are allowed: %q", got)
	}
	if got := evil.jingle("sources", sid, "source-add", content("video", many(1, 4), "")); got != "resource-constraint" {
		t.Errorf("one more: %q", got)
	}
	_, sources := n.occupants("sources")
	if len(sources) != 7 {
		t.Errorf("sources in the room: %q", sources)
	}
}

// TestUnusableAccept: an answer that cannot be used ends that session and no other.
func TestUnusableAccept(t *testing.T) {
	t.Parallel()
	n := serve(t)
	a := n.in("accept")
	for name, inner := range map[string]string{
		"foreign source": accepting(source(a.id+"-a0", 1), ""),
		"nothing":        "",
		"no fingerprint": strings.ReplaceAll(accepting("", ""), "fingerprint", "fungerprint"),
		"sha-1 in hex":   strings.ReplaceAll(accepting("", ""), "sha-256", "sha-1"),
		"wrong role":     strings.ReplaceAll(accepting("", ""), "active", "passive"),
		"short password": strings.ReplaceAll(accepting("", ""), "0123456789abcdef01234567", "0123"),
		"no fragment":    strings.ReplaceAll(accepting("", ""), `ufrag="abcd"`, ""),
		"odd fragment":   strings.ReplaceAll(accepting("", ""), `ufrag="abcd"`, `ufrag="a:b&#10;"`),
	} {
		evil := n.in("accept")
		o := evil.offered()
		if got := evil.jingle("accept", o.sid, "session-accept", inner); got == "" {
			t.Errorf("%s: accepted", name)
		}
		if got := evil.jingle("accept", o.sid, "session-accept", accepting("", "")); got != "item-not-found" {
			t.Errorf("%s, then a second answer: %q", name, got)
		}
	}
	if got := a.jingle("accept", a.offered().sid, "session-accept", accepting(source(a.id+"-a0", 1), "")); got != "" {
		t.Errorf("the session beside: %q", got)
	}
}
