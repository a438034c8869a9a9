package sfu

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

// three is a sender at an origin, a node between that has a receiver of its own or none, and a receiver at a leaf.
func three(t testing.TB, encodings int, between bool) (m *mesh, a *person, first, second *cable, b *person) {
	m = newMesh(t, "origin", "relay", "leaf")
	a = m.sites[0].join(1, encodings)
	first = m.link(m.sites[0], m.sites[1], 30*time.Millisecond)
	second = m.link(m.sites[1], m.sites[2], 20*time.Millisecond)
	m.sites[1].remote(a, encodings)
	m.sites[2].remote(a, encodings)
	first.use()
	second.use()
	if between {
		m.sites[1].join(5, 1)
	}
	b = m.sites[2].join(10, 1)
	m.wait(200 * time.Millisecond)
	return m, a, first, second, b
}

func TestThreeRoomsInARow(t *testing.T) {
	for name, between := range map[string]bool{"a relay with clients": true, "a relay without": false} {
		t.Run(name, func(t *testing.T) {
			m, a, first, second, b := three(t, 3, between)
			m.play(a, 2*time.Second, 0, 1, 2)
			first.loss, second.loss, first.jitter = 0.03, 0.03, 20*time.Millisecond
			m.play(a, 10*time.Second, 0, 1, 2)
			first.loss, second.loss = 0, 0
			m.play(a, time.Second, 0, 1, 2)
			m.wait(200 * time.Millisecond)
			ssrc, _ := b.ssrc(a.camera())
			got := b.wire.take(t)
			clean(t, got)
			if n := len(seen(t, got, ssrc, 0)); n < 3*25*12 {
				t.Errorf("%d packets", n)
			}
			if first.nacks == 0 || second.nacks == 0 {
				t.Errorf("%d and %d NACKs", first.nacks, second.nacks)
			}
			b.want(-1, 0)
			m.wait(200 * time.Millisecond)
			if first.pulled[a.camera()] != between || second.pulled[a.camera()] {
				t.Errorf("pulled still: %v, %v", first.pulled, second.pulled)
			}
		})
	}
}

// shape changes how a packet's extensions are written.
type shape func(t testing.TB, b []byte) []byte

