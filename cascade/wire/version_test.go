package wire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
)

// build is a release of this package that speaks up to a version.
type build struct{ oldest, newest uint16 }

var builds = []build{{1, 1}, {1, 2}}

func (b build) hello(f Hello) Hello {
	f.Oldest, f.Newest = b.oldest, b.newest
	return f
}

// send passes f from one build to another: hello first, then in the version that both came to.
func send(t *rapid.T, from, to build, f Frame) Frame {
	t.Helper()
	ours := Hello{Name: "aaaaaaaaaa", Build: "ours"}
	theirs := Hello{Name: "bbbbbbbbbb", Build: "theirs"}
	// Each writes its hello as it would, and reads the other's before anything is agreed on.
	read := func(reader build, b []byte) Hello {
		f, err := Parse(b, reader.oldest)
		if err != nil {
			t.Fatalf("hello of %v read by %v: %v", from, to, err)
		}
		h, _ := f.(Hello)
		return h
	}
	there := read(to, Append(nil, from.hello(ours), from.newest))
	back := read(from, Append(nil, to.hello(theirs), to.newest))
	sent, err := Negotiate(from.hello(ours), back)
	if err != nil {
		t.Fatal(err)
	}
	received, err := Negotiate(to.hello(theirs), there)
	if err != nil || received != sent {
		t.Fatalf("%v speaks version %d, %v version %d, %v", from, sent, to, received, err)
	}
	got, err := Parse(Append(nil, f, sent), received)
	if err != nil {
		t.Fatalf("%v to %v: %v", from, to, err)
	}
	return got
}

// asVersion1 is what is left of a frame in version 1.
func asVersion1(f Frame) Frame {
	switch f := f.(type) {
	case Hello:
		f.Build = ""
		return f
	case LinkState:
		f.Rows = slices.Clone(f.Rows)
		for i := range f.Rows {
			f.Rows[i].Loss = 0
		}
		return f
	}
	return f
}

func TestNeighboursUnderstandEachOther(t *testing.T) {
	each(t, func(t *testing.T, draw func(*rapid.T) Frame) {
		rapid.Check(t, func(t *rapid.T) {
			f := draw(t)
			for _, from := range builds {
				for _, to := range builds {
					want := f
					if min(from.newest, to.newest) == 1 {
						want = asVersion1(f)
					}
					if diff := cmp.Diff(want, send(t, from, to, f), cmpopts.EquateEmpty(), addresses); diff != "" {
						t.Fatalf("%v to %v: %s", from, to, diff)
					}
				}
			}
		})
	})
}

func TestHelloIsReadInEveryVersion(t *testing.T) {
	full := Hello{Oldest: 1, Newest: 2, Name: "aaaaaaaaaa", Region: "eu", Build: "v1", Started: 5, Clock: 6}
	for written := uint16(OldestVersion); written <= Version; written++ {
		want := Frame(full)
		if written == 1 {
			want = asVersion1(full)
		}
		for read := uint16(OldestVersion); read <= Version; read++ {
			got, err := Parse(Append(nil, full, written), read)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("written in %d, read in %d: %v %s", written, read, err, diff)
			}
		}
	}
}

func TestNegotiate(t *testing.T) {
	for _, c := range []struct{ ours, theirs, want uint16 }{
		{0x0101, 0x0101, 1},
		{0x0102, 0x0101, 1},
		{0x0102, 0x0102, 2},
		{0x0102, 0x0203, 2},
		{0x0105, 0x0309, 5},
		{0x0101, 0x0202, 0},
		{0x0304, 0x0102, 0},
		{0, 0, 0},
	} {
		for _, swap := range []bool{false, true} {
			ours, theirs := Hello{Oldest: c.ours >> 8, Newest: c.ours & 255}, Hello{Oldest: c.theirs >> 8, Newest: c.theirs & 255}
			if swap {
				ours, theirs = theirs, ours
			}
			got, err := Negotiate(ours, theirs)
			if got != c.want || (err == nil) != (c.want != 0) {
				t.Errorf("Negotiate(%+v, %+v) = %d, %v; want %d", ours, theirs, got, err, c.want)
			}
		}
	}
}

