package identity

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

const (
	prefix       = "atoll1-"
	secretBytes  = 32
	checkBytes   = 4
	secretLetter = 58 // characters after the prefix
)

// fewest is how many different values a secret's 32 bytes must have. Random bytes have about 30; fewer than 16 come once
// in 10^17 secrets.
const fewest = 16

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Secret is a cluster's secret. The zero value is no secret. It never shows itself in logs or in formatted text; see
// Reveal.
type Secret struct {
	bytes [secretBytes]byte
}

// NewSecret makes a secret from the system's random source.
func NewSecret() Secret {
	var s Secret
	for {
		_, _ = rand.Read(s.bytes[:]) // never fails: crypto/rand ends the process instead
		if !s.weak() {
			return s
		}
	}
}

// ParseSecret returns the secret that text stands for. White space around it is ignored. The error says what is wrong
// and never repeats the text.
func ParseSecret(text string) (Secret, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Secret{}, errors.New("the secret is empty; make one with `atoll secret`")
	}
	letters, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return Secret{}, fmt.Errorf("not a secret: it must begin with %q; make one with `atoll secret`", prefix)
	}
	if len(letters) != secretLetter {
		return Secret{}, fmt.Errorf("the secret has %d characters after %q, want %d; was it cut?", len(letters), prefix, secretLetter)
	}
	for i := range len(letters) {
		if c := letters[i]; !('a' <= c && c <= 'z' || '2' <= c && c <= '7') {
			return Secret{}, fmt.Errorf("character %d of the secret is none of a-z and 2-7", len(prefix)+i+1)
		}
	}
	decoded, err := encoding.DecodeString(letters)
	if err != nil || len(decoded) != secretBytes+checkBytes {
		return Secret{}, errors.New("the secret is not base32")
	}
	var s Secret
	copy(s.bytes[:], decoded)
	if s.Reveal() != text { // the checksum, and the two bits that the last letter has to spare
		return Secret{}, errors.New("the secret's checksum does not match; a letter was mistyped")
	}
	if s.weak() {
		return Secret{}, errors.New("the secret is not random; make one with `atoll secret`")
	}
	return s, nil
}

// Reveal returns the text form, which whoever holds it can join the cluster with.
func (s Secret) Reveal() string {
	sum := sha256.Sum256(append([]byte("atoll1"), s.bytes[:]...))
	return prefix + encoding.EncodeToString(append(s.bytes[:], sum[:checkBytes]...))
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s == Secret{} }

// String hides the secret.
func (s Secret) String() string {
	if s.IsZero() {
		return "none"
	}
	return prefix + "(hidden)"
}

// GoString hides the secret.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Format hides the secret from every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText hides the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// weak reports whether the bytes show a pattern: few different values, or few different steps from byte to byte.
func (s Secret) weak() bool {
	var values, steps [256]bool
	for i, b := range s.bytes {
		values[b] = true
		if i > 0 {
			steps[b-s.bytes[i-1]] = true
		}
	}
	return count(values) < fewest || count(steps) < fewest
}

func count(seen [256]bool) int {
	n := 0
	for _, s := range seen {
		if s {
			n++
		}
	}
	return n
}

// Derive returns a key of 32 bytes for one purpose (HKDF-SHA-256, RFC 5869, with the purpose as info): the same at every
// node of the cluster, and of no help in finding the secret or the key of another purpose.
func (s Secret) Derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, s.bytes[:], nil, "atoll1 "+purpose, sha256.Size)
	if err != nil {
		panic(err) // only for a length that HKDF cannot give
	}
	return key
}
