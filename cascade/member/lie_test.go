package member

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// desk is a table with nobody around it.
type desk struct {
	*table
	key   identity.Key
	lines *lines
}

func newDesk(t *testing.T) desk {
	t.Helper()
	out := &lines{}
	key := identity.NewKey()
	table, err := newTable(key, addrPort("10.0.0.1:7946"), Meta{}, newComplaints(slog.New(slog.NewTextHandler(out, nil))))
	if err != nil {
		t.Fatal(err)
	}
	table.restamp = make(chan struct{}, 1)
	return desk{table, key, out}
}

func nodeOf(key identity.Key, r record) *memberlist.Node {
	return &memberlist.Node{
		Name: string(key.Name()), Addr: r.addr.Addr().AsSlice(), Port: r.addr.Port(), Meta: r.encode(key), PMin: 1, PMax: 5, PCur: 2,
	}
}

func honest() record {
	now := uint64(time.Now().UnixMilli())
	return record{addr: addrPort("10.0.0.2:7946"), boot: now, issued: now, meta: Meta{Region: "eu"}}
}

func TestLiesAreRefused(t *testing.T) {
	other := identity.NewKey()
	minute := uint64(time.Minute.Milliseconds())
	for name, c := range map[string]struct {
		said  func(*record)
		sent  func(*memberlist.Node)
		wants string
	}{
		"no metadata":        {nil, func(n *memberlist.Node) { n.Meta = nil }, "metadata of 0 bytes"},
		"another's name":     {nil, func(n *memberlist.Node) { n.Name = string(other.Name()) }, "public key"},
		"a name of no key":   {nil, func(n *memberlist.Node) { n.Name = "host.example" }, "node name"},
		"another address":    {nil, func(n *memberlist.Node) { n.Addr = []byte{10, 0, 0, 3} }, "signed another address"},
		"another port":       {nil, func(n *memberlist.Node) { n.Port++ }, "signed another address"},
		"an address of none": {nil, func(n *memberlist.Node) { n.Addr = []byte{1, 2, 3} }, "signed another address"},
		"a changed byte":     {nil, func(n *memberlist.Node) { n.Meta[60] ^= 1 }, "signature"},
		"a fast clock":       {func(r *record) { r.issued += 2 * minute }, nil, "clock is ahead by 2m0s"},
		"a start to come":    {func(r *record) { r.boot++ }, nil, "signed before"},
		"nowhere":            {func(r *record) { r.addr = addrPort("0.0.0.0:1") }, nil, "gossip address"},
		"a link to nobody":   {func(r *record) { r.meta.Link = []netip.AddrPort{addrPort("224.0.0.1:1")} }, nil, "link addresses"},
		"media to nobody":    {func(r *record) { r.meta.Media = []netip.AddrPort{addrPort("0.0.0.0:1")} }, nil, "media addresses"},
		"five of media":      {func(r *record) { r.meta.Media = make([]netip.AddrPort, 5) }, nil, "5 addresses of media"},
		"five links":         {func(r *record) { r.meta.Link = make([]netip.AddrPort, 5) }, nil, "5 addresses"},
		"a line in its log":  {func(r *record) { r.meta.Region = "a\nb" }, nil, "not printable"},
		"a long URL":         {func(r *record) { r.meta.URL = strings.Repeat("x", maxURL+1) }, nil, "URL that is too long"},
		"a line in its URL":  {func(r *record) { r.meta.URL = "http://a\nb" }, nil, "URL that is too long or not printable"},
		"a long build":       {func(r *record) { r.meta.Build = strings.Repeat("x", maxText+1) }, nil, "too long"},
		"no UTF-8":           {func(r *record) { r.meta.Build = "\xff" }, nil, "not printable"},
		"beyond the pole":    {func(r *record) { r.meta.Lat = -9001 }, nil, "location"},
		"versions reversed":  {func(r *record) { r.meta.Oldest = 1 }, nil, "frame versions"},
		"a late start":       {func(r *record) { r.boot += 2 * minute; r.issued = r.boot }, nil, "clock is ahead"},
		"versions of later":  {nil, func(n *memberlist.Node) { n.PMin, n.PMax, n.PCur = 6, 9, 7 }, "versions"},
		"a delegate's":       {nil, func(n *memberlist.Node) { n.DMax = 1 }, "versions"},
	} {
		t.Run(name, func(t *testing.T) {
			d, key, r := newDesk(t), identity.NewKey(), honest()
			if c.said != nil {
				c.said(&r)
			}
			node := nodeOf(key, r)
			if c.sent != nil {
				c.sent(node)
			}
			err := d.NotifyAlive(node)
			if err == nil || !strings.Contains(err.Error(), c.wants) {
				t.Fatalf("%v, want %q", err, c.wants)
			}
			_ = d.NotifyAlive(node)
			if got := d.lines.with("level=WARN", "refused", "peer="); len(got) != 1 {
				t.Errorf("lines %q", got)
			}
			if len(d.members) > 0 {
				t.Errorf("members %v", d.members)
			}
		})
	}
}

