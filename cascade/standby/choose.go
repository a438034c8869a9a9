package standby

import (
	"slices"

	"github.com/atoll-mesh/atoll/cascade/directory"
	"github.com/atoll-mesh/atoll/cascade/identity"
)

// Choose returns the nodes that may keep the record of a session, the one that does first: those of the members that are not
// among without.
func Choose(address string, members, without []identity.Name) []identity.Name {
	others := slices.DeleteFunc(slices.Clone(members), func(n identity.Name) bool { return slices.Contains(without, n) })
	return directory.Rank(address, others)
}
