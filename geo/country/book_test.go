package country

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestBook(t *testing.T) {
	of := func(code string) []byte {
		m := newMMDB("Country")
		m.set(t, "16.0.0.0/8", dict{{"country_code", code}})
		return m.bytes(t)
	}
	path := filepath.Join(t.TempDir(), "table.mmdb")
	clock := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	put := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		clock = clock.Add(time.Hour)
		if err := os.Chtimes(path, clock, clock); err != nil {
			t.Fatal(err)
		}
	}
	put(of("DE"))
	var log bytes.Buffer
	b, err := Open(path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	b.Close() // the test looks itself
	look := func(want string, lines int) {
		t.Helper()
		if got, _ := b.Lookup(netip.MustParseAddr("16.1.1.1")); got.Country != want {
			t.Errorf("the country is %q, want %q", got.Country, want)
		}
		if n := strings.Count(log.String(), "\n"); n != lines {
			t.Errorf("%d lines in the log, want %d:\n%s", n, lines, &log)
		}
	}
	look("DE", 0)
	b.check()
	look("DE", 0)

	put(of("FR"))
	b.check() // may be in the middle of being written
	look("DE", 0)
	b.check()
	look("FR", 1)

	whole := of("JP")
	for i, bad := range [][]byte{whole[:len(whole)/2], []byte("DE"), nil} {
		put(bad)
		for range 4 {
			b.check()
		}
		look("FR", 2+i) // said once
	}
	if !strings.Contains(log.String(), "--geoip: the file is refused, the table before stays") {
		t.Errorf("the log says %s", &log)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		b.check()
	}
	look("FR", 5)
	put(whole)
	b.check()
	b.check()
	look("JP", 6)
	b.Close()
}

func TestBookStart(t *testing.T) {
	b, err := Open("", slog.New(slog.DiscardHandler))
	if err != nil || b.String() != Embedded().String() {
		t.Errorf("without a file: %v, %v", b, err)
	}
	b.Close()
	path := filepath.Join(t.TempDir(), "table.mmdb")
	if err := os.WriteFile(path, []byte("no table"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{path, path + ".absent", filepath.Dir(path)} {
		if b, err := Open(bad, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v, %v", bad, b, err)
		}
	}
}
