package focus

import (
	"strings"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// muteNamespace returns the namespace of a mute element.
func muteNamespace(kind room.Kind, desktop bool) string {
	switch {
	case kind == room.Audio:
		return nsJitmeet + "/audio"
	case desktop:
		return nsJitmeet + "/desktop"
	}
	return nsJitmeet + "/video"
}

// handleMute takes the request to mute somebody. Moderators may mute anybody, others only themselves, and nobody may unmute
// another one. Muting itself is done by the client; it only asks whether it may.
func (p *Participant) handleMute(mute *stanza.Element) ([]Effect, *refusal) {
	request := MuteRequest{Kind: room.Video, Actor: p.cfg.Room + "/" + string(p.cfg.Endpoint)}
	switch mute.Space {
	case muteNamespace(room.Audio, false):
		request.Kind = room.Audio
	case muteNamespace(room.Video, true):
		request.Desktop = true
	case muteNamespace(room.Video, false):
	default:
		return nil, &refusal{kind: "cancel", condition: "service-unavailable"}
	}
	target, ok := strings.CutPrefix(mute.Attr("jid"), p.cfg.Room+"/")
	if !ok || mute.Text != "true" && mute.Text != "false" {
		return nil, badRequest("want the JID of an occupant, and true or false")
	}
	if target == string(p.cfg.Endpoint) {
		return nil, nil
	}
	notAllowed := &refusal{kind: "cancel", condition: "not-allowed"}
	if _, moderator := p.cfg.Roster.Standing(string(p.cfg.Endpoint)); !moderator || mute.Text == "false" {
		return nil, notAllowed
	}
	if target == nick {
		return nil, notAllowed
	}
	if present, _ := p.cfg.Roster.Standing(target); !present {
		return nil, &refusal{kind: "cancel", condition: "item-not-found", text: "no such occupant"}
	}
	request.Target = strings.Clone(target)
	return []Effect{request}, nil
}
