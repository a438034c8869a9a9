package link

import (
	"context"
	"errors"
	"time"

	"github.com/quic-go/quic-go"
)

// carrier moves media datagrams over a media connection, one way.
type carrier interface {
	// send takes a datagram when there is room for it. An error of [errTooLarge] concerns this one alone.
	send(ctx context.Context, datagram []byte) error
	// receive returns the next datagram. It is called in a loop and must not be left alone: what is not taken at once is lost.
	receive(ctx context.Context) ([]byte, error)
	// context ends with the connection.
	context() context.Context
	close(code quic.ApplicationErrorCode, reason string)
}

var errTooLarge = errors.New("too large for the path")

const (
	ahead      = 10 << 10 // bytes that quic-go may have and not have sent
	lookAgain  = 2 * time.Millisecond
	perPacket  = 22 // what a packet costs at least: header and tag
	perPayload = 3  // and what a datagram costs in it
)

// datagrams is the plain carrier: each datagram in a DATAGRAM frame. quic-go queues 32 of them, more than a link with little
// rate should hold, so what is inside is estimated from the bytes that it has sent.
type datagrams struct {
	conn  *quic.Conn
	given int64 // bytes given to quic-go, less those it has sent
	timer *time.Timer
}

func newDatagrams(conn *quic.Conn) *datagrams { return &datagrams{conn: conn} }

// inside returns how many bytes quic-go has not sent yet. Estimates err to the low side, and are right again each time it has
// sent everything.
func (d *datagrams) inside() int64 {
	s := d.conn.ConnectionStats()
	sent := int64(s.BytesSent) - perPacket*int64(s.PacketsSent)
	if d.given < sent {
		d.given = sent
	}
	return d.given - sent
}

func (d *datagrams) send(ctx context.Context, datagram []byte) error {
	for d.inside() > ahead {
		if d.timer == nil {
			d.timer = time.NewTimer(lookAgain)
		} else {
			d.timer.Reset(lookAgain)
		}
		select {
		case <-d.timer.C:
		case <-ctx.Done():
			d.timer.Stop()
			return context.Cause(ctx)
		}
	}
	err := d.conn.SendDatagram(datagram)
	var large *quic.DatagramTooLargeError
	if errors.As(err, &large) {
		return errTooLarge
	}
	d.given += int64(len(datagram) + perPayload)
	return err
}

func (d *datagrams) receive(ctx context.Context) ([]byte, error) { return d.conn.ReceiveDatagram(ctx) }

func (d *datagrams) context() context.Context { return d.conn.Context() }

func (d *datagrams) close(code quic.ApplicationErrorCode, reason string) {
	_ = d.conn.CloseWithError(code, reason)
}
