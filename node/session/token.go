package session

import (
	"crypto/subtle"
	"regexp"
	"strings"
)

// Token is a resume token in its parts: <node>-<16 characters><32 characters> of [A-Za-z0-9_-].
type Token struct {
	// Node made it, and held the session first.
	Node string
	// Address is all before the secret. It may be shown to other nodes.
	Address string
	Secret  string
}

// The lengths of the parts of a token.
const (
	AddressLength = 16 // behind the node's name
	SecretLength  = 32
)

var tokenForm = regexp.MustCompile(`^[A-Za-z0-9_-]{50,120}$`)

// ParseToken splits a token that any node made, and reports whether it is one.
func ParseToken(s string) (Token, bool) {
	if !tokenForm.MatchString(s) {
		return Token{}, false
	}
	at := len(s) - SecretLength
	t := Token{Address: s[:at], Secret: s[at:]}
	node := t.Address[:at-AddressLength]
	if !strings.HasSuffix(node, "-") || len(node) < 2 {
		return Token{}, false
	}
	t.Node = node[:len(node)-1]
	return t, true
}

func (t Token) String() string { return t.Address + t.Secret }

// Equal compares in constant time as far as the secret goes.
func (t Token) Equal(u Token) bool {
	return t.Address == u.Address && subtle.ConstantTimeCompare([]byte(t.Secret), []byte(u.Secret)) == 1
}
