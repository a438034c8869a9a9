package bench

import (
	"time"

	"github.com/atoll-mesh/atoll/tools/load/trace"
)

// Equal packets: 30 frames a second of 6 packets of 1050 bytes (1.51 Mbit/s), a key frame every three seconds.
const (
	framesPerSecond = 30
	packetsPerFrame = 6
	equalSize       = 1050
	equalLength     = 3 * time.Second
)

// plan is what one publisher's video is, over and over again.
type plan struct {
	shots     []shot
	length    time.Duration
	encodings int
	codec     uint8
}

// equal returns a plan whose packets have the same size. Lower encodings have a quarter of the packets of the next higher one, but one
// at least.
func equal(encodings int) plan {
	p := plan{length: equalLength, encodings: encodings, codec: payloadVP8}
	for f := range framesPerSecond * int(equalLength/time.Second) {
		for e := range encodings {
			n := max(1, packetsPerFrame>>(2*(encodings-1-e)))
			for i := range n {
				p.shots = append(p.shots, shot{
					at: time.Duration(f) * time.Second / framesPerSecond, encoding: e, size: equalSize, start: i == 0, end: i == n-1, key: f == 0,
				})
			}
		}
	}
	return p
}

// filmed returns a plan as a browser sends: of the trace, the highest encodings that are asked for.
func filmed(name string, encodings int) (plan, error) {
	packets, err := trace.Open(name)
	if err != nil {
		return plan{}, err
	}
	p := plan{codec: payloadVP8}
	if name == AV1 {
		p.codec = payloadAV1
	}
	highest := 0
	for _, t := range packets {
		highest = max(highest, t.Encoding)
		p.length = max(p.length, t.At)
	}
	p.length += time.Second / framesPerSecond
	p.encodings = min(encodings, highest+1)
	lowest := highest + 1 - p.encodings
	whole := make([]int, highest+1) // how many packets of each encoding are of whole frames
	for i, t := range packets {
		if t.End {
			whole[t.Encoding] = i + 1
		}
	}
	begun := make([]bool, highest+1)
	for i, t := range packets {
		if t.Encoding < lowest || i >= whole[t.Encoding] {
			continue
		}
		// The first frame of each encoding is a key frame, whatever its size: the plan begins anew with it.
		key := t.Key || t.Start && !begun[t.Encoding]
		begun[t.Encoding] = true
		p.shots = append(p.shots, shot{at: t.At, encoding: t.Encoding - lowest, size: t.Size, start: t.Start, end: t.End, key: key})
	}
	return p, nil
}
