package sfu

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"github.com/atoll-mesh/atoll/cascade/room"
)

var begin = time.UnixMilli(1_754_000_000_000)

// wire is a fake Egress that keeps what it is sent.
type wire struct {
	mu   sync.Mutex
	rtp  [][]byte
	rtcp [][]byte
}

func (w *wire) Buffer() []byte { return make([]byte, 0, 1500) }
func (w *wire) Warm()          {}

func (w *wire) SendRTP(packets ...[]byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rtp = append(w.rtp, packets...)
	return nil
}

func (w *wire) SendRTCP(b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rtcp = append(w.rtcp, slices.Clone(b))
	return nil
}

// media is what one SSRC brought.
type media struct {
	rtp.Packet
	codec     Codec
	again     bool // a retransmission
	vp8       codecs.VP8Packet
	vp9       codecs.VP9Packet
	frame     uint16 // frame number of AV1
	structure bool   // it brings a template structure
	body      []byte // behind what is read of the payload
	sender    byte   // second byte of the body: who sent it
	layer     byte   // third byte: which encoding
}

// take returns the RTP that was sent since the last call.
func (w *wire) take(t testing.TB) []media {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []media
	for _, b := range w.rtp {
		var m media
		if err := m.Unmarshal(b); err != nil {
			t.Fatalf("%x: %v", b, err)
		}
		m.open(t)
		out = append(out, m)
	}
	w.rtp = nil
	return out
}

// open reads the payload.
func (m *media) open(t testing.TB) {
	t.Helper()
	m.body = m.Payload
	for _, f := range offered {
		if m.PayloadType == f.PayloadType || m.PayloadType == f.RTX {
			m.codec, m.again = f.Codec, m.PayloadType == f.RTX
		}
	}
	if m.again {
		m.body = m.body[2:]
	}
	if len(m.body) == 0 {
		return
	}
	var err error
	switch m.codec {
	case VP8:
		m.body, err = m.vp8.Unmarshal(m.body)
	case VP9:
		m.body, err = m.vp9.Unmarshal(m.body)
	case AV1:
		if d := m.GetExtension(11); len(d) >= 3 {
			m.frame, m.structure = binary.BigEndian.Uint16(d[1:]), len(d) > 3 && d[3]&0x80 != 0
		}
	}
	if err != nil {
		t.Fatalf("%x: %v", m.Payload, err)
	}
	if len(m.body) >= 3 {
		m.sender, m.layer = m.body[1], m.body[2]
	}
}

// control returns the RTCP that was sent since the last call.
func (w *wire) control(t testing.TB) []rtcp.Packet {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []rtcp.Packet
	for _, b := range w.rtcp {
		ps, err := rtcp.Unmarshal(b)
		if err != nil {
			t.Fatalf("%x: %v", b, err)
		}
		out = append(out, ps...)
	}
	w.rtcp = nil
	return out
}

// plis returns the SSRCs that key frames were asked of since the last call.
func (w *wire) plis(t testing.TB) []uint32 {
	t.Helper()
	var out []uint32
	for _, p := range w.control(t) {
		if p, ok := p.(*rtcp.PictureLossIndication); ok {
			out = append(out, p.MediaSSRC)
		}
	}
	return out
}

// rig is a room whose time the test moves.
type rig struct {
	t      testing.TB
	now    time.Time
	room   *Room
	people map[byte]*person
	fx     []Effect
}

// person is a participant with a camera of three encodings and a microphone.
type person struct {
	*Participant
	r    *rig
	n    byte
	id   room.EndpointID
	wire *wire
	seq  [4]uint16 // by encoding; 3 is audio
	ts   [4]uint32
	pic  [4]uint16
	num  [4]uint16 // frame numbers
	tcc  uint16

	codec Codec  // 0: VP8
	tail  []byte // what the payloads of other codecs than VP8 end with
}

// RTP takes a packet in that no other of its frame comes after in time.
func (p *person) RTP(b []byte, arrived time.Time) bool {
	more := p.Participant.RTP(b, arrived)
	p.Participant.Flush()
	return more
}

func endpoint(n byte) room.EndpointID { return room.EndpointID(fmt.Sprintf("%08x", n)) }

func (p *person) camera() room.SourceName { return room.SourceName(p.id + "-v0") }
func (p *person) mic() room.SourceName    { return room.SourceName(p.id + "-a0") }

// Everybody sends the same SSRCs: they are scoped to their sender.
func cameraSSRC(layer int) uint32 { return uint32(1000 + layer) }
func cameraRTX(layer int) uint32  { return uint32(2000 + layer) }

const micSSRC = 3000

func (p *person) source(encodings int) []room.Source {
	v := room.Source{Name: p.camera(), VideoType: room.Camera}
	for i := range encodings {
		v.Encodings = append(v.Encodings, room.Encoding{SSRC: cameraSSRC(i), RTX: cameraRTX(i)})
	}
	return []room.Source{{Name: p.mic(), Encodings: []room.Encoding{{SSRC: micSSRC}}}, v}
}

func newRig(t testing.TB) *rig {
	n := uint32(100_000)
	return &rig{t: t, now: begin, people: map[byte]*person{}, room: NewRoom(Config{Rand: func() uint32 {
		n += 7919
		return n
	}})}
}

// do keeps the effects and lets media through.
func (r *rig) do(fx []Effect) {
	r.fx = append(r.fx, fx...)
	r.room.Open(r.now)
}

// effects returns the effects since the last call.
func (r *rig) effects() []Effect {
	fx := r.fx
	r.fx = nil
	return fx
}

