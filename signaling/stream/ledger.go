package stream

import (
	"fmt"
	"strconv"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// ledger is the stream management of one session (XEP-0198). It counts nothing until it is enabled.
type ledger struct {
	enabled, resumable bool
	received           uint32   // stanzas taken from the client
	handled            uint32   // of these, the handler has had
	acked              uint32   // of ours, the client has
	unacked            [][]byte // stanzas sent after acked, oldest first
	bytes              int      // of unacked
	asked              int      // stanzas sent since the last request for an acknowledgement
	askedBytes         int

	// guarded says that no more than kept is acknowledged: what another server knows that would go on.
	guarded bool
	kept    uint32
	owed    bool // the client asked and was told less than received
	// revived says that the session went on elsewhere after what is known here. The client may have more than the first known
	// of unacked, and nothing of the rest, which it was not sent there.
	revived bool
	known   int
}

// maxLost is how many stanzas a client may have had that a server which goes on does not know of.
const maxLost = 1 << 16

const (
	askStanzas = 16
	askBytes   = 32 << 10
)

// take counts a stanza of the client.
func (l *ledger) take() {
	if l.enabled {
		l.received++
	}
}

// give notes a stanza for the client and reports whether an acknowledgement should be asked for after it.
func (l *ledger) give(xml []byte) (ask bool) {
	if !l.enabled {
		return false
	}
	l.unacked = append(l.unacked, xml)
	l.bytes += len(xml)
	l.asked++
	l.askedBytes += len(xml)
	if l.asked < askStanzas && l.askedBytes < askBytes {
		return false
	}
	l.asked, l.askedBytes = 0, 0
	return true
}

// acknowledge takes the client's counter. It is an error when that counts what was not sent.
func (l *ledger) acknowledge(h uint32) error {
	n := h - l.acked // modulo 2^32
	if l.revived && n > uint32(l.known) && n <= maxLost {
		l.acked += n - uint32(l.known)
		n = uint32(l.known)
	}
	if int64(n) > int64(len(l.unacked)) {
		return fmt.Errorf("acknowledge %d stanzas: %d were sent", h, l.acked+uint32(len(l.unacked)))
	}
	for i, xml := range l.unacked[:n] {
		l.bytes -= len(xml)
		l.unacked[i] = nil
	}
	l.unacked = l.unacked[n:]
	if len(l.unacked) == 0 {
		l.unacked = nil
	}
	l.acked = h
	return nil
}

// over reports whether more is unacknowledged than is allowed.
func (l *ledger) over(limits Limits) bool {
	return len(l.unacked) > limits.QueueStanzas || l.bytes > limits.QueueBytes
}

// ackFrame answers a request for our counter.
func (l *ledger) ackFrame() []byte {
	h := l.received
	if l.owed = l.guarded && int32(h-l.kept) > 0; l.owed {
		h = l.kept
	}
	return stanza.New(nsManaging, "a", "h", strconv.FormatUint(uint64(h), 10)).Bytes()
}

// guard says how much is known elsewhere. It returns true when the client waits to be told.
func (l *ledger) guard(received uint32) (tell bool) {
	l.guarded, l.kept = true, received
	return l.owed
}

func (l *ledger) resumedFrame(token string) []byte {
	return stanza.New(nsManaging, "resumed", "previd", token, "h", strconv.FormatUint(uint64(l.received), 10)).Bytes()
}

// tooHigh is the stream error's detail for a wrong acknowledgement (XEP-0198 4).
func (l *ledger) tooHigh(h uint32) *stanza.Element {
	sent := l.acked + uint32(len(l.unacked))
	return stanza.New(nsManaging, "handled-count-too-high",
		"h", strconv.FormatUint(uint64(h), 10), "send-count", strconv.FormatUint(uint64(sent), 10))
}
