package wire

import (
	"net/netip"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// Prepare asks the receiver to make a path for a client that the sender serves: an ICE end that passes sealed packets on. It
// is answered with Prepared.
type Prepare struct {
	Room     string
	Endpoint room.EndpointID
	Move     uint32 // numbered by the sender, for all its moves at the receiver, below FirstTunnel
	// Ufrag and Pwd are those that the client was told already; empty: the receiver makes new ones.
	Ufrag, Pwd string
	// Standby says that the path may wait for long: it answers and checks, but neither nominates nor sends before Take.
	Standby bool
	// Wants are the sources that the client gets: they are pulled, so that they go on when it comes.
	Wants []Want
}

// Want is a source and how high it is wanted.
type Want struct {
	Source room.SourceName
	Height int
}

// Prepared answers a Prepare. With a Code that is not CodeOK there is no path, and the rest is empty.
type Prepared struct {
	Room        string
	Move        uint32
	Code        Code
	Ufrag, Pwd  string
	Fingerprint string // of the receiver's DTLS certificate, for a client that begins anew
	Candidates  []Candidate
	Socket      string // where the client finds the receiver: scheme and host of its WebSockets; may be empty
}

// Candidate is a host candidate of the path: UDP, component 1.
type Candidate struct {
	Addr       netip.AddrPort
	Priority   uint32
	Foundation string
}

// Answered brings the credentials of the client for a path.
type Answered struct {
	Room       string
	Move       uint32
	Ufrag, Pwd string
}

// PathState says what became of a path.
type PathState struct {
	Room  string
	Move  uint32
	State State
}

// State is how far a path is. One that is not known says nothing.
type State = uint8

// The states of a path.
const (
	PathHeard State = iota + 1 // the client's first authenticated check came
	PathValid                  // the client answered a check
	PathLost                   // it does not answer any more: the path is closed
)

// Take makes the receiver the owner of a participant: the path is its from now on. It is answered with Taken. It carries keys
// and is never relayed.
type Take struct {
	Room     string
	Endpoint room.EndpointID
	Move     uint32
	Epoch    room.Epoch
	Value    []byte // node/session
	// Pulls are the sources of the participant that the sender goes on to need: as if it had sent a Subscribe for each.
	Pulls []Pull
}

// Pull is a subscription of the sender at the receiver, where the source begins.
type Pull struct {
	Sub    uint32
	Source room.SourceName
	Height int
}

// Taken answers a Take. With another Code than CodeOK nothing was done with the participant, and the sender may go on with it.
type Taken struct {
	Room string
	Move uint32
	Code Code
}

// Drop ends a move from either side: the path is closed and nothing passes the tunnel any more. It is not answered.
type Drop struct {
	Room string
	Move uint32
	Ours bool // the number was given by the sender of this frame
}

func (Prepare) frame() uint64   { return typePrepare }
func (Prepared) frame() uint64  { return typePrepared }
func (Answered) frame() uint64  { return typeAnswered }
func (PathState) frame() uint64 { return typePathState }
func (Take) frame() uint64      { return typeTake }
func (Taken) frame() uint64     { return typeTaken }
func (Drop) frame() uint64      { return typeDrop }

func (f *Prepare) fields(c *coder) {
	c.room(&f.Room)
	endpoint(c, &f.Endpoint)
	c.move(&f.Move)
	text(c, &f.Ufrag, maxICE)
	text(c, &f.Pwd, maxICE)
	c.flag(&f.Standby)
	list(c, &f.Wants, maxSources, func(c *coder, w *Want) {
		source(c, &w.Source)
		c.height(&w.Height)
	})
	if (f.Ufrag == "") != (f.Pwd == "") {
		c.fail("half of the credentials")
	}
}

func (f *Prepared) fields(c *coder) {
	c.room(&f.Room)
	c.move(&f.Move)
	number(c, &f.Code, 0, 1<<8-1)
	text(c, &f.Ufrag, maxICE)
	text(c, &f.Pwd, maxICE)
	text(c, &f.Fingerprint, maxText)
	list(c, &f.Candidates, maxCandidates, func(c *coder, x *Candidate) {
		c.addr(&x.Addr)
		number(c, &x.Priority, 0, 1<<32-1)
		text(c, &x.Foundation, maxLabel)
	})
	text(c, &f.Socket, maxText)
	if f.Code == CodeOK && (f.Ufrag == "" || f.Pwd == "") {
		c.fail("a path without credentials")
	}
}

func (f *Answered) fields(c *coder) {
	c.room(&f.Room)
	c.move(&f.Move)
	text(c, &f.Ufrag, maxICE)
	text(c, &f.Pwd, maxICE)
	if f.Ufrag == "" || f.Pwd == "" {
		c.fail("no credentials")
	}
}

func (f *PathState) fields(c *coder) {
	c.room(&f.Room)
	c.move(&f.Move)
	number(c, &f.State, 1, 1<<8-1)
}

func (f *Take) fields(c *coder) {
	c.room(&f.Room)
	endpoint(c, &f.Endpoint)
	c.move(&f.Move)
	number(c, &f.Epoch, 1, anything)
	c.bytes(&f.Value, MaxValue)
	list(c, &f.Pulls, maxSources, func(c *coder, p *Pull) {
		number(c, &p.Sub, 0, FirstTunnel-1)
		source(c, &p.Source)
		c.height(&p.Height)
	})
}

func (f *Taken) fields(c *coder) {
	c.room(&f.Room)
	c.move(&f.Move)
	number(c, &f.Code, 0, 1<<8-1)
}

func (f *Drop) fields(c *coder) {
	c.room(&f.Room)
	c.move(&f.Move)
	c.flag(&f.Ours)
}

func (c *coder) move(v *uint32) { number(c, v, 1, FirstTunnel-1) }

// addr is an address and port as text, in the one form that netip writes.
func (c *coder) addr(v *netip.AddrPort) {
	s := v.String()
	if text(c, &s, maxLabel); c.err != nil {
		return
	}
	a, err := netip.ParseAddrPort(s)
	switch {
	case err != nil:
		c.err = err
	case a.String() != s || a.Addr().Zone() != "":
		c.fail("address %q", s)
	case c.reading:
		*v = a
	}
}
