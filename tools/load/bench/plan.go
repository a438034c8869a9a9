package bench

import "time"

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
