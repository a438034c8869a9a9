package bridge

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// raw opens a channel of which the test writes every byte itself.
func (b *bed) raw() net.Conn {
	b.t.Helper()
	conn, err := b.pipes.dial(b.t.Context(), "", "")
	if err != nil {
		b.t.Fatal(err)
	}
	_, err = fmt.Fprint(conn, "GET /colibri-ws/node/conf/0123abcd?pwd=secret HTTP/1.1\r\nHost: node.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		b.t.Fatal(resp, err)
	}
	return conn
}

// TestStalledClose: a channel that is to end ends within ten seconds, also when its client is in the middle of a message and
// sends no more of it.
func TestStalledClose(t *testing.T) {
	endless := append(binary.BigEndian.AppendUint64([]byte{0x81, 0x80 | 127}, 1<<40), 0, 0, 0, 0) // text, masked with zeros
	for name, c := range map[string]struct {
		before, after []byte // we close
		broken        uint64
	}{
		"too big":           {append(slices.Clone(endless), make([]byte, MaxMessage+5000)...), nil, 1},
		"when it is closed": {nil, endless, 0},
		"in a message":      {[]byte{0x81, 0x80 | 125, 0, 0, 0, 0, 'x'}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t)
				conn := b.raw()
				defer conn.Close()
				defer b.close() // does not wait for the client
				synctest.Wait()
				begun, ended := time.Now(), make(chan struct{})
				go func() {
					_, _ = io.Copy(io.Discard, conn)
					close(ended)
				}()
				if _, err := conn.Write(c.before); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				b.rec.channel.Close(StatusNormal, "")
				if _, err := conn.Write(c.after); err != nil {
					t.Fatal(err)
				}
				<-ended
				if took := time.Since(begun); took > closeTimeout {
					t.Errorf("closed after %v", took)
				}
				synctest.Wait()
				if got := b.rec.seen(); len(got) != 2 || !strings.HasPrefix(got[1], "closed: ") {
					t.Error(got)
				}
				if got := b.bridge.Stats().Broken; got != c.broken {
					t.Errorf("%d broken, want %d", got, c.broken)
				}
			})
		})
	}
}
