package wire

import (
	"errors"
	"fmt"
)

// Frame is one message between two nodes: one of the structs of this package that have a type number.
type Frame interface {
	frame() uint64 // its type number
}

// The type numbers. None is ever given to something else.
const (
	typeHello     = 1
	typeLinkState = 2
	typeRelayed   = 3

	typeClaim       = 10
	typeClaimAnswer = 11
	typeLease       = 12
	typeRelease     = 13
	typeHolders     = 14

	typeReplica  = 20
	typeCommand  = 21
	typeRefused  = 22
	typeDeliver  = 23
	typeDirected = 24
	typeNote     = 25
	typeOrder    = 26
	typeDominant = 27
	typeRecall   = 28
	typeRecalled = 29

	typeSubscribe   = 30
	typeUpdate      = 31
	typeUnsubscribe = 32
	typeSubscribed  = 33

	typeSeek   = 50
	typeSought = 51
	typeKeep   = 52
	typeWipe   = 53
	typeAmend  = 54
	typeKept   = 55

	typeChannelOpen   = 60
	typeChannelOpened = 61
	typeChannelText   = 62
	typeChannelClosed = 63
	typePrepare       = 40
	typePrepared      = 41
	typeAnswered      = 42
	typePathState     = 43
	typeTake          = 44
	typeTaken         = 45
	typeDrop          = 46
)

// blank has an empty frame of every type.
var blank = func() map[uint64]Frame {
	all := map[uint64]Frame{}
	for _, f := range [...]Frame{
		Hello{},
		LinkState{},
		Relayed{},
		Claim{},
		ClaimAnswer{},
		Lease{},
		Release{},
		Holders{},
		Replica{},
		Command{},
		Refused{},
		Deliver{},
		Directed{},
		Note{},
		Order{},
		Dominant{},
		Recall{},
		Recalled{},
		Subscribe{},
		Update{},
		Unsubscribe{},
		Subscribed{},
		Seek{},
		Sought{},
		Keep{},
		Wipe{},
		Amend{},
		Kept{},
		ChannelOpen{},
		ChannelOpened{},
		ChannelText{},
		ChannelClosed{},
		Prepare{},
		Prepared{},
		Answered{},
		PathState{},
		Take{},
		Taken{},
		Drop{},
	} {
		all[f.frame()] = f
	}
	return all
}()

// ErrUnknown is the error of a frame whose type is not known: it is from a newer node. The reader skips it.
var ErrUnknown = errors.New("unknown type of frame")

// Append appends f as nodes of the version write it. A frame that [Valid] refuses is left out: dst comes back as it was.
func Append(dst []byte, f Frame, version uint16) []byte {
	start := len(dst)
	c := coder{buf: dst, version: min(max(version, OldestVersion), Version)}
	c.frame(f)
	if c.err != nil || len(c.buf)-start > limitOf(f) {
		return dst
	}
	return c.buf
}

// Valid says what a receiver would refuse f for. Ask it for frames that hold what a client sent.
func Valid(f Frame) error {
	c := coder{version: Version}
	c.frame(f)
	if c.err == nil && len(c.buf) > limitOf(f) {
		c.fail("%d bytes, at most %d", len(c.buf), limitOf(f))
	}
	if c.err != nil {
		return fmt.Errorf("%T: %w", f, c.err)
	}
	return nil
}

// Parse reads one frame as nodes of the version write it. The result shares no memory with b.
func Parse(b []byte, version uint16) (Frame, error) {
	if version < OldestVersion || version > Version {
		return nil, fmt.Errorf("parse frame: version %d, spoken are %d to %d", version, OldestVersion, Version)
	}
	c := coder{buf: b, reading: true, version: version}
	var number uint64
	if c.uvarint(&number); c.err != nil {
		return nil, fmt.Errorf("parse frame: %w", c.err)
	}
	f, ok := blank[number]
	if !ok {
		return nil, fmt.Errorf("parse frame: %w %d", ErrUnknown, number)
	}
	if limit := limitOf(f); len(b) > limit {
		return nil, fmt.Errorf("parse %T: %d bytes, at most %d", f, len(b), limit)
	}
	f = c.body(f)
	if c.err != nil {
		return nil, fmt.Errorf("parse %T: %w", f, c.err)
	}
	return f, nil
}

// frame writes type and body.
func (c *coder) frame(f Frame) {
	if f == nil {
		c.fail("no frame")
		return
	}
	number := f.frame()
	c.uvarint(&number)
	c.body(f)
}

// body writes the fields of f, or returns f with the fields that it read.
func (c *coder) body(f Frame) Frame {
	switch f := f.(type) {
	case Hello:
		f.fields(c)
		return f
	case LinkState:
		f.fields(c)
		return f
	case Relayed:
		f.fields(c)
		return f
	case Claim:
		f.fields(c)
		return f
	case ClaimAnswer:
		f.fields(c)
		return f
	case Lease:
		f.fields(c)
		return f
	case Release:
		f.fields(c)
		return f
	case Holders:
		f.fields(c)
		return f
	case Replica:
		f.fields(c)
		return f
	case Command:
		f.fields(c)
		return f
	case Refused:
		f.fields(c)
		return f
	case Deliver:
		f.fields(c)
		return f
	case Directed:
		f.fields(c)
		return f
	case Note:
		f.fields(c)
		return f
	case Order:
		f.fields(c)
		return f
	case Dominant:
		f.fields(c)
		return f
	case Recall:
		f.fields(c)
		return f
	case Recalled:
		f.fields(c)
		return f
	case Subscribe:
		f.fields(c)
		return f
	case Update:
		f.fields(c)
		return f
	case Unsubscribe:
		f.fields(c)
		return f
	case Subscribed:
		f.fields(c)
		return f
	case Seek:
		f.fields(c)
		return f
	case Sought:
		f.fields(c)
		return f
	case Keep:
		f.fields(c)
		return f
	case Wipe:
		f.fields(c)
		return f
	case Amend:
		f.fields(c)
		return f
	case Kept:
		f.fields(c)
		return f
	case ChannelOpen:
		f.fields(c)
		return f
	case ChannelOpened:
		f.fields(c)
		return f
	case ChannelText:
		f.fields(c)
		return f
	case ChannelClosed:
		f.fields(c)
		return f
	case Prepare:
		f.fields(c)
		return f
	case Prepared:
		f.fields(c)
		return f
	case Answered:
		f.fields(c)
		return f
	case PathState:
		f.fields(c)
		return f
	case Take:
		f.fields(c)
		return f
	case Taken:
		f.fields(c)
		return f
	case Drop:
		f.fields(c)
		return f
	}
	c.fail("%T has no layout", f)
	return f
}

func limitOf(f Frame) int {
	if _, ok := f.(Relayed); ok {
		return MaxFrame
	}
	return MaxInner
}
