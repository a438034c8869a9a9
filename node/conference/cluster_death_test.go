package conference

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
	"github.com/atoll-mesh/atoll/tools/simnet"
)

// TestNodeDies: who was at a node that vanished leaves once, after the grace; the others go on, and newcomers are seen and
// heard.
func TestNodeDies(t *testing.T) {
	inCluster(t, 2, 3, func(t *testing.T, c *cluster) {
		a, b, d := c.at(0), c.at(1), c.at(2)
		wait(3 * time.Second)
		c.kill(c.nodes[2])
		wait(8 * time.Second)
		if n := a.unavailable(d) + b.unavailable(d); n != 0 {
			t.Errorf("within the grace: %d departures", n)
		}
		if got := talk(time.Second, a, b); got[a][b] < 45 || got[b][a] < 45 {
			t.Errorf("the others hear %d and %d of 50 packets of each other", got[a][b], got[b][a])
		}
		wait(8 * time.Second)
		for _, x := range []*client{a, b} {
			if n := x.unavailable(d); n != 1 {
				t.Errorf("after the grace: %d departures", n)
			}
		}
		if n := a.count(func(st *stanza.Element) bool {
			x := st.Child("http://jabber.org/protocol/muc#user", "x")
			if st.Attr("type") != "unavailable" || x == nil {
				return false
			}
			status := x.Child("http://jabber.org/protocol/muc#user", "status")
			return status != nil && status.Attr("code") == "333"
		}); n != 1 {
			t.Errorf("%d departures with status 333", n)
		}
		e := c.at(1)
		wait(2 * time.Second)
		got := talk(time.Second, a, b, e)
		if !a.sees(e) || !b.sees(e) || !e.sees(a) || e.sees(d) || got[a][e] < 45 || got[e][a] < 45 {
			t.Errorf("the newcomer: seen %v %v, sees %v and the dead %v, heard %d, hears %d", a.sees(e), b.sees(e), e.sees(a), e.sees(d), got[a][e], got[e][a])
		}
	})
}

// TestLinkCut: a dead link is not a dead node. Media, chat and presence go over the third node, and back when it heals.
func TestLinkCut(t *testing.T) {
	inCluster(t, 3, 3, func(t *testing.T, c *cluster) {
		a, b, d := c.at(0), c.at(1), c.at(2)
		wait(3 * time.Second)
		talk(time.Second, a, b, d)
		c.net.Partition([]simnet.Site{c.nodes[0].host}, []simnet.Site{c.nodes[1].host})
		talk(time.Second, a, b, d)
		got := talk(2*time.Second, a, b, d)
		if got[a][b] < 95 || got[b][a] < 95 || got[a][d] < 95 {
			t.Errorf("a second after the cut %d and %d of 100 packets arrive, %d of the third", got[a][b], got[b][a], got[a][d])
		}
		a.chat("over the third")
		wait(30 * time.Second)
		if n := b.chats("over the third"); n != 1 {
			t.Errorf("read %d times", n)
		}
		if n := a.unavailable(b) + b.unavailable(a); n != 0 {
			t.Errorf("%d departures", n)
		}
		c.net.Heal()
		talk(5*time.Second, a, b, d)
		got = talk(2*time.Second, a, b, d)
		for _, x := range []*client{a, b, d} {
			for _, y := range []*client{a, b, d} {
				if n := got[x][y]; x != y && n != 100 {
					t.Errorf("healed: %d of 100 packets", n)
				}
			}
		}
		for _, r := range c.nodes[0].rooms.Reports(t.Context())[0].Sources {
			if len(r.Path) > 2 {
				t.Errorf("healed: %s still comes by %v", r.Name, r.Path)
			}
		}
		if a.chats("over the third") != 1 || b.chats("over the third") != 1 {
			t.Error("the chat came again")
		}
	})
}

// TestPartition: both sides of a cut go on. Who came in without the password of a room that was locked meanwhile on the other
// side is out when it heals; everybody else stays.
func TestPartition(t *testing.T) {
	inCluster(t, 4, 5, func(t *testing.T, c *cluster) {
		a, b, d, e := c.at(0), c.at(1), c.at(3), c.at(4)
		wait(3 * time.Second)
		c.net.Partition(sites(c.nodes[:3]), sites(c.nodes[3:]))
		wait(20 * time.Second)
		if a.sees(d) || d.sees(a) || !a.sees(b) || !d.sees(e) {
			t.Errorf("cut: across %v %v, beside %v %v", a.sees(d), d.sees(a), a.sees(b), d.sees(e))
		}
		a.lock("secret")
		wait(5 * time.Second)
		intruder := c.at(4)
		wait(35 * time.Second)
		if !d.sees(intruder) {
			t.Error("the other side does not take newcomers")
		}
		c.net.Heal()
		wait(25 * time.Second)
		for _, x := range []*client{a, b, d, e} {
			for _, y := range []*client{a, b, d, e} {
				if !x.sees(y) {
					t.Errorf("healed: %s does not see %s", x.id, y.id)
				}
			}
			if x.sees(intruder) {
				t.Errorf("healed: %s sees who came in without the password", x.id)
			}
		}
		if n := intruder.unavailable(intruder); n != 1 {
			t.Errorf("the intruder was told %d times that it is out", n)
		}
		moderators := 0
		for _, x := range []*client{a, b, d, e} {
			if a.role(x) == "moderator" {
				moderators++
			}
			for _, y := range []*client{b, d, e} {
				if y.role(x) != a.role(x) {
					t.Errorf("%s is %s for one and %s for another", x.id, a.role(x), y.role(x))
				}
			}
		}
		if moderators != 1 {
			t.Errorf("%d moderators", moderators)
		}
		late := c.nodes[4].client()
		late.join()
		wait(2 * time.Second)
		if d.sees(late) {
			t.Error("the room is open again")
		}
	})
}

func sites(nodes []*clusterNode) []simnet.Site {
	var all []simnet.Site
	for _, n := range nodes {
		all = append(all, n.host)
	}
	return all
}

// lock sets the password of the room.
func (c *client) lock(password string) {
	field := func(name, value string) string {
		return `<field var="` + name + `"><value>` + value + `</value></field>`
	}
	c.say(`<iq type="set" id="lock" to="` + testRoom + `" xmlns="jabber:client"><query xmlns="http://jabber.org/protocol/muc#owner"><x type="submit" xmlns="jabber:x:data">` +
		field("FORM_TYPE", "http://jabber.org/protocol/muc#roomconfig") + field("muc#roomconfig_passwordprotectedroom", "1") + field("muc#roomconfig_roomsecret", password) +
		`</x></query></iq>`)
	wait(time.Second)
}