func reshape(t testing.TB, b []byte, profile uint16) []byte {
	p := unmarshal(t, b)
	h := rtp.Header{
		Version: 2, Marker: p.Marker, PayloadType: p.PayloadType, SequenceNumber: p.SequenceNumber,
		Timestamp: p.Timestamp, SSRC: p.SSRC, Extension: true, ExtensionProfile: profile,
	}
	for _, id := range p.GetExtensionIDs() {
		if err := h.SetExtension(id, p.GetExtension(id)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := (&rtp.Packet{Header: h, Payload: p.Payload}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var shapes = map[string]shape{
	"one-byte extensions": func(_ testing.TB, b []byte) []byte { return b },
	"two-byte extensions": func(t testing.TB, b []byte) []byte { return reshape(t, b, 0x1000) },
	"no extensions": func(t testing.TB, b []byte) []byte {
		p := unmarshal(t, b)
		p.Extension, p.Extensions = false, nil
		out, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return out
	},
	"an extension of another profile": func(_ testing.TB, b []byte) []byte {
		binary.BigEndian.PutUint16(b[12:], 0x4444)
		return b
	},
	"an empty block": func(_ testing.TB, b []byte) []byte {
		n := 4 * int(binary.BigEndian.Uint16(b[14:]))
		out := append(slices.Clone(b[:16]), b[16+n:]...)
		binary.BigEndian.PutUint16(out[14:], 0)
		return out
	},
	"contributing sources": func(_ testing.TB, b []byte) []byte {
		out := append(slices.Clone(b[:12]), 1, 2, 3, 4, 5, 6, 7, 8)
		out[0] |= 2
		return append(out, b[12:]...)
	},
	"padding": func(_ testing.TB, b []byte) []byte {
		b[0] |= 0x20
		return append(b, 0, 0, 3)
	},
	"a mark of its own making": func(t testing.TB, b []byte) []byte {
		return packet.AppendMarked(nil, b, packet.NewMark(7).WithCycle(99).WithPicture(true, &packet.Descriptor{}))
	},
}

// TestPayloadsCrossTheMeshAsTheyCome: over three nodes, for every codec and every form of a header, what stands behind the
// descriptor comes out as it went in, and of the descriptor only the numbers change.
func TestPayloadsCrossTheMeshAsTheyCome(t *testing.T) {
	for name, form := range shapes {
		for codecName, codec := range videoCodecs {
			t.Run(name+"/"+codecName, func(t *testing.T) {
				m, a, _, second, b := three(t, 1, true)
				a.codec = codec
				if codec == AV1 && name != "one-byte extensions" && name != "two-byte extensions" {
					return // its numbers are in an extension
				}
				noise := rand.New(rand.NewPCG(1, uint64(codec)))
				var in [][]byte
				for i := range 40 {
					a.tail = make([]byte, noise.IntN(1000))
					for i := range a.tail {
						a.tail[i] = byte(noise.Uint32())
					}
					packets := a.frame(0, i%10 == 0)
					for i := range packets {
						if codec == VP8 {
							packets[i] = append(packets[i], a.tail...)
						}
						packets[i] = form(t, packets[i])
					}
					in = append(in, packets...)
					a.send(packets...)
					m.wait(40 * time.Millisecond)
				}
				m.wait(100 * time.Millisecond)
				ssrc, _ := b.ssrc(a.camera())
				got := b.wire.take(t)
				if name != "a mark of its own making" {
					clean(t, got)
				}
				got = seen(t, got, ssrc, 0)
				if len(got) != len(in) {
					t.Fatalf("%d packets of %d", len(got), len(in))
				}
				for i, p := range got {
					was := unmarshal(t, in[i])
					if !same(was.Payload, p.Payload, numbersAt(codec)) {
						t.Fatalf("packet %d:\ncame in %x\nwent out %x", i, was.Payload, p.Payload)
					}
					if p.Marker != was.Marker || p.PayloadType != was.PayloadType {
						t.Fatalf("packet %d: %+v went out as %+v", i, was.Header, p.Header)
					}
					if name == "one-byte extensions" && (len(p.GetExtension(5)) != 2 || bytes.Equal(p.GetExtension(3), []byte{9, 9, 9})) {
						t.Fatalf("packet %d: the leg's own numbers are missing: %+v", i, p.Header)
					}
				}
				// On the way nothing of it is changed at all.
				last, was := second.last[a.camera()], unmarshal(t, in[len(in)-1])
				on := unmarshal(t, last)
				if on.SSRC != was.SSRC || on.SequenceNumber != was.SequenceNumber || on.Timestamp != was.Timestamp ||
					!bytes.Equal(on.Payload, was.Payload) {
					t.Errorf("between nodes: %+v, was %+v", on.Header, was.Header)
				}
			})
		}
	}
}

// TestUnreadablePayloads: behind the origin the mark alone says where key frames begin. What stands behind the descriptor
// is noise, also where a key frame could be told by it.
func TestUnreadablePayloads(t *testing.T) {
	m, a, c, bs := two(t, 2, 1)
	noise := rand.New(rand.NewPCG(3, 4))
	leaf := m.sites[1].remotes[1]
	c.cut = true
	for i := range 60 {
		layer := i / 30
		for j, b := range a.frame(layer, i%30 == 0) {
			p := unmarshal(t, b)
			for k := 6; k < len(p.Payload); k++ { // the descriptor of VP8 has 6 bytes here
				p.Payload[k] = byte(noise.Uint32())
			}
			p.Payload[7], p.Payload[8] = a.n, byte(layer)
			b, _ = p.Marshal()
			mark := packet.NewMark(uint8(layer)).WithCycle(uint32(100+layer)).WithPicture(i%30 == 0 && j == 0, &packet.Descriptor{})
			leaf.RTP(a.camera(), layer, packet.AppendMarked(nil, b, mark), m.now)
		}
		m.wait(20 * time.Millisecond)
	}
	ssrc, _ := bs[0].ssrc(a.camera())
	got := on(bs[0].wire.take(t), ssrc)
	if len(got) != 180 || got[89].layer != 0 || got[90].layer != 1 {
		t.Errorf("%d packets", len(got))
	}
	for i := 1; i < len(got); i++ {
		if got[i].SequenceNumber != got[i-1].SequenceNumber+1 {
			t.Fatalf("number %d after %d", got[i].SequenceNumber, got[i-1].SequenceNumber)
		}
	}
}

// TestAnotherWay: the leaf's upstream goes from direct to relayed and back, each time with both for a while. No packet is
// lost, none comes twice, and nobody is asked for a key frame that the client would wait for.
func TestAnotherWay(t *testing.T) {
	m := newMesh(t, "origin", "relay", "leaf")
	a := m.sites[0].join(1, 1)
	direct := m.link(m.sites[0], m.sites[2], 40*time.Millisecond)
	first := m.link(m.sites[0], m.sites[1], 60*time.Millisecond)
	second := m.link(m.sites[1], m.sites[2], 50*time.Millisecond)
	m.sites[1].remote(a, 1)
	m.sites[2].remote(a, 1)
	first.use()
	direct.use()
	b := m.sites[2].join(10, 1)
	m.play(a, time.Second, 0)
	for range 5 {
		second.use()
		m.play(a, 400*time.Millisecond, 0)
		direct.leave()
		m.play(a, time.Second, 0)
		direct.use()
		m.play(a, 300*time.Millisecond, 0)
		second.leave()
		m.play(a, time.Second, 0)
	}
	m.wait(300 * time.Millisecond)
	got := b.wire.take(t)
	clean(t, got)
	ssrc, _ := b.ssrc(a.camera())
	if n := len(seen(t, got, ssrc, 0)); n < 13*25*3 {
		t.Errorf("%d packets of video", n)
	}
	mic, _ := b.ssrc(a.mic())
	if n := len(seen(t, got, mic, 0)); n < 13*50 {
		t.Errorf("%d packets of audio", n)
	}
	if n := m.sites[2].remotes[1].Counters(); n.Duplicates < 100 {
		t.Errorf("the test shows nothing: %d packets came twice", n.Duplicates)
	}
}

// TestKeyframeRequestsAreMerged: whoever asks within a round trip, the sender is asked once.
func TestKeyframeRequestsAreMerged(t *testing.T) {
	m, a, first, second, b := three(t, 1, true)
	people := []*person{b}
	for n := byte(11); n < 20; n++ {
		people = append(people, m.sites[2].join(n, 1))
	}
	m.play(a, 3*time.Second, 0)
	p1, p2, asked := first.plis, second.plis, a.Counters().KeyframesAsked
	for _, p := range people {
		ssrc, _ := p.ssrc(a.camera())
		p.rtcp(&rtcp.PictureLossIndication{MediaSSRC: ssrc})
		m.wait(4 * time.Millisecond)
	}
	m.play(a, 2*time.Second, 0)
	if first.plis-p1 != 1 || second.plis-p2 != 1 || a.Counters().KeyframesAsked-asked != 1 {
		t.Errorf("asked %d, %d, %d times", second.plis-p2, first.plis-p1, a.Counters().KeyframesAsked-asked)
	}
}
