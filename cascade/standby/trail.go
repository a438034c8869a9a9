package standby

import "github.com/atoll-mesh/atoll/cascade/identity"

// longest is how many sessions a Trail knows: as many as a node may hold. The one that left first is forgotten.
const longest = 20_000

// Trail is where the sessions went that left this node.
type Trail struct {
	to    map[string]identity.Name // by address
	order []string                 // a ring, the oldest at next when it is full
	next  int
}

// NewTrail returns an empty Trail.
func NewTrail() *Trail { return &Trail{to: make(map[string]identity.Name)} }

// Left notes that a session went to a node.
func (t *Trail) Left(address string, to identity.Name) {
	if _, known := t.to[address]; !known {
		if len(t.order) < longest {
			t.order = append(t.order, address)
		} else {
			delete(t.to, t.order[t.next])
			t.order[t.next] = address
			t.next = (t.next + 1) % longest
		}
	}
	t.to[address] = to
}

// Where returns the node that a session went to, "" when it is not known to have left.
func (t *Trail) Where(address string) identity.Name { return t.to[address] }

// Back notes that a session is here again, or over.
func (t *Trail) Back(address string) {
	if _, known := t.to[address]; known {
		t.to[address] = "" // its place in the ring stays
	}
}
