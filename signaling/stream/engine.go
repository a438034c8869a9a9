package stream

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// phase is how far a stream has come.
type phase int

const (
	opening        phase = iota // nothing was received
	authenticating              // open, features sent
	reopening                   // authenticated, the client opens again
	binding                     // open again, wants bind or resume
	established                 // bound or resumed
	ended
)

// kind says what a step asks of the driver, after it wrote what the step writes.
type kind int

const (
	nothing    kind = iota
	bind            // make a session, call bound
	resume          // find the session of token, acknowledge h, call resumed or managementFailure
	enable          // turn stream management on
	ack             // acknowledge h
	acked           // send an acknowledgement
	routed          // count a stanza and hand it on
	answered        // count a stanza, the answer to which is in write
	clientDone      // the client closed the stream; <close/> is in write
	failed          // the stream is broken; the error and <close/> are in write
)

// step is what comes out of one message.
type step struct {
	kind   kind
	write  [][]byte
	stanza *stanza.Element
	id     string // of the IQ that binds
	token  string
	h      uint32
	resume bool // enable: resumption is wanted
	// wait is how long the next message must not be read.
	wait time.Duration
}

// engine is one stream. It is used by one goroutine.
type engine struct {
	domain   string
	streamID string // of the answers to <open/>
	limits   Limits
	phase    phase
	opened   bool // <open/> was sent
	attempts int
	deadline time.Time // zero when established
	jid      string    // full JID when established
	elements bucket
	bytes    bucket
}

const maxLogins = 3

func newEngine(now time.Time, domain, streamID string, limits Limits) *engine {
	return &engine{
		domain: domain, streamID: streamID, limits: limits, deadline: now.Add(limits.Negotiation),
		elements: bucket{rate: float64(limits.StanzaRate), burst: float64(limits.StanzaBurst), last: now},
		bytes:    bucket{rate: float64(limits.ByteRate), burst: float64(limits.ByteBurst), last: now},
	}
}

// maxBytes is how long the next message may be.
func (e *engine) maxBytes() int {
	if e.phase <= authenticating {
		return e.limits.FirstMessage
	}
	return e.limits.Message
}

// receive takes one message.
func (e *engine) receive(now time.Time, message []byte) step {
	if e.phase == ended {
		return step{}
	}
	wait := e.bytes.take(now, len(message))
	el, err := stanza.Parse(message, stanza.Limits{Bytes: e.maxBytes()})
	if err != nil {
		return e.fail(stanza.Condition(err), err.Error(), nil)
	}
	if !el.Is(nsManaging, "a") { // our own questions do not cost the client
		wait = max(wait, e.elements.take(now, 1))
	}
	s := e.element(now, el)
	s.wait = wait
	return s
}

func (e *engine) element(now time.Time, el *stanza.Element) step {
	switch {
	case el.Is(nsFraming, "close"):
		s := step{kind: clientDone, write: e.end(nil)}
		return s
	case el.Is(nsFraming, "open"):
		return e.open(el)
	case e.phase == opening || e.phase == reopening:
		return e.fail("invalid-namespace", "a stream begins with <open/> in "+nsFraming, nil)
	case e.phase == authenticating:
		return e.login(now, el)
	case el.Space == nsManaging:
		return e.management(el)
	case el.Space != stanza.Client:
		return e.fail("unsupported-stanza-type", "", nil)
	case e.phase == binding:
		return e.bind(el)
	}
	return e.stanza(el)
}

func (e *engine) open(el *stanza.Element) step {
	if e.phase != opening && e.phase != reopening {
		return e.fail("policy-violation", "the stream is open", nil)
	}
	if to := el.Attr("to"); to != "" && !strings.EqualFold(to, e.domain) {
		return e.fail("host-unknown", "", nil)
	}
	if el.Attr("version") != "1.0" {
		return e.fail("unsupported-version", "", nil)
	}
	e.opened = true
	features := mechanismsFrame()
	if e.phase == reopening {
		features = featuresFrame()
	}
	e.phase++
	return step{write: [][]byte{openFrame(e.domain, e.streamID), features}}
}

func (e *engine) login(now time.Time, el *stanza.Element) step {
	switch {
	case el.Is(nsSASL, "auth") && el.Attr("mechanism") == "ANONYMOUS":
		e.phase = reopening
		e.deadline = now.Add(e.limits.Negotiation)
		return step{write: [][]byte{stanza.New(nsSASL, "success").Bytes()}}
	case el.Space != nsSASL:
		return e.fail("not-authorized", "", nil)
	}
	if e.attempts++; e.attempts >= maxLogins {
		return e.fail("policy-violation", "too many attempts to log in", nil)
	}
	condition := "malformed-request"
	switch el.Local {
	case "auth":
		condition = "invalid-mechanism"
	case "abort":
		condition = "aborted"
	}
	return step{write: [][]byte{saslFailure(condition)}}
}

