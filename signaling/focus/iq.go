package focus

import (
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// HandleIQ takes an IQ that the participant sent to the focus. What comes from another JID is ignored.
func (p *Participant) HandleIQ(now time.Time, iq *stanza.Element) []Effect {
	if iq.Local != "iq" || iq.Attr("from") != p.cfg.JID {
		return nil
	}
	switch iq.Attr("type") {
	case "result", "error":
		return p.answered(now, iq)
	case "get", "set":
	default:
		return nil
	}
	if answer := courtesy(iq); answer != nil {
		return []Effect{Send{answer.Bytes()}}
	}
	more, bad := p.asked(now, iq)
	answer := stanza.Result(iq)
	if bad != nil {
		answer = bad.answer(iq)
	}
	return append([]Effect{Send{answer.Bytes()}}, more...)
}

func (p *Participant) asked(now time.Time, iq *stanza.Element) ([]Effect, *refusal) {
	if len(iq.Children) != 1 {
		return nil, badRequest("want one child element")
	}
	child := iq.Children[0]
	if iq.Attr("type") == "set" {
		switch {
		case child.Is(nsJingle, "jingle"):
			return p.handleJingle(now, child)
		case child.Local == "mute":
			return p.handleMute(child)
		}
	}
	return nil, &refusal{kind: "cancel", condition: "service-unavailable"}
}

// answered takes the answer to one of our requests.
func (p *Participant) answered(now time.Time, iq *stanza.Element) []Effect {
	r, ok := p.waiting.take(iq.Attr("id"))
	if !ok {
		return nil
	}
	if r.name == requestDisco {
		return p.discovered(now, iq)
	}
	if iq.Attr("type") == "result" || r.sid != p.sid || p.phase == idle {
		return nil
	}
	if r.name == "session-initiate" && p.phase == offered {
		p.reset()
	}
	return []Effect{Rejected{Request: r.name, Condition: condition(iq)}}
}

func (p *Participant) discovered(now time.Time, iq *stanza.Element) []Effect {
	query := iq.Child(nsDisco, "query")
	if iq.Attr("type") == "error" || query == nil {
		if p.known {
			return nil
		}
		return p.learn(now, assumed())
	}
	all := features(query)
	if p.caps.verify(query) {
		p.cfg.Caps.put(p.caps.Ver, all)
	}
	return p.learn(now, all)
}

// condition returns the condition in an error stanza.
func condition(iq *stanza.Element) string {
	if e := iq.Child("*", "error"); e != nil {
		for _, c := range e.Children {
			if c.Space == stanza.Errors && c.Local != "text" && len(c.Local) <= 64 {
				return c.Local
			}
		}
	}
	return "undefined-condition"
}
