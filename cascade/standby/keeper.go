package standby

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/session"
)

// keep is how long a record stays that is not pushed again: a holder repeats it every [Repeat], and a client comes back within a
// minute or not at all.
const keep = 90 * time.Second

// stale is how old a record may become while its holder lives: a stream of 800 packets a second uses fewer numbers until then than
// session.JumpRTP.
const stale = 2 * Repeat

// Limits bounds what a Keeper holds. A field that is zero stands for its default.
type Limits struct {
	Each, EachBytes int // of one holder: 4096 records, 64 MiB
	All, AllBytes   int // 16384 records, 256 MiB
}

func (l Limits) orDefault() Limits {
	for _, f := range [...]struct {
		field *int
		value int
	}{{&l.Each, 4096}, {&l.EachBytes, 64 << 20}, {&l.All, 16384}, {&l.AllBytes, 256 << 20}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return l
}

// ErrFull says that a record is one too many.
var ErrFull = errors.New("keep record: there is no room for it")

// record is what a holder pushed.
type record struct {
	holder identity.Name
	token  session.Token
	value  []byte // nil: no whole value has come
	sum    uint64
	at     time.Time

	coming [][]byte // the parts so far of the next value
	parts  uint16
}

func (r *record) size() int {
	n := len(r.value)
	for _, part := range r.coming {
		n += len(part)
	}
	return n
}

func (r *record) set(now time.Time, value []byte) {
	clear(r.value)
	r.value, r.sum, r.at = value, Sum(value), now
}

func (r *record) wipe() {
	clear(r.value)
	r.value = nil
	r.wipeComing()
}

func (r *record) wipeComing() {
	for _, part := range r.coming {
		clear(part)
	}
	r.coming, r.parts = nil, 0
}

type usage struct{ records, bytes int }

// Keeper holds the records that other nodes pushed here.
type Keeper struct {
	limits  Limits
	records map[string]*record // by address
	each    map[identity.Name]usage
	all     usage
}

// NewKeeper returns an empty Keeper.
func NewKeeper(l Limits) *Keeper {
	return &Keeper{limits: l.orDefault(), records: make(map[string]*record), each: make(map[identity.Name]usage)}
}

// Keep takes a part of a record. Its value is the Keeper's from then on. With the last part, and when it is refused, it is to be
// answered.
func (k *Keeper) Keep(now time.Time, from identity.Name, f wire.Keep) (answer wire.Kept, due bool, err error) {
	answer.Token = f.Token
	t, ok := session.ParseToken(f.Token)
	if !ok {
		clear(f.Value)
		return answer, true, fmt.Errorf("keep record: the token has not the form of one")
	}
	r := k.records[t.Address]
	if r != nil && (r.holder != from || !r.token.Equal(t)) {
		// The session has moved: its new holder pushes from now on, as soon as the old one's word does not count.
		if !r.token.Equal(t) {
			clear(f.Value)
			return answer, true, fmt.Errorf("keep record: another session has its address")
		}
		k.drop(r)
		r = nil
	}
	if r == nil {
		u := k.each[from]
		if u.records >= k.limits.Each || k.all.records >= k.limits.All {
			clear(f.Value)
			return answer, true, ErrFull
		}
		r = &record{holder: from, token: t, at: now}
		k.records[t.Address] = r
		k.count(from, 1, 0)
	}
	if f.Part == 0 {
		k.count(from, 0, -(r.size() - len(r.value)))
		r.wipeComing()
		r.parts = f.Parts
	}
	if int(f.Part) != len(r.coming) || f.Parts != r.parts { // a part was lost: the next value is whole
		clear(f.Value)
		return answer, false, nil
	}
	if k.over(from, len(f.Value)) {
		clear(f.Value)
		k.drop(r)
		return answer, true, ErrFull
	}
	r.coming = append(r.coming, f.Value)
	k.count(from, 0, len(f.Value))
	if len(r.coming) < int(r.parts) {
		return answer, false, nil
	}
	parts := r.coming
	value := parts[0]
	if len(parts) > 1 {
		value = slices.Concat(parts...)
		r.wipeComing()
	}
	r.coming, r.parts = nil, 0
	k.count(from, 0, -len(r.value)) // the parts are counted
	r.set(now, value)
	answer.Sum = r.sum
	return answer, true, nil
}

// Amend changes a record. The answer says what is kept then: nothing when it is another than the one to be changed.
func (k *Keeper) Amend(now time.Time, from identity.Name, f wire.Amend) (wire.Kept, error) {
	answer := wire.Kept{Token: f.Token}
	t, ok := session.ParseToken(f.Token)
	r := k.records[t.Address]
	if !ok || r == nil || r.holder != from || !r.token.Equal(t) || r.value == nil || r.sum != f.Base {
		return answer, nil
	}
	value, err := amend(r.value, f.Delta, wire.MaxPiece*wire.MaxPieces)
	switch {
	case err != nil:
	case k.over(from, len(value)-len(r.value)):
		clear(value)
		err = ErrFull
	}
	if err != nil {
		k.drop(r)
		return answer, err
	}
	k.count(from, 0, len(value)-len(r.value))
	r.set(now, value)
	answer.Sum = r.sum
	return answer, nil
}

// over reports whether a holder may not leave so many bytes more.
func (k *Keeper) over(holder identity.Name, more int) bool {
	return k.each[holder].bytes+more > k.limits.EachBytes || k.all.bytes+more > k.limits.AllBytes
}

func (k *Keeper) count(holder identity.Name, records, bytes int) {
	u := k.each[holder]
	u.records, u.bytes = u.records+records, u.bytes+bytes
	if k.each[holder] = u; u == (usage{}) {
		delete(k.each, holder)
	}
	k.all.records, k.all.bytes = k.all.records+records, k.all.bytes+bytes
}

func (k *Keeper) drop(r *record) {
	k.count(r.holder, -1, -r.size())
	r.wipe()
	delete(k.records, r.token.Address)
}

// Wipe ends the record of a session, when it is from who says so and knows the token.
func (k *Keeper) Wipe(from identity.Name, f wire.Wipe) {
	t, ok := session.ParseToken(f.Token)
	if r := k.records[t.Address]; ok && r != nil && r.holder == from && r.token.Equal(t) {
		k.drop(r)
	}
}

// Find returns who pushed the record of a session. known says that there is one, proven that the token is its own.
func (k *Keeper) Find(t session.Token) (holder identity.Name, known, proven bool) {
	r := k.records[t.Address]
	if r == nil || r.value == nil {
		return "", false, false
	}
	return r.holder, true, r.token.Equal(t)
}

// Take ends the record of a session whose token is proven and returns its value, which the caller overwrites; nil when there is none.
func (k *Keeper) Take(t session.Token) []byte {
	r := k.records[t.Address]
	if r == nil || r.value == nil || !r.token.Equal(t) {
		return nil
	}
	value := append(make([]byte, 0, len(r.value)), r.value...)
	k.drop(r)
	return value
}

// Tick ends the records that nobody pushed again, where alive says which holders are heard: a record that is old while its holder
// lives says less of the counters than a jump makes up for.
func (k *Keeper) Tick(now time.Time, alive func(holder identity.Name) bool) {
	for _, r := range k.records {
		if age := now.Sub(r.at); age >= keep || age >= stale && alive(r.holder) {
			k.drop(r)
		}
	}
}

// Close ends all records.
func (k *Keeper) Close() {
	for _, r := range k.records {
		k.drop(r)
	}
}

// Len returns how many records there are, and their bytes.
func (k *Keeper) Len() (records, bytes int) { return k.all.records, k.all.bytes }
