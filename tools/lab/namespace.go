//go:build linux

package lab

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

const namespaces = "/run/netns"

// Namespace is one host of the lab: a network namespace with one address of each family, or of IPv6 alone.
type Namespace struct {
	Name string // as ip netns knows it
	lab  *Lab
	v4   netip.Addr
	v6   netip.Addr
}

// Addr returns the host's IPv4 address. A router has none, nor has a client of a region that is IPv6 only.
func (n *Namespace) Addr() netip.Addr { return n.v4 }

// Addr6 returns the host's IPv6 address. A router has none.
func (n *Namespace) Addr6() netip.Addr { return n.v6 }

// Do runs f on a thread that is inside the namespace. Sockets that f opens stay there; goroutines that f starts do not run there.
func (n *Namespace) Do(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			result <- fmt.Errorf("open own network namespace: %w", err)
			return
		}
		defer home.Close()
		away, err := os.Open(filepath.Join(namespaces, n.Name))
		if err != nil {
			result <- fmt.Errorf("open network namespace: %w", err)
			return
		}
		defer away.Close()
		if err := unix.Setns(int(away.Fd()), unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("enter network namespace %s: %w", n.Name, err)
			return
		}
		err = f()
		// A thread that cannot return stays locked and ends with this goroutine.
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		result <- err
	}()
	return <-result
}

// Listen opens a TCP listener inside the namespace.
func (n *Namespace) Listen(address string) (listener net.Listener, err error) {
	err = n.Do(func() error {
		listener, err = net.Listen("tcp", address)
		return err
	})
	return listener, err
}

// ListenPacket opens a UDP socket inside the namespace.
func (n *Namespace) ListenPacket(address string) (socket net.PacketConn, err error) {
	err = n.Do(func() error {
		socket, err = net.ListenPacket("udp", address)
		return err
	})
	return socket, err
}

// Dial connects from inside the namespace. The host of address must be an IP address.
func (n *Namespace) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = n.Do(func() error {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// HTTP returns a client whose connections start inside the namespace. It follows no redirects and keeps nothing alive.
func (n *Namespace) HTTP() *http.Client {
	return &http.Client{
		Timeout:       10 * time.Second,
		Transport:     &http.Transport{DialContext: n.Dial, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Get fetches a URL from inside the namespace and returns the body of a 200 answer.
func (n *Namespace) Get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", url, err)
	}
	response, err := n.HTTP().Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", url, err)
	}
	if response.StatusCode != http.StatusOK {
		return body, fmt.Errorf("get %s: %s", url, response.Status)
	}
	return body, nil
}
