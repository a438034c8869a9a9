// Package credential makes and checks the credentials of TURN clients by the coturn REST scheme
// (draft-uberti-behave-turn-rest-00): no node keeps any, and one from any node opens every node of the cluster.
//
//	username = expiry [":" user]      expiry: unix seconds, decimal; user: whose allocations are counted together
//	password = base64(HMAC-SHA1(key, username))
//
// The key is text, as coturn's static-auth-secret is, so that a coturn with the same text takes our credentials.
//
// # Lifetime
//
// A credential makes allocations for 24 hours. Allocations that are there are kept, refreshed and used for another 24 hours, so
// that a meeting does not end with the credential it began with; then refreshing is refused too, which bounds an allocation's
// life. One that lasts longer than what we give out is refused: nobody who has the key made it.
//
// It is an engine: the time is an argument. Whether the password was right shows in the integrity of the request (RFC 8489 9.2),
// which the driver checks with what Check returns.
package credential

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the scheme and STUN's long-term credentials are defined with it
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

const (
	// Lifetime is how long a credential makes allocations.
	Lifetime = 24 * time.Hour
	// Grace is how much longer those are kept.
	Grace = 24 * time.Hour
	// skew is what nodes' clocks may differ by.
	skew = 5 * time.Minute
	// longest is the length of a username that is still looked at.
	longest = 128
)

// What is wrong with a username.
var (
	ErrForm    = errors.New("the username is not expiry:user")
	ErrExpired = errors.New("the credential has expired")
	ErrFuture  = errors.New("the credential lasts longer than any that is given out")
)

// Key makes and checks credentials. It shows itself to nobody who formats it.
type Key struct{ text string }

// NewKey returns the key for secret bytes that all nodes of a cluster derive alike.
func NewKey(secret []byte) Key { return Key{hex.EncodeToString(secret)} }

// Text is the key as coturn's static-auth-secret takes it.
func (k Key) Text() string { return k.text }

// String hides the key.
func (k Key) String() string { return "TURN key (hidden)" }

// GoString hides the key.
func (k Key) GoString() string { return k.String() }

// Issue returns a credential for a user, that allocates until Lifetime from now. The user must have no colon; it shows on
// the wire, so it must be nobody's name.
func (k Key) Issue(now time.Time, user string) (username, password string) {
	username = strconv.FormatInt(now.Add(Lifetime).Unix(), 10)
	if user != "" {
		username += ":" + user
	}
	return username, k.password(username)
}

// Check returns the user that a username names and the password that goes with it. allocate says that it is to make an
// allocation; otherwise it is for one that is there. The user of a username without one is the whole username.
func (k Key) Check(now time.Time, username string, allocate bool) (user, password string, err error) {
	if len(username) > longest {
		return "", "", ErrForm
	}
	digits, user, named := strings.Cut(username, ":")
	if !named {
		user = username
	}
	if len(digits) == 0 || len(digits) > 12 || strings.Trim(digits, "0123456789") != "" || user == "" {
		return "", "", ErrForm
	}
	seconds, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return "", "", ErrForm
	}
	expiry, last := time.Unix(seconds, 0), now
	if !allocate {
		last = now.Add(-Grace)
	}
	if expiry.Before(last) {
		return "", "", ErrExpired
	}
	if expiry.After(now.Add(Lifetime + skew)) {
		return "", "", ErrFuture
	}
	return user, k.password(username), nil
}

func (k Key) password(username string) string {
	mac := hmac.New(sha1.New, []byte(k.text))
	mac.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
