package wire

import (
	"encoding/hex"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
)

var update = flag.Bool("update", false, "write the golden files anew: the layout of a version changed, which it must not once it was released")

// addresses says when two addresses are the same.
var addresses = cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })

// samples are one frame of every type with every field set, and one of every message and step.
func samples() []Frame {
	const (
		a, b, c = identity.Name("aaaaaaaaaa"), identity.Name("bbbbbbbbbb"), identity.Name("cccccccccc")
		mine    = room.EndpointID("478dfae7")
		yours   = room.EndpointID("0123abcd")
		where   = "demo@conference.example.org"
	)
	term := room.Term{Since: 0x0198_0000_0000_0001, Node: a}
	later := room.Term{Since: 0x0198_0000_0000_0001, Node: b}
	seen := room.Context{later: 300, term: 7}
	shards := room.Vector{b: {Incarnation: 3, Seq: 4}, a: {Incarnation: 1, Seq: 2}}
	occupant := room.Occupant{
		Endpoint: mine, JID: "u@example.org/web", Joined: 0x0198_0000_0001_0000, Epoch: 5, Admitted: seen, Presence: []byte("<nick/>"),
		Sources: []room.Source{
			{Name: "478dfae7-a0", MSID: "m a", Encodings: []room.Encoding{{SSRC: 1}}},
			{Name: "478dfae7-v0", VideoType: room.Camera, MSID: "m v", Muted: true, Encodings: []room.Encoding{{SSRC: 2, RTX: 3}, {SSRC: 4, RTX: 1<<32 - 1}}},
		},
	}
	return []Frame{
		Hello{Oldest: 1, Newest: 2, Name: a, Region: "eu", Build: "v0.4.0", Started: 1_785_000_000_000, Clock: 1_785_000_000_500},
		LinkState{Seq: 300, Rows: []LinkRow{{Node: b, RTT: 80 * time.Millisecond, Loss: 25, Up: true}, {Node: c, Loss: 1000}}},
		Relayed{
			Origin: a, Target: c, Key: []byte(strings.Repeat("k", 32)), Started: 1_785_000_000_000, Counter: 9, Version: 2,
			Frame: Append(nil, Release{Room: where, Incarnation: 8}, 1), Signature: []byte(strings.Repeat("s", 64)),
		},
		Claim{Room: where, ID: 1},
		ClaimAnswer{Room: where, ID: 1, Known: true, Holders: []identity.Name{a, b}, Header: []byte("header")},
		ClaimAnswer{Room: where, ID: 2},
		Lease{Room: where, Incarnation: 6, TTL: 30 * time.Second, HasHeader: true, Header: []byte("header")},
		Lease{Room: where, Incarnation: 6, TTL: 30 * time.Second},
		Release{Room: where, Incarnation: 6},
		Holders{Room: where, Nodes: []identity.Name{a, b, c}},
		Replica{where, room.Digest{Mine: room.ShardVersion{Incarnation: 1, Seq: 2}, Yours: room.ShardVersion{Incarnation: 3, Seq: 4}, Header: seen}},
		Replica{where, room.Ops{Incarnation: 1, First: 3, Ops: []room.Op{
			{Put: &occupant},
			{Remove: &room.Removal{Endpoint: mine, Cause: room.Kicked, Actor: yours, Reason: "spam"}},
			{Remove: &room.Removal{Endpoint: mine, Cause: room.Moved}},
			{Say: &room.Utterance{From: mine, ID: "id", Lang: "en", Inner: []byte("<body>hi</body>")}},
		}}},
		Replica{where, room.Snapshot{Version: room.ShardVersion{Incarnation: 1, Seq: 2}, Part: 1, Parts: 3, Occupants: []room.Occupant{occupant}}},
		Replica{where, room.Commit{Dot: room.Dot{Term: term, Seq: 8}, Seen: seen, Shards: shards, Writes: []room.Write{{Key: "subject", Value: "x"}, {Key: "password"}}}},
		Replica{where, room.State{Context: seen, Part: 0, Parts: 1, Registers: []room.Register{{Key: "password", Value: "x", Dot: room.Dot{Term: later, Seq: 9}, Shards: shards}}}},
		Replica{where, room.End{Version: room.ShardVersion{Incarnation: 1, Seq: 2}}},
		Command{Room: where, ID: 4, From: mine, Stanza: []byte("<iq/>")},
		Refused{Room: where, ID: 4, Sequencer: c},
		Refused{Room: where, ID: 4},
		Deliver{Room: where, To: mine, Stanza: []byte("<iq/>")},
		Directed{Room: where, From: mine, To: yours, Name: "iq", Type: "get", ID: "id", Lang: "en", Inner: []byte("<q/>")},
		Note{Room: where, From: mine, To: yours, JSON: []byte("{}")},
		Note{Room: where, From: mine, JSON: []byte("{}")},
		Order{Room: where, Actor: mine, Target: yours, Kind: room.Video, Desktop: true},
		Dominant{Room: where, Endpoint: mine, Previous: []room.EndpointID{yours}},
		Dominant{Room: where},
		Recall{Room: where, To: mine, Since: room.ShardVersion{Incarnation: 1, Seq: 2}, Until: room.ShardVersion{Incarnation: 1, Seq: 300}},
		Recalled{Room: where, To: mine, Say: room.Utterance{From: yours, ID: "id", Lang: "en", Inner: []byte("<body>hi</body>")}},
		Subscribe{Room: where, Sub: 5, Source: "478dfae7-v0", Height: 720, Path: []identity.Name{a, b, c}, Standby: true},
		Update{Room: where, Sub: 5, Height: 180},
		Unsubscribe{Room: where, Sub: 5},
		Subscribed{Room: where, Sub: 5, Code: CodeNoRoute},
		Seek{ID: 6, Token: "aaaaaaaaaa-0123456789abcdefsecret", Without: []identity.Name{a, b}},
		Sought{ID: 6, Code: SoughtRefused, Parts: 1},
		Sought{ID: 6, Code: SoughtAt, At: c, Parts: 1},
		Sought{ID: 6, Code: SoughtRecord, Part: 1, Parts: 2, Value: []byte("value")},
		Keep{Token: "aaaaaaaaaa-0123456789abcdefsecret", Part: 1, Parts: 3, Value: []byte("value")},
		Wipe{Token: "aaaaaaaaaa-0123456789abcdefsecret"},
		Amend{Token: "aaaaaaaaaa-0123456789abcdefsecret", Base: 1<<63 + 1, Delta: []byte("delta")},
		Kept{Token: "aaaaaaaaaa-0123456789abcdefsecret", Sum: 1<<63 + 2},
		ChannelOpen{ID: 7, Conference: "0123456789abcdef", Endpoint: mine, Password: "pwd"},
		ChannelOpened{ID: 7, OK: true},
		ChannelOpened{ID: 7, At: b},
		ChannelText{ID: 7, Opener: true, Seq: 8, Text: []byte("{}")},
		ChannelClosed{ID: 7, Status: 1001, Reason: "shutting down"},
		Prepare{Room: where, Endpoint: mine, Move: 7, Ufrag: "ufrag", Pwd: "pwd", Standby: true, Wants: []Want{{"0123abcd-v0", 720}, {"0123abcd-a0", 1}}},
		Prepared{Room: where, Move: 7, Ufrag: "ufrag", Pwd: "pwd", Fingerprint: "sha-256 AB", Socket: "wss://b.example.org", Candidates: []Candidate{
			{netip.MustParseAddrPort("192.0.2.1:10000"), 1 << 31, "1"}, {netip.MustParseAddrPort("[2001:db8::1]:10000"), 7, "2"},
		}},
		Prepared{Room: where, Move: 7, Code: CodeBusy},
		Answered{Room: where, Move: 7, Ufrag: "theirs", Pwd: "secret"},
		PathState{Room: where, Move: 7, State: PathValid},
		Take{Room: where, Endpoint: mine, Move: 7, Epoch: 6, Value: []byte("value"), Pulls: []Pull{{9, "478dfae7-v0", 360}}},
		Taken{Room: where, Move: 7, Code: CodeOK},
		Drop{Room: where, Move: 7, Ours: true},
	}
}

