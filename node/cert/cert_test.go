package cert

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// memory is a folder in memory.
type memory map[string][]byte

func (m memory) Read(name string) ([]byte, error) {
	if contents, ok := m[name]; ok {
		return contents, nil
	}
	return nil, fs.ErrNotExist
}

func (m memory) Write(name string, contents []byte) error {
	m[name] = contents
	return nil
}

// broken is a folder that cannot be written.
type broken struct{ memory }

var errBroken = errors.New("disk full")

func (broken) Write(string, []byte) error { return errBroken }

// clock is a time that a test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

var quiet = slog.New(slog.DiscardHandler)

func own(t *testing.T, folder Folder, c *clock, names []string, addresses ...string) *Store {
	t.Helper()
	var ips []netip.Addr
	for _, a := range addresses {
		ips = append(ips, netip.MustParseAddr(a))
	}
	s, err := selfSigned(folder, names, ips, c.now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// handshake connects to a server with the store's certificate and returns what a client that trusts it says.
func handshake(t *testing.T, s *Store, name string) error {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(s.Current().Leaf)
	listener, err := net.Listen("tcp", "127.0.0.1:0") // not a pipe: both sides write at once
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		server, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = server.Close() }()
		_ = tls.Server(server, s.TLS()).Handshake() // what the client says counts
	}()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	return tls.Client(client, &tls.Config{ServerName: name, RootCAs: roots, Time: s.now, MinVersion: tls.VersionTLS12}).Handshake()
}

func TestSelfSignedServesItsNames(t *testing.T) {
	c := &clock{time.Now()}
	s := own(t, memory{}, c, []string{"meet.example.org"}, "192.0.2.1", "fd00::1%eth0", "::ffff:192.0.2.2")
	for _, name := range []string{"meet.example.org", "localhost", "127.0.0.1", "::1", "192.0.2.1", "192.0.2.2", "fd00::1"} {
		if err := handshake(t, s, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"example.org", "192.0.2.3", "n1.meet.example.org"} {
		if err := handshake(t, s, name); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestSelfSignedIsKept(t *testing.T) {
	c, folder := &clock{time.Now()}, memory{}
	first := own(t, folder, c, []string{"a.example"}).Current()
	if again := own(t, folder, c, []string{"a.example"}).Current(); !again.Leaf.Equal(first.Leaf) {
		t.Error("the next start has another certificate")
	}
	if wider := own(t, folder, c, []string{"a.example"}, "192.0.2.1").Current(); wider.Leaf.Equal(first.Leaf) || wider.Leaf.VerifyHostname("192.0.2.1") != nil {
		t.Error("a new address is not named")
	}
	if renamed := own(t, folder, c, []string{"b.example"}).Current(); renamed.Leaf.VerifyHostname("b.example") != nil {
		t.Error("a new domain is not named")
	}
	folder[file] = []byte("broken")
	if repaired := own(t, folder, c, []string{"b.example"}).Current(); repaired.Leaf.VerifyHostname("b.example") != nil {
		t.Error("a broken file is not replaced")
	}
}

func TestSelfSignedIsRenewedBeforeItsEnd(t *testing.T) {
	c, folder := &clock{time.Now()}, memory{}
	s := own(t, folder, c, nil)
	first := s.Current().Leaf
	c.t = first.NotAfter.Add(-margin).Add(-time.Hour)
	if !s.Current().Leaf.Equal(first) {
		t.Error("renewed too early")
	}
	c.t = first.NotAfter.Add(-margin).Add(time.Hour)
	second := s.Current().Leaf
	if second.Equal(first) || !second.NotAfter.After(first.NotAfter) {
		t.Error("not renewed before its end")
	}
	if again := own(t, folder, c, nil).Current().Leaf; !again.Equal(second) {
		t.Error("the renewed certificate is not kept")
	}
	if err := handshake(t, s, "localhost"); err != nil {
		t.Error(err)
	}
}

func TestAFolderThatCannotBeWritten(t *testing.T) {
	if _, err := selfSigned(broken{memory{}}, nil, nil, time.Now, quiet); !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
	c, folder := &clock{time.Now()}, memory{}
	first := own(t, folder, c, nil).Current().Leaf
	s := own(t, broken{folder}, c, nil)
	c.t = first.NotAfter.Add(-time.Hour)
	if got := s.Current().Leaf; !got.Equal(first) {
		t.Error("a failed renewal takes the certificate away")
	}
}

// pair writes a fresh certificate and its key, both stamped with when, and returns the paths.
func pair(t *testing.T, folder, name string, when time.Time) (certFile, keyFile string) {
	t.Helper()
	m := memory{}
	own(t, m, &clock{time.Now()}, []string{name})
	certFile, keyFile = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for _, path := range []string{certFile, keyFile} { // a PEM reader takes of a file what it looks for
		if err := os.WriteFile(path, m[file], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func TestFilesAreReadAgainWhenTheyChange(t *testing.T) {
	folder, c := t.TempDir(), &clock{time.Now()}
	certFile, keyFile := pair(t, folder, "one.example", c.t)
	s, err := open(&files{cert: certFile, key: keyFile}, c.now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := handshake(t, s, "one.example"); err != nil {
		t.Fatal(err)
	}
	pair(t, folder, "two.example", c.t.Add(time.Minute))
	if err := handshake(t, s, "one.example"); err != nil {
		t.Errorf("looked again at once: %v", err)
	}
	c.t = c.t.Add(pause)
	if err := handshake(t, s, "two.example"); err != nil {
		t.Errorf("not read again: %v", err)
	}
	for _, path := range []string{certFile, keyFile} {
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.t = c.t.Add(pause)
	if err := handshake(t, s, "two.example"); err != nil {
		t.Errorf("a broken change is used: %v", err)
	}
	pair(t, folder, "three.example", c.t)
	c.t = c.t.Add(pause)
	if err := handshake(t, s, "three.example"); err != nil {
		t.Errorf("not read again after a broken change: %v", err)
	}
	if err := os.Remove(certFile); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(pause)
	if err := handshake(t, s, "three.example"); err != nil {
		t.Errorf("a file that is gone takes the certificate away: %v", err)
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	folder := t.TempDir()
	certFile, keyFile := pair(t, folder, "one.example", time.Now())
	_, otherKey := pair(t, t.TempDir(), "two.example", time.Now())
	garbage := filepath.Join(folder, "garbage")
	if err := os.WriteFile(garbage, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(folder, "large")
	if err := os.WriteFile(large, make([]byte, largest+1), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct{ cert, key, want string }{
		"no certificate":   {folder + "/none", keyFile, "/none: no such file"},
		"no key":           {certFile, folder + "/none", "/none: no such file"},
		"another's key":    {certFile, otherKey, "does not match"},
		"garbage":          {garbage, keyFile, "garbage with key"},
		"a key of garbage": {certFile, garbage, garbage},
		"a folder":         {folder, keyFile, "is a directory"},
		"too large":        {large, keyFile, "too large"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := Files(c.cert, c.key, "one.example", quiet); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestOddCertificatesAreNamed(t *testing.T) {
	certFile, keyFile := pair(t, t.TempDir(), "one.example", time.Now())
	for domain, warns := range map[string]bool{"one.example": false, "other.example": true} {
		var log strings.Builder
		if _, err := Files(certFile, keyFile, domain, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(log.String(), "other names") != warns {
			t.Errorf("%s: log %q", domain, log.String())
		}
	}
}
