package hostile

import (
	"strings"
	"testing"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

func iq(kind, id, to, inner string) string {
	return `<iq id="` + id + `" to="` + to + `" type="` + kind + `" xmlns="jabber:client">` + inner + `</iq>`
}

// TestForeignAnswers: an answer counts when it comes from who was asked, to who asked, under the id of the question, and once.
func TestForeignAnswers(t *testing.T) {
	t.Parallel()
	n := serve(t)
	a, b, evil := n.in("answers"), n.in("answers"), n.in("answers")
	const query, forged = `<query xmlns="http://jabber.org/protocol/disco#info"/>`, `<query xmlns="http://jabber.org/protocol/disco#info"><feature var="FORGED"/></query>`

	a.send(iq("get", "q1", at("answers", b.id), query))
	b.await("question", answer("q1", "get"))
	for _, to := range []string{at("answers", a.id), at("answers", b.id), at("answers", "focus"), at("answers", ""), a.jid, "localhost", "focus.localhost"} {
		for _, kind := range []string{"result", "error"} {
			evil.send(iq(kind, "q1", to, forged))
			evil.send(iq(kind, "never", to, forged))
		}
	}
	b.send(iq("result", "q2", at("answers", a.id), forged))    // another id
	b.send(iq("result", "q1", at("answers", evil.id), forged)) // to somebody else
	evil.settled("answers")
	b.send(iq("result", "q1", at("answers", a.id), `<query xmlns="http://jabber.org/protocol/disco#info"><feature var="right"/></query>`))
	got := a.await("answer", answer("q1", "result"))
	if got.Attr("from") != at("answers", b.id) || !strings.Contains(string(got.Bytes()), "right") {
		t.Errorf("answer is %s", got.Bytes())
	}
	b.send(iq("result", "q1", at("answers", a.id), forged)) // once more
	b.settled("answers")
	a.settled("answers")
	if all := a.heard() + b.heard() + evil.heard(); strings.Contains(all, "FORGED") || strings.Contains(all, "never") {
		t.Errorf("a foreign answer was passed on: %s", all)
	}
}

// TestFocusBelievesTheAskedOnly: the features of a client are those that it tells itself.
func TestFocusBelievesTheAskedOnly(t *testing.T) {
	t.Parallel()
	n := serve(t)
	evil := n.in("asked")
	silent := n.client()
	silent.hush()
	silent.send(`<presence to="` + at("asked", silent.id) + `" xmlns="jabber:client"><x xmlns="http://jabber.org/protocol/muc"/><c hash="sha-1" node="n" ver="unknown" xmlns="http://jabber.org/protocol/caps"/></presence>`)
	question := silent.await("question of the focus", func(e *stanza.Element) bool {
		return e.Local == "iq" && e.Attr("type") == "get"
	})
	for _, to := range []string{"", at("asked", silent.id), at("asked", ""), "focus.localhost", "localhost"} {
		evil.send(disco(question, to))
	}
	evil.settled("asked")
	silent.send(strings.Replace(disco(question, ""), question.Attr("id"), "another", 1))
	silent.send(disco(question, at("asked", "")))
	silent.send(disco(question, "focus.localhost"))
	silent.settled("asked")
	offers := func(e *stanza.Element) bool { return e.Child(nsJingle, "jingle") != nil }
	if got := silent.count(offers); got != 0 {
		t.Errorf("%d offers before it answered", got)
	}
	silent.send(disco(question, ""))
	silent.await("offer", offers)
}
