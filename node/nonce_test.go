package node

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/edge"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/node/sfu"
)

// notary is the client's end of every pipe of one leg, wherever the leg lives. It keeps what was sealed for every SSRC and
// index, the nonce of a packet: the key is one.
type notary struct {
	mu      sync.Mutex
	sealed  map[[2]uint64][]byte
	highest map[uint32]uint64
	packets int
	rtcp    map[[2]uint64][]byte
	err     error
}

func (n *notary) Send(b []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.packets++
	seen := n.sealed
	var at [2]uint64
	if b[1] >= 192 && b[1] < 224 {
		seen = n.rtcp
		at = [2]uint64{uint64(binary.BigEndian.Uint32(b[4:])), uint64(binary.BigEndian.Uint32(b[len(b)-4:]))}
	} else {
		ssrc, seq := binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint16(b[2:])
		index := uint64(seq)
		if last, ok := n.highest[ssrc]; ok {
			index = last + uint64(int64(int16(seq-uint16(last))))
		}
		n.highest[ssrc] = max(n.highest[ssrc], index)
		at = [2]uint64{uint64(ssrc), index}
	}
	if was, ok := seen[at]; ok && !bytes.Equal(was, b) && n.err == nil {
		n.err = fmt.Errorf("ssrc %d, index %d: sealed as %d bytes and as %d others", at[0], at[1], len(was), len(b))
	}
	seen[at] = bytes.Clone(b)
	return nil
}

// nowhere is a Receiver and an Egress that nothing comes of.
type nowhere struct{}

func (nowhere) Connected()                 {}
func (nowhere) RTP([]byte, time.Time) bool { return false }
func (nowhere) RTCP([]byte, time.Time)     {}
func (nowhere) Tick(time.Time)             {}
func (nowhere) Closed(error)               {}
func (nowhere) Buffer() []byte             { return nil }
func (nowhere) Flush()                     {}
func (nowhere) Warm()                      {}
func (nowhere) SendRTP(...[]byte) error    { return nil }
func (nowhere) SendRTCP([]byte) error      { return nil }

// camera is somebody who sends two encodings.
type camera struct {
	*sfu.Participant
	id  room.EndpointID
	seq [2]uint16
	ts  uint32
}

func (c *camera) name() room.SourceName { return room.SourceName(c.id + "-v0") }

