package focus

import (
	"strconv"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

func (p *Participant) handleJingle(now time.Time, jingle *stanza.Element) ([]Effect, *refusal) {
	if p.phase == idle || jingle.Attr("sid") != p.sid {
		return nil, unknownSession
	}
	action := jingle.Attr("action")
	switch action {
	case "session-accept":
		return p.accept(now, jingle)
	case "session-terminate":
		return p.terminated(jingle)
	case "session-info":
		return p.info(jingle)
	}
	if p.phase != active {
		return nil, outOfOrder
	}
	switch action {
	case "source-add", "addsource":
		return p.addSources(jingle)
	case "source-remove", "removesource":
		return p.removeSources(jingle)
	case "transport-info":
		return p.restarted(jingle)
	}
	return nil, &refusal{kind: "cancel", condition: "feature-not-implemented", text: "unsupported action"}
}

// accept takes the client's answer to the offer. An answer that cannot be used ends the session: the client would wait for
// ever in it.
func (p *Participant) accept(now time.Time, jingle *stanza.Element) ([]Effect, *refusal) {
	if p.phase != offered {
		return nil, outOfOrder
	}
	accepted, bad := p.parseAccept(jingle)
	if bad != nil {
		ended := Terminated{SID: p.sid, Reason: bad.condition}
		p.reset()
		return []Effect{ended}, bad
	}
	p.phase, p.acceptBy, p.sources = active, time.Time{}, accepted.Sources
	return append([]Effect{accepted}, p.flush(now, p.signalled, nil)...), nil
}

func (p *Participant) parseAccept(jingle *stanza.Element) (Accepted, *refusal) {
	r, ok := parseTransport(jingle)
	if !ok || r.fingerprint == "" {
		return Accepted{}, badRequest("no transport with credentials and the fingerprint of an active party")
	}
	sources, bad := p.announcedIn(jingle)
	if bad != nil {
		return Accepted{}, bad
	}
	all, bad := announced(nil).add(sources, p.cfg.Limits)
	if bad != nil {
		return Accepted{}, bad
	}
	return Accepted{
		SID: p.sid, Ufrag: r.ufrag, Pwd: r.pwd, Fingerprint: r.fingerprint, Sources: all, LastN: initialLastN(jingle),
	}, nil
}

func initialLastN(jingle *stanza.Element) int {
	for _, content := range jingle.Children {
		if e := content.Child(nsLastN, "initial-last-n"); e != nil {
			if n, err := strconv.ParseInt(e.Attr("value"), 10, 31); err == nil && n >= 0 {
				return int(n)
			}
		}
	}
	return -1
}

// terminated takes the end of the session. The sid is what counts: an unknown bridge-session changes nothing.
func (p *Participant) terminated(jingle *stanza.Element) ([]Effect, *refusal) {
	bridge := jingle.Child(nsFocus, "bridge-session")
	out := Terminated{SID: p.sid, Restart: bridge != nil && bridge.Attr("restart") == "true"}
	if reason := jingle.Child(nsJingle, "reason"); reason != nil && len(reason.Children) > 0 {
		if c := reason.Children[0]; c.Local != "text" && len(c.Local) <= 64 {
			out.Reason = c.Local
		}
	}
	p.reset()
	return []Effect{out}, nil
}

// ours reports whether a bridge-session element names the session that we offered, or none.
func (p *Participant) ours(bridge *stanza.Element) bool {
	id := bridge.Attr("id")
	return id == "" || p.bridgeSession == "" || id == p.bridgeSession
}

func (p *Participant) info(jingle *stanza.Element) ([]Effect, *refusal) {
	bridge := jingle.Child(nsFocus, "bridge-session")
	switch {
	case bridge != nil && !p.ours(bridge):
		return nil, &refusal{kind: "cancel", condition: "item-not-found", text: "another bridge session"}
	case bridge != nil && bridge.Attr("ice-restart") == "true":
		switch {
		case p.phase != active:
			return nil, outOfOrder
		case !p.cfg.ICERestart: // the client restarts the session instead
			return nil, &refusal{kind: "cancel", condition: "feature-not-implemented", text: "no ICE restart in place"}
		}
		return []Effect{ICERestart{}}, nil
	}
	if state := jingle.Child(nsFocus, "ice-state"); state != nil && state.Text == "failed" {
		return []Effect{ICEFailed{}}, nil
	}
	return nil, nil // XEP-0166 6.8: an empty or unknown one is a ping
}

func (p *Participant) addSources(jingle *stanza.Element) ([]Effect, *refusal) {
	more, bad := p.announcedIn(jingle)
	if bad != nil || len(more) == 0 {
		return nil, bad
	}
	all, bad := p.sources.add(more, p.cfg.Limits)
	if bad != nil {
		return nil, bad
	}
	p.sources = all
	return []Effect{SourcesAdded{Sources: more, All: all}}, nil
}

func (p *Participant) removeSources(jingle *stanza.Element) ([]Effect, *refusal) {
	a, bad := parseAnnouncement(jingle, p.cfg.Limits)
	if bad != nil {
		return nil, bad
	}
	ssrcs, named := map[uint32]bool{}, false
	for _, s := range a.streams {
		ssrcs[s.ssrc] = true
		named = named || s.name != ""
	}
	left, gone, changed := p.sources.remove(ssrcs)
	switch {
	case changed:
	case named:
		return nil, &refusal{kind: "cancel", condition: "item-not-found", text: "no such source"}
	default:
		return nil, nil
	}
	p.sources = left
	return []Effect{SourcesRemoved{Sources: gone, All: left}}, nil
}

// restarted takes the client's transport after RestartICE. A transport of another generation, or of none, says nothing:
// clients do not trickle to us.
func (p *Participant) restarted(jingle *stanza.Element) ([]Effect, *refusal) {
	r, ok := parseTransport(jingle)
	if !ok {
		return nil, badRequest("no transport with credentials")
	}
	if r.generation == 0 || r.generation != uint64(p.generation) {
		return nil, nil
	}
	return []Effect{ICERestarted{Ufrag: r.ufrag, Pwd: r.pwd, Generation: p.generation}}, nil
}

func (p *Participant) announcedIn(jingle *stanza.Element) (announced, *refusal) {
	a, bad := parseAnnouncement(jingle, p.cfg.Limits)
	if bad != nil {
		return nil, bad
	}
	return a.sources(p.cfg.Endpoint, p.cfg.Limits)
}
