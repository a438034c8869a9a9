package muc

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUpdateIsSpreadVerbatim(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	const payload = `<stats-id>X</stats-id><c hash='sha-1' node="https://jitsi.org/jitsi-meet" ver="v=" xmlns="http://jabber.org/protocol/caps"/>` +
		`<SourceInfo>{"bbbbbbbb-a0":{"muted":true}}</SourceInfo><features><feature var="https://jitsi.org/meet/e2ee"/></features>` +
		`<jitsi_participant_region>eu</jitsi_participant_region><status>away</status>`
	effects := f.room.Handle(f.now, bob, f.parse(bob, `<presence id="p1" to="`+roomJID+`/bbbbbbbb">`+payload+`</presence>`))
	f.take(effects)
	for _, jid := range []string{alice, bob} {
		found := false
		for _, e := range effects {
			if d, ok := e.(Deliver); ok && d.To == jid {
				found = strings.HasSuffix(string(d.Stanza), "</x>"+payload+"</presence>")
			}
		}
		if !found {
			t.Errorf("%s did not get the payload as it was", jid)
		}
	}
	f.want(bob, `presence bbbbbbbb #p1 none/participant 110 stats-id=X c SourceInfo={"bbbbbbbb-a0":{"muted":true}} features `+
		`jitsi_participant_region=eu status=away`)
	if count[Updated](f.other) != 1 {
		t.Errorf("effects %v", f.other)
	}
	f.enter(carol, "cccccccc", "", "")
	if !strings.Contains(f.inbox[carol][2], "stats-id=X") {
		t.Errorf("a later joiner got %v", f.inbox[carol])
	}
}

func TestClientsCannotSendWhatServersSend(t *testing.T) {
	for name, forged := range map[string]string{
		"muc user":            `<x xmlns="http://jabber.org/protocol/muc#user"><item jid="focus@auth.meet.test/focus" role="moderator"/></x>`,
		"muc user, prefixed":  `<u:x xmlns:u="http://jabber.org/protocol/muc#user"><u:status code="110"/></u:x>`,
		"muc user, nested":    `<wrap><x xmlns="http://jabber.org/protocol/muc#user"><status code="307"/></x></wrap>`,
		"muc, nested":         `<wrap xmlns="urn:w"><x xmlns="http://jabber.org/protocol/muc"><password>p</password></x></wrap>`,
		"delay":               `<delay xmlns="urn:xmpp:delay" stamp="2020-01-01T00:00:00Z"/>`,
		"old delay":           `<x xmlns="jabber:x:delay" stamp="20200101T00:00:00"/>`,
		"identity":            `<identity><user><id>root</id></user></identity>`,
		"occupant id":         `<occupant-id xmlns="urn:xmpp:occupant-id:0" id="1"/>`,
		"hats":                `<hats xmlns="urn:xmpp:hats:0"><hat title="boss" uri="x"/></hats>`,
		"permissions":         `<permissions xmlns="http://jitsi.org/jitmeet"><p name="recording" val="true"/></permissions>`,
		"features of a token": `<features xmlns="http://jitsi.org/jitmeet"/>`,
		"region of a server":  `<region xmlns="http://jitsi.org/jitsi-meet" id="eu"/>`,
		"status code":         `<status code="110"/>`,
		"conference":          `<conference-properties xmlns="http://jitsi.org/protocol/focus"/>`,
		"stanza id":           `<stanza-id xmlns="urn:xmpp:sid:0" by="demo@conference.meet.test" id="1"/>`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.join(alice, bob)
			f.send(bob, `<presence to="%s/bbbbbbbb"><nick xmlns="http://jabber.org/protocol/nick">b</nick>%s</presence>`, roomJID, forged)
			f.want(alice, "presence bbbbbbbb none/participant nick")
			f.want(bob, "presence bbbbbbbb none/participant 110 nick")
			if u := f.other[0].(Updated); len(u.Presence.Children) != 1 {
				t.Errorf("the presence that is handed out has %d children", len(u.Presence.Children))
			}
			if name == "identity" || strings.HasSuffix(name, "token") || strings.HasSuffix(name, "server") || name == "permissions" {
				return
			}
			f.send(bob, `<message to="%s" type="groupchat"><body>b</body>%s</message>`, roomJID, forged)
			f.want(alice, "message bbbbbbbb groupchat body=b")
		})
	}
}

func TestElementOfTheRoomComesFirst(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.send(bob, `<presence to="%s/bbbbbbbb"><c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="n" ver="v"/></presence>`, roomJID)
	for jid, st := range f.last {
		if st.Children[0].Space != nsUser {
			t.Errorf("%s got %s first", jid, st.Children[0].Space)
		}
	}
}

func TestPresenceTooLarge(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.Presence = 100 })
	f.join(alice, bob)
	f.send(bob, `<presence to="%s/bbbbbbbb"><stats-id>1</stats-id></presence>`, roomJID)
	f.send(bob, `<presence to="%s/bbbbbbbb"><stats-id>%s</stats-id></presence>`, roomJID, strings.Repeat("x", 100))
	f.want(bob, "presence bbbbbbbb error policy-violation")
	f.want(alice)
	f.enter(mallo, "dddddddd", "", "<a>"+strings.Repeat("x", 100)+"</a>")
	f.want(mallo, "presence dddddddd error policy-violation")
	f.enter(carol, "cccccccc", "", "")
	if diff := cmp.Diff("presence bbbbbbbb none/participant stats-id=1", f.inbox[carol][2]); diff != "" {
		t.Error(diff)
	}
}

func TestNickIsFixed(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	for _, join := range []string{"", `<x xmlns="http://jabber.org/protocol/muc"/>`} {
		f.send(alice, `<presence to="%s/abababab">%s</presence>`, roomJID, join)
		f.want(alice, "presence abababab error not-acceptable")
	}
}

func TestFocusProperties(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	set := func(kv map[string]string) {
		f.clear()
		f.take(f.room.SetFocusProperties(kv))
	}
	set(map[string]string{"bridge-count": "1", "a": "&"})
	f.want(alice, "presence focus owner/moderator")
	got := string(f.last[alice].Child(nsFocus, "conference-properties").Bytes())
	want := `<conference-properties xmlns="http://jitsi.org/protocol/focus"><property xmlns="http://jitsi.org/protocol/focus" key="a" value="&amp;"/>` +
		`<property xmlns="http://jitsi.org/protocol/focus" key="bridge-count" value="1"/></conference-properties>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	set(map[string]string{"bridge-count": "1", "a": "&"})
	f.want(alice)
}
