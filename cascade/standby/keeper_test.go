package standby

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/session"
)

const (
	nodeA = identity.Name("aaaaaaaaaa")
	nodeB = identity.Name("bbbbbbbbbb")
	nodeC = identity.Name("cccccccccc")
	nodeD = identity.Name("dddddddddd")
)

var start = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// tokenOf returns the nth token that a node made.
func tokenOf(node identity.Name, n int) session.Token {
	t, ok := session.ParseToken(fmt.Sprintf("%s-%016d%032d", node, n, n+1000))
	if !ok {
		panic("not a token")
	}
	return t
}

func whole(t session.Token, value string) wire.Keep {
	return wire.Keep{Token: t.String(), Parts: 1, Value: []byte(value)}
}

// kept gives a record to the keeper.
func kept(k *Keeper, now time.Time, from identity.Name, f wire.Keep) error {
	_, _, err := k.Keep(now, from, f)
	return err
}

func nobody(identity.Name) bool { return false }

func forged(t session.Token) session.Token {
	t.Secret = strings.Repeat("x", session.SecretLength)
	return t
}

func TestRecordIsFoundAndTakenOnce(t *testing.T) {
	k := NewKeeper(Limits{})
	token := tokenOf(nodeA, 1)
	first := []byte("first")
	if err := kept(k, start, nodeA, wire.Keep{Token: token.String(), Parts: 1, Value: first}); err != nil {
		t.Fatal(err)
	}
	second := []byte("second")
	if err := kept(k, start, nodeA, wire.Keep{Token: token.String(), Parts: 1, Value: second}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, make([]byte, len(first))) {
		t.Error("the value that was replaced is still there")
	}
	if holder, known, proven := k.Find(token); holder != nodeA || !known || !proven {
		t.Errorf("found %s %v %v", holder, known, proven)
	}
	if _, known, proven := k.Find(forged(token)); !known || proven {
		t.Errorf("a forged token: known %v, proven %v", known, proven)
	}
	if k.Take(forged(token)) != nil {
		t.Error("a forged token takes the record")
	}
	if v := k.Take(token); string(v) != "second" {
		t.Errorf("took %q", v)
	}
	if !bytes.Equal(second, make([]byte, len(second))) {
		t.Error("the value that was taken is still there")
	}
	if k.Take(token) != nil {
		t.Error("taken twice")
	}
	if n, b := k.Len(); n != 0 || b != 0 {
		t.Errorf("%d records, %d bytes", n, b)
	}
}

func TestRecordComesInParts(t *testing.T) {
	k := NewKeeper(Limits{})
	token := tokenOf(nodeA, 1)
	part := func(i, of uint16, value string) {
		t.Helper()
		if err := kept(k, start, nodeA, wire.Keep{Token: token.String(), Part: i, Parts: of, Value: []byte(value)}); err != nil {
			t.Fatal(err)
		}
	}
	part(0, 2, "a")
	if _, known, _ := k.Find(token); known {
		t.Error("half a record is found")
	}
	part(1, 2, "b")
	part(0, 3, "x")
	part(2, 3, "z") // one was lost
	if v := k.Take(token); string(v) != "ab" {
		t.Errorf("took %q", v)
	}
}

func TestRecordEnds(t *testing.T) {
	k := NewKeeper(Limits{})
	for i := range 3 {
		if err := kept(k, start, nodeA, whole(tokenOf(nodeA, i), "v")); err != nil {
			t.Fatal(err)
		}
	}
	k.Wipe(nodeB, wire.Wipe{Token: tokenOf(nodeA, 0).String()})
	k.Wipe(nodeA, wire.Wipe{Token: forged(tokenOf(nodeA, 0)).String()})
	k.Wipe(nodeA, wire.Wipe{Token: "nonsense"})
	if n, _ := k.Len(); n != 3 {
		t.Errorf("%d records: somebody else's word counted", n)
	}
	k.Wipe(nodeA, wire.Wipe{Token: tokenOf(nodeA, 0).String()})
	_ = kept(k, start.Add(Repeat), nodeA, whole(tokenOf(nodeA, 1), "w"))
	k.Tick(start.Add(keep), nobody)
	if n, _ := k.Len(); n != 1 {
		t.Errorf("%d records are left, want the one that was repeated", n)
	}
	k.Close()
	if n, b := k.Len(); n != 0 || b != 0 || len(k.each) != 0 {
		t.Errorf("%d records, %d bytes, %v", n, b, k.each)
	}
}

