//go:build race

package member

func init() { realLists = 20 } // the race detector makes ten of one
