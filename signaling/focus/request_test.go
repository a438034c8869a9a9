package focus

import (
	"net/http"
	"strings"
	"testing"

	"github.com/atoll-mesh/atoll/signaling/stanza/stanzatest"
)

var desk = Desk{Domain: "meet.test"}

func TestConferenceIQ(t *testing.T) {
	const request = `<iq from="c@meet.test/r" to="focus.meet.test" type="set" id="C:sendIQ" xmlns="jabber:client">` +
		`<conference machine-uid="b2e9" room="room1@conference.meet.test" xmlns="http://jitsi.org/protocol/focus">` +
		`<property name="rtcstatsEnabled" value="false"/><property name="visitors-version" value="1"/></conference></iq>`
	got := desk.IQ(parse(t, request)).Bytes()
	if err := stanzatest.CheckNamespaces(got); err != nil {
		t.Error(err)
	}
	(&bed{t: t}).golden("conference.xml", got)
}

func TestRefusedConferenceIQ(t *testing.T) {
	for child, want := range map[string]string{
		`<conference xmlns="http://jitsi.org/protocol/focus"/>`:                                   "bad-request",
		`<conference room="room1@elsewhere.test" xmlns="http://jitsi.org/protocol/focus"/>`:       "bad-request",
		`<logout session-id="x" xmlns="http://jitsi.org/protocol/focus"/>`:                        "service-unavailable",
		`<conference room="room1@conference.meet.test" xmlns="http://jitsi.org/protocol/jibri"/>`: "service-unavailable",
	} {
		got := desk.IQ(parse(t, `<iq from="c@meet.test/r" to="focus.meet.test" type="set" id="1">`+child+`</iq>`))
		if got.Attr("type") != "error" || condition(got) != want || got.Attr("to") != "c@meet.test/r" {
			t.Errorf("%s: %s", child, got.Bytes())
		}
	}
	if got := desk.IQ(parse(t, `<iq from="c@meet.test/r" type="result" id="1"/>`)); got != nil {
		t.Errorf("a result is answered: %s", got.Bytes())
	}
	if got := desk.IQ(parse(t, `<iq from="c@meet.test/r" type="get" id="1"><ping xmlns="urn:xmpp:ping"/></iq>`)); got.Attr("type") != "result" {
		t.Errorf("a ping is answered with %s", got.Bytes())
	}
}

func TestConferenceJSON(t *testing.T) {
	status, got := desk.JSON([]byte(`{"machineUid":"b2e9","properties":{"rtcstatsEnabled":false,"visitors-version":1},` +
		`"room":"room1@conference.meet.test"}`))
	const want = `{"focusJid":"focus@auth.meet.test","properties":{"authentication":"false","externalAuth":"false"},` +
		`"ready":true,"room":"room1@conference.meet.test"}`
	if status != http.StatusOK || string(got) != want {
		t.Errorf("%d %s", status, got)
	}
	for _, body := range []string{
		``, `null`, `[]`, `{"room":7}`, `{"room":"x"}`, `{"room":"a@conference.meet.test","x":"` + strings.Repeat("x", maxRequestBody) + `"}`,
	} {
		if status, got := desk.JSON([]byte(body)); status != http.StatusBadRequest {
			t.Errorf("%.40s: %d %s", body, status, got)
		}
	}
}

func TestRoomNames(t *testing.T) {
	for in, want := range map[string]string{
		"room1@conference.meet.test":                       "room1@conference.meet.test",
		"Room1@Conference.meet.test":                       "room1@conference.meet.test",
		"[tenant]room@conference.meet.test":                "[tenant]room@conference.meet.test",
		"räume%20hier@conference.meet.test":                "räume%20hier@conference.meet.test",
		strings.Repeat("x", 255) + "@conference.meet.test": strings.Repeat("x", 255) + "@conference.meet.test",
		strings.Repeat("x", 256) + "@conference.meet.test": "",
		"@conference.meet.test":                            "",
		"room1":                                            "",
		"":                                                 "",
		"room1@meet.test":                                  "",
		"room1@conference.meet.test/nick":                  "",
		"a b@conference.meet.test":                         "",
		"a<b@conference.meet.test":                         "",
		"a/b@conference.meet.test":                         "",
		"a@b@conference.meet.test":                         "",
		"a\"b@conference.meet.test":                        "",
		"a\x00b@conference.meet.test":                      "",
		"a\xffb@conference.meet.test":                      "",
		"room1@conference.meet.test.evil.test":             "",
		"room1@conference.tenant.meet.test":                "",
	} {
		if got, err := desk.Room(in); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}
