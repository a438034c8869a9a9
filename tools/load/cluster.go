package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Cluster is nodes under test that share a secret: real processes on loopback.
type Cluster struct {
	Nodes  []*Node
	folder string
}

// StartCluster runs a binary n times, all joining the first, and returns once every node knows every other.
func StartCluster(ctx context.Context, binary string, n int) (*Cluster, error) {
	folder, err := os.MkdirTemp("", "atoll-cluster-")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	c := &Cluster{folder: folder}
	if err := c.start(ctx, binary, n); err != nil {
		return nil, errors.Join(fmt.Errorf("start cluster: %w", err), c.Stop())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, binary string, n int) error {
	secret, err := exec.CommandContext(ctx, binary, "secret").Output()
	if err != nil {
		return fmt.Errorf("make secret: %w", err)
	}
	file := filepath.Join(c.folder, "secret")
	if err := os.WriteFile(file, secret, 0o600); err != nil {
		return fmt.Errorf("keep secret: %w", err)
	}
	var seed string
	for k := range n {
		mesh, err := freePair()
		if err != nil {
			return err
		}
		args := []string{"--secret-file", file, "--mesh", mesh, "--region", fmt.Sprintf("r%d", k+1)}
		if seed == "" {
			seed = mesh
		} else {
			args = append(args, "--join", seed)
		}
		node, err := startNode(ctx, binary, args...)
		if err != nil {
			return fmt.Errorf("node %d: %w", k+1, err)
		}
		c.Nodes = append(c.Nodes, node)
	}
	return c.whole(ctx)
}

// whole waits until every node says that all are alive.
func (c *Cluster) whole(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for _, n := range c.Nodes {
		for {
			alive, err := n.alive(ctx)
			if err == nil && alive == len(c.Nodes) {
				break
			}
			select {
			case <-time.After(50 * time.Millisecond):
			case <-n.child.ended:
				return n.child.Failure()
			case <-ctx.Done():
				return fmt.Errorf("%s knows %d of %d members: %w\n%s", n.Admin, alive, len(c.Nodes), errors.Join(ctx.Err(), err), n.Log())
			}
		}
	}
	return nil
}

// alive returns how many members a node believes to be alive.
func (n *Node) alive(ctx context.Context) (alive int, err error) {
	raw, err := n.Get(ctx, "/api/v1/cluster")
	if err != nil {
		return 0, err
	}
	var cluster struct {
		Members []struct {
			State string `json:"state"`
		} `json:"members"`
	}
	if err := json.Unmarshal(raw, &cluster); err != nil {
		return 0, fmt.Errorf("read /api/v1/cluster: %w", err)
	}
	for _, m := range cluster.Members {
		if m.State == "alive" {
			alive++
		}
	}
	return alive, nil
}

// Stop ends all nodes and removes what they kept. An error says that one did not end by itself.
func (c *Cluster) Stop() error {
	var errs []error
	for _, n := range c.Nodes {
		errs = append(errs, n.Stop())
	}
	return errors.Join(append(errs, os.RemoveAll(c.folder))...)
}

// freePair returns an address of loopback whose port is free for TCP and UDP, and whose next port is for UDP.
func freePair() (string, error) {
	for range 100 {
		ports, err := freePorts(1)
		if err != nil {
			return "", err
		}
		address, err := net.ResolveUDPAddr("udp4", ports[0])
		if err != nil {
			return "", fmt.Errorf("find free ports: %w", err)
		}
		address.Port++
		next, err := net.ListenUDP("udp4", address)
		if err != nil {
			continue
		}
		return ports[0], next.Close()
	}
	return "", errors.New("find free ports: no two in a row")
}
