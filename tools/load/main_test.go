//go:build load

package load_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/atoll-mesh/atoll/tools/load/plain"
)

// TestMain lets this binary be the control server, as the command load is for its own benchmark.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "plain" {
		if err := plain.Serve(context.Background(), "127.0.0.1:0", false, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

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
