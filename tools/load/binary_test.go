//go:build load

package load_test

import (
	"os"
	"testing"

	"github.com/atoll-mesh/atoll/tools/load"
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

// started runs the node until the test ends.
func started(t *testing.T) *load.Node {
	t.Helper()
	node, err := load.StartNode(t.Context(), binary(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the node said:\n%s", node.Log())
		}
	})
	return node
}
