//go:build !race

package mesh

// underRace says that the race detector slows everything down.
const underRace = false
