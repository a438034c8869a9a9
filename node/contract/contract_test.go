package contract

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/node"
	"github.com/atoll-mesh/atoll/node/config"
	"github.com/atoll-mesh/atoll/tools/freeport"
)

// start runs a node on loopback and returns its public URL.
func start(t *testing.T) string {
	t.Helper()
	addr := freeport.Get(t)
	cfg, err := config.Load([]string{"--http", addr, "--mesh", "127.0.0.1:0", "--turn", "off", "--media", "127.0.0.1:0", "--admin", "off", "--data", t.TempDir()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Start(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return "http://" + addr
}

// TestContract plays everything that an unmodified lib-jitsi-meet was seen to send.
func TestContract(t *testing.T) {
	script, err := os.ReadFile("testdata/contract.txt")
	if err != nil {
		t.Fatal(err)
	}
	play(t, start(t), string(script))
}
