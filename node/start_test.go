package node

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atoll-mesh/atoll/node/config"
	"github.com/atoll-mesh/atoll/tools/freeport"
)

// TestStartNamesEveryProblem takes all the ports and gives a data folder that is a file: the start stops, says each of it,
// and leaves nothing open.
func TestStartNamesEveryProblem(t *testing.T) {
	var taken []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		taken = append(taken, l.Addr().String())
	}
	media, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = media.Close() }()
	https := freeport.Get(t)
	file := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	for into, addr := range map[*config.Addr]string{&cfg.HTTP: taken[0], &cfg.Admin: taken[1], &cfg.HTTPS: https, &cfg.Media: media.LocalAddr().String()} {
		if *into, err = config.ParseAddr(addr); err != nil {
			t.Fatal(err)
		}
	}
	cfg.Data = file

	n, err := Start(cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("it started", n)
	}
	for _, want := range []string{"--data", "--media", "--http", "--admin"} {
		if !strings.Contains(err.Error(), want+": ") {
			t.Errorf("the error does not name %s:\n%v", want, err)
		}
	}
	l, err := net.Listen("tcp", https)
	if err != nil {
		t.Errorf("the port of --https is still held: %v", err)
	} else {
		_ = l.Close()
	}
}