func TestVersionsThatAreNotSpoken(t *testing.T) {
	b := Append(nil, Release{Room: "r"}, Version)
	for _, version := range []uint16{0, Version + 1, 1<<16 - 1} {
		if _, err := Parse(b, version); err == nil {
			t.Errorf("version %d was read", version)
		}
	}
}

// A newer node may append fields to every frame.
func TestAppendedFieldsAreSkipped(t *testing.T) {
	each(t, func(t *testing.T, draw func(*rapid.T) Frame) {
		rapid.Check(t, func(t *rapid.T) {
			want := draw(t)
			b := append(Append(nil, want, Version), rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "more")...)
			got, err := Parse(b, Version)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), addresses); diff != "" {
				t.Fatal(diff)
			}
		})
	})
}

// A newer node may append fields to every record. The writer of version 2 is one for the reader of version 1: rows of link
// states have a field more. All other records are padded here.
func TestAppendedFieldsOfRecordsAreSkipped(t *testing.T) {
	node := identity.Name("aaaaaaaaaa")
	rows := LinkState{Seq: 1, Rows: []LinkRow{{Node: node, Loss: 7}, {Node: "bbbbbbbbbb", Up: true, Loss: 1000}}}
	got, err := Parse(Append(nil, rows, 2), 1)
	if diff := cmp.Diff(asVersion1(rows), got); err != nil || diff != "" {
		t.Error(err, diff)
	}

	dot := room.Dot{Term: room.Term{Since: 1, Node: node}, Seq: 1}
	for _, c := range []struct {
		frame Frame
		// last are the last bytes of the only record, which stands at the end of the frame.
		last []byte
		size int
	}{
		{Replica{"r", room.Ops{Ops: []room.Op{{Say: &room.Utterance{From: "0123abcd", Inner: []byte("<x/>")}}}}}, []byte("<x/>"), 1 + 9 + 2 + 5},
		{Replica{"r", room.Ops{Ops: []room.Op{{Remove: &room.Removal{Endpoint: "0123abcd", Cause: room.Gone, Reason: "why"}}}}}, []byte("why"), 1 + 9 + 1 + 1 + 4},
		{Replica{"r", room.Commit{Dot: dot, Writes: []room.Write{{Key: "k", Value: "value"}}}}, []byte("value"), 2 + 6},
		{Replica{"r", room.State{Parts: 1, Registers: []room.Register{{Key: "k", Value: "v", Dot: dot, Shards: room.Vector{node: {Incarnation: 8, Seq: 9}}}}}}, []byte{8, 9}, 4 + 13 + 14},
		{Replica{"r", room.Snapshot{Parts: 1, Occupants: []room.Occupant{{Endpoint: "0123abcd", JID: "j", Presence: []byte("<p/>")}}}}, []byte("<p/>\x00"), 9 + 2 + 3 + 6},
	} {
		b := Append(nil, c.frame, Version)
		if at := len(b) - c.size - 1; !bytes.HasSuffix(b, c.last) || int(b[at]) != c.size {
			t.Errorf("%+v: no record of %d bytes at the end of %x", c.frame, c.size, b)
			continue
		}
		b = append(b, "more"...)
		b[len(b)-4-c.size-1] += 4
		got, err := Parse(b, Version)
		if diff := cmp.Diff(c.frame, got, cmpopts.EquateEmpty(), addresses); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	}
}

func TestHeaderOfANewerNode(t *testing.T) {
	parts := []room.State{{Part: 0, Parts: 1, Registers: []room.Register{{Key: "k", Value: "v", Dot: room.Dot{Term: room.Term{Since: 1, Node: "aaaaaaaaaa"}, Seq: 1}}}}}
	b := AppendHeader(nil, parts)
	newer := binary.AppendUvarint(nil, Version+7)
	newer = append(newer, b[1:2]...)
	newer = append(newer, b[2]+3)
	newer = append(newer, b[3:]...)
	newer = append(newer, "new"...)
	got, err := ParseHeader(newer)
	if diff := cmp.Diff(parts, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Error(err, diff)
	}
}
