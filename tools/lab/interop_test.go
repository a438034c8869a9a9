//go:build lab && linux

package lab_test

import (
	"context"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
)

// TestInterop lets XMPP clients that know nothing of conferences meet over WebSocket; the folder interop says what is checked.
func TestInterop(t *testing.T) {
	l := lab.New(t, lab.Topology{Regions: []lab.Region{{Name: "eu"}}})
	eu := l.Node("eu")
	node, err := eu.Start("atoll", program(t), "run", "--http", "127.0.0.1:8080", "--media", "127.0.0.1:10000",
		"--admin", "127.0.0.1:9090", "--data", l.Folder("data"), "--turn", "off", "--mesh", "off")
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Ready(20*time.Second, func(ctx context.Context) error {
		_, err := eu.Get(ctx, "http://127.0.0.1:8080/about/health")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	const xmpp, strophe = "@xmpp/client", "strophe.js"
	for _, pair := range [][2]string{{xmpp, strophe}, {strophe, xmpp}, {xmpp, xmpp}, {strophe, strophe}} {
		t.Run(pair[0]+" and "+pair[1], func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			out, err := eu.Run(ctx, "node", "interop/interop.mjs", "ws://127.0.0.1:8080/xmpp-websocket", "localhost", pair[0], pair[1])
			if err != nil {
				t.Fatal(err)
			}
			t.Log(out)
		})
	}
}
