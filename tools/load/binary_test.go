//go:build load

package load_test

import (
	"os"
	"testing"
)

// binary returns the node to test, which make build made; ATOLL_BINARY names another.
func binary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("ATOLL_BINARY")
	if path == "" {
		path = "../../bin/atoll"
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no node to test, make build makes it: %v", err)
	}
	return path
}
