package focus

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

const acceptWithin = time.Minute

// Roster is what the focus asks the room.
type Roster interface {
	// Standing says whether there is an occupant of that nick, and whether it is a moderator.
	Standing(nick string) (present, moderator bool)
}

// Config is what a Participant needs. Room, JID, Endpoint and Roster must be set.
type Config struct {
	Room     string // bare JID of the room
	JID      string // full JID of the client
	Endpoint room.EndpointID
	Roster   Roster
	// Codecs are the video codecs to offer, best first. Default: VP8.
	Codecs []Codec
	// Caps is shared by all participants of a node. Default: none.
	Caps *CapsCache
	// ICERestart says that ICERestart effects are answered by RestartICE. Otherwise the client is told to restart the session.
	ICERestart bool
	Limits     Limits
	// NewID returns a new random name. Default: 12 hex digits of crypto/rand.
	NewID func() string
}

type phase uint8

const (
	idle    phase = iota // no session
	offered              // session-initiate is out
	active               // accepted
)

// Participant is the focus's side of one client. It is not safe for concurrent use.
type Participant struct {
	cfg  Config
	self string // our JID in the room

	caps     Caps
	known    bool // features are known
	features []string
	invite   *Transport // waits for the features

	phase         phase
	sid           string
	bridgeSession string
	bridgePwd     string
	generation    uint32
	acceptBy      time.Time

	waiting   pending
	sources   announced
	signalled []SignalledSource
}

// NewParticipant returns the engine of one client. Nothing is sent yet.
func NewParticipant(cfg Config) *Participant {
	if len(cfg.Codecs) == 0 {
		cfg.Codecs = []Codec{VP8}
	}
	if cfg.Caps == nil {
		cfg.Caps = &CapsCache{}
	}
	if cfg.NewID == nil {
		cfg.NewID = newID
	}
	cfg.Limits = cfg.Limits.filled()
	return &Participant{cfg: cfg, self: cfg.Room + "/" + nick}
}

func newID() string {
	var b [6]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Active reports whether a session was accepted and has not ended.
func (p *Participant) Active() bool { return p.phase == active }

// Sources returns what the client sends. It must not be changed.
func (p *Participant) Sources() []room.Source { return p.sources }

// Rewriting reports whether the client learns sources from the bridge channel. It is false until the features are known.
func (p *Participant) Rewriting() bool { return p.has(featureRewriting) }

func (p *Participant) has(feature string) bool {
	_, ok := slices.BinarySearch(p.features, feature)
	return ok
}

// Joined takes the caps of the client's presence: of the first one, and of later ones, where the same caps change nothing.
func (p *Participant) Joined(now time.Time, caps Caps) []Effect {
	if caps == p.caps && (p.known || caps != Caps{}) {
		return nil
	}
	p.caps = caps
	if caps == (Caps{}) {
		return p.learn(now, assumed())
	}
	if features, ok := p.cfg.Caps.get(caps.Ver); ok && caps.Hash == "sha-1" {
		return p.learn(now, features)
	}
	query := stanza.New(nsDisco, "query", "node", caps.Node+"#"+caps.Ver)
	return []Effect{p.ask(now, "get", requestDisco, query)}
}

// assumed are the features of a client that does not tell.
func assumed() []string { return []string{featureAudio, featureVideo} }

func (p *Participant) learn(now time.Time, features []string) []Effect {
	if p.known && slices.Equal(features, p.features) {
		return nil
	}
	p.known, p.features = true, features
	out := []Effect{Features{Names: slices.Clone(features), Rewriting: p.Rewriting()}}
	if p.invite != nil {
		t := *p.invite
		p.invite = nil
		out = append(out, p.Invite(now, t)...)
	}
	return out
}

// Invite offers a session, as soon as the features are known. A session that there is already is ended first.
func (p *Participant) Invite(now time.Time, t Transport) []Effect {
	if !p.known {
		p.invite = &t
		return nil
	}
	var out []Effect
	if p.phase != idle {
		out = p.Terminate(now, "success")
	}
	p.phase, p.sid = offered, p.cfg.NewID()
	p.bridgeSession, p.bridgePwd, p.generation = t.BridgeSession, t.BridgePwd, 0
	p.acceptBy = now.Add(acceptWithin)
	contents := offer(t, p.has(featureAudio), p.has(featureVideo), p.cfg.Codecs)
	return append(out, p.jingle(now, "session-initiate", contents...))
}

// Terminate ends the session, if there is one, and calls off an Invite that waits. The reason is a condition of XEP-0166 7.4.
func (p *Participant) Terminate(now time.Time, reason string) []Effect {
	p.invite = nil
	if p.phase == idle {
		return nil
	}
	end := p.jingle(now, "session-terminate", stanza.New(nsJingle, "reason").With(stanza.New(nsJingle, reason)))
	p.reset()
	return []Effect{end}
}

// RestartICE offers the client a new transport for the session it has, under the next ICE generation; the DTLS
// association goes on. The answer is ICERestarted.
func (p *Participant) RestartICE(now time.Time, t Transport) []Effect {
	if p.phase != active {
		return nil
	}
	p.generation++
	content := stanza.New(nsJingle, "content", "creator", "initiator", "name", "audio")
	return []Effect{p.jingle(now, "transport-info", content.With(t.element(p.generation)))}
}

// Mute tells the client that actor muted it. There is nothing to wait for: clients do not answer.
func (p *Participant) Mute(kind room.Kind, desktop bool, actor string) []Effect {
	mute := stanza.New(muteNamespace(kind, desktop), "mute", "actor", actor).WithText("true")
	return []Effect{p.send("set", p.cfg.NewID(), mute)}
}

// reset forgets the session.
func (p *Participant) reset() {
	p.phase, p.sid, p.bridgeSession, p.bridgePwd, p.generation = idle, "", "", "", 0
	p.acceptBy = time.Time{}
	p.sources, p.signalled = nil, nil
}

// Next returns when Tick is due, the zero time for never.
func (p *Participant) Next() time.Time {
	next := p.acceptBy
	if len(p.waiting) > 0 && (next.IsZero() || p.waiting[0].until.Before(next)) {
		next = p.waiting[0].until
	}
	return next
}

// Tick does what is due.
func (p *Participant) Tick(now time.Time) []Effect {
	var out []Effect
	for _, r := range p.waiting.expired(now) {
		switch {
		case r.name == requestDisco && !p.known:
			out = append(out, p.learn(now, assumed())...)
		case r.name != requestDisco && r.sid == p.sid:
			out = append(out, Timeout{r.name})
		}
	}
	if !p.acceptBy.IsZero() && !p.acceptBy.After(now) {
		p.acceptBy = time.Time{}
		out = append(out, Timeout{"session-accept"})
	}
	return out
}

// jingle makes a request of the session.
func (p *Participant) jingle(now time.Time, action string, children ...*stanza.Element) Effect {
	e := stanza.New(nsJingle, "jingle", "action", action, "initiator", p.self, "sid", p.sid)
	return p.ask(now, "set", action, e.With(children...))
}

// ask makes a request and waits for its answer.
func (p *Participant) ask(now time.Time, kind, name string, child *stanza.Element) Effect {
	id := p.cfg.NewID()
	p.waiting.add(request{id: id, name: name, sid: p.sid, until: now.Add(answerWithin)})
	return p.send(kind, id, child)
}

func (p *Participant) send(kind, id string, child *stanza.Element) Effect {
	iq := stanza.New(stanza.Client, "iq", "from", p.self, "to", p.cfg.JID, "type", kind, "id", id)
	return Send{iq.With(child).Bytes()}
}
