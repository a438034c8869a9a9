package wire

import (
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
)

const (
	nodeA, nodeB = identity.Name("aaaaaaaaaa"), identity.Name("bbbbbbbbbb")
	someone      = room.EndpointID("0123abcd")
)

func TestWriterKeepsTheLimits(t *testing.T) {
	dot := room.Dot{Term: room.Term{Node: nodeA}, Seq: 1}
	for what, f := range map[string]Frame{
		"no frame":             nil,
		"no room":              Claim{},
		"long room":            Claim{Room: strings.Repeat("r", MaxRoom+1)},
		"room not UTF-8":       Claim{Room: "\xff"},
		"no name":              Hello{Oldest: 1, Newest: 1},
		"version 0":            Hello{Name: nodeA},
		"versions swapped":     Hello{Name: nodeA, Oldest: 3, Newest: 2},
		"long region":          Hello{Name: nodeA, Oldest: 1, Newest: 1, Region: strings.Repeat("r", maxLabel+1)},
		"clock":                Hello{Name: nodeA, Oldest: 1, Newest: 1, Clock: 1 << 48},
		"negative round trip":  LinkState{Rows: []LinkRow{{Node: nodeA, RTT: -1}}},
		"round trip":           LinkState{Rows: []LinkRow{{Node: nodeA, RTT: time.Minute + time.Microsecond}}},
		"loss":                 LinkState{Rows: []LinkRow{{Node: nodeA, Loss: 1001}}},
		"rows":                 LinkState{Rows: make([]LinkRow, maxNodes+1)},
		"holders unknown":      ClaimAnswer{Room: "r", Holders: []identity.Name{nodeA}},
		"header unknown":       ClaimAnswer{Room: "r", Header: []byte("h")},
		"header":               Lease{Room: "r", TTL: time.Second, HasHeader: true, Header: make([]byte, MaxHeader+1)},
		"hidden header":        Lease{Room: "r", TTL: time.Second, Header: []byte("h")},
		"no time":              Lease{Room: "r"},
		"time":                 Lease{Room: "r", TTL: time.Hour + time.Millisecond},
		"holders":              Holders{Room: "r", Nodes: make([]identity.Name, MaxHolders+1)},
		"holders twice":        Holders{Room: "r", Nodes: []identity.Name{nodeA, nodeA}},
		"holders out of order": Holders{Room: "r", Nodes: []identity.Name{nodeB, nodeA}},
		"no message":           Replica{Room: "r"},
		"empty step":           Replica{"r", room.Ops{Ops: []room.Op{{}}}},
		"double step":          Replica{"r", room.Ops{Ops: []room.Op{{Say: &room.Utterance{From: someone}, Remove: &room.Removal{Endpoint: someone, Cause: room.Gone}}}}},
		"steps":                Replica{"r", room.Ops{Ops: make([]room.Op, maxOps+1)}},
		"sequence":             Replica{"r", room.Ops{First: 1<<64 - 1}},
		"cause":                Replica{"r", room.Ops{Ops: []room.Op{{Remove: &room.Removal{Endpoint: someone, Cause: 8}}}}},
		"no parts":             Replica{"r", room.Snapshot{}},
		"part":                 Replica{"r", room.Snapshot{Part: 3, Parts: 3}},
		"source":               Replica{"r", room.Snapshot{Parts: 1, Occupants: []room.Occupant{{Endpoint: someone, Sources: []room.Source{{Name: "0123abcd"}}}}}},
		"encodings":            Replica{"r", room.Snapshot{Parts: 1, Occupants: []room.Occupant{{Endpoint: someone, Sources: []room.Source{{Name: "0123abcd-a0", Encodings: make([]room.Encoding, maxEncodings+1)}}}}}},
		"presence":             Replica{"r", room.Snapshot{Parts: 1, Occupants: []room.Occupant{{Endpoint: someone, Presence: make([]byte, maxPresence+1)}}}},
		"dot":                  Replica{"r", room.Commit{}},
		"nothing of a term":    Replica{"r", room.Commit{Dot: dot, Seen: room.Context{dot.Term: 0}}},
		"key":                  Replica{"r", room.Commit{Dot: dot, Writes: []room.Write{{Key: strings.Repeat("k", maxKey+1)}}}},
		"value":                Replica{"r", room.Commit{Dot: dot, Writes: []room.Write{{Key: "k", Value: strings.Repeat("k", maxText+1)}}}},
		"no key":               Replica{"r", room.Commit{Dot: dot, Writes: []room.Write{{Value: "v"}}}},
		"endpoint":             Command{Room: "r", From: "focus"},
		"stanza":               Command{Room: "r", From: someone, Stanza: make([]byte, maxStanza+1)},
		"presence directed":    Directed{Room: "r", From: someone, To: someone, Name: "presence"},
		"to":                   Note{Room: "r", From: someone, To: "all"},
		"kind":                 Order{Room: "r", Actor: someone, Target: someone},
		"height":               Update{Room: "r", Height: maxHeight + 1},
		"negative height":      Update{Room: "r", Height: -1},
		"path of one":          Subscribe{Room: "r", Source: "0123abcd-v0", Path: []identity.Name{nodeA}},
		"path of four":         Subscribe{Room: "r", Source: "0123abcd-v0", Path: []identity.Name{nodeA, nodeB, "cccccccccc", "dddddddddd"}},
		"path to itself":       Subscribe{Room: "r", Source: "0123abcd-v0", Path: []identity.Name{nodeA, nodeA}},
		"path in a circle":     Subscribe{Room: "r", Source: "0123abcd-v0", Path: []identity.Name{nodeA, nodeB, nodeA}},
		"path twice a relay":   Subscribe{Room: "r", Source: "0123abcd-v0", Path: []identity.Name{nodeA, nodeB, nodeB}},
		"not signed":           Relayed{Origin: nodeA, Target: nodeB, Key: make([]byte, 32), Version: 1, Frame: Append(nil, Claim{Room: "r"}, 1)},
		"key size":             Relayed{Origin: nodeA, Target: nodeB, Key: make([]byte, 31), Version: 1, Frame: Append(nil, Claim{Room: "r"}, 1), Signature: make([]byte, 64)},
		"nothing relayed":      Relayed{Origin: nodeA, Target: nodeB, Key: make([]byte, 32), Version: 1, Signature: make([]byte, 64)},
		"relayed to itself":    Relayed{Origin: nodeA, Target: nodeA, Key: make([]byte, 32), Version: 1, Frame: Append(nil, Claim{Room: "r"}, 1), Signature: make([]byte, 64)},
		"relayed hello":        Relayed{Origin: nodeA, Target: nodeB, Key: make([]byte, 32), Version: 1, Frame: []byte{typeHello}, Signature: make([]byte, 64)},
		"relayed twice":        Relayed{Origin: nodeA, Target: nodeB, Key: make([]byte, 32), Version: 1, Frame: []byte{typeRelayed}, Signature: make([]byte, 64)},
		"relayed frame":        Relayed{Origin: nodeA, Target: nodeB, Key: make([]byte, 32), Version: 1, Frame: make([]byte, MaxInner+1), Signature: make([]byte, 64)},
		"no token":             Seek{},
		"long token":           Seek{Token: strings.Repeat("t", maxToken+1)},
		"nodes out of order":   Seek{Token: "t", Without: []identity.Name{nodeB, nodeA}},
		"no code":              Sought{Parts: 1},
		"place not given":      Sought{Code: SoughtAt, Parts: 1},
		"place not asked for":  Sought{Code: SoughtSent, At: nodeA, Parts: 1},
		"value not asked for":  Sought{Code: SoughtSent, Parts: 1, Value: []byte("v")},
		"no pieces":            Keep{Token: "t"},
		"pieces":               Keep{Token: "t", Parts: MaxPieces + 1},
		"piece":                Keep{Token: "t", Parts: 1, Value: make([]byte, MaxPiece+1)},
		"nothing to wipe":      Wipe{},
		"nothing to amend":     Amend{Base: 1, Delta: []byte("d")},
		"long delta":           Amend{Token: "t", Delta: make([]byte, MaxPiece+1)},
		"kept of nobody":       Kept{Sum: 1},
		"channel of nobody":    ChannelOpen{ID: 1},
		"channel text":         ChannelText{Seq: 1, Text: make([]byte, maxChannelText+1)},
		"channel sequence":     ChannelText{},
		"channel status":       ChannelClosed{Status: 999},
		"channel reason":       ChannelClosed{Status: 1000, Reason: strings.Repeat("r", maxReason+1)},
		"relayed take":         Relayed{Origin: nodeA, Target: nodeB, Key: make([]byte, 32), Version: 1, Frame: []byte{typeTake}, Signature: make([]byte, 64)},
		"move 0":               Taken{Room: "r"},
		"move":                 Taken{Room: "r", Move: FirstTunnel},
		"half of credentials":  Prepare{Room: "r", Endpoint: someone, Move: 1, Ufrag: "u"},
		"long credentials":     Answered{Room: "r", Move: 1, Ufrag: "u", Pwd: strings.Repeat("p", maxICE+1)},
		"no credentials":       Prepared{Room: "r", Move: 1},
		"nothing answered":     Answered{Room: "r", Move: 1},
		"no address":           Prepared{Room: "r", Move: 1, Ufrag: "u", Pwd: "p", Candidates: make([]Candidate, 1)},
		"candidates":           Prepared{Room: "r", Move: 1, Ufrag: "u", Pwd: "p", Candidates: make([]Candidate, maxCandidates+1)},
		"wants":                Prepare{Room: "r", Endpoint: someone, Move: 1, Wants: make([]Want, maxSources+1)},
		"state":                PathState{Room: "r", Move: 1},
		"epoch":                Take{Room: "r", Endpoint: someone, Move: 1},
		"participant":          Take{Room: "r", Endpoint: someone, Move: 1, Epoch: 1, Value: make([]byte, MaxValue+1)},
		"tunnel as pull":       Take{Room: "r", Endpoint: someone, Move: 1, Epoch: 1, Pulls: []Pull{{Sub: FirstTunnel, Source: "0123abcd-v0"}}},
		"large as a whole": Replica{"r", room.Ops{Ops: func() (ops []room.Op) {
			for range 5 {
				ops = append(ops, room.Op{Say: &room.Utterance{From: someone, Inner: make([]byte, maxInnerXML)}})
			}
			return ops
		}()}},
	} {
		if Valid(f) == nil {
			t.Errorf("%s: valid", what)
		}
		if b := Append([]byte("before"), f, Version); string(b) != "before" {
			t.Errorf("%s: written, %d bytes", what, len(b))
		}
		if b := AppendFramed([]byte("before"), f, Version); string(b) != "before" {
			t.Errorf("%s: written on a stream, %d bytes", what, len(b))
		}
	}
}

