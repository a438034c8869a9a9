package prefetch

import (
	"slices"
	"testing"
	"unsafe"
)

// Nothing is changed, and no address is wrong: not the end of an object, nor one where nothing is.
func TestLinesDoNothing(t *testing.T) {
	b := make([]byte, 4096)
	for i := range b {
		b[i] = byte(i)
	}
	want := slices.Clone(b)
	Lines(unsafe.Pointer(&b[0]), 64)
	Lines(unsafe.Pointer(&b[4095]), 1000)
	Lines(nil, 2)
	if !slices.Equal(b, want) {
		t.Error("memory was changed")
	}
}
