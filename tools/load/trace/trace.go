// Package trace holds what a browser's camera looks like on the wire: when its packets come and how large they are, nothing
// else. Encoders cut frames into packets of sizes that differ by a byte, and pace them; a benchmark with packets that are all
// alike and all at once flatters whoever sends runs of equal packets.
//
// A trace is text, one line for each packet:
//
//	<microseconds since the packet before> <encoding, 0 is the lowest> <bytes of payload> <flags>
//
// Flags are any of s (first packet of a frame), e (last), k (the frame is a key frame), or - for none. Lines that begin with #
// say where the trace is from. command load record makes one with Chromium; testdata holds:
//
//	vp8   simulcast of three encodings, 1280x720 and less
//	av1   scalable, all layers under one SSRC
package trace

import (
	"bufio"
	"embed"
	"fmt"
	"io"
	"strings"
	"time"
)

//go:embed testdata/*.txt
var files embed.FS

// Packet is one packet of a trace.
type Packet struct {
	At         time.Duration // since the first
	Encoding   int
	Size       int // of the payload
	Start, End bool
	Key        bool
}

// Open returns a trace of testdata by its name.
func Open(name string) ([]Packet, error) {
	f, err := files.Open("testdata/" + name + ".txt")
	if err != nil {
		return nil, fmt.Errorf("open trace: %w", err)
	}
	defer func() { _ = f.Close() }()
	packets, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("trace %s: %w", name, err)
	}
	return packets, nil
}

// Read reads a trace.
func Read(r io.Reader) (packets []Packet, err error) {
	var at time.Duration
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		var since int64
		var p Packet
		var flags string
		if _, err := fmt.Sscan(lines.Text(), &since, &p.Encoding, &p.Size, &flags); err != nil || since < 0 || p.Encoding < 0 || p.Size < 0 {
			return nil, fmt.Errorf("line %q is no packet", lines.Text())
		}
		at += time.Duration(since) * time.Microsecond
		p.At = at
		p.Start, p.End, p.Key = strings.Contains(flags, "s"), strings.Contains(flags, "e"), strings.Contains(flags, "k")
		packets = append(packets, p)
	}
	if len(packets) == 0 {
		return nil, fmt.Errorf("there is no packet")
	}
	return packets, nil
}

// Write writes a trace; about says where it is from.
func Write(w io.Writer, about string, packets []Packet) error {
	b := bufio.NewWriter(w)
	_, _ = fmt.Fprintf(b, "# %s\n", about) // Flush tells of errors
	var before time.Duration
	for _, p := range packets {
		flags := ""
		for _, f := range []struct {
			is   bool
			name string
		}{{p.Start, "s"}, {p.End, "e"}, {p.Key, "k"}} {
			if f.is {
				flags += f.name
			}
		}
		if flags == "" {
			flags = "-"
		}
		since := (p.At - before).Microseconds()
		before += time.Duration(since) * time.Microsecond
		_, _ = fmt.Fprintf(b, "%d %d %d %s\n", since, p.Encoding, p.Size, flags)
	}
	return b.Flush()
}
