package conference

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// answers returns how many results and errors with the id came.
func (c *client) answers(id string) int {
	return c.count(func(st *stanza.Element) bool {
		return st.Attr("id") == id && (st.Attr("type") == "result" || st.Attr("type") == "error")
	})
}

// stranger makes a node tell of somebody who is not there: an occupant with a JID.
func (n *clusterNode) stranger(id room.EndpointID, jid string) {
	n.inside(func(c *Conference) {
		now := time.Now()
		c.applyReplica(now, c.replica.Put(now, room.Occupant{Endpoint: id, JID: jid}))
	})
}

// TestCommandsOfOthersAreTheirOwn: a node can not speak for a client of another by giving its own the same JID.
func TestCommandsOfOthersAreTheirOwn(t *testing.T) {
	inCluster(t, 15, 2, func(t *testing.T, c *cluster) {
		a := c.nodes[0].client()
		a.jid = "alice@example.org/r"
		a.join()
		wait(time.Second)
		c.at(1)
		wait(3 * time.Second)
		c.nodes[1].stranger("deadbeef", a.jid)
		wait(time.Second)
		c.nodes[1].mesh.Send(c.nodes[0].mesh.Name(), wire.Command{
			Room: testRoom, ID: 1, From: "deadbeef",
			Stanza: []byte(`<presence type="unavailable" to="` + testRoom + "/" + string(a.id) + `" xmlns="jabber:client"/>`),
		})
		wait(time.Second)
		if n := a.unavailable(a); n != 0 {
			t.Error("another node sent it out of the room")
		}
	})
}

// TestNobodyJoinsByCommand: who is not shown here does not get in by what its node says.
func TestNobodyJoinsByCommand(t *testing.T) {
	inCluster(t, 16, 2, func(t *testing.T, c *cluster) {
		a := c.nodes[0].client()
		a.jid = "alice@example.org/r"
		a.join()
		wait(time.Second)
		c.at(1)
		wait(3 * time.Second)
		c.nodes[1].stranger("deadbeef", "no resource@example.org") // never shown
		wait(time.Second)
		c.nodes[1].mesh.Send(c.nodes[0].mesh.Name(), wire.Command{
			Room: testRoom, ID: 1, From: "deadbeef",
			Stanza: []byte(`<presence to="` + testRoom + `/deadbeef" xmlns="jabber:client"><x xmlns="http://jabber.org/protocol/muc"/></presence>`),
		})
		wait(time.Second)
		a.rig.router.Closed(a, true)
		wait(time.Second)
		if n := c.nodes[0].rooms.Counts(); n.Rooms != 0 {
			t.Errorf("the room goes on for nobody: %+v", n)
		}
	})
}

// TestCommandsAreCarriedOutOnce: whoever was not asked can not have a command asked again or answered.
func TestCommandsAreCarriedOutOnce(t *testing.T) {
	inCluster(t, 17, 3, func(t *testing.T, c *cluster) {
		c.at(0)
		b := c.nodes[1].client()
		b.join()
		c.at(2)
		wait(3 * time.Second)
		b.say(`<iq type="set" id="lock" to="` + testRoom + `" xmlns="jabber:client"><query xmlns="http://jabber.org/protocol/muc#owner"><x type="cancel" xmlns="jabber:x:data"/></query></iq>`)
		wait(time.Millisecond)
		var id uint64
		c.nodes[1].inside(func(c *Conference) { id = c.lastCommand })
		// Node 2 is further from 1 than 0 is, but what it says comes before the answer when it says it in time.
		c.nodes[2].mesh.Send(c.nodes[1].mesh.Name(), wire.Deliver{
			Room: testRoom, To: b.id, Stanza: []byte(`<iq type="result" id="lock" from="` + testRoom + `" to="` + b.jid + `" xmlns="jabber:client"/>`),
		})
		wait(76 * time.Millisecond)
		c.nodes[1].inside(func(c *Conference) {
			if c.commands[id] == nil {
				t.Error("a node that was not asked answered")
			}
		})
		wait(10 * time.Second)
		if n := b.answers("lock"); n != 1 {
			t.Errorf("%d answers", n)
		}
	})
}