func TestGolden(t *testing.T) {
	for version := uint16(OldestVersion); version <= Version; version++ {
		file := fmt.Sprintf("testdata/version%d.golden", version)
		var now strings.Builder
		for _, f := range samples() {
			fmt.Fprintf(&now, "%s %x\n", label(f), Append(nil, f, version))
		}
		if *update {
			if err := os.WriteFile(file, []byte(now.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		then, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(then), "\n"), strings.Split(now.String(), "\n")); diff != "" {
			t.Errorf("version %d is written otherwise than it was:\n%s", version, diff)
		}
		for i, line := range strings.Split(strings.TrimSpace(string(then)), "\n") {
			_, digits, _ := strings.Cut(line, " ")
			b, err := hex.DecodeString(digits)
			if err != nil {
				t.Fatal(err)
			}
			want := samples()[i]
			if version == 1 {
				want = asVersion1(want)
			}
			got, err := Parse(b, version)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), addresses); err != nil || diff != "" {
				t.Errorf("version %d, %s is read otherwise than it was: %v %s", version, label(want), err, diff)
			}
		}
	}
}

// Every type of frame and message has a sample.
func TestSamplesAreComplete(t *testing.T) {
	have := map[string]bool{}
	for _, f := range samples() {
		have[label(f)] = true
	}
	for _, f := range blank {
		if _, ok := f.(Replica); !ok && !have[label(f)] {
			t.Errorf("no sample of %s", label(f))
		}
	}
	for _, m := range messages {
		if !have[label(Replica{Message: m})] {
			t.Errorf("no sample of %T", m)
		}
	}
}

func label(f Frame) string {
	if r, ok := f.(Replica); ok {
		return "Replica" + reflect.TypeOf(r.Message).Name()
	}
	return reflect.TypeOf(f).Name()
}
