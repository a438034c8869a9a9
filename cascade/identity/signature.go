package identity

import (
	"crypto/ed25519"
	"errors"
	"fmt"
)

// signed is what stands before every message when it is signed: a signature is of no use where another protocol wants one
// by the same key.
const signed = "atoll signed message\x00"

// Sign signs a message with the node's key, for [Verify]. What the message is for must be said in it.
func (k Key) Sign(message []byte) []byte {
	return ed25519.Sign(k.private, append([]byte(signed), message...))
}

// Verify checks that the node of that name signed the message: that the public key has the name, and that the signature is by
// the key.
func Verify(name Name, public, message, signature []byte) error {
	if len(public) != ed25519.PublicKeySize {
		return fmt.Errorf("public key of %s has %d bytes, want %d", name, len(public), ed25519.PublicKeySize)
	}
	if other := NameOf(public); other != name {
		return fmt.Errorf("public key is of %s, not of %s", other, name)
	}
	if !ed25519.Verify(public, append([]byte(signed), message...), signature) {
		return errors.New("signature is not by " + string(name))
	}
	return nil
}

// GossipKey returns the key that gossip between nodes is encrypted with, 32 bytes.
func GossipKey(secret Secret) []byte { return secret.Derive("gossip") }

// HeartbeatKey returns the key that heartbeats between nodes are authenticated with, 32 bytes.
func HeartbeatKey(secret Secret) []byte { return secret.Derive("heartbeat") }
