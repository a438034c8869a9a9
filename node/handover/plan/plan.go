// Package plan decides how one participant goes from the node that serves it to another, what follows what, and how long each
// is waited for; and whose turn it is when all are to go ([Turns]). It is an engine package: no sockets, no clock, no goroutines; events and time come in, effects go out.
//
//	preparing ─Prepared─▶ restarting ─Answered─▶ checking ─Valid─▶ handing ─Handed─▶ taking ─Taken─▶ moved
//	    │                     │ 2 s                 │ 3 s             ▲
//	    │                     └────────▶ inviting ◀─┘                 │
//	    └─without media──────────────────── │ ──Answered, or 5 s──────┘
//
// A client is first told of another transport under the session that it has (an ICE restart: nothing is lost, nothing begins
// anew). Who does not answer within 2 s does not know that, as only the newest clients do, or does not get through: it is
// invited to a new session at the new node. It keeps its place in the room in any case. Who has no media moves without.
//
// It is sent to over both paths from the moment that it is told: Firefox takes the new one in use, and hears nothing on the old one any
// more, before its answer is here.
//
// Nothing is given away before the new node's path is valid. Once handed, the participant is not taken back unless the new node
// says that it did not take it: a packet sealed at two nodes would give the keys away.
package plan

import "time"

// How long each step may take.
const (
	PrepareTime = time.Second     // for the new node to make a path
	AnswerTime  = 2 * time.Second // for the client to answer an ICE restart
	CheckTime   = 3 * time.Second // for its path to become valid
	AcceptTime  = 5 * time.Second // for it to accept a new session
	HandTime    = 5 * time.Second // for its streams to come to rest here
	TakeTime    = 5 * time.Second // for the new node to take it
)

// Way is how a client comes to use the new node.
type Way uint8

// The ways.
const (
	Restart Way = iota // its ICE is restarted
	Invite             // it is invited anew
	Bare               // it has no media
)

// Event is something that happened to a move.
type Event uint8

// What can happen.
const (
	Prepared Event = iota + 1 // the new node has a path
	Refused                   // it does not want
	Untold                    // the client could not be told
	Answered                  // the client's credentials are there
	Valid                     // the client answers over the new path
	Lost                      // the new path is dead
	Handed                    // the participant is out of its room here
	Kept                      // it is not, and stays
	Taken                     // the new node has it
	Returned                  // the new node did not take it
	Unlinked                  // the new node cannot be reached
)

// Effect is something to be done.
type Effect uint8

// What is to be done.
const (
	TellRestart Effect = iota + 1 // tell the client of the new transport
	TellInvite                    // end its session and invite it to the new node
	PassAnswer                    // tell the new node the client's credentials
	Duplicate                     // send over both paths
	Hand                          // take it out of its room
	GiveAway                      // send it to the new node
	TakeBack                      // take it into its room again
	Drop                          // tell the new node that nothing comes of it
	Done                          // the move is over: see Outcome
)

// Outcome is how a move ended.
type Outcome uint8

// How a move can end.
const (
	Under   Outcome = iota // it is under way
	Moved                  // the client went over with what it had
	Anew                   // it was invited anew
	Without                // it moved without media
	Stayed                 // it is still here
	Gone                   // it was given away and nobody says that it arrived
)

type phase uint8

const (
	preparing phase = iota
	restarting
	checking
	inviting
	handing
	taking
	over
)

// Move is one move. Not safe for concurrent use.
type Move struct {
	way     Way
	phase   phase
	until   time.Time
	outcome Outcome
}

// New returns a move whose new node has just been asked for a path.
func New(now time.Time, way Way) *Move {
	return &Move{way: way, until: now.Add(PrepareTime)}
}

// Outcome returns how the move ended, Under before that.
func (m *Move) Outcome() Outcome { return m.outcome }

// Way returns how the client comes to use the new node, as it stands now.
func (m *Move) Way() Way { return m.way }

// Next returns when Tick is due, the zero time for never.
func (m *Move) Next() time.Time { return m.until }

// Handle takes an event and returns what is to be done, in order. An event that does not fit is late, and nothing.
func (m *Move) Handle(now time.Time, e Event) []Effect {
	switch m.phase {
	case preparing:
		switch e {
		case Prepared:
			return m.begin(now)
		case Refused, Unlinked, Lost:
			return m.stay()
		}
	case restarting:
		switch e {
		case Answered:
			m.to(now, checking, CheckTime)
			return []Effect{PassAnswer}
		case Untold, Unlinked, Lost: // it does not know of the path, or could go back
			return m.stay()
		}
	case checking:
		switch e {
		case Valid:
			return m.hand(now)
		case Lost:
			return m.invite(now)
		case Unlinked:
			return m.stay()
		}
	case inviting:
		switch e {
		case Answered:
			return append([]Effect{PassAnswer}, m.hand(now)...)
		case Untold:
			m.way = Bare
			return m.hand(now)
		case Unlinked:
			return m.stay()
		}
	case handing:
		switch e {
		case Handed:
			m.to(now, taking, TakeTime)
			return []Effect{GiveAway}
		case Kept:
			return m.stay()
		}
	case taking:
		switch e {
		case Taken:
			m.end([...]Outcome{Restart: Moved, Invite: Anew, Bare: Without}[m.way])
			return []Effect{Done}
		case Returned:
			m.end(Stayed)
			return []Effect{TakeBack, Drop, Done}
		}
	}
	return nil
}

// Tick does what is due.
func (m *Move) Tick(now time.Time) []Effect {
	if m.until.IsZero() || now.Before(m.until) {
		return nil
	}
	switch m.phase {
	case restarting, checking:
		return m.invite(now)
	case inviting:
		m.way = Bare
		return m.hand(now)
	case taking:
		m.end(Gone)
		return []Effect{Drop, Done}
	}
	return m.stay()
}

func (m *Move) begin(now time.Time) []Effect {
	switch m.way {
	case Restart:
		m.to(now, restarting, AnswerTime)
		return []Effect{Duplicate, TellRestart}
	case Invite:
		return m.invite(now)
	}
	return m.hand(now)
}

func (m *Move) invite(now time.Time) []Effect {
	m.way = Invite
	m.to(now, inviting, AcceptTime)
	return []Effect{TellInvite}
}

func (m *Move) hand(now time.Time) []Effect {
	m.to(now, handing, HandTime)
	return []Effect{Hand}
}

func (m *Move) stay() []Effect {
	m.end(Stayed)
	return []Effect{Drop, Done}
}

func (m *Move) to(now time.Time, p phase, within time.Duration) {
	m.phase, m.until = p, now.Add(within)
}

func (m *Move) end(o Outcome) { m.phase, m.until, m.outcome = over, time.Time{}, o }
