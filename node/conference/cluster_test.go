package conference

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/node/mesh"
	"github.com/atoll-mesh/atoll/signaling/stanza"
	"github.com/atoll-mesh/atoll/tools/simnet"
)

// meshPort is where the nodes of a test gossip.
const meshPort = 7946

// hostNetwork is a simulated host as gossip and links use it.
type hostNetwork struct{ host *simnet.Host }

func (h hostNetwork) ListenPacket(network, address string) (net.PacketConn, error) {
	return h.host.ListenPacket(network, address)
}

func (h hostNetwork) Listen(network, address string) (net.Listener, error) {
	return h.host.Listen(network, address)
}

func (h hostNetwork) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return h.host.DialContext(ctx, network, address)
}

// cluster is some nodes with gossip, links and rooms over a simulated network.
type cluster struct {
	t      *testing.T
	net    *simnet.Network
	secret identity.Secret
	nodes  []*clusterNode
}

type clusterNode struct {
	*rig
	host *simnet.Host
	mesh *mesh.Mesh
	key  identity.Key
	dead bool
}

// inCluster runs a test with n nodes in virtual time. Nodes 0 and 1 are 40 ms apart, 0 and 2 110 ms, all else 75 ms.
func inCluster(t *testing.T, seed uint64, n int, test func(t *testing.T, c *cluster)) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, net: simnet.New(seed), secret: identity.NewSecret()}
		for range n {
			c.add()
		}
		wait(5 * time.Second)
		test(t, c)
		for _, node := range c.nodes {
			c.stop(node)
		}
		wait(10 * time.Second) // probes of memberlist that were under way end
		c.net.Close()
	})
}

func (c *cluster) add() *clusterNode {
	i := len(c.nodes)
	host := c.net.Host(fmt.Sprintf("10.0.0.%d", i+1))
	for j, other := range c.nodes {
		delay := 75 * time.Millisecond
		if i+j == 1 {
			delay = 40 * time.Millisecond
		} else if i+j == 2 && i != j {
			delay = 110 * time.Millisecond
		}
		c.net.Connect(host, other.host, simnet.Link{Delay: delay})
	}
	return c.start(&clusterNode{host: host, key: identity.NewKey()})
}

func (c *cluster) start(n *clusterNode) *clusterNode {
	var join []string
	if len(c.nodes) > 0 {
		join = []string{c.nodes[0].host.Addr().String()}
	}
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("ATOLL_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo})).With("node", n.host.Addr().String())
	}
	m, err := mesh.Start(mesh.Config{
		Network: hostNetwork{n.host}, Host: n.host.Addr().String(), Port: meshPort, Key: n.key, Secret: c.secret,
		Region: "r", Advertise: addresses(n.host), Join: join, Log: log,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	n.mesh, n.rig = m, newRig(c.t, string(m.Name()), m)
	c.nodes = append(c.nodes, n)
	return n
}

// stop ends a node as an operator does.
func (c *cluster) stop(n *clusterNode) {
	if n.dead {
		return
	}
	n.dead = true
	if err := n.rooms.Close(context.Background()); err != nil {
		c.t.Error(err)
	}
	if err := n.mesh.Close(); err != nil {
		c.t.Error(err)
	}
}

// kill takes a node off the network at once, then ends what it was.
func (c *cluster) kill(n *clusterNode) {
	n.host.Close()
	n.dead = true
	_ = n.rooms.Close(context.Background())
	_ = n.mesh.Close()
}

// at returns a client of a node that has joined, connected, and talks.
func (c *cluster) at(i int) *client {
	cl := c.nodes[i].client()
	cl.join()
	wait(time.Second)
	return cl
}

// talk has every client send audio for a while, and returns how many packets of each each got meanwhile.
func talk(d time.Duration, clients ...*client) map[*client]map[*client]int {
	legs := make(map[*client]*fakeLeg)
	for _, cl := range clients {
		l := cl.rig.leg(cl)
		l.to.Connected()
		l.mu.Lock()
		clear(l.heard)
		l.mu.Unlock()
		legs[cl] = l
	}
	for range d / (20 * time.Millisecond) {
		for _, cl := range clients {
			legs[cl].to.RTP(cl.opus(), time.Now())
			legs[cl].to.Tick(time.Now())
		}
		wait(20 * time.Millisecond)
	}
	got := make(map[*client]map[*client]int)
	for _, cl := range clients {
		got[cl] = make(map[*client]int)
		legs[cl].mu.Lock()
		for _, other := range clients {
			got[cl][other] = legs[cl].heard["of"+string(other.id)]
		}
		legs[cl].mu.Unlock()
	}
	return got
}

// opus returns the client's next packet of audio, with its id at the end.
func (c *client) opus() []byte {
	c.seq++
	b := []byte{0x80, 111}
	b = binary.BigEndian.AppendUint16(b, c.seq)
	b = binary.BigEndian.AppendUint32(b, uint32(c.seq)*960)
	b = binary.BigEndian.AppendUint32(b, 1) // the same SSRC everywhere
	return append(append(b, bytes.Repeat([]byte{7}, 40)...), "of"+string(c.id)...)
}

// sees reports whether the last presence of the other said that it is here.
func (c *client) sees(other *client) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	here := false
	for _, st := range c.got {
		if st.Local == "presence" && st.Attr("from") == testRoom+"/"+string(other.id) {
			here = st.Attr("type") == ""
		}
	}
	return here
}

// role returns the role of the other in the last presence of it.
func (c *client) role(other *client) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	role := ""
	for _, st := range c.got {
		if st.Local == "presence" && st.Attr("from") == testRoom+"/"+string(other.id) {
			role = st.Child("http://jabber.org/protocol/muc#user", "x").Child("http://jabber.org/protocol/muc#user", "item").Attr("role")
		}
	}
	return role
}

// chat says something to the room.
func (c *client) chat(text string) {
	c.say(`<message type="groupchat" to="` + testRoom + `" xmlns="jabber:client"><body>` + text + `</body></message>`)
}

// chats returns how often the text came.
func (c *client) chats(text string) int {
	return c.count(func(st *stanza.Element) bool {
		b := st.Child("jabber:client", "body")
		return st.Local == "message" && b != nil && b.Text == text
	})
}

func addresses(h *simnet.Host) []netip.Addr { return []netip.Addr{h.Addr()} }

// TestThreeNodesOneRoom: who is at different nodes sees, hears and reads each other.
func TestThreeNodesOneRoom(t *testing.T) {
	inCluster(t, 1, 3, func(t *testing.T, c *cluster) {
		a, b, d := c.at(0), c.at(1), c.at(2)
		wait(3 * time.Second)
		all := []*client{a, b, d}
		for _, x := range all {
			for _, y := range all {
				if !x.sees(y) {
					t.Errorf("%s does not see %s", x.id, y.id)
				}
			}
		}
		moderators := ""
		for _, x := range all {
			moderators += a.role(x) + "," + b.role(x) + "," + d.role(x) + " "
		}
		if strings.Count(moderators, "moderator") != 3 {
			t.Errorf("roles as seen by each: %s", moderators)
		}
		a.chat("hello")
		wait(time.Second)
		for _, x := range all {
			if n := x.chats("hello"); n != 1 {
				t.Errorf("%s read it %d times", x.id, n)
			}
		}
		got := talk(5*time.Second, all...)
		for _, x := range all {
			for _, y := range all {
				if n := got[x][y]; x != y && (n < 200 || n > 250) {
					t.Errorf("%s heard %d of 250 packets of %s", x.id, n, y.id)
				}
			}
		}
	})
}