func TestRecordMovesWithItsHolder(t *testing.T) {
	k := NewKeeper(Limits{})
	token := tokenOf(nodeA, 1)
	_ = kept(k, start, nodeA, whole(token, "old"))
	if kept(k, start, nodeB, whole(forged(token), "forged")) == nil {
		t.Error("another session takes the place of one")
	}
	_ = kept(k, start, nodeB, whole(token, "new"))
	k.Wipe(nodeA, wire.Wipe{Token: token.String()}) // late
	if holder, _, _ := k.Find(token); holder != nodeB {
		t.Errorf("its holder is %q", holder)
	}
	if v := k.Take(token); string(v) != "new" {
		t.Errorf("took %q", v)
	}
}

// TestKeeperIsBounded: whatever is pushed, no holder has more than its share, all have no more than all, and the books are right.
func TestKeeperIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{Each: 3, EachBytes: 40, All: 5, AllBytes: 60}
		k := NewKeeper(limits)
		now := start
		nodes := []identity.Name{nodeA, nodeB, nodeC}
		t.Repeat(map[string]func(*rapid.T){
			"keep": func(t *rapid.T) {
				f := whole(tokenOf(nodeA, rapid.IntRange(0, 7).Draw(t, "token")), strings.Repeat("v", rapid.IntRange(0, 30).Draw(t, "bytes")))
				f.Parts = rapid.Uint16Range(1, 3).Draw(t, "parts")
				f.Part = rapid.Uint16Range(0, f.Parts-1).Draw(t, "part")
				if err := kept(k, now, rapid.SampledFrom(nodes).Draw(t, "from"), f); err != nil && !errors.Is(err, ErrFull) {
					t.Fatal(err)
				}
			},
			"amend": func(t *rapid.T) {
				token := tokenOf(nodeA, rapid.IntRange(0, 7).Draw(t, "token"))
				f := wire.Amend{Token: token.String(), Delta: []byte{1, 0, 0}}
				if r := k.records[token.Address]; r != nil && r.value != nil {
					f.Base = r.sum
					f.Delta = appendDelta(nil, r.value, []byte(strings.Repeat("w", rapid.IntRange(0, 30).Draw(t, "bytes"))))
				}
				if _, err := k.Amend(now, rapid.SampledFrom(nodes).Draw(t, "from"), f); err != nil && !errors.Is(err, ErrFull) {
					t.Fatal(err)
				}
			},
			"wipe": func(t *rapid.T) {
				k.Wipe(rapid.SampledFrom(nodes).Draw(t, "from"), wire.Wipe{Token: tokenOf(nodeA, rapid.IntRange(0, 7).Draw(t, "token")).String()})
			},
			"take": func(t *rapid.T) { k.Take(tokenOf(nodeA, rapid.IntRange(0, 7).Draw(t, "token"))) },
			"time": func(*rapid.T) { now = now.Add(30 * time.Second); k.Tick(now, nobody) },
			"": func(t *rapid.T) {
				var all usage
				each := make(map[identity.Name]usage)
				for _, r := range k.records {
					u := each[r.holder]
					each[r.holder] = usage{u.records + 1, u.bytes + r.size()}
					all = usage{all.records + 1, all.bytes + r.size()}
				}
				if all != k.all || all.records > limits.All || all.bytes > limits.AllBytes {
					t.Fatalf("all %+v, counted %+v", all, k.all)
				}
				for _, n := range nodes {
					if u := each[n]; u != k.each[n] || u.records > limits.Each || u.bytes > limits.EachBytes {
						t.Fatalf("%s: %+v, counted %+v", n, u, k.each[n])
					}
				}
			},
		})
	})
}

