package stream

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"regexp"
)

// token is a resume token: where to find the session, and the secret that shows who may.
type token struct{ address, secret string }

const (
	addressLength = 16 // characters after the node's name
	secretLength  = 32
)

var tokenForm = regexp.MustCompile(`^[A-Za-z0-9_-]{50,120}$`)

func newToken(node string) token {
	var random [(addressLength + secretLength) * 6 / 8]byte
	_, _ = rand.Read(random[:]) // never fails
	s := base64.RawURLEncoding.EncodeToString(random[:])
	return token{address: node + "-" + s[:addressLength], secret: s[addressLength:]}
}

// parseToken splits a token that any node made.
func parseToken(s string) (token, bool) {
	if !tokenForm.MatchString(s) {
		return token{}, false
	}
	at := len(s) - secretLength
	return token{address: s[:at], secret: s[at:]}, true
}

func (t token) String() string { return t.address + t.secret }

func (t token) equal(u token) bool {
	return t.address == u.address && subtle.ConstantTimeCompare([]byte(t.secret), []byte(u.secret)) == 1
}
