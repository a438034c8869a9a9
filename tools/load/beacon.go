package load

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pion/rtp"
)

// A beacon's packets are few and small, and say whose they are.
const (
	// BeaconsPerSecond is how many packets of each source a beacon sends in a second.
	BeaconsPerSecond = 5
	beaconPayload    = 160
	markOffset       = minStamped // of the mark in a payload: beaconMark, the length of the source's name, the name
	beaconMark       = "beacon"
	longestName      = 32
)

// Beacon is a publisher so light that hundreds of them fit onto one machine. Each packet carries the name of the source that it
// is of; each picture is one packet and a key frame, though nothing that a browser could show. It is not safe for concurrent use.
type Beacon struct {
	publisher    *Publisher
	audio, video string
}

// NewBeacon returns a beacon of an endpoint with the given SSRCs. Without one for video it sends audio alone.
func NewBeacon(endpoint string, audio, video uint32) *Beacon {
	return &Beacon{publisher: NewPublisher(audio, video, 1), audio: endpoint + "-a0", video: endpoint + "-v0"}
}

// Send sends until ctx ends or w fails.
func (b *Beacon) Send(ctx context.Context, w Writer) error {
	ticker := time.NewTicker(time.Second / BeaconsPerSecond)
	defer ticker.Stop()
	for {
		now := time.Now()
		packets := [][]byte{b.sound(now)}
		if b.publisher.Video != 0 {
			packets = append(packets, b.picture(now))
		}
		for _, packet := range packets {
			if err := w.WriteRTP(packet); err != nil {
				return fmt.Errorf("send of %s: %w", b.audio, err)
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (b *Beacon) picture(now time.Time) []byte {
	p := b.publisher
	p.RequestKeyframe()
	// The first packet of a whole frame, shortened, is one of a frame of its own.
	var h rtp.Header
	raw := p.Frame(now)[0]
	n, err := h.Unmarshal(raw)
	if err != nil {
		panic(err) // the packet is ours
	}
	p.seqVideo -= PacketsPerFrame - 1
	p.transport -= PacketsPerFrame
	h.Marker = true
	return p.packet(h, mark(raw[n:n+beaconPayload], b.video))
}

func (b *Beacon) sound(now time.Time) []byte {
	p := b.publisher
	var h rtp.Header
	raw := p.Opus(now)
	n, err := h.Unmarshal(raw)
	if err != nil {
		panic(err) // the packet is ours
	}
	p.tsAudio += clockAudio/BeaconsPerSecond - clockAudio/OpusPerSecond
	p.transport--
	return p.packet(h, mark(append(raw[n:], make([]byte, beaconPayload-OpusPayload)...), b.audio), extensionLevel, 0x80|audioLevelSpeak)
}

func mark(payload []byte, name string) []byte {
	copy(payload[markOffset:], beaconMark+string(rune(len(name)))+name)
	return payload
}

// Heard is what one receiver was sent of a source, under one SSRC.
type Heard struct {
	SSRC   uint32
	Source string
}

// Roll writes down whose packets a receiver gets. Its lock is its own.
type Roll struct {
	mu      sync.Mutex
	heard   map[Heard]int
	seen    map[uint64]bool // SSRC and sequence number, of the last and the next to last few thousand
	older   map[uint64]bool
	twice   int
	foreign int
}

// rollMemory is how many packets a roll tells duplicates among.
const rollMemory = 1 << 13

// NewRoll returns a roll without an entry.
func NewRoll() *Roll { return &Roll{heard: map[Heard]int{}, seen: map[uint64]bool{}} }

// RTP takes one packet: its header and all of its bytes.
func (r *Roll) RTP(h *rtp.Header, packet []byte, _ time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h.PayloadType != payloadVP8 && h.PayloadType != payloadOpus {
		return // retransmissions and probing come under numbers of their own
	}
	id := uint64(h.SSRC)<<16 | uint64(h.SequenceNumber)
	if r.seen[id] || r.older[id] {
		r.twice++
	}
	r.seen[id] = true
	if len(r.seen) == rollMemory {
		r.seen, r.older = map[uint64]bool{}, r.seen
	}
	name, ok := marked(payloadOf(packet))
	if !ok {
		r.foreign++
		return
	}
	r.heard[Heard{h.SSRC, name}]++
}

func marked(payload []byte) (name string, ok bool) {
	if len(payload) < markOffset {
		return "", false
	}
	mark, found := bytes.CutPrefix(payload[markOffset:], []byte(beaconMark))
	if !found || len(mark) == 0 || mark[0] == 0 || mark[0] > longestName || len(mark) <= int(mark[0]) {
		return "", false
	}
	return string(mark[1 : 1+mark[0]]), true
}

// Take returns what was heard since the last call, in packets, and begins anew.
func (r *Roll) Take() map[Heard]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	heard := r.heard
	r.heard = map[Heard]int{}
	return heard
}

// Twice returns how many packets came a second time.
func (r *Roll) Twice() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.twice
}

// Foreign returns how many packets came that are of no beacon.
func (r *Roll) Foreign() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.foreign
}
