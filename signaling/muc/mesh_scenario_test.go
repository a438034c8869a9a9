package muc

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// newMeeting has alice, who is owner, at node 0, which has the authority, bob at node 1 and carol at node 2.
func newMeeting(t *testing.T) *mesh {
	m := newMesh(t, 3, Limits{})
	for node, jid := range []string{alice, bob, carol} {
		m.join(jid, node, "")
		m.quiet()
	}
	m.clear()
	return m
}

func (m *mesh) received(t *testing.T, jid string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, m.inbox(jid)); diff != "" {
		t.Errorf("%s received (-want +got):\n%s", nickOf(jid), diff)
	}
}

func TestMeeting(t *testing.T) {
	m := newMeeting(t)
	m.want(t, "aaaaaaaa owner/moderator, bbbbbbbb none/participant, cccccccc none/participant")
	m.send(bob, `<message to="%s" type="groupchat"><body>1</body></message>`, roomJID)
	m.quiet()
	for _, jid := range []string{alice, bob, carol} {
		m.received(t, jid, "message bbbbbbbb groupchat body=1")
	}
	m.send(bob, request, "cccccccc", "1")
	m.carry()
	m.received(t, carol, "iq bbbbbbbb set #1 jingle")
	m.send(carol, `<iq to="%s/bbbbbbbb" type="result" id="1"/>`, roomJID)
	m.carry()
	m.received(t, bob, "iq cccccccc result #1")
	m.received(t, alice)
}

// TestModerationFromAway has the owner at a node that is not the authority.
func TestModerationFromAway(t *testing.T) {
	m := newMeeting(t)
	m.admin(alice, `<item nick="bbbbbbbb" affiliation="owner"/>`)
	m.quiet()
	m.clear()

	m.admin(bob, `<item nick="cccccccc" role="none"><reason>noise</reason></item>`)
	m.carry()
	m.received(t, carol, "presence cccccccc unavailable none/none by bbbbbbbb (noise) 307 110")
	m.received(t, alice, "presence cccccccc unavailable none/none by bbbbbbbb (noise) 307")
	m.received(t, bob, "presence cccccccc unavailable none/none by bbbbbbbb (noise) 307", "iq room result #adm") // the answer comes last

	m.configure(bob, fieldSecret, "one")
	m.carry()
	m.received(t, bob, "message room groupchat 104", "iq room result #cfg")
	m.received(t, alice, "message room groupchat 104")
	m.join(carol, 2, "two")
	m.received(t, carol, "presence cccccccc error not-authorized")
	m.join(carol, 2, "one")
	m.want(t, "aaaaaaaa owner/moderator, bbbbbbbb owner/moderator, cccccccc none/participant")
	m.clear()

	m.send(bob, `<message to="%s" type="groupchat" id="s"><subject>S</subject></message>`, roomJID)
	m.carry()
	for _, jid := range []string{bob, carol} {
		m.received(t, jid, "message bbbbbbbb groupchat subject=S")
	}
	m.received(t, alice, "message bbbbbbbb groupchat #s subject=S")

	m.admin(carol, `<item nick="aaaaaaaa" role="none"/>`)
	m.send(carol, `<message to="%s" type="groupchat" id="s"><subject>mine</subject></message>`, roomJID)
	m.carry()
	m.received(t, carol, "iq room error #adm forbidden", "message room error #s forbidden")

	m.admin(bob, `<item jid="%s" affiliation="outcast"/>`, bareJID(carol))
	m.carry()
	m.received(t, carol, "presence cccccccc unavailable outcast/none 301 110")
	m.join(carol, 0, "one")
	m.received(t, carol, "presence cccccccc error forbidden")
	m.want(t, "aaaaaaaa owner/moderator, bbbbbbbb owner/moderator")

	m.clear()
	m.send(bob, `<iq to="%s" type="set" id="d"><query xmlns="http://jabber.org/protocol/muc#owner"><destroy/></query></iq>`, roomJID)
	m.carry()
	m.received(t, bob, "iq room result #d", "presence bbbbbbbb unavailable owner/none destroy 110")
	m.received(t, alice, "presence aaaaaaaa unavailable owner/none destroy 110")
	m.want(t, "")
}

// TestCrossedKicks has two owners kick each other at the same time: whoever the authority hears first stays.
func TestCrossedKicks(t *testing.T) {
	m := newMeeting(t)
	m.admin(alice, `<item nick="bbbbbbbb" affiliation="owner"/><item nick="cccccccc" affiliation="owner"/>`)
	m.quiet()
	m.admin(bob, `<item nick="cccccccc" role="none"/>`)
	m.admin(carol, `<item nick="bbbbbbbb" role="none"/>`)
	m.want(t, "aaaaaaaa owner/moderator, bbbbbbbb owner/moderator")
}

func TestAuthorityGoes(t *testing.T) {
	m := newMeeting(t)
	m.configure(alice, fieldSecret, "one")
	m.quiet()
	m.clear()
	m.send(alice, `<presence to="%s/aaaaaaaa" type="unavailable"/>`, roomJID)
	m.want(t, "bbbbbbbb owner/moderator, cccccccc none/participant")
	m.admin(bob, `<item nick="cccccccc" role="moderator"/>`)
	m.join(mallo, 0, "")
	m.received(t, mallo, "presence dddddddd error not-authorized")
	m.want(t, "bbbbbbbb owner/moderator, cccccccc none/moderator")
}

func TestMoveBetweenNodes(t *testing.T) {
	m := newMeeting(t)
	m.move(carol, 0)
	m.quiet()
	m.move(alice, 2)
	m.quiet()
	for _, jid := range []string{alice, bob, carol} {
		m.received(t, jid)
	}
	m.want(t, "aaaaaaaa owner/moderator, bbbbbbbb none/participant, cccccccc none/participant")
	m.send(alice, `<message to="%s" type="groupchat"><body>1</body></message>`, roomJID)
	m.carry()
	for _, jid := range []string{alice, bob, carol} {
		m.received(t, jid, "message aaaaaaaa groupchat body=1")
	}
}
