package wire

import (
	"fmt"
)

// Version is the newest version of the protocol that this build speaks, OldestVersion the oldest.
const (
	Version       = 2
	OldestVersion = 1
)

// Negotiate returns the version that two nodes speak with each other: the newest that both know. Both come to the same.
func Negotiate(ours, theirs Hello) (uint16, error) {
	version := min(ours.Newest, theirs.Newest)
	if version < ours.Oldest || version < theirs.Oldest || version == 0 {
		return 0, fmt.Errorf("no common version: this node speaks %d to %d, %s speaks %d to %d",
			ours.Oldest, ours.Newest, theirs.Name, theirs.Oldest, theirs.Newest)
	}
	return version, nil
}
