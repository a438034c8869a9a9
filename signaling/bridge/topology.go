package bridge

import "github.com/atoll-mesh/atoll/cascade/room"

// TopologyRequest asks for [Topology] now and every two seconds, or no longer. Our own page sends it; stock clients do not know it.
type TopologyRequest struct{ Active bool }

// Topology says where the people of a room are, and which way their media takes to the receiver's node.
type Topology struct {
	Self         string // node of the receiver
	Nodes        []TopologyNode
	Links        []TopologyLink
	Participants []TopologyParticipant
	Sources      []TopologySource
}

// TopologyNode is a node that holds the room. State is "alive" or "dead".
type TopologyNode struct {
	Name   string `json:"name"`
	Region string `json:"region"`
	State  string `json:"state"`
}

// TopologyLink is a link between two of the nodes, as From measures it.
type TopologyLink struct {
	From  string  `json:"from"`
	To    string  `json:"to"`
	Up    bool    `json:"up"`
	RTTms float64 `json:"rtt_ms"`
	Loss  float64 `json:"loss"` // 0 to 1
}

// TopologyParticipant says which node serves an endpoint.
type TopologyParticipant struct {
	Endpoint room.EndpointID `json:"endpoint"`
	Node     string          `json:"node"`
}

// TopologySource says which nodes a source passes, from that of its owner to that of the receiver; none when it is not pulled.
type TopologySource struct {
	Name room.SourceName `json:"name"`
	Path []string        `json:"path"`
}

func (m TopologyRequest) wire() any {
	return struct {
		Class  string `json:"colibriClass"`
		Active bool   `json:"active"`
	}{"AtollTopologyRequest", m.Active}
}

func (m Topology) wire() any {
	return struct {
		Class        string                `json:"colibriClass"`
		Self         string                `json:"self"`
		Nodes        []TopologyNode        `json:"nodes"`
		Links        []TopologyLink        `json:"links"`
		Participants []TopologyParticipant `json:"participants"`
		Sources      []TopologySource      `json:"sources"`
	}{"AtollTopology", m.Self, m.Nodes, m.Links, m.Participants, m.Sources}
}
