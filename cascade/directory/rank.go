package directory

import (
	"cmp"
	"slices"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// servers is how many nodes serve a room.
const servers = 3

type ranked struct {
	score uint64
	node  identity.Name
}

func compareRanked(a, b ranked) int {
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.node, b.node))
}

// Rank returns the nodes in the order of rendezvous hashing for the key. It changes nothing for the others when a node
// comes or goes, and is the same on every node and in every version.
func Rank(key string, nodes []identity.Name) []identity.Name {
	k := hash(key)
	order := make([]ranked, len(nodes))
	for i, n := range nodes {
		order[i] = ranked{mix(k ^ mix(hash(string(n)))), n}
	}
	slices.SortFunc(order, compareRanked)
	out := make([]identity.Name, len(nodes))
	for i, r := range order {
		out[i] = r.node
	}
	return out
}

// Servers returns the nodes that serve a room when these are alive: the first three, or all when there are fewer.
func Servers(room string, live []identity.Name) []identity.Name {
	k := hash(room)
	best := make([]ranked, 0, servers+1)
	for _, n := range live {
		best = append(best, ranked{mix(k ^ mix(hash(string(n)))), n})
		for i := len(best) - 1; i > 0 && compareRanked(best[i], best[i-1]) < 0; i-- {
			best[i], best[i-1] = best[i-1], best[i]
		}
		best = best[:min(len(best), servers)]
	}
	out := make([]identity.Name, len(best))
	for i, r := range best {
		out[i] = r.node
	}
	return out
}

// hash is FNV-1a.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// mix is the finaliser of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
