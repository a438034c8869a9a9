package picture_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab/picture"
	"pgregory.net/rapid"
)

func TestStripHoldsParticipantAndFrame(t *testing.T) {
	p, f := picture.Participant(picture.Strip(7, 258))
	if p != 7 || f != 2 {
		t.Errorf("participant %d frame %d, want 7 and 2", p, f)
	}
}

func TestAgeWrapsWithTheClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		painted := rapid.Int64Range(0, 1<<42).Draw(t, "painted")
		age := rapid.Int64Range(0, 65535).Draw(t, "age")
		got := picture.Age(picture.Clock(painted), painted+age)
		if want := time.Duration(age) * time.Millisecond; got != want {
			t.Fatalf("age %v, want %v", got, want)
		}
	})
}

func TestColoursAreToldApart(t *testing.T) {
	var all []uint8
	for p := range uint8(12) {
		all = append(all, p+1)
	}
	for _, p := range all {
		c := picture.Colour(p)
		if got, ok := picture.Nearest(c, all...); !ok || got != p {
			t.Errorf("%v of participant %d taken for %d, %v", c, p, got, ok)
		}
		// What a codec does to a colour.
		c.R, c.G, c.B = c.R-4, c.G+4, c.B-3
		if got, ok := picture.Nearest(c, all...); !ok || got != p {
			t.Errorf("changed %v of participant %d taken for %d, %v", c, p, got, ok)
		}
	}
	if p, ok := picture.Nearest(picture.RGB{R: 120, G: 125, B: 118}, all...); ok {
		t.Errorf("grey taken for participant %d", p)
	}
	if p, ok := picture.Nearest(picture.Colour(2), 1); ok {
		t.Errorf("the colour of 2 taken for %d", p)
	}
}

func TestTonesAreToldApart(t *testing.T) {
	for a := range uint8(picture.Tones) {
		for b := range a {
			low, high := picture.Tone(b), picture.Tone(a)
			if high < low+60 || high >= 2*low {
				t.Errorf("tones of %d and %d are %v and %v Hz", b, a, low, high)
			}
		}
	}
}

// The file is read back as a browser reads it: by its header, frame by frame, the strip from the middle of its blocks.
func TestFileCarriesStripAndColour(t *testing.T) {
	for _, f := range []picture.Format{picture.Standard, {1280, 720, 30}, {320, 180, 15}} {
		t.Run(fmt.Sprintf("%dx%d", f.Width, f.Height), func(t *testing.T) {
			var file bytes.Buffer
			if err := picture.WriteY4M(&file, f, 5, 3); err != nil {
				t.Fatal(err)
			}
			header, err := file.ReadString('\n')
			if want := fmt.Sprintf("YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n", f.Width, f.Height, f.FPS); err != nil || header != want {
				t.Fatalf("header %q, want %q", header, want)
			}
			for n := range 3 {
				if mark, err := file.ReadString('\n'); err != nil || mark != "FRAME\n" {
					t.Fatalf("frame %d begins %q", n, mark)
				}
				frame := file.Next(f.Width * f.Height * 3 / 2)
				var strip uint16
				for k := range picture.Blocks {
					x, row := (2*k+1)*f.Width/(2*picture.Blocks), f.Height/(2*picture.StripHeight)
					strip <<= 1
					if frame[row*f.Width+x] > 128 {
						strip |= 1
					}
				}
				if want := picture.Strip(5, n); strip != want {
					t.Errorf("frame %d has strip %04x, want %04x", n, strip, want)
				}
				middle := f.Height / 2
				c := rgb(frame[middle*f.Width], frame[f.Width*f.Height+middle/2*f.Width/2], frame[f.Width*f.Height*5/4+middle/2*f.Width/2])
				if p, ok := picture.Nearest(c, 1, 2, 3, 4, 5, 6); !ok || p != 5 {
					t.Errorf("colour %v read as participant %d, %v", c, p, ok)
				}
			}
			if file.Len() != 0 {
				t.Errorf("%d bytes after the last frame", file.Len())
			}
		})
	}
}

func TestOddSizesAreRefused(t *testing.T) {
	for _, f := range []picture.Format{{}, {641, 360, 30}, {640, 361, 30}, {16, 360, 30}, {640, 360, 0}} {
		if err := picture.WriteY4M(&bytes.Buffer{}, f, 1, 1); err == nil {
			t.Errorf("%+v accepted", f)
		}
	}
}

func rgb(y, u, v byte) picture.RGB {
	c, d, e := 1.164*(float64(y)-16), float64(u)-128, float64(v)-128
	clamp := func(x float64) uint8 { return uint8(max(0, min(255, x))) }
	return picture.RGB{R: clamp(c + 1.596*e), G: clamp(c - 0.392*d - 0.813*e), B: clamp(c + 2.017*d)}
}
