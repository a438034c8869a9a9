package edge

import (
	"encoding/binary"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	maxRecords   = 64   // that wait for pion
	dtlsMTU      = 1200 // of what we send
	recordHeader = 13
)

// Content types of DTLS records (RFC 6347 4.1).
const (
	recordChangeCipherSpec = 20
	recordAlert            = 21
	recordHandshake        = 22
	recordApplicationData  = 23
)

// acceptable reports whether every record of a datagram is one that a peer of ours sends.
//
// Records of epoch 0 are not protected. Such an alert would end an association that is long since established, and
// application data or an unknown type make pion send a fatal alert that the client believes. So in epoch 0 only
// handshake messages and a well-formed change of ciphers pass. A client that gives up in the middle of a handshake is
// noticed by its silence.
func acceptable(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	for len(b) > 0 {
		if len(b) < recordHeader || b[1] != 0xfe {
			return false
		}
		size := int(binary.BigEndian.Uint16(b[11:]))
		if len(b)-recordHeader < size {
			return false
		}
		epoch, body := binary.BigEndian.Uint16(b[3:]), b[recordHeader:recordHeader+size]
		switch kind := b[0]; {
		case epoch > 1:
			return false
		case kind == recordHandshake && size > 0:
		case kind == recordChangeCipherSpec && epoch == 0 && size == 1 && body[0] == 1:
		case (kind == recordAlert || kind == recordApplicationData) && epoch == 1:
		default:
			return false
		}
		b = b[recordHeader+size:]
	}
	return true
}

// mostFlight bounds the datagrams of a flight that are remembered. The last one of a server is one or two.
const mostFlight = 4

// repeats reports whether a datagram of records is part of a handshake: to who is through with it, it says that our last flight was lost.
func repeats(b []byte) bool { return b[0] == recordHandshake || b[0] == recordChangeCipherSpec }

// records is the net.PacketConn under an association: what came in waits in a bounded queue, what goes out is handed to
// send unless the switch is off.
type records struct {
	send func(record []byte)

	mu     sync.Mutex
	wake   *sync.Cond
	queue  [][]byte
	late   bool // the read deadline has passed
	closed bool
	dead   bool     // nothing goes out any more, and nothing in
	alert  bool     // one was read
	flight [][]byte // what went out last, with nothing read in between
	over   bool     // something was read since: what goes out next is another flight
}

func newRecords(send func([]byte)) *records {
	r := &records{send: send}
	r.wake = sync.NewCond(&r.mu)
	return r
}

// put adds a copy of a datagram and reports whether there was room.
func (r *records) put(b []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || len(r.queue) >= maxRecords {
		return false
	}
	r.queue = append(r.queue, append([]byte(nil), b...))
	r.wake.Signal()
	return true
}

// kill stops everything that goes out or in, for good.
func (r *records) kill() {
	r.mu.Lock()
	r.dead = true
	r.mu.Unlock()
}

// hush is kill, but not after an alert went in: the association is about to end of it. It reports whether all is still.
func (r *records) hush() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead = r.dead || !r.alert
	return r.dead
}

func (r *records) ReadFrom(b []byte) (int, net.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		switch {
		case r.closed:
			return 0, nil, net.ErrClosed
		case r.late:
			return 0, nil, os.ErrDeadlineExceeded
		case len(r.queue) > 0 && !r.dead:
			r.alert = r.alert || r.queue[0][0] == recordAlert
			n := copy(b, r.queue[0])
			r.queue[0] = nil
			r.queue = r.queue[1:]
			r.over = true
			return n, clientAddr{}, nil
		}
		r.wake.Wait()
	}
}

func (r *records) WriteTo(b []byte, _ net.Addr) (int, error) {
	r.mu.Lock()
	dead := r.dead || r.closed
	if !dead && r.over {
		r.flight, r.over = nil, false
	}
	if !dead && len(r.flight) < mostFlight {
		r.flight = append(r.flight, slices.Clone(b))
	}
	r.mu.Unlock()
	if !dead {
		r.send(b)
	}
	return len(b), nil
}

func (r *records) Close() error {
	r.end()
	return nil
}

// end closes and returns the last flight that went out, and what nobody read.
func (r *records) end() (flight, unread [][]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	flight, unread = r.flight, r.queue
	r.closed = true
	r.flight, r.queue = nil, nil
	r.wake.Broadcast()
	return flight, unread
}

func (r *records) LocalAddr() net.Addr { return clientAddr{} }

func (r *records) SetDeadline(t time.Time) error { return r.SetReadDeadline(t) }

// SetReadDeadline knows deadlines in the past and none: pion sets no others.
func (r *records) SetReadDeadline(t time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.late = !t.IsZero() && !t.After(time.Now())
	r.wake.Broadcast()
	return nil
}

func (r *records) SetWriteDeadline(time.Time) error { return nil }

// clientAddr is the address of the other end of an association: it does not matter, and changes.
type clientAddr struct{}

func (clientAddr) Network() string { return "ice" }
func (clientAddr) String() string  { return "client" }
