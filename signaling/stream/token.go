package stream

import (
	"crypto/rand"
	"encoding/base64"

	"github.com/atoll-mesh/atoll/node/session"
)

// newToken makes the resume token of a session that begins at a node.
func newToken(node string) session.Token {
	var random [(session.AddressLength + session.SecretLength) * 6 / 8]byte
	_, _ = rand.Read(random[:]) // never fails
	s := base64.RawURLEncoding.EncodeToString(random[:])
	return session.Token{Node: node, Address: node + "-" + s[:session.AddressLength], Secret: s[session.AddressLength:]}
}
