package cert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"
)

const (
	// lifetime is the longest that browsers take from public authorities; a user who trusts this one is asked as rarely.
	lifetime = 397 * 24 * time.Hour
	// margin is how long before its end a certificate is made anew.
	margin = 30 * 24 * time.Hour
	// skew lets clients in whose clocks are behind.
	skew = 24 * time.Hour
	// file holds the certificate and its key.
	file = "selfsigned.pem"
)

// Folder is the place where the node's own certificate is kept.
type Folder interface {
	// Read returns the contents of a file; the error is fs.ErrNotExist when there is none.
	Read(name string) ([]byte, error)
	// Write puts a file in place whole, readable for its owner only.
	Write(name string, contents []byte) error
}

// SelfSigned returns the node's own certificate for names and addresses besides localhost, from the folder or new.
func SelfSigned(folder Folder, names []string, addresses []netip.Addr, log *slog.Logger) (*Store, error) {
	return selfSigned(folder, names, addresses, time.Now, log)
}

func selfSigned(folder Folder, names []string, addresses []netip.Addr, now func() time.Time, log *slog.Logger) (*Store, error) {
	s := &signer{folder: folder, log: log}
	for _, name := range append([]string{"localhost"}, names...) {
		if !slices.Contains(s.names, name) {
			s.names = append(s.names, name)
		}
	}
	loopback := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	for _, a := range append(loopback, addresses...) {
		if a = a.Unmap().WithZone(""); !slices.Contains(s.addresses, a) {
			s.addresses = append(s.addresses, a)
		}
	}
	return open(s, now, log)
}

type signer struct {
	folder    Folder
	names     []string
	addresses []netip.Addr
	log       *slog.Logger
	current   *tls.Certificate
}

func (s *signer) next(now time.Time) (*tls.Certificate, error) {
	if s.current != nil && s.serves(s.current, now) {
		return nil, nil
	}
	if s.current == nil {
		kept, err := s.kept()
		if err != nil {
			return nil, err
		}
		if kept != nil && s.serves(kept, now) {
			s.current = kept
			return kept, nil
		}
	}
	contents, err := s.sign(now)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(contents, contents)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	if err := s.folder.Write(file, contents); err != nil {
		return nil, fmt.Errorf("keep the new certificate: %w", err)
	}
	s.current = &pair
	return &pair, nil
}

// kept returns the certificate of an earlier start, or nil. One that is broken is replaced: it can be made again.
func (s *signer) kept() (*tls.Certificate, error) {
	contents, err := s.folder.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(contents, contents)
	if err != nil {
		s.log.Warn("certificate in the data folder is broken and made anew", "file", file, "error", err)
		return nil, nil
	}
	return &pair, nil
}

// serves reports whether a certificate names everything and is far from its end.
func (s *signer) serves(c *tls.Certificate, now time.Time) bool {
	if now.Before(c.Leaf.NotBefore) || now.After(c.Leaf.NotAfter.Add(-margin)) {
		return false
	}
	for _, name := range s.names {
		if !slices.Contains(c.Leaf.DNSNames, name) {
			return false
		}
	}
	for _, a := range s.addresses {
		if c.Leaf.VerifyHostname(a.String()) != nil {
			return false
		}
	}
	return true
}

func (s *signer) sign(now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "Atoll node"},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(lifetime - skew),
		DNSNames:              s.names,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, a := range s.addresses {
		template.IPAddresses = append(template.IPAddresses, net.IP(a.AsSlice()))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	var contents bytes.Buffer
	for _, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: der}, {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := pem.Encode(&contents, block); err != nil {
			return nil, err
		}
	}
	return contents.Bytes(), nil
}
