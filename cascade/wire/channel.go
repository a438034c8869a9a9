package wire

import (
	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
)

// ChannelOpen opens the bridge channel of a participant of the receiver for a client that came to the sender. It is answered with
// ChannelOpened. IDs are the sender's: no two of its channels have the same while they are open.
type ChannelOpen struct {
	ID         uint64
	Conference string // as in the URL of the channel
	Endpoint   room.EndpointID
	Password   string
}

// ChannelOpened answers ChannelOpen: the channel is open, or the receiver has no such participant, who may be At another node.
type ChannelOpened struct {
	ID uint64
	OK bool
	At identity.Name // "": nothing is known
}

// ChannelText is a message on an open channel.
type ChannelText struct {
	ID     uint64
	Opener bool // the sender is who opened the channel
	// Seq counts the messages of the sender on the channel from 1 on: when one was lost with a link the channel is closed.
	Seq  uint64
	Text []byte
}

// ChannelClosed says that a channel is closed, with a code of RFC 6455 7.4.
type ChannelClosed struct {
	ID     uint64
	Opener bool
	Status uint16
	Reason string
}

func (ChannelOpen) frame() uint64   { return typeChannelOpen }
func (ChannelOpened) frame() uint64 { return typeChannelOpened }
func (ChannelText) frame() uint64   { return typeChannelText }
func (ChannelClosed) frame() uint64 { return typeChannelClosed }

func (f *ChannelOpen) fields(c *coder) {
	number(c, &f.ID, 0, anything)
	text(c, &f.Conference, maxLabel)
	endpoint(c, &f.Endpoint)
	text(c, &f.Password, maxLabel)
}

func (f *ChannelOpened) fields(c *coder) {
	number(c, &f.ID, 0, anything)
	c.flag(&f.OK)
	optional(c, &f.At, name)
}

func (f *ChannelText) fields(c *coder) {
	number(c, &f.ID, 0, anything)
	c.flag(&f.Opener)
	number(c, &f.Seq, 1, anything)
	c.bytes(&f.Text, maxChannelText)
}

func (f *ChannelClosed) fields(c *coder) {
	number(c, &f.ID, 0, anything)
	c.flag(&f.Opener)
	number(c, &f.Status, 1000, 4999)
	text(c, &f.Reason, maxReason)
}
