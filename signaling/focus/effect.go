package focus

import "github.com/atoll-mesh/atoll/cascade/room"

// Effect is something that the caller must do, in the order of the list: one of [Send], [Features], [Accepted],
// [SourcesAdded], [SourcesRemoved], [Terminated], [ICEFailed], [ICERestart], [ICERestarted], [MuteRequest], [Rejected],
// [Timeout].
type Effect interface{ effect() }

// Send asks for a complete stanza to be sent to the participant. The bytes belong to the receiver of the effect.
type Send struct{ Stanza []byte }

// Features tells what the client can do. It comes once, and again when the client announces other features.
type Features struct {
	// Names are the disco features, sorted.
	Names []string
	// Rewriting says that the client learns sources from the maps of the bridge channel and nothing of Signal.
	Rewriting bool
}

// Accepted tells that the client accepted the session.
type Accepted struct {
	SID         string
	Ufrag, Pwd  string
	Fingerprint string // of the client's DTLS certificate: "sha-256 AB:CD:…"
	Sources     []room.Source
	LastN       int // what the client wants at most before it says so on the bridge channel, -1 is unlimited
}

// SourcesAdded tells that the client sends more. All is everything it sends now.
type SourcesAdded struct{ Sources, All []room.Source }

// SourcesRemoved tells that the client sends less. Sources have the encodings that went; All is what is left.
type SourcesRemoved struct{ Sources, All []room.Source }

// Terminated tells that the client ended the session, or that it had to be ended because its answer was refused. All
// sources are gone. Restart asks for Invite with a new transport.
type Terminated struct {
	SID     string
	Restart bool
	Reason  string
}

// ICEFailed tells that the client's ICE failed.
type ICEFailed struct{}

// ICERestart tells that the client asks for RestartICE.
type ICERestart struct{}

// ICERestarted is the client's answer to RestartICE.
type ICERestarted struct {
	Ufrag, Pwd string
	Generation uint32
}

// MuteRequest asks for Mute of another participant. It has been checked that the sender may.
type MuteRequest struct {
	Kind    room.Kind
	Desktop bool   // video of the screen
	Target  string // nick
	Actor   string // occupant JID of who asked
}

// Rejected tells that the client answered a request with an error. After a rejected session-initiate there is no session.
type Rejected struct{ Request, Condition string }

// Timeout tells that the client did not answer a request, or (Request "session-accept") did not accept for a minute. The
// session is what it was; a late session-accept still counts.
type Timeout struct{ Request string }

func (Send) effect()           {}
func (Features) effect()       {}
func (Accepted) effect()       {}
func (SourcesAdded) effect()   {}
func (SourcesRemoved) effect() {}
func (Terminated) effect()     {}
func (ICEFailed) effect()      {}
func (ICERestart) effect()     {}
func (ICERestarted) effect()   {}
func (MuteRequest) effect()    {}
func (Rejected) effect()       {}
func (Timeout) effect()        {}
