package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

const (
	pemType     = "PRIVATE KEY"
	nameLetters = 10
)

// Name is what a node is called: ten letters and digits, a DNS label.
type Name string

// ParseName returns s as a Name, or an error when it has another form.
func ParseName(s string) (Name, error) {
	if len(s) != nameLetters {
		return "", fmt.Errorf("node name %.16q: want %d characters", s, nameLetters)
	}
	for i := range len(s) {
		if c := s[i]; !('a' <= c && c <= 'z' || '2' <= c && c <= '7') {
			return "", fmt.Errorf("node name %q: want only a-z and 2-7", s)
		}
	}
	return Name(s), nil
}

// Key is a node's own key.
type Key struct {
	private ed25519.PrivateKey
}

// NewKey makes a key from the system's random source.
func NewKey() Key {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic("identity: " + err.Error()) // crypto/rand never fails: it ends the process instead
	}
	return Key{private}
}

// ParseKey returns the key of a PEM file with one PKCS #8 Ed25519 key.
func ParseKey(contents []byte) (Key, error) {
	block, rest := pem.Decode(contents)
	if block == nil || block.Type != pemType {
		return Key{}, errors.New("not a PEM private key")
	}
	if len(bytes.TrimSpace(rest)) != 0 {
		return Key{}, errors.New("more than one key")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("parse private key: %w", err)
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return Key{}, fmt.Errorf("private key is %T, want Ed25519", parsed)
	}
	return Key{private}, nil
}

// PEM returns the key as a PEM file with one PKCS #8 key.
func (k Key) PEM() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		panic("identity: " + err.Error()) // an Ed25519 key always has this form
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})
}

// Private returns the private key, for the node's certificate.
func (k Key) Private() ed25519.PrivateKey { return k.private }

// Public returns the public key.
func (k Key) Public() ed25519.PublicKey {
	public, _ := k.private.Public().(ed25519.PublicKey)
	return public
}

// Name returns the name of the node that holds the key.
func (k Key) Name() Name { return NameOf(k.Public()) }

// NameOf returns the name of the node that holds the private half of a key.
func NameOf(public ed25519.PublicKey) Name {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic("identity: " + err.Error()) // an Ed25519 key always has this form
	}
	sum := sha256.Sum256(der)
	return Name(encoding.EncodeToString(sum[:])[:nameLetters])
}

// String shows whose key it is, never the key.
func (k Key) String() string { return "key of " + string(k.Name()) }

// Format shows whose key it is for every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }
