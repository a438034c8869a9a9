package wire

import (
	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
)

// Replica is what the sender's replica of the room tells the receiver's.
type Replica struct {
	Room    string
	Message room.Message
}

// Command is a stanza of a client of the sender that only the room's sequencer may carry out. It is answered with Deliver
// or Refused.
type Command struct {
	Room   string
	ID     uint64
	From   room.EndpointID
	Stanza []byte
}

// Refused answers a Command to a node that is not the sequencer.
type Refused struct {
	Room      string
	ID        uint64
	Sequencer identity.Name // ask that one; "": nobody known
}

// Deliver is a complete stanza for one client of the receiver, the answer to its Command.
type Deliver struct {
	Room   string
	To     room.EndpointID
	Stanza []byte
}

// Directed is a private message or an IQ from an occupant at the sender to one at the receiver.
type Directed struct {
	Room           string
	From, To       room.EndpointID
	Name           string // "message" or "iq"
	Type, ID, Lang string
	Inner          []byte // XML inside the stanza
}

// Note is a message that an endpoint at the sender sends to others over the bridge channel.
type Note struct {
	Room string
	From room.EndpointID
	To   room.EndpointID // "": all
	JSON []byte
}

// Order is a moderator's word that a participant at the receiver be muted.
type Order struct {
	Room          string
	Actor, Target room.EndpointID
	Kind          room.Kind
	Desktop       bool // with Video: the screen, not the camera
}

// Dominant is the sequencer's word who speaks, and who did before, the latest first.
type Dominant struct {
	Room     string
	Endpoint room.EndpointID // "": nobody
	Previous []room.EndpointID
}

// Recall asks for what clients of the receiver said while a participant was on its way to the sender: what the receiver's part of
// the room holds after Since, up to Until.
type Recall struct {
	Room         string
	To           room.EndpointID
	Since, Until room.ShardVersion
}

// Recalled is a message that answers Recall, for the participant alone.
type Recalled struct {
	Room string
	To   room.EndpointID
	Say  room.Utterance
}

func (Recall) frame() uint64   { return typeRecall }
func (Recalled) frame() uint64 { return typeRecalled }

func (f *Recall) fields(c *coder) {
	c.room(&f.Room)
	endpoint(c, &f.To)
	c.shardVersion(&f.Since)
	c.shardVersion(&f.Until)
}

func (f *Recalled) fields(c *coder) {
	c.room(&f.Room)
	endpoint(c, &f.To)
	utterance(c, &f.Say)
}

func (Replica) frame() uint64  { return typeReplica }
func (Command) frame() uint64  { return typeCommand }
func (Refused) frame() uint64  { return typeRefused }
func (Deliver) frame() uint64  { return typeDeliver }
func (Directed) frame() uint64 { return typeDirected }
func (Note) frame() uint64     { return typeNote }
func (Order) frame() uint64    { return typeOrder }
func (Dominant) frame() uint64 { return typeDominant }

func (f *Replica) fields(c *coder) {
	c.room(&f.Room)
	f.Message = c.message(f.Message)
}

func (f *Command) fields(c *coder) {
	c.room(&f.Room)
	number(c, &f.ID, 0, anything)
	endpoint(c, &f.From)
	c.bytes(&f.Stanza, maxStanza)
}

func (f *Refused) fields(c *coder) {
	c.room(&f.Room)
	number(c, &f.ID, 0, anything)
	optional(c, &f.Sequencer, name)
}

func (f *Deliver) fields(c *coder) {
	c.room(&f.Room)
	endpoint(c, &f.To)
	c.bytes(&f.Stanza, maxStanza)
}

func (f *Directed) fields(c *coder) {
	c.room(&f.Room)
	endpoint(c, &f.From)
	endpoint(c, &f.To)
	text(c, &f.Name, maxLabel)
	text(c, &f.Type, maxLabel)
	text(c, &f.ID, maxID)
	text(c, &f.Lang, maxID)
	c.bytes(&f.Inner, maxInnerXML)
	if f.Name != "message" && f.Name != "iq" {
		c.fail("a stanza called %q", f.Name)
	}
}

func (f *Note) fields(c *coder) {
	c.room(&f.Room)
	endpoint(c, &f.From)
	optional(c, &f.To, endpoint)
	c.bytes(&f.JSON, maxJSON)
}

func (f *Order) fields(c *coder) {
	c.room(&f.Room)
	endpoint(c, &f.Actor)
	endpoint(c, &f.Target)
	number(c, &f.Kind, uint64(room.Audio), uint64(room.Video))
	c.flag(&f.Desktop)
}

func (f *Dominant) fields(c *coder) {
	c.room(&f.Room)
	optional(c, &f.Endpoint, endpoint)
	plain(c, &f.Previous, maxPrevious, endpoint)
}
