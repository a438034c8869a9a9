package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
)

const fixedKey = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----
`

func TestKeyKeepsItsName(t *testing.T) {
	k := NewKey()
	again, err := ParseKey(k.PEM())
	if err != nil {
		t.Fatal(err)
	}
	if again.Name() != k.Name() {
		t.Errorf("name %s became %s", k.Name(), again.Name())
	}
	if _, err := ParseName(string(k.Name())); err != nil {
		t.Errorf("own name is refused: %v", err)
	}
	if NewKey().Name() == k.Name() {
		t.Error("two nodes have one name")
	}
}

func TestNameIsStable(t *testing.T) {
	k, err := ParseKey([]byte(fixedKey))
	if err != nil {
		t.Fatal(err)
	}
	if k.Name() != "ubiig7mfa4" {
		t.Errorf("name of a key of an earlier version is now %s", k.Name())
	}
}

func TestParseKeyRefuses(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct{ in, want string }{
		"nothing":         {"", "not a PEM"},
		"garbage":         {"key", "not a PEM"},
		"a certificate":   {"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "not a PEM private key"},
		"cut":             {"-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n", "parse private key"},
		"two keys":        {fixedKey + fixedKey, "more than one"},
		"another key":     {string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "want Ed25519"},
		"an empty object": {"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n", "parse private key"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseKey([]byte(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestParseNameRefuses(t *testing.T) {
	for _, in := range []string{"", "abc", "abcdefghijk", "ABCDEFGHIJ", "abcdefgh-j", "abcdefghi1", strings.Repeat("a", 1<<16)} {
		if _, err := ParseName(in); err == nil {
			t.Errorf("%.20q is accepted", in)
		}
	}
}

func TestKeyHidesItself(t *testing.T) {
	k, err := ParseKey([]byte(fixedKey))
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{fmt.Sprintf("%v %+v %#v %x", k, k, k, k), fmt.Sprintf("%+v %x", struct{ K Key }{k}, struct{ K Key }{k})} {
		if strings.Contains(out, "0001020304") || strings.Contains(out, "0 1 2 3 4") {
			t.Errorf("shown in %q", out)
		}
	}
}
