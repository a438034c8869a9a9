package sfu

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// TestConcurrentUse has the control side change everything while packets come from a goroutine for each participant. It
// is for the race detector, and shows that no call waits for another for ever.
func TestConcurrentUse(t *testing.T) {
	const people = 5
	r := newRig(t)
	r.room = NewRoom(Config{})
	var all []*person
	for n := byte(1); n <= people; n++ {
		all = append(all, r.join(n, 3))
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, p := range all {
		// The rig is not for goroutines: packets are built before.
		var packets [][]byte
		for i := range 400 {
			for l := range 3 {
				packets = append(packets, p.frame(l, i%10 == 0)...)
			}
		}
		media := p.Participant
		nack, err := rtcp.Marshal([]rtcp.Packet{
			&rtcp.ReceiverReport{},
			&rtcp.TransportLayerNack{MediaSSRC: p.down.slots[0].ssrc, Nacks: []rtcp.NackPair{{PacketID: 1, LostPackets: 0xffff}}},
			&rtcp.PictureLossIndication{MediaSSRC: p.down.slots[len(p.down.slots)-1].ssrc},
		})
		if err != nil {
			t.Fatal(err)
		}
		for worker := range 2 {
			wg.Go(func() {
				now := begin
				for i := worker; ; i += 2 {
					select {
					case <-stop:
						return
					default:
					}
					now = now.Add(time.Millisecond)
					media.RTP(slices.Clone(packets[i%len(packets)]), now)
					if i%7 == 0 {
						media.Tick(now)
					}
					if i%5 == 0 {
						media.RTCP(nack, now)
					}
					if i%50 == 0 {
						media.Counters()
					}
				}
			})
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		r.now = r.now.Add(10 * time.Millisecond)
		p := all[rnd.IntN(people-1)]
		switch rnd.IntN(5) {
		case 0:
			p.want(rnd.IntN(4)-1, rnd.IntN(3)*360)
		case 1:
			r.do(r.room.SetSources(r.now, p.id, p.source(rnd.IntN(4))))
		case 2:
			r.room.Describe(p.id)
			r.room.Report(r.now)
		default:
			r.do(r.room.Tick(r.now))
		}
	}
	all[people-1].Export()
	r.do(r.room.Leave(r.now, all[people-1].id))
	close(stop)
	wg.Wait()
}
