package link

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/atoll-mesh/atoll/cascade/wire"
)

// FuzzReader cuts a stream into frames, however it comes in pieces, as wire.Split cuts it at once.
func FuzzReader(f *testing.F) {
	two := wire.AppendFramed(wire.AppendFramed(nil, wire.Claim{Room: "r"}, 2), wire.Claim{Room: "s", ID: 9}, 2)
	f.Add(two, true)
	f.Add(append(two, 0, 0, 0, 0), false)
	f.Add([]byte{0, 15, 0, 0}, false)
	f.Add(append([]byte{0, 0, 0x40, 0}, make([]byte, 20_000)...), false)
	f.Fuzz(func(t *testing.T, b []byte, slowly bool) {
		var in io.Reader = bytes.NewReader(b)
		if slowly {
			in = iotest.OneByteReader(in)
		}
		r := reader{stream: in}
		rest := b
		for {
			want, next, bad := wire.Split(rest)
			got, err := r.next()
			if cap(r.buf) > max(2*len(b), leastRead) {
				t.Fatalf("room for %d bytes of %d", cap(r.buf), len(b))
			}
			if want == nil || bad != nil {
				if bad == nil && !errors.Is(err, io.EOF) || err == nil {
					t.Fatalf("%v, want %v", err, bad)
				}
				return
			}
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%x %v, want %x", got, err, want)
			}
			rest = next
		}
	})
}

// FuzzHello reads what may come in place of a Hello.
func FuzzHello(f *testing.F) {
	f.Add(wire.AppendFramed(nil, wire.Hello{Oldest: 1, Newest: 2, Name: "aaaaaaaaaa", Clock: 5}, 2))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0, 0, 0, 1, 10})
	f.Add(append([]byte{0, 0, 8, 0, 1}, make([]byte, 3000)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := bytes.NewReader(b)
		h, err := readHello(in)
		if read := len(b) - in.Len(); read > maxHello+4 {
			t.Fatalf("%d bytes were read", read)
		}
		if err != nil {
			return
		}
		e := &Endpoint{self: "bbbbbbbbbb"}
		e.cfg.Hello = wire.Hello{Oldest: 1, Newest: 2, Name: e.self}
		if version, err := e.agree("aaaaaaaaaa", h, time.Unix(0, 0)); err == nil && (h.Name != "aaaaaaaaaa" || version < 1 || version > 2 || h.Clock > 61_000) {
			t.Fatalf("%+v is taken, version %d", h, version)
		}
	})
}
