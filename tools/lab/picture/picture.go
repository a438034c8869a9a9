// Package picture paints pictures that say who sent them and when, and reads them back after they went through a call.
//
// Every picture of a participant, of any size, has
//
//   - a strip of 16 equal blocks across the top, one ninth of the picture high. Each block is a bit, the leftmost the highest:
//     white is 1, black is 0. The strip scales with the picture, so a reader needs its size only.
//   - one flat colour below, which tells participants apart on its own ([Colour]);
//   - a grey square that moves through the lower half, so that an encoder has something to do.
//
// Two kinds of strip exist. A picture from a file carries an identity: the participant's number in the upper 8 bits, the
// number of the frame in the lower ([Strip]). A picture that a page paints while the call runs carries the low 16 bits of the
// wall clock in ms, from which a reader on the same machine has the age of the picture ([Age]).
//
// It is an engine: what it says follows from its arguments.
package picture

import (
	"math"
	"time"
)

// Blocks is the number of blocks in a strip.
const Blocks = 16

// StripHeight is how many times the strip fits into the height of a picture.
const StripHeight = 9

// Strip returns the bits of a frame of a participant's file.
func Strip(participant uint8, frame int) uint16 { return uint16(participant)<<8 | uint16(frame&0xff) }

// Participant returns whose file a strip is from, and the number of the frame modulo 256.
func Participant(strip uint16) (participant uint8, frame uint8) {
	return uint8(strip >> 8), uint8(strip)
}

// Clock returns the bits of a moment, given in ms of the wall clock.
func Clock(ms int64) uint16 { return uint16(ms) }

// Age returns how long ago a strip was painted, when it is read at ms of the wall clock. Ages up to 65 s are told apart; a
// misread strip or a clock set back gives any age.
func Age(strip uint16, ms int64) time.Duration {
	return time.Duration(uint16(ms)-strip) * time.Millisecond
}

// RGB is a colour.
type RGB struct{ R, G, B uint8 }

// Colour returns the colour of a participant. Neighbouring numbers are far apart in hue.
func Colour(participant uint8) RGB {
	const value, saturation = 0.8, 0.75
	channel := func(n float64) uint8 {
		k := math.Mod(n+hue(participant)/60, 6)
		return uint8(255 * value * (1 - saturation*max(0, min(k, 4-k, 1))))
	}
	return RGB{channel(5), channel(3), channel(1)}
}

// hue spreads the participants over the circle by the golden angle.
func hue(participant uint8) float64 { return math.Mod(float64(participant)*137.508, 360) }

// Nearest returns which of the candidates a colour belongs to; a call changes colours a little. It reports false for a colour
// too pale or too far from all.
func Nearest(c RGB, candidates ...uint8) (participant uint8, ok bool) {
	high, low := float64(max(c.R, c.G, c.B)), float64(min(c.R, c.G, c.B))
	if high-low < 30 {
		return 0, false
	}
	var h float64
	r, g, b := float64(c.R), float64(c.G), float64(c.B)
	switch high {
	case r:
		h = math.Mod((g-b)/(high-low)+6, 6)
	case g:
		h = (b-r)/(high-low) + 2
	default:
		h = (r-g)/(high-low) + 4
	}
	best := 20.0 // degrees
	for _, p := range candidates {
		d := math.Abs(h*60 - hue(p))
		if d = min(d, 360-d); d < best {
			best, participant, ok = d, p, true
		}
	}
	return participant, ok
}

// Tones is how many participants have a tone of their own.
const Tones = 32

// Tone returns the frequency in Hz of a participant's sound. All lie within one octave, so none is an overtone of another, and
// are at least 60 Hz apart.
func Tone(participant uint8) float64 { return 2000 + 60*float64(participant%Tones) }
