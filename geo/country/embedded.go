package country

import (
	"bufio"
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
	// mostRanges bounds a table; there are not as many networks.
	mostRanges = 1 << 24
)

// Parse reads a table in the layout of the one inside.
func Parse(packed []byte) (*Table, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack a table of countries: %w", err)
	}
	r := reader{from: bufio.NewReader(z)}
	if string(r.take(len(magic))) != magic {
		return nil, errors.New("no table of countries")
	}
	t := &Table{kind: fmt.Sprintf("built in, %d", binary.BigEndian.Uint32(r.take(4))), places: make([]Place, 1)}
	for range binary.BigEndian.Uint16(r.take(2)) {
		code := string(r.take(2))
		lat, lon := int16(binary.BigEndian.Uint16(r.take(2))), int16(binary.BigEndian.Uint16(r.take(2)))
		t.places = append(t.places, Place{Country: code, Location: place.Location{Lat: float64(lat) / 100, Lon: float64(lon) / 100}, Located: true})
		if r.err != nil {
			break
		}
	}
	t.v4, t.v6 = readRanges[uint32](&r), readRanges[uint64](&r)
	if r.err == nil {
		if _, err := r.from.ReadByte(); !errors.Is(err, io.EOF) { // which also compares the checksum
			r.err = fmt.Errorf("there is more behind its end: %w", err)
		}
	}
	if r.err != nil {
		return nil, fmt.Errorf("a table of countries that is broken: %w", r.err)
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
	if n > mostRanges && r.err == nil {
		r.err = fmt.Errorf("%d ranges, at most %d", n, mostRanges)
	}
	if r.err != nil {
		return ranges[T]{}
	}
	all := ranges[T]{start: make([]T, n), at: make([]uint16, n)}
	var last T
	for i := range all.start {
		step, err := binary.ReadUvarint(r.from)
		if err == nil && (i > 0 && step == 0 || uint64(^T(0)-last) < step) {
			err = errors.New("ranges out of order")
		}
		if err != nil {
			r.err = err
			return ranges[T]{}
		}
		last += T(step)
		all.start[i] = last
	}
	for i := range all.at {
		at, err := r.from.ReadByte()
		if err != nil {
			r.err = err
			return ranges[T]{}
		}
		all.at[i] = uint16(at)
	}
	return all
}

// reader reads fields and remembers the first thing that went wrong.
type reader struct {
	from *bufio.Reader
	buf  [32]byte
	err  error
}

// take returns the next n bytes, at most 32, until it is called again.
func (r *reader) take(n int) []byte {
	if r.err == nil {
		_, r.err = io.ReadFull(r.from, r.buf[:n])
	}
	if r.err != nil {
		clear(r.buf[:n])
	}
	return r.buf[:n]
}
