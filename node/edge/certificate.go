package edge

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	_ "crypto/sha256" // the hash functions of fingerprints
	_ "crypto/sha512"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// NewCertificate makes a self-signed ECDSA P-256 certificate for DTLS. It says nothing about the node: clients trust its
// fingerprint, which comes to them by signalling.
func NewCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make the key of the media certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make the media certificate: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "WebRTC"},
		NotBefore:    now.Add(-24 * time.Hour),
		NotAfter:     now.Add(10 * 365 * 24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make the media certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

func certificateFingerprint(c *tls.Certificate) (string, error) {
	if len(c.Certificate) == 0 {
		return "", errors.New("the media certificate is empty")
	}
	return fingerprint{crypto.SHA256, digest(crypto.SHA256, c.Certificate[0])}.String(), nil
}

// fingerprint is the hash of a certificate (RFC 8122 5).
type fingerprint struct {
	hash crypto.Hash
	sum  []byte
}

var fingerprintHashes = map[string]crypto.Hash{"sha-256": crypto.SHA256, "sha-384": crypto.SHA384, "sha-512": crypto.SHA512}

// parseFingerprint reads "sha-256 AB:CD:..."; without a name it is SHA-256.
func parseFingerprint(s string) (fingerprint, error) {
	name, value, ok := strings.Cut(strings.TrimSpace(s), " ")
	if !ok {
		name, value = "sha-256", name
	}
	hash, ok := fingerprintHashes[strings.ToLower(name)]
	if !ok {
		return fingerprint{}, fmt.Errorf("certificate fingerprint with hash %.16q: want sha-256, sha-384 or sha-512", name)
	}
	sum, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(value), ":", ""))
	if err != nil || len(sum) != hash.Size() {
		return fingerprint{}, fmt.Errorf("certificate fingerprint: want %d hexadecimal bytes", hash.Size())
	}
	return fingerprint{hash, sum}, nil
}

func (f fingerprint) String() string {
	parts := make([]string, len(f.sum))
	for i, b := range f.sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	name := "sha-256"
	for n, h := range fingerprintHashes {
		if h == f.hash {
			name = n
		}
	}
	return name + " " + strings.Join(parts, ":")
}

// matches reports whether the certificate is the one that f is the hash of.
func (f fingerprint) matches(der []byte) bool {
	return f.hash != 0 && subtle.ConstantTimeCompare(digest(f.hash, der), f.sum) == 1
}

func digest(h crypto.Hash, der []byte) []byte {
	w := h.New()
	w.Write(der)
	return w.Sum(nil)
}
