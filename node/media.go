package node

import (
	"strconv"

	"github.com/atoll-mesh/atoll/node/conference"
	"github.com/atoll-mesh/atoll/node/edge"
	"github.com/atoll-mesh/atoll/signaling/focus"
)

// media opens legs at the edge for the conferences.
type media struct{ edge *edge.Edge }

// Open implements conference.Media.
func (m media) Open(r conference.LegReceiver) (conference.Leg, focus.Transport, error) {
	leg, err := m.edge.NewLeg(r)
	if err != nil {
		return nil, focus.Transport{}, err
	}
	local := leg.Local()
	t := focus.Transport{Ufrag: local.Ufrag, Pwd: local.Pwd, Fingerprint: m.edge.Fingerprint()}
	for i, c := range m.edge.Candidates() {
		foundation := c.Foundation
		if foundation == "" {
			foundation = strconv.Itoa(i + 1)
		}
		t.Candidates = append(t.Candidates, focus.Candidate{Foundation: foundation, Protocol: "udp", Priority: c.Priority, Addr: c.Addr, Type: "host"})
	}
	return leg, t, nil
}
