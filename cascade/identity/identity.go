// Package identity is what makes a node a member of a cluster: the cluster's [Secret] and the node's own [Key].
//
// It does no input and no output of its own: what is kept stands in a folder that the caller gives (see [Folder]).
//
// # Secret
//
// A cluster secret is 32 random bytes. Its text form is
//
//	atoll1-<base32 of 32 bytes of secret and 4 bytes of checksum>
//
// with the RFC 4648 alphabet in lower case and no padding: 58 characters after the prefix. The checksum is the first
// four bytes of SHA-256("atoll1" || secret); it finds a mistyped letter before a node is shut out of its cluster.
// Guests hold values that are derived from the secret (TURN passwords, tokens) and may try to guess it at leisure, so
// nothing weaker is accepted: no pass phrases, no short values, no bytes with an obvious pattern.
//
// # Key and name
//
// A node makes its own Ed25519 key at first start and keeps it. The node's name is the first ten characters of the
// lower-case base32 form of SHA-256(public key in PKIX form): 50 bits, a DNS label, and the prefix of the resume tokens
// that the node hands out.
//
// What it signs with the key ([Key.Sign]) is the message behind "atoll signed message" and a zero byte.
//
// # Certificates
//
// The secret is also the cluster's certificate authority: an Ed25519 key whose seed is Derive("authority"), with the subject
// "CN=atoll cluster". Every node can issue certificates, so no node must be asked, and who has the secret can be a member.
//
// A node issues one for its own key, for a day: common name and only DNS name are the node's name. A peer takes it when our
// authority issued it, when the name is that of the key, and within its time, give or take a minute ([Authority.Verify]).
// It begins an hour before it is made: clocks that differ by less get as far as saying so in their own words. A node with
// another secret is told apart ([ErrAnotherSecret]) whatever else is wrong.
//
// # Keys of the cluster
//
// Each is derived from the secret by the name of its purpose ([Secret.Derive]): "authority" above, "gossip" for gossip
// between nodes ([GossipKey]), "heartbeat" for their heartbeats ([HeartbeatKey]).
package identity

import (
	"errors"
	"fmt"
	"io/fs"
)

// The names of the files in the data folder.
const (
	keyFile    = "node.key"
	secretFile = "secret"
)

// Folder is the place where a node keeps what must outlive it. Files are readable for their owner only.
type Folder interface {
	// Read returns the contents of a file; the error is fs.ErrNotExist when there is none.
	Read(name string) ([]byte, error)
	// Write puts a file in place whole, or not at all.
	Write(name string, contents []byte) error
}

// LoadKey returns the node's key from the folder, and makes one when there is none.
func LoadKey(folder Folder) (Key, error) {
	contents, err := folder.Read(keyFile)
	if errors.Is(err, fs.ErrNotExist) {
		key := NewKey()
		if err := folder.Write(keyFile, key.PEM()); err != nil {
			return Key{}, fmt.Errorf("keep the new node key: %w", err)
		}
		return key, nil
	}
	if err != nil {
		return Key{}, fmt.Errorf("read the node key: %w", err)
	}
	key, err := ParseKey(contents)
	if err != nil {
		return Key{}, fmt.Errorf("%s in the data folder: %w", keyFile, err)
	}
	return key, nil
}

// LoadSecret returns the cluster secret from the folder, and makes one when there is none.
func LoadSecret(folder Folder) (Secret, error) {
	contents, err := folder.Read(secretFile)
	if errors.Is(err, fs.ErrNotExist) {
		secret := NewSecret()
		if err := folder.Write(secretFile, []byte(secret.Reveal()+"\n")); err != nil {
			return Secret{}, fmt.Errorf("keep the new secret: %w", err)
		}
		return secret, nil
	}
	if err != nil {
		return Secret{}, fmt.Errorf("read the secret: %w", err)
	}
	secret, err := ParseSecret(string(contents))
	if err != nil {
		return Secret{}, fmt.Errorf("%s in the data folder: %w", secretFile, err)
	}
	return secret, nil
}