func TestHonestMemberIsTaken(t *testing.T) {
	d, key, r := newDesk(t), identity.NewKey(), honest()
	r.issued += uint64(ahead.Milliseconds()) - 1000 // nearly a minute ahead
	node := nodeOf(key, r)
	if err := d.NotifyAlive(node); err != nil {
		t.Fatal(err)
	}
	d.NotifyJoin(node)
	if all := d.view(time.Now()); len(all) != 2 {
		t.Errorf("%v", all)
	}
}

// TestOldMetadataDoesNotComeBack replays what a node said before.
func TestOldMetadataDoesNotComeBack(t *testing.T) {
	d, key, r := newDesk(t), identity.NewKey(), honest()
	old, moved := nodeOf(key, r), r
	moved.issued++
	moved.addr, moved.meta.Region = addrPort("10.0.0.9:1"), "us"
	known := nodeOf(key, r)
	must(0, d.NotifyAlive(known))
	d.NotifyJoin(known)
	region := func() string { return d.members[key.Name()].meta.Region }
	if err := d.NotifyAlive(nodeOf(key, moved)); err != nil || region() != "us" {
		t.Fatalf("newer metadata: %v, region %s", err, region())
	}
	if addrOf(known) != moved.addr || !bytes.Equal(known.Meta, must(moved.seal(key))) {
		t.Errorf("memberlist's entry is %v", known)
	}
	if err := d.NotifyAlive(old); err == nil || region() != "us" || addrOf(known) != moved.addr {
		t.Errorf("older metadata: %v, region %s", err, region())
	}
	if d.lines.String() != "" {
		t.Errorf("what is merely late is complained of: %s", d.lines)
	}
	d.NotifyLeave(known) // it died: what it says now may be signed by a clock that went back
	if err := d.NotifyAlive(old); err != nil {
		t.Errorf("after its death: %v", err)
	}
}

// TestFarewellIsTakenFromWhoSignedIt sends what a node sends when it leaves.
func TestFarewellIsTakenFromWhoSignedIt(t *testing.T) {
	d, key, r := newDesk(t), identity.NewKey(), honest()
	node := nodeOf(key, r)
	must(0, d.NotifyAlive(node))
	d.NotifyJoin(node)
	state := func() State { return d.members[key.Name()].state() }
	leaving := r
	leaving.leaving = true
	elsewhere := leaving
	elsewhere.issued += 2
	elsewhere.addr = addrPort("10.0.0.9:1")
	stays := r
	stays.issued += 3
	for _, b := range [][]byte{
		nil, {1}, node.Meta, must(leaving.seal(key)), must(elsewhere.seal(key)), must(stays.seal(key)), must(leaving.seal(identity.NewKey())),
	} {
		d.farewell(b)
		if state() != Alive || !bytes.Equal(d.members[key.Name()].raw, node.Meta) {
			t.Fatalf("%x makes it %v", b, state())
		}
	}
	leaving.issued++
	sealed := must(leaving.seal(key))
	forged := bytes.Clone(sealed)
	forged[len(forged)-1] ^= 1
	d.farewell(forged)
	if state() != Alive {
		t.Error("a forged one is taken")
	}
	d.farewell(sealed)
	if state() != Left {
		t.Error("it is not taken")
	}
	d.NotifyLeave(node)
	if state() != Left || len(d.lines.with("refused")) != 1 {
		t.Errorf("%v, lines %s", state(), d.lines)
	}
}

