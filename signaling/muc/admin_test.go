package muc

import (
	"fmt"
	"strings"
	"testing"
)

func (f *fixture) admin(jid, items string, args ...any) {
	f.t.Helper()
	f.send(jid, `<iq to="%s" type="set" id="adm"><query xmlns="http://jabber.org/protocol/muc#admin">%s</query></iq>`,
		roomJID, fmt.Sprintf(items, args...))
}

func TestKick(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob, carol)
	f.admin(alice, `<item nick="bbbbbbbb" role="none"><reason>noise</reason></item>`)
	f.want(bob, "presence bbbbbbbb unavailable none/none by aaaaaaaa (noise) 307 110")
	f.want(carol, "presence bbbbbbbb unavailable none/none by aaaaaaaa (noise) 307")
	f.want(alice, "presence bbbbbbbb unavailable none/none by aaaaaaaa (noise) 307", "iq room result #adm")
	if l := first[Left](f.other); l.Cause != Kicked || l.Occupant.Nick != "bbbbbbbb" {
		t.Errorf("effects %v", f.other)
	}
	f.enter(bob, "bbbbbbbb", "", "")
	f.wantPresent("aaaaaaaa owner/moderator, cccccccc none/participant, bbbbbbbb none/participant")
}

func TestGrantModerator(t *testing.T) {
	for name, item := range map[string]string{
		"bare jid":     `affiliation="owner" jid="` + bareJID(bob) + `"`,
		"full jid":     `affiliation="owner" jid="` + bob + `"`,
		"occupant jid": `affiliation="owner" jid="` + roomJID + `/bbbbbbbb"`,
		"nick":         `affiliation="owner" nick="bbbbbbbb"`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.join(alice, bob)
			f.admin(alice, `<item %s/>`, item)
			f.want(bob, "presence bbbbbbbb owner/moderator 110")
			f.want(alice, "presence bbbbbbbb owner/moderator", "iq room result #adm")
			if count[RoleChanged](f.other) != 1 {
				t.Errorf("effects %v", f.other)
			}
			f.send(bob, `<presence to="%s/bbbbbbbb" type="unavailable"/>`, roomJID)
			f.enter(bob, "bbbbbbbb", "", "") // a grant stays
			f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb owner/moderator")
		})
	}
}

func TestGrantRoleAlone(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob, carol)
	f.admin(alice, `<item nick="bbbbbbbb" role="moderator"/>`)
	f.want(carol, "presence bbbbbbbb none/moderator")
	f.admin(bob, `<item nick="aaaaaaaa" role="none"/>`)
	f.want(bob, "iq room error #adm not-allowed")
	f.admin(bob, `<item nick="cccccccc" role="none"/>`)
	f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb none/moderator")
	f.admin(alice, `<item nick="bbbbbbbb" role="participant"/>`)
	f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb none/participant")
}

func TestAdminRefused(t *testing.T) {
	many := strings.Repeat(`<item nick="bbbbbbbb" role="moderator"/>`, 33)
	for name, c := range map[string]struct{ from, items, want string }{
		"kick by a listener":     {bob, `<item nick="aaaaaaaa" role="none"/>`, "forbidden"},
		"grant to oneself":       {bob, `<item nick="bbbbbbbb" affiliation="owner"/>`, "forbidden"},
		"kick the focus":         {alice, `<item nick="focus" role="none"/>`, "not-allowed"},
		"focus by occupant jid":  {alice, `<item jid="` + roomJID + `/focus" affiliation="none"/>`, "not-allowed"},
		"ban the focus":          {alice, `<item jid="` + focusJID + `" affiliation="outcast"/>`, "not-allowed"},
		"kick nobody":            {alice, `<item nick="99999999" role="none"/>`, "item-not-found"},
		"kick who is elsewhere":  {alice, `<item jid="x@y" role="none"/>`, "item-not-found"},
		"grant to nobody":        {alice, `<item nick="99999999" affiliation="owner"/>`, "item-not-found"},
		"nothing":                {alice, ``, "bad-request"},
		"neither":                {alice, `<item nick="bbbbbbbb"/>`, "bad-request"},
		"both":                   {alice, `<item nick="bbbbbbbb" role="none" affiliation="none"/>`, "bad-request"},
		"no name":                {alice, `<item role="none"/>`, "bad-request"},
		"visitor":                {alice, `<item nick="bbbbbbbb" role="visitor"/>`, "feature-not-implemented"},
		"admin":                  {alice, `<item nick="bbbbbbbb" affiliation="admin"/>`, "feature-not-implemented"},
		"the last owner resigns": {alice, `<item nick="aaaaaaaa" affiliation="none"/>`, "conflict"},
		"ban oneself":            {alice, `<item nick="aaaaaaaa" affiliation="outcast"/>`, "conflict"},
		"owner without role":     {alice, `<item nick="aaaaaaaa" role="participant"/>`, "not-allowed"},
		"ban a domain":           {alice, `<item jid="meet.test" affiliation="outcast"/>`, "jid-malformed"},
		"long jid":               {alice, `<item jid="a@` + strings.Repeat("x", 4000) + `" affiliation="member"/>`, "jid-malformed"},
		"too many":               {alice, many, "policy-violation"},
		"all or nothing":         {alice, `<item nick="bbbbbbbb" role="none"/><item nick="focus" role="none"/>`, "not-allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.join(alice, bob)
			f.admin(c.from, `%s`, c.items)
			f.want(c.from, "iq room error #adm "+c.want)
			f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb none/participant")
		})
	}
}

