//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
	"github.com/atoll-mesh/atoll/tools/lab/emulator"
	"github.com/atoll-mesh/atoll/tools/lab/wan"
)

// control is where the lab that is up listens; only root may speak to it.
const control = "/run/atoll-lab.sock"

// up makes the lab and keeps it until it is told to end.
func up() (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if _, err := ask(http.MethodGet, "/links", nil); err == nil {
		return errors.New("a lab is up already; lab down ends it")
	}
	topology := lab.Mesh()
	listener, err := listen()
	if err != nil {
		return err
	}
	// The socket goes last: lab down waits for that.
	defer os.Remove(control)
	l, err := lab.Open(topology)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	server := &http.Server{Handler: handler(l, stop), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()

	for _, r := range topology.Regions {
		for _, n := range []*lab.Namespace{l.Node(r.Name), l.Client(r.Name)} {
			fmt.Printf("%-22s %-10s %s\n", n.Name, n.Addr(), n.Addr6())
		}
	}
	fmt.Printf("\nip netns exec %s ping %s\n", l.Client("us").Name, l.Node("eu").Addr())
	<-ctx.Done()
	closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return server.Shutdown(closing)
}

// listen opens the control socket. Nobody answers there, so what lies there is left over.
func listen() (net.Listener, error) {
	if err := os.Remove(control); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove old control socket: %w", err)
	}
	listener, err := net.Listen("unix", control)
	if err != nil {
		return nil, fmt.Errorf("listen for lab status, set and down: %w", err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := os.Chmod(control, 0o600); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// handler answers the other commands.
func handler(l *lab.Lab, stop func()) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /links", func(w http.ResponseWriter, _ *http.Request) {
		links := map[string]emulator.State{}
		for d, s := range l.Network() {
			links[d.From+" > "+d.To] = s
		}
		_ = json.NewEncoder(w).Encode(links)
	})
	mux.HandleFunc("POST /links/{from}/{to}", func(w http.ResponseWriter, r *http.Request) {
		var change json.RawMessage
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&change)
		if err == nil {
			// Only the keys that are given change.
			err = l.ChangeBoth(r.PathValue("from"), r.PathValue("to"), func(i *wan.Impairment) { _ = json.Unmarshal(change, i) })
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	mux.HandleFunc("POST /stop", func(http.ResponseWriter, *http.Request) { stop() })
	return mux
}
