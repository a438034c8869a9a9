package cert

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"
)

// largest bounds a PEM file: a chain and a key take a few kilobytes.
const largest = 1 << 20

// Files returns the certificate of two PEM files: a certificate with its chain, and its key. They may be one file. The
// error names the file and what is wrong with it. A certificate that has ended, or does not name the domain, is used
// all the same and logged.
func Files(certFile, keyFile, domain string, log *slog.Logger) (*Store, error) {
	s, err := open(&files{cert: certFile, key: keyFile}, time.Now, log)
	if err != nil {
		return nil, err
	}
	leaf := s.current.Leaf
	if now := s.now(); now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
		log.Warn("certificate is not valid now", "file", certFile, "begins", leaf.NotBefore, "ends", leaf.NotAfter)
	}
	if err := leaf.VerifyHostname(domain); err != nil {
		log.Warn("certificate is for other names", "file", certFile, "domain", domain, "names", leaf.DNSNames)
	}
	return s, nil
}

type files struct {
	cert, key string
	seen      stamp // of the certificate: a new key comes with one
}

// stamp tells one state of a file from another. Renewals by rename and through links change it too.
type stamp struct {
	changed time.Time
	size    int64
	info    fs.FileInfo
}

func (s stamp) same(t stamp) bool {
	return s.info != nil && t.info != nil && s.changed.Equal(t.changed) && s.size == t.size && os.SameFile(s.info, t.info)
}

func (f *files) next(time.Time) (*tls.Certificate, error) {
	now, err := look(f.cert)
	if err != nil {
		return nil, err
	}
	if now.same(f.seen) {
		return nil, nil
	}
	certificate, err := load(f.cert, f.key)
	if err != nil {
		return nil, err // looked at again: a key written after its certificate makes the pair whole
	}
	f.seen = now
	return certificate, nil
}

func look(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{changed: info.ModTime(), size: info.Size(), info: info}, nil
}

func load(certFile, keyFile string) (*tls.Certificate, error) {
	certPEM, err := read(certFile)
	if err != nil {
		return nil, err
	}
	keyPEM, err := read(keyFile)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", certFile, keyFile, err)
	}
	return &pair, nil
}

func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	contents, err := io.ReadAll(io.LimitReader(file, largest+1))
	if err != nil {
		return nil, err
	}
	if len(contents) > largest {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("too large for a PEM file")}
	}
	return contents, nil
}
