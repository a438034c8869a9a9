package plain

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Serve runs a server until ctx ends: signalling on the TCP address, media on a free UDP port of the same host, with pion's
// default interceptors or without any. The first line it writes to out is its URL.
func Serve(ctx context.Context, address string, interceptors bool, out io.Writer) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	at, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return fmt.Errorf("listen on %s: it is no tcp address", listener.Addr())
	}
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: at.IP})
	if err != nil {
		_ = listener.Close()
		return fmt.Errorf("listen for media: %w", err)
	}
	server, err := NewServer(socket, interceptors)
	if err != nil {
		_ = listener.Close()
		_ = socket.Close()
		return err
	}
	defer server.Close()
	signalling := &http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = signalling.Close() })()
	if _, err := fmt.Fprintf(out, "http://%s\n", at); err != nil {
		_ = listener.Close()
		return err
	}
	if err := signalling.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}
