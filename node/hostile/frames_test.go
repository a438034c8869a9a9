package hostile

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// upgraded returns a connection on which WebSocket frames can be written by hand.
func (n *served) upgraded(t *testing.T, path, protocol string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c := dial(t, n.http)
	if protocol != "" {
		protocol = "Sec-WebSocket-Protocol: " + protocol + "\r\n"
	}
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+protocol+"\r\n"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("upgrade: %v, %v", resp, err)
	}
	return c, r
}

// frame returns a WebSocket frame, masked with zeros.
func frame(head byte, payload string) string {
	length := []byte{0x80 | byte(min(len(payload), 126))}
	if len(payload) > 125 {
		length = binary.BigEndian.AppendUint16(length, uint16(len(payload)))
	}
	return string([]byte{head}) + string(length) + "\x00\x00\x00\x00" + payload
}

const (
	text         = 0x81
	continuation = 0x00
)

// TestFrames: frames that RFC 6455 forbids close the socket.
func TestFrames(t *testing.T) {
	t.Parallel()
	n := serve(t)
	for name, frames := range map[string]string{
		"not masked":           string([]byte{text, 5}) + "hello",
		"reserved bit":         frame(text|0x40, open),
		"reserved opcode":      frame(0x83, "x"),
		"reserved control":     frame(0x8b, "x"),
		"control in fragments": frame(0x09, "x"),
		"large control":        frame(0x89, strings.Repeat("x", 126)),
		"nothing to continue":  frame(0x80|continuation, "x"),
		"text inside text":     frame(0x01, "<a") + frame(text, open),
		"negative length":      string([]byte{text, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}),
		"endless length":       string([]byte{text, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}) + strings.Repeat("x", 300<<10),
		"endless fragments":    frame(0x01, "<a>") + strings.Repeat(frame(continuation, strings.Repeat("x", 1000)), 300),
		"close of one byte":    frame(0x88, "x"),
		"close with nonsense":  frame(0x88, "\x00\x01\xff\xfe"),
	} {
		t.Run(name, func(t *testing.T) {
			c, r := n.upgraded(t, "/xmpp-websocket", "xmpp")
			go func() { _, _ = io.WriteString(c, frames) }()
			if _, err := r.ReadByte(); err == nil {
				rest(t, c)
			}
		})
	}
	n.works()
}

// TestFragments: a message in pieces, with pings between them, is one message.
func TestFragments(t *testing.T) {
	t.Parallel()
	n := serve(t)
	c, r := n.upgraded(t, "/xmpp-websocket", "xmpp")
	pieces := frame(0x01, open[:1]) + frame(0x89, "ping") + frame(continuation, "") + frame(continuation, open[1:20]) + frame(0x89, "") + frame(0x80|continuation, open[20:])
	if _, err := io.WriteString(c, pieces); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for !strings.Contains(said.String(), "mechanism") {
		b, err := r.ReadByte()
		if err != nil {
			t.Fatalf("it said %q, then %v", said.String(), err)
		}
		said.WriteByte(b)
	}
}
