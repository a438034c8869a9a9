package focus

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"mellium.im/xmpp/jid"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

const (
	maxRoomName    = 255
	maxRequestBody = 16 << 10

	statusOK, statusBadRequest = 200, 400 // of HTTP
)

// Desk answers conference requests for one XMPP domain.
type Desk struct{ Domain string }

// JID is the bare JID of the focus. Clients trust the room occupants whose real JID begins with it.
func (d Desk) JID() string { return "focus@auth." + d.Domain }

// Room returns the canonical bare JID of a room that a client named, or an error when it is none of conference.<domain>.
func (d Desk) Room(s string) (string, error) {
	local, domain, ok := strings.Cut(s, "@")
	switch {
	case !ok || local == "":
		return "", fmt.Errorf("room %.40q: want name@conference.%s", s, d.Domain)
	case !strings.EqualFold(domain, "conference."+d.Domain):
		return "", fmt.Errorf("room %.40q: not at conference.%s", s, d.Domain)
	case len(local) > maxRoomName:
		return "", fmt.Errorf("room %.40q…: longer than %d bytes", s, maxRoomName)
	}
	j, err := jid.New(local, "conference."+d.Domain, "")
	if err != nil {
		return "", fmt.Errorf("room %.40q: %w", s, err)
	}
	return j.String(), nil
}

// IQ answers an IQ to focus.<domain>. It returns nil when nothing is to be answered.
func (d Desk) IQ(iq *stanza.Element) *stanza.Element {
	if kind := iq.Attr("type"); iq.Local != "iq" || kind != "get" && kind != "set" {
		return nil
	}
	if answer := courtesy(iq); answer != nil {
		return answer
	}
	request := iq.Child(nsFocus, "conference")
	if request == nil || iq.Attr("type") != "set" {
		return stanza.ErrorReply(iq, "cancel", "service-unavailable", "")
	}
	room, err := d.Room(request.Attr("room"))
	if err != nil {
		return stanza.ErrorReply(iq, "modify", "bad-request", err.Error())
	}
	property := func(name string) *stanza.Element {
		return stanza.New(nsFocus, "property", "name", name, "value", "false")
	}
	return stanza.Result(iq, stanza.New(nsFocus, "conference", "ready", "true", "focusjid", d.JID(), "room", room).
		With(property("authentication"), property("externalAuth"), property("sipGatewayEnabled")))
}

// JSON answers the body of a POST to /conference-request/v1 with an HTTP status and a body.
func (d Desk) JSON(body []byte) (status int, answer []byte) {
	room, err := d.parse(body)
	if err != nil {
		b, _ := json.Marshal(map[string]string{"error": err.Error()})
		return statusBadRequest, b
	}
	// Properties that are not "true" are left out where the client only looks whether they are there: sipGatewayEnabled and
	// visitors-supported would be on for any string.
	b, _ := json.Marshal(map[string]any{
		"ready":      true,
		"focusJid":   d.JID(),
		"room":       room,
		"properties": map[string]string{"authentication": "false", "externalAuth": "false"},
	})
	return statusOK, b
}

func (d Desk) parse(body []byte) (string, error) {
	if len(body) > maxRequestBody {
		return "", fmt.Errorf("conference request: more than %d bytes", maxRequestBody)
	}
	var request struct{ Room string }
	if err := json.Unmarshal(body, &request); err != nil {
		return "", errors.New("conference request: not a JSON object with a room")
	}
	return d.Room(request.Room)
}

// courtesy answers what any entity is asked: ping (XEP-0199) and disco#info (XEP-0030).
func courtesy(iq *stanza.Element) *stanza.Element {
	if iq.Attr("type") != "get" {
		return nil
	}
	if iq.Child(nsPing, "ping") != nil {
		return stanza.Result(iq)
	}
	if query := iq.Child(nsDisco, "query"); query != nil {
		return stanza.Result(iq, stanza.New(nsDisco, "query", "node", query.Attr("node")).With(
			stanza.New(nsDisco, "identity", "category", "component", "type", "generic", "name", "focus"),
			stanza.New(nsDisco, "feature", "var", nsDisco),
			stanza.New(nsDisco, "feature", "var", nsPing),
			stanza.New(nsDisco, "feature", "var", nsJingle)))
	}
	return nil
}
