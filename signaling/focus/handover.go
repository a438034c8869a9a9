package focus

import (
	"slices"

	"github.com/atoll-mesh/atoll/node/session"
)

// Export returns the session as it was signalled. Requests that wait for an answer stay behind, and what Signal told a
// client that does not rewrite SSRCs.
func (p *Participant) Export() session.Jingle {
	return session.Jingle{
		SID:           p.sid,
		Active:        p.phase == active,
		ICEGeneration: p.generation,
		Features:      slices.Clone(p.features),
		Sources:       slices.Clone(p.sources),
		BridgePwd:     p.bridgePwd,
	}
}

// Import makes a new participant go on where Export was called. Nothing is sent.
func (p *Participant) Import(j session.Jingle) {
	p.known = len(j.Features) > 0
	p.features = slices.Sorted(slices.Values(j.Features))
	p.phase = idle
	switch {
	case j.SID == "":
		return
	case j.Active:
		p.phase = active
	default:
		p.phase = offered
	}
	p.sid, p.generation, p.bridgePwd = j.SID, j.ICEGeneration, j.BridgePwd
	p.sources = slices.Clone(j.Sources)
}