func (e *engine) management(el *stanza.Element) step {
	if e.phase == binding {
		if el.Local != "resume" {
			return step{write: [][]byte{managementFailure("unexpected-request")}}
		}
		h, err := counter(el)
		if err != nil {
			return e.fail("invalid-xml", err.Error(), nil)
		}
		return step{kind: resume, token: el.Attr("previd"), h: h}
	}
	switch el.Local {
	case "enable":
		r := el.Attr("resume")
		return step{kind: enable, resume: r == "true" || r == "1"}
	case "a":
		h, err := counter(el)
		if err != nil {
			return e.fail("invalid-xml", err.Error(), nil)
		}
		return step{kind: ack, h: h}
	case "r":
		return step{kind: acked}
	case "resume":
		return step{write: [][]byte{managementFailure("unexpected-request")}}
	}
	return e.fail("unsupported-stanza-type", "", nil)
}

func counter(el *stanza.Element) (uint32, error) {
	h, err := strconv.ParseUint(el.Attr("h"), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("read the counter h: %w", err)
	}
	return uint32(h), nil
}

func (e *engine) bind(el *stanza.Element) step {
	if el.Local != "iq" || el.Attr("type") != "set" || el.Attr("id") == "" || el.Child(nsBind, "bind") == nil {
		return e.fail("not-authorized", "", nil)
	}
	return step{kind: bind, id: el.Attr("id")}
}

// bound makes the stream that of jid and returns the answer to the IQ that asked for it.
func (e *engine) bound(id, jid string) []byte {
	e.establish(jid)
	return stanza.New(stanza.Client, "iq", "type", "result", "id", id).With(
		stanza.New(nsBind, "bind").With(stanza.New(nsBind, "jid").WithText(jid))).Bytes()
}

// establish makes the stream that of jid.
func (e *engine) establish(jid string) {
	e.phase, e.jid, e.deadline = established, jid, time.Time{}
}

func (e *engine) stanza(el *stanza.Element) step {
	if el.Local != "iq" && el.Local != "message" && el.Local != "presence" {
		return e.fail("unsupported-stanza-type", "", nil)
	}
	bare, _, _ := strings.Cut(e.jid, "/")
	if from := el.Attr("from"); from != "" && from != e.jid && from != bare {
		return e.fail("invalid-from", "", nil)
	}
	el.Set("from", e.jid)
	if el.Local != "iq" {
		return step{kind: routed, stanza: el}
	}
	asks := false
	switch el.Attr("type") {
	case "get", "set":
		asks = true
	case "result", "error":
	default:
		return answer(stanza.ErrorReply(el, "modify", "bad-request", "an iq has one of the types get, set, result and error"))
	}
	switch {
	case el.Attr("id") == "" && asks:
		return answer(stanza.ErrorReply(el, "modify", "bad-request", "an iq has an id"))
	case el.Attr("id") == "":
		return step{kind: answered}
	case asks && len(el.Children) != 1:
		return answer(stanza.ErrorReply(el, "modify", "bad-request", "an iq of type get or set has one child"))
	case asks && el.Children[0].Is(nsSession, "session"):
		return answer(stanza.Result(el))
	case asks && el.Children[0].Is(nsBind, "bind"):
		return answer(stanza.ErrorReply(el, "cancel", "not-allowed", "one stream binds one resource"))
	}
	return step{kind: routed, stanza: el}
}

func answer(el *stanza.Element) step { return step{kind: answered, write: [][]byte{el.Bytes()}} }

// fail ends the stream with an error.
func (e *engine) fail(condition, text string, extra *stanza.Element) step {
	return step{kind: failed, write: e.end(errorFrame(condition, text, extra))}
}

// timeout ends a stream that was not established before the deadline.
func (e *engine) timeout() step {
	return e.fail("connection-timeout", "", nil)
}

// end ends the stream and returns what is to be written last.
func (e *engine) end(errorFrame []byte) [][]byte {
	var write [][]byte
	if errorFrame != nil {
		if !e.opened {
			write = append(write, openFrame(e.domain, e.streamID))
		}
		write = append(write, errorFrame)
	}
	e.phase = ended
	return append(write, closeFrame)
}
