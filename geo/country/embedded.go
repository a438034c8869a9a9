package country

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/atoll-mesh/atoll/geo/place"
)

//go:embed table.gz
var inside []byte

// Attribution is what the licence of the table inside asks to be told.
//
//go:embed ATTRIBUTION
var Attribution string

// Embedded returns the table inside of the program.
var Embedded = sync.OnceValue(func() *Table {
	t, err := Parse(inside)
	if err != nil {
		panic("country: " + err.Error()) // the build is broken
	}
	return t
})

const (
	magic = "atoll country 1\n"
	// largest bounds what a table becomes when it is unpacked.
	largest = 64 << 20
)

// Parse reads a table in the layout of the one inside.
func Parse(packed []byte) (*Table, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack a table of countries: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(z, largest))
	if err != nil {
		return nil, fmt.Errorf("unpack a table of countries: %w", err)
	}
	r := reader{b: b}
	if string(r.take(len(magic))) != magic {
		return nil, errors.New("no table of countries")
	}
	t := &Table{kind: fmt.Sprintf("built in, %d", binary.BigEndian.Uint32(r.take(4))), places: make([]Place, 1)}
	for range binary.BigEndian.Uint16(r.take(2)) {
		code := string(r.take(2))
		lat, lon := int16(binary.BigEndian.Uint16(r.take(2))), int16(binary.BigEndian.Uint16(r.take(2)))
		t.places = append(t.places, Place{Country: code, Location: place.Location{Lat: float64(lat) / 100, Lon: float64(lon) / 100}, Located: true})
		if r.short {
			break
		}
	}
	t.v4, t.v6 = readRanges[uint32](&r), readRanges[uint64](&r)
	if r.short || len(r.b) != 0 {
		return nil, errors.New("a table of countries that is cut short or too long")
	}
	for _, all := range [][]uint16{t.v4.at, t.v6.at} {
		for _, at := range all {
			if int(at) >= len(t.places) {
				return nil, fmt.Errorf("a table of countries with country %d of %d", at, len(t.places)-1)
			}
		}
	}
	return t, nil
}

func readRanges[T uint32 | uint64](r *reader) ranges[T] {
	n := int(binary.BigEndian.Uint32(r.take(4)))
	if n > len(r.b) { // each takes a byte or more
		r.short = true
		return ranges[T]{}
	}
	all := ranges[T]{start: make([]T, n), at: make([]uint16, n)}
	var last T
	for i := range all.start {
		step := r.uvarint()
		if i > 0 && step == 0 || uint64(^T(0)-last) < step {
			r.short = true
			return ranges[T]{}
		}
		last += T(step)
		all.start[i] = last
	}
	for i, at := range r.take(n) {
		all.at[i] = uint16(at)
	}
	return all
}

// reader reads fields and remembers when there were too few bytes.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.short, r.b = true, nil
		return make([]byte, n)
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.short, r.b = true, nil
		return 1
	}
	r.b = r.b[n:]
	return v
}
