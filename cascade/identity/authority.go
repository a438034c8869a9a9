package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"
)

const (
	leafBefore = time.Hour      // how long before its making a leaf is valid
	leafAfter  = 24 * time.Hour // and after
	leafRenew  = 12 * time.Hour // when to make the next
	leafSlack  = time.Minute    // what clocks may differ at the edges of a leaf's time
)

// ErrAnotherSecret is the error of a certificate that our own authority did not sign.
var ErrAnotherSecret = errors.New("the other node has another secret")

// Authority is the certificate authority of a cluster. It follows from the secret, so every node has it and none must
// be asked.
type Authority struct {
	key         ed25519.PrivateKey
	certificate *x509.Certificate
	pool        *x509.CertPool
}

// Authority returns the certificate authority that the secret stands for: the same at every node of the cluster.
func (s Secret) Authority() Authority {
	key := ed25519.NewKeyFromSeed(s.Derive("authority"))
	public, _ := key.Public().(ed25519.PublicKey)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "atoll cluster"},
		SubjectKeyId:          public[:20],
		NotBefore:             time.Unix(0, 0).UTC(),
		NotAfter:              time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // RFC 5280: no end
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		panic("identity: " + err.Error()) // the template is always the same
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic("identity: " + err.Error()) // it was just made
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return Authority{key, certificate, pool}
}

// Issue makes a certificate for a node's own key: valid from an hour before now to a day after. See [Stale].
func (a Authority) Issue(key Key, now time.Time) (tls.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("draw a serial number: %w", err)
	}
	name := string(key.Name())
	template := &x509.Certificate{
		SerialNumber:          serial.Add(serial, big.NewInt(1)),
		Subject:               pkix.Name{CommonName: name},
		DNSNames:              []string{name},
		NotBefore:             now.Add(-leafBefore),
		NotAfter:              now.Add(leafAfter),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("sign the certificate of %s: %w", name, err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read the certificate of %s: %w", name, err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key.private, Leaf: leaf}, nil
}

// Stale reports whether a certificate that Issue made should be replaced by a new one: half of its day is over, or the clock
// was set back to before it.
func Stale(certificate tls.Certificate, now time.Time) bool {
	made := certificate.Leaf.NotBefore.Add(leafBefore)
	return now.Before(made.Add(-leafSlack)) || !now.Before(made.Add(leafRenew))
}

// Verify returns the name of the node whose certificate leaf is: issued by this authority, in its time, and named after its
// own key. The error is [ErrAnotherSecret] when another authority issued it.
func (a Authority) Verify(leaf *x509.Certificate, now time.Time) (Name, error) {
	// The time is checked below: outside of it, who issued a certificate still tells more.
	at := leaf.NotBefore
	_, err := leaf.Verify(x509.VerifyOptions{Roots: a.pool, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return "", ErrAnotherSecret
	}
	if err != nil {
		return "", fmt.Errorf("certificate of the other node: %w", err)
	}
	name, err := PeerName(leaf)
	if err != nil {
		return "", err
	}
	switch {
	case leaf.IsCA:
		return "", fmt.Errorf("certificate of %s is one of an authority", name)
	case now.Before(leaf.NotBefore.Add(-leafSlack)):
		return "", fmt.Errorf("certificate of %s is valid in %v: its clock or ours is wrong", name, leaf.NotBefore.Sub(now).Round(time.Second))
	case now.After(leaf.NotAfter.Add(leafSlack)):
		return "", fmt.Errorf("certificate of %s was valid until %v ago: its clock or ours is wrong", name, now.Sub(leaf.NotAfter).Round(time.Second))
	}
	return name, nil
}

// PeerName returns the name of the node whose certificate this is, which must be the one that its key has. It does not ask who
// issued it; see [Authority.Verify].
func PeerName(certificate *x509.Certificate) (Name, error) {
	public, ok := certificate.PublicKey.(ed25519.PublicKey)
	if !ok {
		return "", fmt.Errorf("certificate has a key of type %T, want Ed25519", certificate.PublicKey)
	}
	name := NameOf(public)
	if certificate.Subject.CommonName != string(name) || len(certificate.DNSNames) != 1 || certificate.DNSNames[0] != string(name) {
		return "", fmt.Errorf("certificate is named %.16q, but its key has the name %s", certificate.Subject.CommonName, name)
	}
	return name, nil
}
