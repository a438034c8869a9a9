package conference

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/signaling/bridge"
	"github.com/atoll-mesh/atoll/tools/simnet"
)

// watch says on the client's behalf that it wants everything in full.
func (c *client) watch() {
	_ = c.rig.rooms.post(testRoom, false, func(room *Conference, now time.Time) {
		room.bridgeMessage(now, room.byEndpoint[c.id], bridge.ReceiverVideoConstraints{DefaultConstraints: &bridge.Constraint{MaxHeight: 720, MaxFrameRate: -1}})
	})
	wait(time.Second)
}

// vp8 returns the client's n-th picture, in one packet with the number at the end.
func (c *client) vp8(n int, key bool) []byte {
	b := []byte{0x80, 0x80 | 100}
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	b = binary.BigEndian.AppendUint32(b, uint32(n)*3000)
	b = binary.BigEndian.AppendUint32(b, 2)
	b = append(b, 0x90, 0x80, 0x80|byte(n>>8&0x7f), byte(n))
	if key {
		b = append(b, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01)
	} else {
		b = append(b, 0x11, 0, 0)
	}
	return fmt.Appendf(append(b, bytes.Repeat([]byte{7}, 500)...), "v%09d", n)
}

// TestRepairAfterReroute: a link that was gone for a moment is used again, by who asks for what is missing too.
func TestRepairAfterReroute(t *testing.T) {
	inCluster(t, 7, 3, func(t *testing.T, c *cluster) {
		a, b := c.at(0), c.at(1)
		c.at(2)
		wait(3 * time.Second)
		for _, x := range []*client{a, b} {
			x.rig.leg(x).to.Connected()
			x.watch()
		}
		wait(time.Second)
		from, to := a.rig.leg(a), b.rig.leg(b)
		n := 1000
		send := func(pictures int) {
			for range pictures {
				from.to.RTP(a.vp8(n, n == 1000), time.Now())
				from.to.Tick(time.Now())
				to.to.Tick(time.Now())
				n++
				wait(33 * time.Millisecond)
			}
		}
		send(30)
		for i := range 6 { // the third node cannot help: what is asked of it is refused
			c.net.Partition(sites(c.nodes[:1]), sites(c.nodes[1:]))
			send(5 + 3*i)
			c.net.Heal()
			send(90)
		}
		first := n
		c.net.Connect(c.nodes[0].host, c.nodes[1].host, simnet.Link{Delay: 40 * time.Millisecond, Loss: 0.02})
		send(300)
		c.net.Connect(c.nodes[0].host, c.nodes[1].host, simnet.Link{Delay: 40 * time.Millisecond})
		send(60)
		to.mu.Lock()
		defer to.mu.Unlock()
		missing := 0
		for i := first; i < first+300; i++ {
			if to.heard[fmt.Sprintf("v%09d", i)] == 0 {
				missing++
			}
		}
		if missing > 0 {
			t.Errorf("%d of 300 pictures are missing", missing)
		}
	})
}

// TestLossyLink: what a link loses is asked for again and comes, without a key frame.
func TestLossyLink(t *testing.T) {
	inCluster(t, 6, 2, func(t *testing.T, c *cluster) {
		a, b := c.at(0), c.at(1)
		wait(3 * time.Second)
		for _, x := range []*client{a, b} {
			x.rig.leg(x).to.Connected()
			x.watch()
		}
		wait(time.Second)
		c.net.Connect(c.nodes[0].host, c.nodes[1].host, simnet.Link{Delay: 40 * time.Millisecond, Loss: 0.01})
		const pictures = 300
		from, to := a.rig.leg(a), b.rig.leg(b)
		for n := range pictures {
			from.to.RTP(a.vp8(n+1000, n == 0), time.Now())
			from.to.Tick(time.Now())
			to.to.Tick(time.Now())
			wait(33 * time.Millisecond)
		}
		wait(2 * time.Second)
		to.mu.Lock()
		defer to.mu.Unlock()
		missing, twice := 0, 0
		for n := range pictures {
			switch k := to.heard[fmt.Sprintf("v%09d", n+1000)]; {
			case k == 0:
				missing++
			case k > 1:
				twice++
			}
		}
		if missing > 0 || twice > 0 {
			t.Errorf("of %d pictures %d are missing, %d came twice", pictures, missing, twice)
		}
		t.Logf("%+v", c.nodes[0].mesh.Links())
	})
}