// of returns the effects of a type among fx.
func of[E Effect](fx []Effect) []E {
	var out []E
	for _, e := range fx {
		if e, ok := e.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

func (r *rig) known(n byte) *person {
	p := &person{r: r, n: n, id: endpoint(n), wire: &wire{}}
	for i := range p.seq {
		p.seq[i], p.ts[i], p.pic[i] = uint16(n)*1000+uint16(i)*100, uint32(n)*100000, uint16(n)*50
	}
	r.people[n] = p
	return p
}

// join brings person n, connected, with a camera of the given number of encodings, who wants everything at 720p.
func (r *rig) join(n byte, encodings int) *person {
	p := r.known(n)
	p.Participant = r.room.Join(r.now, p.id, p.wire)
	p.Connected(r.now)
	r.do(r.room.SetSources(r.now, p.id, p.source(encodings)))
	p.want(-1, 720)
	return p
}

func (p *person) want(lastN, height int) {
	p.r.do(p.r.room.SetConstraints(p.r.now, p.id, Constraints{LastN: lastN, Default: height}))
}

// wait moves time and ticks everything every 20 ms.
func (r *rig) wait(d time.Duration) {
	for end := r.now.Add(d); r.now.Before(end); {
		step := min(20*time.Millisecond, end.Sub(r.now))
		r.now = r.now.Add(step)
		for _, n := range r.order() {
			r.people[n].Participant.Tick(r.now)
		}
		r.do(r.room.Tick(r.now))
	}
}

func (r *rig) order() []byte {
	var ns []byte
	for n := range r.people {
		ns = append(ns, n)
	}
	slices.Sort(ns)
	return ns
}

// headerSize is the length of the headers and extensions of a packet of video.
const headerSize = 12 + 4 + 8

// packet builds the next packet of an encoding without sending it.
func (p *person) packet(layer int, start, key, end bool) []byte {
	header := rtp.Header{Version: 2, PayloadType: 100, SSRC: cameraSSRC(layer), SequenceNumber: p.seq[layer], Timestamp: p.ts[layer], Marker: end}
	frame := []byte{1, p.n, byte(layer), 0x9d, 1, 0x2a, 0, 0, 0, 0, 7, 7, 7}
	if key {
		frame[0] = 0
		binary.LittleEndian.PutUint16(frame[6:], uint16(320<<layer))
		binary.LittleEndian.PutUint16(frame[8:], uint16(180<<layer))
	}
	first := byte(0x80)
	if start {
		first |= 0x10
	}
	pic := p.pic[layer] & 0x7fff
	body := append([]byte{first, 0xe0, byte(pic>>8) | 0x80, byte(pic), byte(pic), 0}, frame...)
	p.seq[layer]++
	return p.marshal(header, body)
}

func (p *person) marshal(h rtp.Header, body []byte) []byte {
	p.tcc++
	set := func(id uint8, b []byte) {
		if err := h.SetExtension(id, b); err != nil {
			p.r.t.Fatal(err)
		}
	}
	set(3, []byte{9, 9, 9})
	set(5, binary.BigEndian.AppendUint16(nil, p.tcc))
	b, err := (&rtp.Packet{Header: h, Payload: body}).Marshal()
	if err != nil {
		p.r.t.Fatal(err)
	}
	return b
}

// frame builds a frame of three packets, each a spatial layer of its own when the codec has some.
func (p *person) frame(layer int, key bool) [][]byte {
	p.ts[layer] += 3000
	p.pic[layer]++
	if p.codec > VP8 {
		return [][]byte{p.part(layer, 0, key), p.part(layer, 1, key), p.part(layer, 2, key)}
	}
	return [][]byte{p.packet(layer, true, key, false), p.packet(layer, false, key, false), p.packet(layer, false, key, true)}
}

// send delivers packets as p's.
func (p *person) send(packets ...[]byte) {
	for _, b := range packets {
		p.RTP(slices.Clone(b), p.r.now)
	}
}

// film sends one frame of each encoding named, all key frames or none.
func (p *person) film(key bool, layers ...int) {
	for _, l := range layers {
		p.send(p.frame(l, key)...)
	}
}

// speak sends one packet of audio with the level given, 0 to 127.
func (p *person) speak(level uint8) { p.send(p.sound(level)) }

// sound builds the next packet of audio.
func (p *person) sound(level uint8) []byte {
	p.ts[3] += 960
	h := rtp.Header{Version: 2, PayloadType: 111, SSRC: micSSRC, SequenceNumber: p.seq[3], Timestamp: p.ts[3]}
	p.seq[3]++
	if err := h.SetExtension(1, []byte{0x80 | (127 - level)}); err != nil {
		p.r.t.Fatal(err)
	}
	return p.marshal(h, []byte{0, p.n, 9, 1, 2, 3})
}

// rtcp delivers RTCP as p's.
func (p *person) rtcp(ps ...rtcp.Packet) {
	b, err := rtcp.Marshal(ps)
	if err != nil {
		p.r.t.Fatal(err)
	}
	p.RTCP(b, p.r.now)
}

// ssrc returns the SSRC that p receives a source with, by the last map.
func (p *person) ssrc(name room.SourceName) (ssrc, rtx uint32) {
	if s := p.slot(name); s != nil {
		return s.ssrc, s.rtx
	}
	return 0, 0
}

// on returns the packets with an SSRC.
func on(ms []media, ssrc uint32) []media {
	return slices.DeleteFunc(slices.Clone(ms), func(m media) bool { return m.SSRC != ssrc })
}