func TestAffiliationsAreBounded(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.Affiliations = 2 })
	f.join(alice)
	f.admin(alice, `<item jid="1@x" affiliation="outcast"/>`)
	f.admin(alice, `<item jid="2@x" affiliation="outcast"/>`)
	f.admin(alice, `<item jid="3@x" affiliation="outcast"/>`)
	f.want(alice, "iq room error #adm resource-constraint")
	f.admin(alice, `<item jid="1@x" affiliation="none"/>`)
	f.admin(alice, `<item jid="3@x" affiliation="outcast"/>`)
	f.want(alice, "iq room result #adm")
	f.admin(alice, `<item jid="3@x" affiliation="none"/>`)
	f.admin(alice, `<item jid="4@x" affiliation="member"/><item jid="5@x" affiliation="member"/>`)
	f.want(alice, "iq room error #adm resource-constraint")
	if n := len(f.room.header.affiliations); n != 1 {
		t.Errorf("%d affiliations", n)
	}
}

func TestBan(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.admin(alice, `<item jid="%s" affiliation="outcast"><reason>spam</reason></item>`, bareJID(bob))
	f.want(bob, "presence bbbbbbbb unavailable outcast/none by aaaaaaaa (spam) 301 110")
	f.enter(bob, "bbbbbbbb", "", "")
	f.want(bob, "presence bbbbbbbb error forbidden")
	f.send(alice, `<iq to="%s" type="get" id="l"><query xmlns="http://jabber.org/protocol/muc#admin"><item affiliation="outcast"/></query></iq>`, roomJID)
	if item := f.last[alice].Child(nsAdmin, "query").Child(nsAdmin, "item"); item == nil || item.Attr("jid") != bareJID(bob) {
		t.Errorf("list %s", f.last[alice].Bytes())
	}
	f.admin(alice, `<item jid="%s" affiliation="none"/>`, bareJID(bob))
	f.enter(bob, "bbbbbbbb", "", "")
	f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb none/participant")
}

func TestOwnerResigns(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.admin(alice, `<item nick="bbbbbbbb" affiliation="owner"/>`)
	f.admin(alice, `<item nick="aaaaaaaa" affiliation="none"/>`)
	f.wantPresent("aaaaaaaa none/participant, bbbbbbbb owner/moderator")
	f.admin(bob, `<item nick="aaaaaaaa" role="moderator"/><item nick="aaaaaaaa" role="none"/><item nick="aaaaaaaa" role="moderator"/>`)
	f.wantPresent("bbbbbbbb owner/moderator")
}

func TestLists(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob, carol)
	for ask, want := range map[string]string{`role="moderator"`: "aaaaaaaa", `role="participant"`: "bbbbbbbb cccccccc", `affiliation="owner"`: "aaaaaaaa"} {
		f.send(alice, `<iq to="%s" type="get" id="l"><query xmlns="http://jabber.org/protocol/muc#admin"><item %s/></query></iq>`, roomJID, ask)
		var nicks []string
		for _, item := range f.last[alice].Child(nsAdmin, "query").Children {
			nicks = append(nicks, item.Attr("nick"))
		}
		if got := strings.Join(nicks, " "); got != want {
			t.Errorf("%s: %s", ask, got)
		}
	}
	f.send(bob, `<iq to="%s" type="get" id="l"><query xmlns="http://jabber.org/protocol/muc#admin"><item role="moderator"/></query></iq>`, roomJID)
	f.want(bob, "iq room error #l forbidden")
}
