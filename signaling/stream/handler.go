package stream

import "github.com/atoll-mesh/atoll/signaling/stanza"

// Handler gets what happens to sessions. Calls for one session come one at a time, in the order of the package comment.
// A call should not block: the client is not read meanwhile.
type Handler interface {
	// Bound says that a client has its resource. The bind result is on its way, nothing else is.
	Bound(*Session)
	// Stanza hands over an iq, message or presence. Its from is the full JID of the session.
	Stanza(*Session, *stanza.Element)
	// Suspended says that the socket is lost. The session can be resumed.
	Suspended(*Session)
	// Resumed says that the client is back. What it missed is on its way.
	Resumed(*Session)
	// Closed says that the session is over.
	Closed(*Session, Cause)
}

// Cause is why a session is over.
type Cause int

// The causes.
const (
	ClientClosed Cause = iota + 1 // the client sent <close/>
	Lost                          // the socket was lost and the client had not asked for resumption
	Expired                       // nobody resumed in time
	StreamError                   // the client broke a rule
	Dropped                       // Session.Close
	Overflow                      // the client did not take or acknowledge what it was sent
	Shutdown                      // Server.Close
)

func (c Cause) String() string {
	switch c {
	case ClientClosed:
		return "closed by the client"
	case Lost:
		return "socket lost"
	case Expired:
		return "not resumed in time"
	case StreamError:
		return "stream error"
	case Dropped:
		return "dropped"
	case Overflow:
		return "queue overflow"
	case Shutdown:
		return "server shut down"
	}
	return "unknown cause"
}
