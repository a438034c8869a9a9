package mesh

import (
	"errors"
	"testing"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/member"
	"github.com/atoll-mesh/atoll/cascade/route"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// TestRelaysAreNotToBlame: who passes a frame on answers for nothing but the seal.
func TestRelaysAreNotToBlame(t *testing.T) {
	origin, self, relay := identity.NewKey(), identity.NewKey().Name(), identity.NewKey().Name()
	m := &Mesh{
		self: self, members: map[identity.Name]member.Member{origin.Name(): {}}, table: route.NewTable(self),
		relayed: make(map[identity.Name]relayedFrom), rooms: make(map[string]*entry),
	}
	frame := func(counter uint64, f wire.Frame) wire.Relayed {
		r := wire.Relayed{
			Origin: origin.Name(), Target: self, Key: origin.Public(), Started: 1, Counter: counter,
			Version: wire.Version, Frame: wire.Append(nil, f, wire.Version),
		}
		r.Signature = origin.Sign(r.Signed())
		return r
	}
	update := wire.Update{Room: "room", Sub: 1, Height: 1}
	for _, counter := range []uint64{2, 2, 1, 3} {
		if err := m.pass(relay, frame(counter, update)); err != nil {
			t.Errorf("frame %d, in its turn or not: %v", counter, err)
		}
	}
	if last := m.relayed[origin.Name()]; last.counter != 3 {
		t.Errorf("it came as far as %d", last.counter)
	}
	var wrong *relayedError
	if err := m.pass(relay, frame(4, wire.LinkState{Seq: 1})); !errors.As(err, &wrong) || wrong.origin != origin.Name() {
		t.Errorf("the state of links: %v", err)
	}
	forged := frame(5, update)
	forged.Counter = 6
	if err := m.pass(relay, forged); err == nil || errors.As(err, &wrong) {
		t.Errorf("a broken seal: %v", err)
	}
}