// TestAmend: a change counts from the holder that knows the token, of the value that is kept; the books are right; and a holder that
// has all that it may leave here is refused more.
func TestAmend(t *testing.T) {
	token := tokenOf(nodeA, 1)
	change := func(base, next string) wire.Amend {
		return wire.Amend{Token: token.String(), Base: Sum([]byte(base)), Delta: appendDelta(nil, []byte(base), []byte(next))}
	}
	k := NewKeeper(Limits{EachBytes: 10})
	_ = kept(k, start, nodeA, whole(token, "value"))
	other := change("value", "stolen")
	other.Token = forged(token).String()
	for name, c := range map[string]struct {
		from identity.Name
		f    wire.Amend
	}{
		"of another node":  {nodeB, change("value", "stolen")},
		"of another token": {nodeA, other},
		"of another value": {nodeA, change("eulav", "stolen")},
	} {
		if answer, err := k.Amend(start, c.from, c.f); err != nil || answer.Sum != 0 {
			t.Errorf("a change %s: sum %x, %v", name, answer.Sum, err)
		}
	}
	if answer, err := k.Amend(start, nodeA, change("value", "values")); err != nil || answer.Sum != Sum([]byte("values")) {
		t.Errorf("sum %x, %v", answer.Sum, err)
	}
	if n, bytes := k.Len(); n != 1 || bytes != len("values") {
		t.Errorf("%d records of %d bytes are counted", n, bytes)
	}
	if _, err := k.Amend(start, nodeA, change("values", "too many values")); !errors.Is(err, ErrFull) {
		t.Errorf("above the limit: %v", err)
	}
	if n, bytes := k.Len(); n != 0 || bytes != 0 {
		t.Errorf("%d records of %d bytes are left", n, bytes)
	}
}

// TestStaleRecordIsNotGoneOnWith: a holder that lives and cannot say what has changed uses numbers that a jump does not reach.
func TestStaleRecordIsNotGoneOnWith(t *testing.T) {
	k := NewKeeper(Limits{})
	for n, holder := range []identity.Name{nodeA, nodeB} {
		_ = kept(k, start, holder, whole(tokenOf(nodeA, n), "v"))
	}
	lives := func(n identity.Name) bool { return n == nodeA }
	k.Tick(start.Add(stale-time.Second), lives)
	if n, _ := k.Len(); n != 2 {
		t.Errorf("%d records before they are stale", n)
	}
	k.Tick(start.Add(stale), lives)
	if _, known, _ := k.Find(tokenOf(nodeA, 0)); known {
		t.Error("the record of a holder that lives and does not say more is kept")
	}
	if _, known, _ := k.Find(tokenOf(nodeA, 1)); !known {
		t.Error("the record of a dead holder is not kept")
	}
}

func TestTrail(t *testing.T) {
	trail := NewTrail()
	trail.Left("first", nodeA)
	trail.Left("first", nodeB)
	for i := range longest - 1 {
		trail.Left(fmt.Sprint(i), nodeC)
	}
	if got := trail.Where("first"); got != nodeB {
		t.Errorf("first went to %q", got)
	}
	trail.Left("one more", nodeC)
	if got := trail.Where("first"); got != "" || len(trail.to) != longest || len(trail.order) != longest {
		t.Errorf("first went to %q, %d are known", got, len(trail.to))
	}
	trail.Back("one more")
	if got := trail.Where("one more"); got != "" {
		t.Errorf("who is back went to %q", got)
	}
	if got := trail.Where("never here"); got != "" {
		t.Errorf("who was never here went to %q", got)
	}
}
