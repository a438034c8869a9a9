//go:build amd64 || arm64

package prefetch

import "unsafe"

// Lines fetches n cache lines of 64 bytes from the one of p on. n is above 0.
//
//go:noescape
func Lines(p unsafe.Pointer, n int)