func TestMembersAreBounded(t *testing.T) {
	d := newDesk(t)
	for i := range most + 10 {
		r := honest()
		r.addr = addrPort(fmt.Sprintf("10.%d.%d.1:1", i/200, i%200))
		node := nodeOf(identity.NewKey(), r)
		if err := d.NotifyAlive(node); (err == nil) != (i < most) {
			t.Fatalf("member %d: %v", i, err)
		} else if err == nil {
			d.NotifyJoin(node)
		}
	}
	if got := len(d.view(time.Now())); got != most+1 {
		t.Errorf("%d members", got)
	}
}

// TestOwnWordsOfBefore gives the node its own metadata of another time.
func TestOwnWordsOfBefore(t *testing.T) {
	poked := func(c chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	d := newDesk(t)
	before := d.own.boot
	r := record{addr: d.own.addr, boot: before + 5000, issued: before + 5001}
	if err := d.NotifyAlive(nodeOf(d.key, r)); err != nil || !poked(d.restamp) || d.own.boot != before+5001 || d.own.issued < d.own.boot {
		t.Errorf("newer, same address: %v, boot %d", err, d.own.boot-before)
	}
	r = record{addr: addrPort("10.0.0.9:1"), boot: before - 5000, issued: before}
	if err := d.NotifyAlive(nodeOf(d.key, r)); err != nil || poked(d.restamp) {
		t.Errorf("older, another address: %v", err)
	}
	if d.lines.String() != "" {
		t.Errorf("lines %s", d.lines)
	}
	r.boot += 20_000
	r.issued += 20_000
	if err := d.NotifyAlive(nodeOf(d.key, r)); err != nil || poked(d.restamp) || len(d.lines.with("copy of this node's key")) != 1 {
		t.Errorf("newer, another address: %v, lines %s", err, d.lines)
	}
	if err := d.NotifyAlive(nodeOf(identity.NewKey(), r)); err != nil || len(d.members) > 0 {
		t.Errorf("%v", d.members)
	}
	forged := nodeOf(identity.NewKey(), r)
	forged.Name = string(d.self)
	if err := d.NotifyAlive(forged); err == nil {
		t.Error("another speaks in its name")
	}
}

// TestClockOfAnotherIsComparedAtPushPull runs a member whose clock is behind: its metadata does not show that.
func TestClockOfAnotherIsCompared(t *testing.T) {
	in(t, 1, func(w *world) {
		nodes := w.cluster(2)
		d := delegate{nodes[0].list}
		state := delegate{nodes[1].list}.LocalState(false)
		time.Sleep(59 * time.Second)
		d.MergeRemoteState(state, false)
		if got := nodes[0].lines.with("clock"); len(got) > 0 {
			t.Errorf("lines %q", got)
		}
		time.Sleep(2 * time.Second)
		for _, b := range [][]byte{nil, {1}, state[:9], append([]byte{2}, state[1:]...), append(bytes.Clone(state), 'a'), state, state} {
			d.MergeRemoteState(b, false)
		}
		if got := nodes[0].lines.with("clock", "ahead=-1m1s", "peer="+string(nodes[1].name())); len(got) != 1 {
			t.Errorf("lines %q", nodes[0].lines)
		}
	})
}

// TestClockThatIsAheadIsRefused starts a node whose metadata is from the future.
func TestClockThatIsAheadIsRefused(t *testing.T) {
	in(t, 1, func(w *world) {
		nodes := w.cluster(2)
		liar := w.prepare("10.66.6.6")
		liar.start(nil)
		liar.list.table.mu.Lock()
		future := liar.list.table.own
		future.boot += 2 * uint64(time.Minute.Milliseconds())
		must(0, liar.list.table.stamp(future))
		liar.list.table.mu.Unlock()
		must(0, liar.list.gossip.UpdateNode(time.Second))
		_, _ = liar.list.gossip.Join([]string{nodes[0].list.Addr().String()})
		time.Sleep(10 * time.Second)
		if !one(nodes...)() || len(nodes[0].list.Members()) != 2 {
			t.Errorf("members %v", nodes[0].list.Members())
		}
		if got := nodes[0].lines.with("refused", "its clock is ahead by 2m0s", string(liar.name())); len(got) != 1 {
			t.Errorf("lines %s", nodes[0].lines)
		}
	})
}
