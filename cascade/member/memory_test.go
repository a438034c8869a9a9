package member

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

func TestRememberedMembersAreFoundWithoutSeeds(t *testing.T) {
	in(t, 1, func(w *world) {
		nodes := w.cluster(3)
		time.Sleep(10 * time.Second)
		for _, n := range nodes {
			n.stop()
		}
		time.Sleep(24 * time.Hour)
		nodes[2].host = w.net.Host("10.77.0.1")
		for _, n := range nodes {
			n.start(nil)
		}
		w.within(20*time.Second, "one cluster again", one(nodes...))
	})
}

func TestMemoryIsBoundedAndKeepsTheLast(t *testing.T) {
	f := &folder{files: map[string][]byte{}}
	log := slog.New(slog.DiscardHandler)
	m := recall(f, log)
	start := time.Unix(1_800_000_000, 0)
	many := make([]Member, 100)
	for i := range many {
		many[i] = Member{Name: identity.NewKey().Name(), Addr: addrPort(fmt.Sprintf("10.0.0.%d:1", i+1))}
		m.note(start.Add(time.Duration(i)*time.Minute), many[i:i+1])
	}
	m.keep(start, f, log)
	got := recall(f, log).places()
	var want []string
	for _, one := range many[100-remembered:] {
		want = append(want, one.Addr.String())
	}
	slices.Reverse(want)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	// An address that is another's now, one that is the node's own, and one that was not seen for long are forgotten.
	m.note(start.Add(2*time.Hour), []Member{{Name: many[0].Name, Addr: many[99].Addr}, {Name: many[1].Name, Addr: many[98].Addr, Self: true}})
	if got := m.places(); len(got) != remembered-1 || got[0] != many[99].Addr || slices.Contains(got, many[98].Addr) {
		t.Errorf("%v", got)
	}
	m.note(start.Add(2*time.Hour+longAgo), nil)
	if got := m.places(); len(got) != 1 {
		t.Errorf("%v", got)
	}
	// Who left or died is not seen.
	m.note(start.Add(longAgo), []Member{{Name: many[5].Name, Addr: many[5].Addr, State: Dead}, {Name: many[6].Name, Addr: many[6].Addr, State: Left}})
	if got := m.places(); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func TestMemoryIsWrittenOnlyWhenItChanged(t *testing.T) {
	f, log := &folder{files: map[string][]byte{}}, slog.New(slog.DiscardHandler)
	m := recall(f, log)
	now := time.Unix(1_800_000_000, 0)
	who := []Member{{Name: "abcdefghij", Addr: addrPort("10.0.0.1:1")}}
	for i, want := range []bool{true, false, false, false, true, true, false} {
		at := now.Add(time.Duration(i) * stale / 3)
		if i == 5 {
			who[0].Addr = addrPort("10.0.0.2:1")
		}
		m.note(at, who)
		delete(f.files, memoryFile)
		m.keep(at, f, log)
		if _, written := f.files[memoryFile]; written != want {
			t.Errorf("step %d: written %v", i, written)
		}
	}
}

// TestLongMembershipIsNotLongAgo restarts a node that was in one cluster for a year.
func TestLongMembershipIsNotLongAgo(t *testing.T) {
	f, log := &folder{files: map[string][]byte{}}, slog.New(slog.DiscardHandler)
	m, now := recall(f, log), time.Unix(1_800_000_000, 0)
	for range 365 * 24 {
		now = now.Add(time.Hour + time.Minute)
		m.note(now, []Member{{Name: "abcdefghij", Addr: addrPort("10.0.0.1:1")}})
		m.keep(now, f, log)
	}
	m = recall(f, log)
	m.note(now.Add(24*time.Hour), nil)
	if got := m.places(); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func TestBrokenMemoryIsNoHarm(t *testing.T) {
	good := "abcdefghij 10.0.0.1:7946 1800000000\n"
	for _, bad := range []string{
		"\x00\xff", "abcdefghij", "abcdefghi1 10.0.0.1:1 1", "abcdefghij 10.0.0.1 1", "abcdefghij 0.0.0.0:1 1", "abcdefghij 10.0.0.1:1 x",
		"abcdefghij 10.0.0.1:1 -1", "abcdefghij 10.0.0.1:1 99999999999999",
		strings.Repeat(good, remembered),
	} {
		out := &lines{}
		m := recall(&folder{files: map[string][]byte{memoryFile: []byte("# heading\n\n" + good + bad)}}, slog.New(slog.NewTextHandler(out, nil)))
		if got := m.places(); len(got) != 1 || got[0] != addrPort("10.0.0.1:7946") {
			t.Errorf("%q: %v", bad, got)
		}
		if len(out.with("level=WARN", "cannot be read")) != 1 {
			t.Errorf("%q: %s", bad, out)
		}
	}
}

func FuzzMemory(f *testing.F) {
	f.Add([]byte(heading + "abcdefghij 10.0.0.1:7946 1800000000\nabcdefghik [2001:db8::1]:1 0\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, _ := parseMemory(b)
		if len(all) > remembered {
			t.Fatalf("%d", len(all))
		}
		for _, s := range all {
			if !usable(s.addr) {
				t.Fatalf("%v", s)
			}
		}
	})
}
