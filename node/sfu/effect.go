package sfu

import "github.com/atoll-mesh/atoll/cascade/room"

// Effect is something that a participant must be told: one of the types below.
type Effect interface{ effect() }

// Mapping says which source stands behind an SSRC. RTX is 0 for audio.
type Mapping struct {
	Source    room.SourceName
	Owner     room.EndpointID
	SSRC, RTX uint32
	VideoType room.VideoType
}

// VideoMap is the whole list of video slots that hold a source, for a receiver in rewriting mode.
type VideoMap struct {
	To     room.EndpointID
	Mapped []Mapping
}

// AudioMap is the same for audio.
type AudioMap struct {
	To     room.EndpointID
	Mapped []Mapping
}

// Forwarded is the list of video sources that are forwarded to a receiver, in order of names.
type Forwarded struct {
	To      room.EndpointID
	Sources []room.SourceName
}

// SenderConstraints tells the owner of a source the greatest height that anybody wants of it; 0: nobody wants it.
type SenderConstraints struct {
	Source    room.SourceName
	MaxHeight int
}

// AudioWanted says of an audio source of a Remote whether anybody here, or a node that pulls it from here, listens.
type AudioWanted struct {
	Source room.SourceName
	On     bool
}

// Guess says who is the dominant speaker by what this node hears.
type Guess struct{ Endpoint room.EndpointID }

// Dominant says who is the dominant speaker now, and who was before, latest first.
type Dominant struct {
	Endpoint room.EndpointID
	Previous []room.EndpointID
}

// Announce tells a receiver in plain mode the SSRCs of a source.
type Announce struct {
	To        room.EndpointID
	Source    room.Source // as its sender announced it, without encodings
	SSRC, RTX uint32
}

// Withdraw takes an Announce back.
type Withdraw struct {
	To        room.EndpointID
	Source    room.Source
	SSRC, RTX uint32
}

func (VideoMap) effect()          {}
func (AudioMap) effect()          {}
func (Forwarded) effect()         {}
func (SenderConstraints) effect() {}
func (AudioWanted) effect()       {}
func (Guess) effect()             {}
func (Dominant) effect()          {}
func (Announce) effect()          {}
func (Withdraw) effect()          {}
