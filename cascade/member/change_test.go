package member

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestMetadataReachesAll(t *testing.T) {
	in(t, 2, func(w *world) {
		nodes := w.cluster(many())
		changed := nodes[7]
		meta := Meta{
			Link: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:1"), netip.MustParseAddrPort("[2001:db8::1]:2")}, Region: "ap", Build: "v2",
			Lat: -9000, Lon: 18000, Load: 200, Drain: true, Oldest: 2, Newest: 3,
		}
		started := time.Now()
		if err := changed.list.Update(meta); err != nil {
			t.Fatal(err)
		}
		self, _ := changed.member(changed.name())
		meta.Started = self.Started
		if meta.Started == 0 || meta.Started > uint64(started.UnixMilli()) {
			t.Errorf("started %d", meta.Started)
		}
		w.within(3*time.Second, "everybody has the new metadata", func() bool {
			return !slices.ContainsFunc(nodes, func(n *node) bool {
				m, _ := n.member(changed.name())
				return !m.Meta.equal(meta)
			})
		})
		m, _ := nodes[3].member(changed.name())
		want := Member{Name: changed.name(), Addr: changed.list.Addr(), Meta: meta}
		if d := cmp.Diff(want, m, cmpopts.EquateComparable(netip.AddrPort{})); d != "" {
			t.Error(d)
		}
	})
}

func TestMetadataThatCannotBeSaidIsRefused(t *testing.T) {
	in(t, 2, func(w *world) {
		n := w.add()
		for what, m := range map[string]Meta{
			"five links":   {Link: make([]netip.AddrPort, 5)},
			"no port":      {Link: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:0")}},
			"long region":  {Region: strings.Repeat("x", 49)},
			"control":      {Build: "a\nb"},
			"versions":     {Oldest: 2, Newest: 1},
			"far north":    {Lat: 9001},
			"beyond dates": {Lon: -18001},
		} {
			if err := n.list.Update(m); err == nil {
				t.Errorf("%s: no error", what)
			}
		}
		if m, _ := n.member(n.name()); m.Region != "eu" {
			t.Errorf("says %+v", m.Meta)
		}
	})
}

func TestLinkWithoutAddressHasThatOfGossip(t *testing.T) {
	in(t, 2, func(w *world) {
		nodes := w.cluster(2)
		m, _ := nodes[1].member(nodes[0].name())
		if want := netip.MustParseAddrPort("10.0.1.1:7947"); len(m.Link) != 1 || m.Link[0] != want {
			t.Errorf("links %v, want %v", m.Link, want)
		}
	})
}

// TestChangedMayBlock blocks one node's callback: its gossip goes on all the same.
func TestChangedMayBlock(t *testing.T) {
	in(t, 3, func(w *world) {
		blocked, block := make(chan struct{}), make(chan struct{})
		var calls atomic.Int32
		a := w.prepare("10.0.1.1")
		a.start(func(c *Config) {
			c.Changed = func([]Member) {
				if calls.Add(1) == 2 {
					close(blocked)
					<-block
				}
			}
		})
		b := w.add(a.address())
		<-blocked
		rest := []*node{b, w.add(a.address()), w.add(b.address())}
		want := names(append(rest, a)...)
		w.within(10*time.Second, "the others see all", func() bool {
			return !slices.ContainsFunc(rest, func(n *node) bool { return !slices.Equal(n.sees(Alive), want) })
		})
		time.Sleep(time.Minute)
		if got := b.sees(Alive); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		if got := len(living(a.list.Members())); got != 3 {
			t.Errorf("the blocked one has %d others", got)
		}
		close(block)
	})
}

func TestChangedGetsTheSortedListOnlyWhenItChanged(t *testing.T) {
	in(t, 4, func(w *world) {
		var mu sync.Mutex
		var told [][]Member
		a := w.prepare("10.0.1.1")
		a.start(func(c *Config) {
			c.Changed = func(all []Member) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, all)
			}
		})
		w.add(a.address())
		w.add(a.address())
		time.Sleep(5 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if len(told) < 2 || len(told) > 3 {
			t.Errorf("told %d times", len(told))
		}
		for i, all := range told {
			if !slices.IsSortedFunc(all, byName) {
				t.Errorf("not sorted: %v", all)
			}
			if i > 0 && slices.EqualFunc(told[i-1], all, Member.equal) {
				t.Errorf("told twice: %v", all)
			}
			if !slices.ContainsFunc(all, func(m Member) bool { return m.Self && m.Name == a.name() }) {
				t.Errorf("the node itself is missing in %v", all)
			}
		}
	})
}

func TestStateHasAName(t *testing.T) {
	if got := fmt.Sprint(Alive, Left, Dead, State(9)); got != "alive left dead unknown" {
		t.Error(got)
	}
}

// TestEveryFieldCounts changes one field of a member after the other.
func TestEveryFieldCounts(t *testing.T) {
	for i := range reflect.TypeFor[Member]().NumField() {
		a, b := Member{}, Member{}
		change(reflect.ValueOf(&b).Elem().Field(i), func() {
			if a.equal(b) {
				t.Errorf("%+v counts as %+v", b, a)
			}
		})
		if !a.equal(b) {
			t.Errorf("%+v differs from %+v", b, a)
		}
	}
}

// change sets a value, or one field of it after the other, to something else for a moment.
func change(v reflect.Value, meanwhile func()) {
	if v.Type() == reflect.TypeFor[Meta]() {
		for i := range v.NumField() {
			change(v.Field(i), meanwhile)
		}
		return
	}
	before := reflect.New(v.Type()).Elem()
	before.Set(v)
	switch x := v.Addr().Interface().(type) {
	case *netip.AddrPort:
		*x = addrPort("10.0.0.1:1")
	case *[]netip.AddrPort:
		*x = []netip.AddrPort{addrPort("10.0.0.1:1")}
	default:
		switch v.Kind() {
		case reflect.String:
			v.SetString("x")
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Int16:
			v.SetInt(1)
		default:
			v.SetUint(1)
		}
	}
	meanwhile()
	v.Set(before)
}
