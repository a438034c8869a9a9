package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/atoll-mesh/atoll/geo/country"
	"github.com/atoll-mesh/atoll/node/cert"
	"github.com/atoll-mesh/atoll/node/config"
)

type checkCommand struct {
	Args []string `arg:"" optional:""`
}

// Run checks a configuration and the files it names.
func (c checkCommand) Run(s streams) error {
	if wantsHelp(c.Args) {
		return usage(s, "check")
	}
	cfg, err := config.Load(c.Args, os.Environ())
	if err != nil {
		return err
	}
	if cfg.TLSCert != "" {
		if _, err := cert.Files(cfg.TLSCert, cfg.TLSKey, cfg.Domain, slog.New(slog.NewTextHandler(s.err, nil))); err != nil {
			return fmt.Errorf("--tls-cert: %w", err)
		}
	}
	if cfg.GeoIP != "" {
		book, err := country.Open(cfg.GeoIP, slog.New(slog.DiscardHandler))
		if err != nil {
			return fmt.Errorf("--geoip: %w", err)
		}
		book.Close()
	}
	for _, warning := range cfg.Warnings {
		_, _ = fmt.Fprintln(s.err, "atoll: warning: "+warning)
	}
	_, err = fmt.Fprintln(s.out, "the configuration is right")
	return err
}

func wantsHelp(args []string) bool {
	return slices.Contains(args, "--help") || slices.Contains(args, "-h")
}

func usage(s streams, command string) error {
	_, err := fmt.Fprintf(s.out, "Usage: atoll %s [flags]\n\n", command)
	return errors.Join(err, config.WriteUsage(s.out))
}
