package route

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

const (
	hopCost   = time.Millisecond
	bandLeast = 5 * time.Millisecond
	bandRatio = 20 // 5 %
)

// Via returns where to send what is to get to a node: the node itself when the link to it is up, else the relay that the
// package comment says, one of those for which allowed is true. It is false when there is no way.
func (t *Table) Via(now time.Time, target identity.Name, allowed func(identity.Name) bool) (next identity.Name, ok bool) {
	t.expire(now)
	if target == t.self {
		return "", false
	}
	if t.Up(target) {
		return target, true
	}
	costs := t.costs(target)
	if len(costs) == 0 {
		delete(t.order, target)
		return "", false
	}
	order := settle(t.order[target], costs)
	if len(t.order) >= maxOrders {
		clear(t.order)
	}
	t.order[target] = order
	for _, relay := range order {
		if allowed(relay) {
			return relay, true
		}
	}
	return "", false
}

// costs returns the relays to a target and what the way over each costs.
func (t *Table) costs(target identity.Name) map[identity.Name]time.Duration {
	costs := make(map[identity.Name]time.Duration)
	for relay, told := range t.told {
		if l := told.rows[target]; l.Up && t.Up(relay) {
			costs[relay] = t.own[relay].cost() + l.cost()
		}
	}
	return costs
}

func (l Link) cost() time.Duration {
	return l.RTT/2 + hopCost + 2*l.RTT*time.Duration(l.Loss)/1000
}

// settle returns the relays in the order of preference, which was order before. Of any two, the first is at most
// the dead band worse than the second.
func settle(order []identity.Name, costs map[identity.Name]time.Duration) []identity.Name {
	kept := slices.DeleteFunc(slices.Clone(order), func(n identity.Name) bool { _, ok := costs[n]; return !ok })
	added := slices.DeleteFunc(slices.Collect(maps.Keys(costs)), func(n identity.Name) bool { return slices.Contains(kept, n) })
	slices.SortFunc(added, func(a, b identity.Name) int { return cmp.Or(cmp.Compare(costs[a], costs[b]), cmp.Compare(a, b)) })
	var settled []identity.Name
	for _, n := range append(kept, added...) {
		at := slices.IndexFunc(settled, func(o identity.Name) bool {
			return costs[o]-costs[n] > max(bandLeast, costs[o]/bandRatio)
		})
		if at < 0 {
			at = len(settled)
		}
		settled = slices.Insert(settled, at, n)
	}
	return settled
}