// The largest frame about a room fits into a Relayed.
func TestLargestIsRelayed(t *testing.T) {
	f := Relayed{
		Origin: nodeA, Target: nodeB, Key: make([]byte, 32), Started: 1<<48 - 1, Counter: 1<<64 - 1, Version: 1<<16 - 1,
		Frame: append([]byte{typeClaim}, make([]byte, MaxInner-1)...), Signature: make([]byte, 64),
	}
	if err := Valid(f); err != nil {
		t.Error(err)
	}
}

// body makes bytes of numbers, strings (with a length before them) and bytes as they are.
func body(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = binary.AppendUvarint(b, uint64(p))
		case uint64:
			b = binary.AppendUvarint(b, p)
		case string:
			b = append(binary.AppendUvarint(b, uint64(len(p))), p...)
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}

func TestReaderKeepsTheLimits(t *testing.T) {
	a, b, end := string(nodeA), string(nodeB), string(someone)
	release := body(typeRelease, "r", 1)
	for what, in := range map[string][]byte{
		"empty":                nil,
		"type cut":             {0x80},
		"type too long":        {0x80 | typeClaim, 0},
		"number too long":      append(body(typeClaim, "r"), 0x81, 0),
		"number beyond":        append(body(typeClaim, "r"), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2),
		"no room":              body(typeClaim, "", 1),
		"long room":            body(typeClaim, strings.Repeat("r", MaxRoom+1), 1),
		"room beyond":          body(typeClaim, 100, []byte("r")),
		"room not UTF-8":       body(typeClaim, "\xff", 1),
		"name":                 body(typeHello, 1, 1, "AAAAAAAAAA", "", 0, 0),
		"address with zone":    body(typePrepared, "r", 1, 0, "u", "p", "", 1, string(body("[fe80::1%eth0]:1", 1, "")), ""),
		"address otherwise":    body(typePrepared, "r", 1, 0, "u", "p", "", 1, string(body("192.0.2.1:010", 1, "")), ""),
		"address of no form":   body(typePrepared, "r", 1, 0, "u", "p", "", 1, string(body("here", 1, "")), ""),
		"versions swapped":     body(typeHello, 3, 2, a, "", 0, 0),
		"build":                body(typeHello, 1, 2, a, "", 0, 0, strings.Repeat("b", maxLabel+1)),
		"rows without rows":    body(typeLinkState, 1, 3),
		"rows":                 body(typeLinkState, 1, maxNodes+1, make([]byte, 99999)),
		"flag":                 body(typeLinkState, 1, 1, string(body(a, 5, 2, 0))),
		"loss":                 body(typeLinkState, 1, 1, string(body(a, 5, 1, 1001))),
		"row without loss":     body(typeLinkState, 1, 1, string(body(a, 5, 1))),
		"round trip":           body(typeLinkState, 1, 1, string(body(a, 60_000_001, 1, 0))),
		"record beyond":        body(typeLinkState, 1, 1, 50, body(a, 5, 1, 0)),
		"record cut":           body(typeLinkState, 1, 2, string(body(a)), string(body(5, 1, 0))),
		"relayed hello":        body(typeRelayed, a, b, make([]byte, 32), 1, 1, 1, string(body(typeHello)), make([]byte, 64)),
		"relayed twice":        body(typeRelayed, a, b, make([]byte, 32), 1, 1, 1, string(body(typeRelayed)), make([]byte, 64)),
		"relayed, signature":   body(typeRelayed, a, b, make([]byte, 32), 1, 1, 1, string(release), make([]byte, 63)),
		"holders out of order": body(typeHolders, "r", 2, b, a),
		"holders twice":        body(typeHolders, "r", 2, a, a),
		"holders":              body(typeHolders, "r", MaxHolders+1, make([]byte, 99999)),
		"holders unknown":      body(typeClaimAnswer, "r", 1, 0, 1, a, ""),
		"header":               body(typeClaimAnswer, "r", 1, 1, 0, string(make([]byte, MaxHeader+1))),
		"lease of no time":     body(typeLease, "r", 1, 0, 0),
		"message 0":            body(typeReplica, "r", 0),
		"message 7":            body(typeReplica, "r", 7, make([]byte, 50)),
		"terms out of order":   body(typeReplica, "r", messageDigest, 1, 1, 1, 1, 2, 9, a, 1, 8, a, 1),
		"a term twice":         body(typeReplica, "r", messageDigest, 1, 1, 1, 1, 2, 9, a, 1, 9, a, 2),
		"nothing of a term":    body(typeReplica, "r", messageDigest, 1, 1, 1, 1, 1, 9, a, 0),
		"nodes out of order":   body(typeReplica, "r", messageCommit, 9, a, 1, 0, 2, b, 1, 1, a, 1, 1, 0),
		"sequence":             body(typeReplica, "r", messageOps, 1, uint64(1<<64-1), 0),
		"step 0":               body(typeReplica, "r", messageOps, 1, 1, 1, string(body(0))),
		"step 4":               body(typeReplica, "r", messageOps, 1, 1, 1, string(body(4))),
		"cause 0":              body(typeReplica, "r", messageOps, 1, 1, 1, string(body(opRemove, end, 0, "", ""))),
		"part":                 body(typeReplica, "r", messageSnapshot, 1, 1, 3, 3, 0),
		"parts":                body(typeReplica, "r", messageSnapshot, 1, 1, 3, maxParts+1, 0),
		"presence directed":    body(typeDirected, "r", end, end, "presence", "", "", "", ""),
		"no actor":             body(typeOrder, "r", "", end, 1, 0),
		"kind":                 body(typeOrder, "r", end, end, 3, 0),
		"height":               body(typeUpdate, "r", 1, maxHeight+1),
		"subscription":         body(typeUpdate, "r", 1<<32, 1),
		"code":                 body(typeSubscribed, "r", 1, 256),
		"path of one":          body(typeSubscribe, "r", 1, "0123abcd-v0", 0, 1, a, 0),
		"path in a circle":     body(typeSubscribe, "r", 1, "0123abcd-v0", 0, 3, a, b, a, 0),
		"source":               body(typeSubscribe, "r", 1, "0123abcd-x0", 0, 2, a, b, 0),
		"large":                append(body(typeClaim, "r", 1), make([]byte, MaxInner)...),
		"large relayed":        append(body(typeRelayed, a, b, make([]byte, 32), 1, 1, 1, string(release), make([]byte, 64)), make([]byte, MaxFrame)...),
	} {
		if f, err := Parse(in, Version); err == nil {
			t.Errorf("%s: read as %+v", what, f)
		} else if errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// The same bytes without what is wrong with them are read: each of these is one step from one above.
	for what, in := range map[string][]byte{
		"claim":     body(typeClaim, "r", 1),
		"rows":      body(typeLinkState, 1, 1, string(body(a, 60_000_000, 1, 1000))),
		"relayed":   body(typeRelayed, a, b, make([]byte, 32), 1, 1, 1, string(release), make([]byte, 64)),
		"holders":   body(typeHolders, "r", 2, a, b),
		"answer":    body(typeClaimAnswer, "r", 1, 1, 1, a, ""),
		"lease":     body(typeLease, "r", 1, 1, 0),
		"digest":    body(typeReplica, "r", messageDigest, 1, 1, 1, 1, 2, 8, a, 1, 9, a, 1),
		"commit":    body(typeReplica, "r", messageCommit, 9, a, 1, 0, 2, a, 1, 1, b, 1, 1, 0),
		"remove":    body(typeReplica, "r", messageOps, 1, 1, 1, string(body(opRemove, end, 1, "", ""))),
		"snapshot":  body(typeReplica, "r", messageSnapshot, 1, 1, 2, 3, 0),
		"directed":  body(typeDirected, "r", end, end, "message", "", "", "", ""),
		"order":     body(typeOrder, "r", end, end, 2, 0),
		"update":    body(typeUpdate, "r", 1, maxHeight),
		"subscribe": body(typeSubscribe, "r", 1, "0123abcd-v0", 0, 3, a, b, "cccccccccc", 0),
	} {
		if _, err := Parse(in, Version); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestUnknownTypesSaySo(t *testing.T) {
	for _, number := range []uint64{0, 4, 99, 1<<64 - 1} {
		if _, err := Parse(binary.AppendUvarint(nil, number), Version); !errors.Is(err, ErrUnknown) {
			t.Errorf("type %d: %v", number, err)
		}
	}
}

// What a count claims costs nothing until the items are there.
func TestReadingAllocatesWhatTheBytesJustify(t *testing.T) {
	const factor, base = 32, 16 << 10 // lists double as they grow
	allocated := func(b []byte) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = Parse(b, Version)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	check := func(t interface{ Errorf(string, ...any) }, b []byte) {
		if n := allocated(b); n > uint64(factor*len(b)+base) {
			t.Errorf("%d bytes allocate %d: %.60x", len(b), n, b)
		}
	}
	for _, b := range [][]byte{
		body(typeLinkState, 1, maxNodes, make([]byte, maxNodes)),
		body(typeClaim, MaxRoom),
		body(typeClaimAnswer, "r", 1, 1, 0, MaxHeader),
		body(typeClaimAnswer, "r", 1, 1, MaxHolders),
		body(typeReplica, "r", messageDigest, 1, 1, 1, 1, maxTerms, make([]byte, maxTerms)),
		body(typeReplica, "r", messageOps, 1, 1, maxOps, make([]byte, maxOps)),
		body(typeReplica, "r", messageCommit, 9, string(nodeA), 1, 0, 0, maxOps, []byte(strings.Repeat("\x03\x01k\x00", maxOps))),
		body(typeReplica, "r", messageSnapshot, 1, 1, 0, 1, 1, string(body(string(someone), "", 0, 0, 0, "", maxSources))),
	} {
		check(t, b)
	}
	each(t, func(t *testing.T, draw func(*rapid.T) Frame) {
		rapid.Check(t, func(t *rapid.T) {
			b := Append(nil, draw(t), Version)
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "to")
			}
			check(t, b)
		})
	})
}