// film sends the next packet of an encoding.
func (c *camera) film(t *testing.T, layer int, key bool, now time.Time) {
	c.ts += 3000
	c.seq[layer]++
	h := rtp.Header{
		Version: 2, PayloadType: 100, SSRC: uint32(1000 + layer), SequenceNumber: c.seq[layer], Timestamp: c.ts, Marker: true,
	}
	if err := h.SetExtension(5, []byte{0, byte(c.seq[layer])}); err != nil {
		t.Fatal(err)
	}
	frame := []byte{0x90, 0xe0, 0x80, byte(c.seq[layer]), 7, 0, 1, 0, byte(layer), 0x9d, 1, 0x2a, 0, 0, 0, 0, 7}
	if key {
		frame[6] = 0
		binary.LittleEndian.PutUint16(frame[12:], uint16(320<<layer))
		binary.LittleEndian.PutUint16(frame[14:], uint16(180<<layer))
	}
	b, err := (&rtp.Packet{Header: h, Payload: frame}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	c.RTP(b, now)
}

// house is a node's part: a room and an edge.
type house struct {
	edge    *edge.Edge
	room    *sfu.Room
	cameras []*camera
}

func newHouse(t *testing.T, rand func() uint32, now time.Time) *house {
	e, err := edge.Listen(edge.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return &house{edge: e, room: sfu.NewRoom(sfu.Config{Rand: rand})}
}

func (h *house) add(c *camera, now time.Time) {
	c.Participant = h.room.Join(now, c.id, nowhere{})
	c.Connected(now)
	h.room.SetSources(now, c.id, []room.Source{{Name: c.name(), VideoType: room.Camera, Encodings: []room.Encoding{
		{SSRC: 1000, RTX: 2000}, {SSRC: 1001, RTX: 2001},
	}}})
	h.room.Open(now)
	h.cameras = append(h.cameras, c)
}

// A receiver lives through everything that changes what it is sent: layer switches, other sources in its slot, NACKs, wraps
// of every sequence number, hand-over, take-over after a crash. No SSRC and index is ever sealed twice with different bytes.
func TestNoNonceIsUsedTwice(t *testing.T) {
	var all [2]int // moves, crashes
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 1))
		n := &notary{sealed: map[[2]uint64][]byte{}, rtcp: map[[2]uint64][]byte{}, highest: map[uint32]uint64{}}
		now := time.UnixMilli(1_754_000_000_000)
		numbers := nearWrap()
		at := newHouse(t, numbers, now)
		a, b := &camera{id: "0000000a", seq: [2]uint16{65000, 100}}, &camera{id: "0000000b", seq: [2]uint16{65500, 65400}}
		at.add(a, now)
		at.add(b, now)
		leg, err := at.edge.Import(session.Media{
			Profile: 7, LocalKey: make([]byte, 16), LocalSalt: make([]byte, 12), RemoteKey: make([]byte, 16), RemoteSalt: make([]byte, 12),
			LocalUfrag: "local", LocalPwd: "localpasswordlocalpassword", RemoteUfrag: "remote", RemotePwd: "remotepasswordremotepass",
			RemoteFingerprint: at.edge.Fingerprint(),
		}, nowhere{})
		if err != nil {
			t.Fatal(err)
		}
		leg.Attach(n)
		const watcher = room.EndpointID("0000000c")
		p := at.room.Join(now, watcher, leg)
		p.Connected(now)
		slots := func() map[uint32]bool {
			out := map[uint32]bool{}
			for _, e := range at.room.Describe(watcher) {
				if m, ok := e.(sfu.VideoMap); ok {
					for _, s := range m.Mapped {
						out[s.SSRC] = true
					}
				}
			}
			return out
		}
		var retransmitted uint64
		moves, crashes := 0, 0
		var known session.Participant
		for step := range 6000 {
			now = now.Add(7 * time.Millisecond)
			for _, c := range []*camera{a, b} {
				for layer := range 2 {
					c.film(t, layer, random.IntN(40) == 0, now)
				}
			}
			if step%3 == 0 {
				p.Tick(now)
				at.room.Tick(now)
			}
			if random.IntN(20) == 0 { // who is seen, and how large
				who := []room.SourceName{a.name(), b.name()}[random.IntN(2)]
				at.room.SetConstraints(now, watcher, sfu.Constraints{
					LastN: 1 + random.IntN(2), Selected: []room.SourceName{who}, OnStage: []room.SourceName{who}, Default: []int{180, 720}[random.IntN(2)],
				})
				at.room.Open(now)
			}
			if random.IntN(4) == 0 { // losses, some told twice
				for ssrc := range slots() {
					n.mu.Lock()
					high := uint16(n.highest[ssrc])
					n.mu.Unlock()
					raw, err := rtcp.Marshal([]rtcp.Packet{&rtcp.TransportLayerNack{
						MediaSSRC: ssrc, Nacks: []rtcp.NackPair{{PacketID: high - uint16(random.IntN(30)), LostPackets: rtcp.PacketBitmap(random.Uint32())}},
					}})
					if err != nil {
						t.Fatal(err)
					}
					p.RTCP(raw, now)
				}
			}
			if random.IntN(400) == 0 { // what a standby knows
				known.Forwarding = p.Snapshot()
				if known.Media, err = leg.Snapshot(); err != nil {
					t.Fatal(err)
				}
			}
			// To another node, where the same people are: handed over, or taken over after a crash.
			if crash := random.IntN(1500) == 0 && known.Media.Profile != 0; crash || random.IntN(1500) == 0 {
				retransmitted += p.Counters().Retransmitted
				if crash {
					crashes++
					known.Jump()
				} else {
					moves++
					known.Forwarding = p.Export()
					if known.Media, err = leg.Export(); err != nil {
						t.Fatal(err)
					}
				}
				carried, err := session.Decode(session.Encode(&known))
				if err != nil {
					t.Fatal(err)
				}
				known = session.Participant{}
				at = newHouse(t, numbers, now)
				at.add(a, now)
				at.add(b, now)
				if leg, err = at.edge.Import(carried.Media, nowhere{}); err != nil {
					t.Fatal(err)
				}
				leg.Attach(n)
				p = at.room.Import(now, watcher, leg, false, &carried.Forwarding)
				p.Connected(now)
				at.room.Open(now)
			}
		}
		retransmitted += p.Counters().Retransmitted
		n.mu.Lock()
		if n.err != nil {
			t.Errorf("seed %d: %v", seed, n.err)
		}
		wrapped := slices.ContainsFunc(slices.Collect(maps.Keys(n.highest)), func(ssrc uint32) bool { return n.highest[ssrc] > 1<<16 })
		if n.packets < 5000 || retransmitted < 100 || !wrapped || moves+crashes == 0 || len(n.highest) < 3 {
			t.Errorf("seed %d: only %d packets, %d again, on %d SSRCs, wrap %v, %d moves, %d crashes", seed, n.packets, retransmitted, len(n.highest), wrapped, moves, crashes)
		}
		n.mu.Unlock()
		all[0], all[1] = all[0]+moves, all[1]+crashes
	}
	if all[0] == 0 || all[1] == 0 {
		t.Errorf("%d moves and %d crashes", all[0], all[1])
	}
}
