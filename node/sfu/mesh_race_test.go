package sfu

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

// counted is a RelayEgress and an Upstream for goroutines.
type counted struct {
	mu   sync.Mutex
	sent int
}

func (c *counted) Send(_ room.SourceName, _ int, _ Class, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent += len(b)
}

func (c *counted) bytes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent
}

func (c *counted) Feedback(_ room.SourceName, _ int, b []byte) { c.Send("", 0, 0, b) }

// TestConcurrentCrossing has packets come in from clients and from other nodes, and feedback from other nodes, while the
// control side changes everything.
func TestConcurrentCrossing(t *testing.T) {
	r := newRig(t)
	r.room = NewRoom(Config{})
	out := &counted{}
	local := r.join(1, 3)
	there := r.known(2)
	delete(r.people, 2)
	m := r.room.JoinRemote(r.now, there.id, out)
	r.do(r.room.SetSources(r.now, there.id, there.source(3)))
	r.join(3, 1)
	var relays []*Relay
	for i := range 3 {
		relays = append(relays, r.room.JoinRelay(r.now, strconv.Itoa(i), out))
	}
	var fromHere, fromThere [][]byte
	for i := range 400 {
		for l := range 3 {
			fromHere = append(fromHere, local.frame(l, i%10 == 0)...)
			for j, b := range there.frame(l, i%10 == 0) {
				mark := packet.NewMark(uint8(l)).WithCycle(uint32(i/10*3+l)).WithPicture(i%10 == 0 && j == 0, &packet.Descriptor{})
				fromThere = append(fromThere, packet.AppendMarked(nil, b, mark))
			}
		}
	}
	feedback, err := rtcp.Marshal([]rtcp.Packet{
		&rtcp.TransportLayerNack{Nacks: []rtcp.NackPair{{PacketID: 1000, LostPackets: 0xffff}}}, &rtcp.PictureLossIndication{},
		&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: cameraSSRC(0)}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	report, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: cameraSSRC(0)}})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var done atomic.Int64
	run := func(f func(i int, now time.Time)) {
		wg.Go(func() {
			now := begin
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				now = now.Add(time.Millisecond)
				f(i, now)
				done.Add(1)
			}
		})
	}
	for worker := range 2 {
		run(func(i int, now time.Time) {
			local.RTP(slices.Clone(fromHere[(2*i+worker)%len(fromHere)]), now)
			if i%20 == 0 {
				local.Tick(now)
				local.RTCP(report, now)
			}
		})
		run(func(i int, now time.Time) {
			n := (2*i + worker) % len(fromThere)
			b := slices.Clone(fromThere[n])
			m.RTP(there.camera(), int(packet.ReadMark(b).Encoding()), b, now)
			if i%20 == 0 {
				m.Tick(now)
				m.RTCP(there.camera(), 0, report, now)
				m.SetRTT(time.Duration(i))
				m.Counters()
			}
		})
		run(func(i int, now time.Time) {
			y := relays[i%3]
			y.Feedback([]room.SourceName{local.camera(), there.camera()}[i/3%2], i%3, feedback, now)
			y.SetRTT(time.Duration(i))
			y.Counters()
		})
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := 0; i < 600 || i < 100_000 && (done.Load() < 20_000 || out.bytes() == 0); i++ {
		r.now = r.now.Add(10 * time.Millisecond)
		p := []*person{local, there}[rnd.IntN(2)]
		switch rnd.IntN(8) {
		case 0, 1, 2:
			r.do(r.room.Pull(r.now, strconv.Itoa(rnd.IntN(3)), []room.SourceName{p.camera(), p.mic()}[rnd.IntN(2)], rnd.IntN(3)*360))
		case 3:
			if rnd.IntN(30) == 0 {
				r.do(r.room.SetSources(r.now, p.id, p.source(1+rnd.IntN(3))))
			}
		case 4:
			r.do(r.room.SetDominant(r.now, []room.EndpointID{p.id, ""}[rnd.IntN(2)], nil))
		case 5:
			r.room.Report(r.now)
		default:
			r.do(r.room.Tick(r.now))
		}
		if i%10 == 0 {
			runtime.Gosched()
		}
	}
	r.do(r.room.LeaveRelay(r.now, "1"))
	r.do(r.room.Leave(r.now, there.id))
	close(stop)
	wg.Wait()
	if out.bytes() == 0 {
		t.Error("nothing was sent")
	}
}
