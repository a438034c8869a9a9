package picture

import (
	"bufio"
	"fmt"
	"io"
)

// Format of a file.
type Format struct {
	Width, Height int // even
	FPS           int
}

// Standard is what a camera gives when nobody asks for more.
var Standard = Format{640, 360, 30}

// WriteY4M writes frames of a participant's file as YUV4MPEG2 with 4:2:0 planes. A reader may repeat the file from its start.
func WriteY4M(w io.Writer, f Format, participant uint8, frames int) error {
	if f.Width < 2*Blocks || f.Height < 2*StripHeight || f.Width%2 != 0 || f.Height%2 != 0 || f.FPS < 1 {
		return fmt.Errorf("write picture file: %dx%d at %d: want even sizes that hold a strip", f.Width, f.Height, f.FPS)
	}
	out := bufio.NewWriterSize(w, 1<<20)
	fmt.Fprintf(out, "YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n", f.Width, f.Height, f.FPS)
	luma := make([]byte, f.Width*f.Height)
	y, u, v := yuv(Colour(participant))
	chroma := flatChroma(f, u, v)
	for n := range frames {
		paint(luma, f, y, Strip(participant, n), n)
		fmt.Fprint(out, "FRAME\n")
		_, _ = out.Write(luma) // the writer keeps the first error for Flush
		_, _ = out.Write(chroma)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write picture file: %w", err)
	}
	return nil
}

// paint draws one frame's luma.
func paint(luma []byte, f Format, background byte, strip uint16, frame int) {
	stripEnd := stripRows(f)
	for row := range f.Height {
		line := luma[row*f.Width : (row+1)*f.Width]
		for x := range line {
			line[x] = background
			if row < stripEnd {
				line[x] = 16
				if strip>>(Blocks-1-x*Blocks/f.Width)&1 == 1 {
					line[x] = 235
				}
			}
		}
	}
	side := f.Height / 8
	left, top := frame*8%(f.Width-side), f.Height-2*side
	for row := top; row < top+side; row++ {
		for x := left; x < left+side; x++ {
			luma[row*f.Width+x] = byte(60 + (row-top+x-left)%128)
		}
	}
}

// stripRows is even, so that chroma follows it.
func stripRows(f Format) int { return f.Height / StripHeight &^ 1 }

// flatChroma draws the chroma planes, which no frame changes: grey strip, coloured rest.
func flatChroma(f Format, u, v byte) []byte {
	width, height := f.Width/2, f.Height/2
	planes := make([]byte, 2*width*height)
	for row := range height {
		cu, cv := u, v
		if row < stripRows(f)/2 {
			cu, cv = 128, 128
		}
		for x := range width {
			planes[row*width+x] = cu
			planes[width*height+row*width+x] = cv
		}
	}
	return planes
}

// yuv converts to limited-range BT.601, which is what a camera's frames are taken for.
func yuv(c RGB) (y, u, v byte) {
	r, g, b := float64(c.R)/255, float64(c.G)/255, float64(c.B)/255
	return byte(16 + 65.481*r + 128.553*g + 24.966*b + 0.5),
		byte(128 - 37.797*r - 74.203*g + 112*b + 0.5),
		byte(128 + 112*r - 93.786*g - 18.214*b + 0.5)
}
