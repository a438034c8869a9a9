package bridge

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// leaving is the connection of a client that said good-bye a moment ago: nothing can be written any more, and the reader learns why
// a second later.
type leaving struct{ said chan struct{} }

func (l leaving) read() (bool, []byte, error) {
	<-l.said
	time.Sleep(time.Second)
	return false, nil, websocket.CloseError{Code: StatusGoingAway}
}

func (l leaving) fail() error {
	select {
	case <-l.said:
	default:
		close(l.said)
	}
	return fmt.Errorf("the library says: %w", net.ErrClosed)
}

func (l leaving) write(context.Context, []byte) error { return l.fail() }
func (l leaving) ping(context.Context) error          { return l.fail() }
func (leaving) close(Status, string)                  {}
func (leaving) cut()                                  {}

// TestFarewellIsWhyItEnded: what is just being written to a client that leaves is not.
func TestFarewellIsWhyItEnded(t *testing.T) {
	for name, begin := range map[string]func(*Channel){
		"a ping":    func(*Channel) {},
		"a message": func(c *Channel) { c.SendEncoded([]byte("{}")) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var broken atomic.Uint64
				h := &ended{}
				c := newChannel(leaving{make(chan struct{})}, h, &broken)
				c.open()
				begin(c)
				c.run()
				if code := websocket.CloseStatus(h.err); code != StatusGoingAway {
					t.Errorf("it ended with %v", h.err)
				}
			})
		})
	}
}

// ended is a Handler that remembers the end.
type ended struct{ err error }

func (*ended) Opened(*Channel)                {}
func (*ended) Message(*Channel, Message)      {}
func (e *ended) Closed(_ *Channel, err error) { e.err = err }
