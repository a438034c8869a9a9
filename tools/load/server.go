package load

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// startTime is how long a server may take until it serves.
const startTime = 20 * time.Second

// Node is a node under test: the real binary as a child process, with a data folder of its own.
type Node struct {
	URL    string // of the XMPP WebSocket
	Domain string
	Admin  string // http://host:port of the admin listener
	Media  string // host:port of the media port
	PID    int

	child *Process
	data  string
}

// StartNode runs the binary on free ports of loopback and returns once it is healthy.
func StartNode(ctx context.Context, binary string) (*Node, error) {
	return startNode(ctx, binary, "--mesh", "off")
}

func startNode(ctx context.Context, binary string, more ...string) (*Node, error) {
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	data, err := os.MkdirTemp("", "atoll-load-")
	if err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	n := &Node{URL: "ws://" + ports[0] + "/xmpp-websocket?room=load", Domain: "localhost", Admin: "http://" + ports[2], Media: ports[1], data: data}
	n.child, err = Spawn("node", nil, append([]string{
		binary, "run", "--http", ports[0], "--media", ports[1], "--admin", ports[2], "--mesh", "127.0.0.1:0", "--data", data, "--turn", "off", "--log", "warn",
	}, more...)...)
	if err != nil {
		_ = os.RemoveAll(data)
		return nil, err
	}
	n.PID = n.child.PID()
	if err := n.healthy(ctx); err != nil {
		_ = n.Stop()
		return nil, err
	}
	return n, nil
}

func (n *Node) healthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		_, err := n.Get(ctx, "/about/health")
		if err == nil {
			return nil
		}
		select {
		case <-n.child.ended:
			return n.child.Failure()
		case <-ctx.Done():
			return fmt.Errorf("wait for the node: %w\n%s", err, n.child.tail.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Get fetches a path of the admin listener over a connection of its own, which leaves nothing behind in the node.
func (n *Node) Get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.Admin+path, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("get %s: %s: %.200s", path, resp.Status, body)
	}
	return body, err
}

// Log returns the last that the node said.
func (n *Node) Log() string { return n.child.tail.String() }

// Stop ends the node and removes its data. An error says that it did not end by itself.
func (n *Node) Stop() error {
	err := n.child.Stop()
	if remove := os.RemoveAll(n.data); err == nil {
		err = remove
	}
	return err
}

// StartControl runs the control server by the given command line and returns its URL.
func StartControl(ctx context.Context, argv []string) (*Process, string, error) {
	first := make(chan string, 1)
	c, err := Spawn("control server", first, argv...)
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	select {
	case url := <-first:
		return c, url, nil
	case <-c.ended:
		return nil, "", c.Failure()
	case <-ctx.Done():
		_ = c.Stop()
		return nil, "", fmt.Errorf("wait for the control server: %w\n%s", ctx.Err(), c.tail.String())
	}
}

// freePorts returns n addresses of loopback whose ports are free for TCP and UDP now.
func freePorts(n int) ([]string, error) {
	var out []string
	for len(out) < n {
		tcp, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = tcp.Close() }()
		address := tcp.Addr().String()
		udp, err := net.ListenPacket("udp4", address)
		if err != nil {
			continue
		}
		_ = udp.Close()
		out = append(out, address)
	}
	return out, nil
}
