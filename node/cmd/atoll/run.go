package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/atoll-mesh/atoll/node"
	"github.com/atoll-mesh/atoll/node/config"
	"github.com/atoll-mesh/atoll/node/precedence"
	"github.com/atoll-mesh/atoll/node/web"
)

// patience is how long a node may take to stop.
const patience = 10 * time.Second

type runCommand struct {
	Args []string `arg:"" optional:""`
}

// Run runs a node until a signal or a failure ends it. SIGTERM drains it first, SIGINT ends it. A second signal ends it at once.
func (c runCommand) Run(s streams) error {
	if wantsHelp(c.Args) {
		return usage(s, "run")
	}
	cfg, err := config.Load(c.Args, os.Environ())
	if err != nil {
		return err
	}
	log := newLog(s.err, cfg.Log)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT)
	defer stop()
	n, err := node.Start(cfg, log)
	if err != nil {
		return err
	}
	tidying, stopTidying := context.WithCancel(context.Background())
	defer stopTidying()
	go tidy(tidying)
	go relax(tidying, n.Crowded)
	go precedence.Run(tidying, log, n.Joining)
	for _, url := range urls(cfg) {
		_, _ = fmt.Fprintln(s.out, "open "+url)
	}

	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	go func() {
		select {
		case <-terminate:
			signal.Stop(terminate) // from here on a signal ends the process
			deadline, cancel := context.WithTimeout(ctx, web.DrainDeadline)
			defer cancel()
			n.Drain(deadline)
		case <-ctx.Done():
		}
	}()
	failure := n.Wait(ctx)
	stop()
	deadline, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.Stop(deadline); err != nil {
		return errors.Join(failure, fmt.Errorf("stop: %w", err))
	}
	return failure
}

// newLog returns a log for people on a terminal, and for machines elsewhere.
func newLog(w io.Writer, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if file, ok := w.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return slog.New(slog.NewTextHandler(w, options))
		}
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// urls returns what to open to see the page. A browser hands cameras and microphones only to pages of localhost or by
// TLS, so a listener for everybody is named as localhost.
func urls(cfg config.Config) []string {
	var all []string
	for _, l := range []struct {
		scheme string
		port   uint16
		addr   config.Addr
	}{{"http", 80, cfg.HTTP}, {"https", 443, cfg.HTTPS}} {
		if l.addr.Off || l.addr.Port == 0 {
			continue
		}
		host := cfg.Domain
		if l.scheme == "http" {
			host = "localhost"
		}
		if ip := net.ParseIP(l.addr.Host); l.addr.Host != "" && (ip == nil || !ip.IsUnspecified()) {
			host = l.addr.Host
		}
		if l.addr.Port != l.port {
			host = net.JoinHostPort(host, strconv.Itoa(int(l.addr.Port)))
		} else if net.ParseIP(host).To4() == nil && net.ParseIP(host) != nil {
			host = "[" + host + "]"
		}
		all = append(all, l.scheme+"://"+host+"/")
	}
	return all
}
