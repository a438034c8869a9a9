//go:build !race

package conference

// underRace says that the race detector slows everything down.
const underRace = false
