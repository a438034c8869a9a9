package conference

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// TestMoveBetweenNodes: who moves to another node, and on, is seen and read all the time, and heard again at once.
func TestMoveBetweenNodes(t *testing.T) {
	inCluster(t, 21, 4, func(t *testing.T, c *cluster) {
		a, b := c.at(0), c.at(1)
		wait(3 * time.Second)
		for _, at := range []int{2, 3, 0, 1} { // to where nobody is, and to where somebody is
			released, err := b.rig.rooms.Release(t.Context(), testRoom, []room.EndpointID{b.id})
			if err != nil {
				t.Fatal(err)
			}
			b.rig = c.nodes[at].rig
			if at == 0 { // where somebody is, and it is known who serves it
				forged := Arrival{Participant: released[0].Participant, Session: b, From: "zzzzzzzzzz"}
				if err := b.rig.rooms.Adopt(t.Context(), testRoom, []Arrival{forged}); err == nil {
					t.Error("taken from a node that does not serve it")
				}
			}
			err = b.rig.rooms.Adopt(t.Context(), testRoom, []Arrival{{Participant: released[0].Participant, Session: b, Open: func(to LegReceiver) (Leg, error) {
				l := &fakeLeg{to: to, heard: make(map[string]int)}
				b.rig.mu.Lock()
				b.rig.legs = append(b.rig.legs, l)
				b.rig.mu.Unlock()
				return l, nil
			}}})
			if err != nil {
				t.Fatal(err)
			}
			b.rig.router.Resumed(b)
			wait(2 * time.Second)
			text := "from " + c.nodes[at].host.Addr().String()
			b.chat(text)
			wait(time.Second)
			if n := a.chats(text); n != 1 {
				t.Errorf("node %d: read %d times", at, n)
			}
			if got := talk(2*time.Second, a, b); got[a][b] < 90 || got[b][a] < 90 {
				t.Errorf("node %d: %d of 100 packets of it arrive, %d at it", at, got[a][b], got[b][a])
			}
			wait(20 * time.Second)
			if n := a.unavailable(b) + b.unavailable(a) + b.unavailable(b); n != 0 || !a.sees(b) {
				t.Fatalf("node %d: %d departures", at, n)
			}
		}
	})
}
