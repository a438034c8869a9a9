package route

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

const (
	announceEvery  = 2 * time.Second
	announceApart  = 100 * time.Millisecond
	changeRatio    = 10 // a tenth of the round trip
	changeLeast    = time.Millisecond
	forgetUnheard  = 10 * time.Second
	forgetCut      = 5 * time.Second
	forgetDownLink = time.Minute

	maxRows   = 512
	maxNodes  = 512 // that tell us rows
	maxOrders = 512
	maxRTT    = time.Minute
	maxLoss   = 1000
)

// Link is what one node measures of its link to another.
type Link struct {
	RTT  time.Duration
	Loss uint16 // permille
	Up   bool
}

// Edge is a link of From, as From measures it.
type Edge struct {
	From, To identity.Name
	Link
}

// Table holds a node's own links and what other nodes said of theirs.
type Table struct {
	self  identity.Name
	own   map[identity.Name]*ownLink
	told  map[identity.Name]*telling
	order map[identity.Name][]identity.Name // relays by target, see settle

	seq     uint64
	said    time.Time // when the last announcement was made
	changed time.Time // since when there is something that does not wait for the next; zero: nothing
}

type ownLink struct {
	Link
	said  Link
	since time.Time // Up is as it is
	set   time.Time
}

type telling struct {
	seq  uint64
	at   time.Time
	rows map[identity.Name]Link
}

// NewTable returns the empty table of a node.
func NewTable(self identity.Name) *Table {
	return &Table{
		self:  self,
		own:   make(map[identity.Name]*ownLink),
		told:  make(map[identity.Name]*telling),
		order: make(map[identity.Name][]identity.Name),
	}
}

// Set says how the own link to a peer is. A link that is down and was not set for a minute is forgotten.
func (t *Table) Set(now time.Time, peer identity.Name, l Link) {
	if peer == t.self {
		return
	}
	o := t.own[peer]
	if o == nil {
		o = &ownLink{since: now}
		t.own[peer] = o
	}
	if l.Up != o.Up {
		o.since = now
		if told := t.told[peer]; l.Up && told != nil {
			told.seq = 0 // it may have started anew, by a clock that was set back
		}
	}
	if l.Up {
		delete(t.order, peer)
	}
	o.Link, o.set = l, now
	if t.changed.IsZero() && worthTelling(o.said, l) {
		t.changed = now
	}
}

// worthTelling reports whether the others should hear of l at once when they were told said.
func worthTelling(said, l Link) bool {
	if l.Up != said.Up {
		return true
	}
	by := (l.RTT - said.RTT).Abs()
	return l.Up && by > said.RTT/changeRatio && by > changeLeast
}

// Learn takes what another node says of its links. An error means that the frame is nonsense; a stale one is passed over.
func (t *Table) Learn(now time.Time, from identity.Name, f wire.LinkState) error {
	t.expire(now)
	if from == t.self {
		return fmt.Errorf("learn links: said by ourselves")
	}
	if len(f.Rows) > maxRows {
		return fmt.Errorf("learn links of %s: %d rows, at most %d are allowed", from, len(f.Rows), maxRows)
	}
	rows := make(map[identity.Name]Link, len(f.Rows))
	for _, r := range f.Rows {
		switch _, twice := rows[r.Node]; {
		case r.Node == from:
			return fmt.Errorf("learn links of %s: one to itself", from)
		case twice:
			return fmt.Errorf("learn links of %s: two to %s", from, r.Node)
		case r.RTT < 0 || r.RTT > maxRTT || r.Loss > maxLoss:
			return fmt.Errorf("learn links of %s: round trip %v, loss %d permille", from, r.RTT, r.Loss)
		}
		if _, err := identity.ParseName(string(r.Node)); err != nil {
			return fmt.Errorf("learn links of %s: %w", from, err)
		}
		rows[r.Node] = Link{r.RTT, r.Loss, r.Up}
	}
	told := t.told[from]
	if told == nil {
		if len(t.told) >= maxNodes {
			return fmt.Errorf("learn links of %s: %d nodes said theirs already", from, len(t.told))
		}
		told = &telling{}
		t.told[from] = told
	} else if f.Seq <= told.seq {
		return nil
	}
	*told = telling{f.Seq, now, rows}
	return nil
}

