package conference

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// TestNothingIsMissedOnTheWay: what is said, who comes and who goes while a participant belongs to no node is made up for where it goes
// on, once: at a node that holds the room, and at one that does not.
func TestNothingIsMissedOnTheWay(t *testing.T) {
	inCluster(t, 31, 4, func(t *testing.T, c *cluster) {
		a, b, leaver := c.at(0), c.at(1), c.at(1)
		c.at(3)
		wait(3 * time.Second)
		for i, at := range []int{2, 3, 0, 1} {
			released, err := b.rig.rooms.Release(t.Context(), testRoom, []room.EndpointID{b.id})
			if err != nil {
				t.Fatal(err)
			}
			text := "meanwhile " + string(rune('k'+i))
			a.chat(text)
			comer := c.at(0)
			if leaver != nil {
				leaver.say(`<presence type="unavailable" to="` + testRoom + `/` + string(leaver.id) + `" xmlns="jabber:client"/>`)
			}
			wait(time.Second)
			b.rig = c.nodes[at].rig
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
			a.chat("then " + text)
			b.rig.router.Resumed(b)
			wait(2 * time.Second)
			for _, want := range []string{text, "then " + text} {
				if n := b.chats(want); n != 1 {
					t.Errorf("at node %d: %q read %d times", at, want, n)
				}
			}
			if !b.sees(comer) {
				t.Errorf("at node %d: who came meanwhile is not seen", at)
			}
			if leaver != nil {
				if n := b.unavailable(leaver); n != 1 {
					t.Errorf("at node %d: who left meanwhile left %d times", at, n)
				}
				leaver = nil
			}
			if n := a.unavailable(b); n != 0 {
				t.Fatalf("at node %d: %d departures", at, n)
			}
		}
	})
}
