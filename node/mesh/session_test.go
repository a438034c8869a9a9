package mesh

import (
	"testing"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// counter is a Sessions that counts.
type counter int

func (c *counter) Session(identity.Name, wire.Frame) { *c++ }

// TestRelayedFramesOfSessions: what holds a token or keys, or answers that, counts only over the link of the node that sends it.
func TestRelayedFramesOfSessions(t *testing.T) {
	m, taken := &Mesh{}, new(counter)
	m.SetSessions(taken)
	for _, f := range []wire.Frame{wire.Seek{}, wire.Sought{}, wire.Keep{}, wire.Amend{}, wire.Kept{}, wire.Wipe{}} {
		if err := m.session("another", f, true); err == nil || *taken != 0 {
			t.Errorf("a relayed %T is taken", f)
		}
		if err := m.session("another", f, false); err != nil || *taken != 1 {
			t.Errorf("%T: %v", f, err)
		}
		*taken = 0
	}
	for _, f := range []wire.Frame{wire.ChannelOpen{}, wire.ChannelOpened{}, wire.ChannelText{}, wire.ChannelClosed{}} {
		if err := m.session("another", f, true); err != nil || *taken != 1 {
			t.Errorf("a relayed %T: %v", f, err)
		}
		*taken = 0
	}
}