// Announce returns what to tell the others, to whom, and whether it is due. What is due counts as told.
func (t *Table) Announce(now time.Time) (wire.LinkState, []identity.Name, bool) {
	t.expire(now)
	to := t.up()
	if due := t.due(); len(to) == 0 || now.Before(due) {
		return wire.LinkState{}, nil, false
	}
	t.seq = max(t.seq+1, uint64(max(now.UnixMilli(), 0)))
	t.said, t.changed = now, time.Time{}
	state := wire.LinkState{Seq: t.seq}
	for _, name := range slices.Sorted(maps.Keys(t.own)) {
		o := t.own[name]
		o.said = o.Link
		if o.Up || len(t.own) <= maxRows {
			state.Rows = append(state.Rows, wire.LinkRow{Node: name, RTT: min(max(o.RTT, 0), maxRTT), Loss: min(o.Loss, maxLoss), Up: o.Up})
		}
	}
	state.Rows = state.Rows[:min(len(state.Rows), maxRows)]
	return state, to, true
}

// due returns when the next announcement is, if there is somebody to hear it.
func (t *Table) due() time.Time {
	if t.changed.IsZero() {
		return t.said.Add(announceEvery)
	}
	if soonest := t.said.Add(announceApart); soonest.After(t.changed) {
		return soonest
	}
	return t.changed
}

// Next returns when Announce is to be called, or what can be reached may change by itself. Zero means not before
// something happens.
func (t *Table) Next() time.Time {
	var next time.Time
	if len(t.up()) > 0 {
		next = t.due()
	}
	for name, told := range t.told {
		next = sooner(next, t.end(name, told))
	}
	return next
}

// end returns when what a node told is forgotten.
func (t *Table) end(name identity.Name, told *telling) time.Time {
	end := told.at.Add(forgetUnheard)
	if o := t.own[name]; o != nil && !o.Up {
		end = sooner(end, o.since.Add(forgetCut))
	}
	return end
}

func (t *Table) expire(now time.Time) {
	for name, told := range t.told {
		if !now.Before(t.end(name, told)) {
			delete(t.told, name)
		}
	}
	for name, o := range t.own {
		if !o.Up && now.Sub(o.set) >= forgetDownLink {
			delete(t.own, name)
		}
	}
}

// up returns the peers of the own links that are up, sorted.
func (t *Table) up() []identity.Name {
	var names []identity.Name
	for name, o := range t.own {
		if o.Up {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Up reports whether the own link to a peer is up.
func (t *Table) Up(peer identity.Name) bool {
	o := t.own[peer]
	return o != nil && o.Up
}

// Reachable returns the nodes that can be reached directly or over one relay, sorted.
func (t *Table) Reachable(now time.Time) []identity.Name {
	t.expire(now)
	names := t.up()
	for _, relay := range names {
		if told := t.told[relay]; told != nil {
			for name, l := range told.rows {
				if l.Up && name != t.self {
					names = append(names, name)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Links returns what is known of all links, sorted: the own ones first.
func (t *Table) Links(now time.Time) []Edge {
	t.expire(now)
	var edges []Edge
	for _, to := range slices.Sorted(maps.Keys(t.own)) {
		edges = append(edges, Edge{t.self, to, t.own[to].Link})
	}
	for _, from := range slices.Sorted(maps.Keys(t.told)) {
		rows := t.told[from].rows
		for _, to := range slices.Sorted(maps.Keys(rows)) {
			edges = append(edges, Edge{from, to, rows[to]})
		}
	}
	return edges
}

// sooner returns the earlier of two times; a zero one is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
