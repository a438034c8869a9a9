package focus

import (
	"fmt"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// refusal is why a request is answered with an error: the type and condition of RFC 6120 8.3, and perhaps one of Jingle's.
type refusal struct {
	kind, condition, jingle, text string
}

func (r *refusal) Error() string { return r.condition + ": " + r.text }

func (r *refusal) answer(iq *stanza.Element) *stanza.Element {
	var extra []*stanza.Element
	if r.jingle != "" {
		extra = append(extra, stanza.New(nsJingleError, r.jingle))
	}
	return stanza.ErrorReply(iq, r.kind, r.condition, r.text, extra...)
}

func badRequest(format string, args ...any) *refusal {
	return &refusal{kind: "modify", condition: "bad-request", text: fmt.Sprintf(format, args...)}
}

func forbidden(format string, args ...any) *refusal {
	return &refusal{kind: "auth", condition: "forbidden", text: fmt.Sprintf(format, args...)}
}

func tooMany(what string, limit int) *refusal {
	return &refusal{kind: "wait", condition: "resource-constraint", text: fmt.Sprintf("more than %d %s", limit, what)}
}

var (
	unknownSession = &refusal{kind: "cancel", condition: "item-not-found", jingle: "unknown-session"}
	outOfOrder     = &refusal{kind: "wait", condition: "unexpected-request", jingle: "out-of-order"}
)
