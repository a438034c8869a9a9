package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

func issue(t *testing.T, a Authority, key Key, now time.Time) tls.Certificate {
	t.Helper()
	leaf, err := a.Issue(key, now)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

func TestEveryNodeHasTheAuthority(t *testing.T) {
	secret := NewSecret()
	one, other := secret.Authority(), secret.Authority()
	if !bytes.Equal(one.certificate.Raw, other.certificate.Raw) {
		t.Error("two nodes have two authorities")
	}
	key := NewKey()
	name, err := other.Verify(issue(t, one, key, noon).Leaf, noon)
	if err != nil || name != key.Name() {
		t.Errorf("%s, %v", name, err)
	}
	if _, err := NewSecret().Authority().Verify(issue(t, one, key, noon).Leaf, noon); !errors.Is(err, ErrAnotherSecret) {
		t.Errorf("another secret: %v", err)
	}
}

// TestAuthorityIsStable holds the authority fixed: nodes of different versions must have the same.
func TestAuthorityIsStable(t *testing.T) {
	var s Secret
	for i := range s.bytes {
		s.bytes[i] = byte(i * 7)
	}
	public, _ := s.Authority().key.Public().(ed25519.PublicKey)
	const want = "111edc8ec03a753d54e003af547e98eb73767b7a842ceb5c580668981546b842"
	if got := hex.EncodeToString(public); got != want {
		t.Errorf("public key %s, want %s", got, want)
	}
	if got := s.Authority().certificate.Subject.String(); got != "CN=atoll cluster" {
		t.Errorf("subject %q: leaves of other versions name it as their issuer", got)
	}
}

func TestTimeOfALeaf(t *testing.T) {
	a, key := NewSecret().Authority(), NewKey()
	leaf := issue(t, a, key, noon).Leaf
	for after, want := range map[time.Duration]string{
		0:                             "",
		-61 * time.Minute:             "",
		-61*time.Minute - time.Second: "is valid in 1m1s",
		24*time.Hour + time.Minute:    "",
		24*time.Hour + 61*time.Second: "was valid until 1m1s ago",
		-1000 * time.Hour:             "is valid in 999h0m0s",
		1000 * time.Hour:              "was valid until 976h0m0s ago",
	} {
		_, err := a.Verify(leaf, noon.Add(after))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("after %v: %v, want %q", after, err, want)
		}
	}
	if _, err := NewSecret().Authority().Verify(leaf, noon.Add(1000*time.Hour)); !errors.Is(err, ErrAnotherSecret) {
		t.Errorf("another secret and long ago: %v", err)
	}
}

func TestStale(t *testing.T) {
	leaf := issue(t, NewSecret().Authority(), NewKey(), noon)
	for after, want := range map[time.Duration]bool{
		0: false, 12*time.Hour - time.Second: false, 12 * time.Hour: true, 48 * time.Hour: true,
		-30 * time.Second: false, -2 * time.Minute: true,
	} {
		if got := Stale(leaf, noon.Add(after)); got != want {
			t.Errorf("after %v: %v", after, got)
		}
	}
}

// TestVerifyRefuses shows certificates that the authority signed and a node must not have, and others.
func TestVerifyRefuses(t *testing.T) {
	secret, key := NewSecret(), NewKey()
	a := secret.Authority()
	name := string(key.Name())
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		change func(c *x509.Certificate) (public any, by *x509.Certificate)
		want   string
	}{
		"good":          {func(*x509.Certificate) (any, *x509.Certificate) { return key.Public(), a.certificate }, ""},
		"another's key": {func(*x509.Certificate) (any, *x509.Certificate) { return NewKey().Public(), a.certificate }, "but its key has the name"},
		"another's name": {func(c *x509.Certificate) (any, *x509.Certificate) {
			c.Subject.CommonName = "aaaaaaaaaa"
			return key.Public(), a.certificate
		}, "but its key has the name " + name},
		"two names": {func(c *x509.Certificate) (any, *x509.Certificate) {
			c.DNSNames = append(c.DNSNames, "aaaaaaaaaa")
			return key.Public(), a.certificate
		}, "but its key has the name"},
		"another DNS name": {func(c *x509.Certificate) (any, *x509.Certificate) {
			c.DNSNames = []string{"aaaaaaaaaa"}
			return key.Public(), a.certificate
		}, "but its key has the name"},
		"another kind of key": {func(*x509.Certificate) (any, *x509.Certificate) { return &other.PublicKey, a.certificate }, "want Ed25519"},
		"an authority": {func(c *x509.Certificate) (any, *x509.Certificate) {
			c.IsCA, c.BasicConstraintsValid = true, true
			return key.Public(), a.certificate
		}, "is one of an authority"},
		"a node as issuer": {func(*x509.Certificate) (any, *x509.Certificate) {
			return key.Public(), issue(t, a, key, noon).Leaf
		}, "another secret"},
	}
	for what, c := range cases {
		t.Run(what, func(t *testing.T) {
			template := &x509.Certificate{
				SerialNumber: big.NewInt(5), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
				NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour),
			}
			public, by := c.change(template)
			signer := a.key
			if by != a.certificate {
				signer = key.Private()
			}
			der, err := x509.CreateCertificate(rand.Reader, template, by, public, signer)
			if err != nil {
				t.Fatal(err)
			}
			leaf, err := x509.ParseCertificate(der)
			if err != nil {
				t.Fatal(err)
			}
			got, err := a.Verify(leaf, noon)
			if c.want == "" && (err != nil || got != key.Name()) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || got != "") {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
		})
	}
}

// FuzzVerify shows certificates as a stranger may send them.
func FuzzVerify(f *testing.F) {
	var s Secret
	for i := range s.bytes {
		s.bytes[i] = byte(i * 7)
	}
	a := s.Authority()
	for _, by := range []Authority{a, NewSecret().Authority()} {
		leaf, err := by.Issue(NewKey(), noon)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(leaf.Certificate[0])
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		leaf, err := x509.ParseCertificate(der)
		if err != nil {
			return
		}
		if name, err := a.Verify(leaf, noon); err == nil {
			if _, err := ParseName(string(name)); err != nil {
				t.Error(err)
			}
		}
	})
}
