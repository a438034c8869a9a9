package member

import (
	"net/netip"
	"slices"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// Meta is what a node says of itself.
type Meta struct {
	// Link are the addresses of its links (QUIC), best first, at most 4. One without an IP of its own (0.0.0.0 or ::) stands
	// for the IP of the gossip address and is replaced by it.
	Link []netip.AddrPort
	// Media are where clients send media to, best first, at most 4; relays relay to them.
	Media []netip.AddrPort
	// TURN and TURNS are the ports of TURN at the addresses of Media, on UDP and TCP and over TLS; 0: there is none.
	TURN, TURNS uint16
	// URL is the node's own address for pages, at most 90 bytes; "" for the usual one, its name below the domain.
	URL string
	// Region and Build are at most 48 bytes.
	Region, Build string
	// Lat and Lon are hundredths of a degree; Located says that they are known.
	Lat, Lon int16
	Located  bool
	// Load is the share of the node that is used, 255 for all of it.
	Load uint8
	// DNS says that the node answers for the domain.
	DNS bool
	// Drain says that the node takes no new participants.
	Drain bool
	// Oldest and Newest are the versions of frames that it speaks.
	Oldest, Newest uint16
	// Started is when the process began, in unix milliseconds.
	Started uint64
}

func (m Meta) equal(o Meta) bool {
	return slices.Equal(m.Link, o.Link) && slices.Equal(m.Media, o.Media) && m.TURN == o.TURN && m.TURNS == o.TURNS && m.Region == o.Region && m.Build == o.Build && m.Lat == o.Lat && m.Lon == o.Lon && m.Load == o.Load &&
		m.URL == o.URL && m.Located == o.Located && m.DNS == o.DNS &&
		m.Drain == o.Drain && m.Oldest == o.Oldest && m.Newest == o.Newest && m.Started == o.Started
}

// State is how a member is.
type State uint8

// The states of a member.
const (
	Alive State = iota
	Left        // it said so
	Dead        // it does not answer
)

func (s State) String() string {
	switch s {
	case Alive:
		return "alive"
	case Left:
		return "left"
	case Dead:
		return "dead"
	}
	return "unknown"
}

// Member is one node of the cluster.
type Member struct {
	Name identity.Name
	Addr netip.AddrPort // of its gossip
	Meta
	Self  bool
	State State
}

func (m Member) equal(o Member) bool {
	return m.Name == o.Name && m.Addr == o.Addr && m.Self == o.Self && m.State == o.State && m.Meta.equal(o.Meta)
}
