package sfu

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"pgregory.net/rapid"
)

// TestNoNumberIsUsedTwice: whatever happens in a room, a receiver never gets two packets with the same SSRC and
// sequence number. With AES-GCM that would give its key away. Sequence numbers are far from a cycle here, so that equal
// numbers mean equal indices.
func TestNoNumberIsUsedTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t)
		people := []*person{r.join(1, 3), r.join(2, 1), r.join(3, 2)}
		seen := map[string][]byte{}
		check := func(p *person) {
			p.wire.mu.Lock()
			defer p.wire.mu.Unlock()
			for _, b := range p.wire.rtp {
				key := fmt.Sprintf("%d %x %x", p.n, b[8:12], b[2:4])
				if old, ok := seen[key]; ok {
					rt.Fatalf("participant %d got SSRC and number %s twice, equal: %v", p.n, key, bytes.Equal(old, b))
				}
				seen[key] = b
			}
			p.wire.rtp = nil
		}
		var kept [][]byte
		for range rapid.IntRange(20, 150).Draw(rt, "steps") {
			p := people[rapid.IntRange(0, len(people)-1).Draw(rt, "who")]
			layer := rapid.IntRange(0, 2).Draw(rt, "layer")
			switch rapid.IntRange(0, 11).Draw(rt, "what") {
			case 0:
				p.want(rapid.IntRange(-1, 2).Draw(rt, "lastN"), rapid.SampledFrom([]int{0, 180, 360, 720}).Draw(rt, "height"))
			case 1: // leaves and comes back
				r.do(r.room.Leave(r.now, p.id))
				check(p)
				for k := range seen {
					if k[:2] == fmt.Sprintf("%d ", p.n) {
						delete(seen, k) // new keys
					}
				}
				p.Participant = r.room.Join(r.now, p.id, p.wire)
				p.Connected(r.now)
				r.do(r.room.SetSources(r.now, p.id, p.source(3)))
				p.want(-1, 720)
			case 2: // the sender's numbers jump
				p.seq[layer] += 9999
			case 3, 4, 5:
				packets := p.frame(layer, rapid.Bool().Draw(rt, "key"))
				kept = append(kept, packets...)
				p.send(packets...)
			case 6: // something old again, as itself or from another participant
				if len(kept) > 0 {
					p.send(kept[rapid.IntRange(0, len(kept)-1).Draw(rt, "old")])
				}
			case 7: // reordered
				packets := p.frame(layer, rapid.Bool().Draw(rt, "key"))
				p.send(packets[2], packets[0], packets[1])
			case 8:
				p.speak(50)
			case 9: // NACK everything
				var ps []rtcp.Packet
				for _, s := range p.down.slots {
					n := uint16(s.stream.State().LastSeq)
					ps = append(ps, &rtcp.TransportLayerNack{MediaSSRC: s.ssrc, Nacks: []rtcp.NackPair{{PacketID: n - 16, LostPackets: 0xffff}}})
				}
				if len(ps) > 0 {
					p.rtcp(ps...)
				}
			case 10:
				r.wait(time.Duration(rapid.IntRange(1, 400).Draw(rt, "ms")) * time.Millisecond)
			case 11: // moves to another node and back
				f := p.Export()
				r.do(r.room.Leave(r.now, p.id))
				p.Participant = r.room.Import(r.now, p.id, p.wire, false, &f)
				p.Connected(r.now)
				r.do(r.room.SetSources(r.now, p.id, p.source(3)))
				p.want(-1, 720)
			}
			for _, q := range people {
				check(q)
			}
		}
	})
}
