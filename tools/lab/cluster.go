//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Cluster is nodes of one program that share a secret, each the first node of a region.
type Cluster struct {
	Members []*Member // in the order of their first start
	lab     *Lab
	program string
	secret  string // path of the file
}

// Member is one node of a cluster.
type Member struct {
	Region  string
	Name    string // that it gave itself
	Process *Process
	host    *Namespace
	argv    []string
}

const (
	webPort  = 8080
	meshPort = 7946
	// startTime is how long a node may take until it serves.
	startTime = 20 * time.Second
)

// Cluster makes a secret for nodes of a program. None runs yet.
func (l *Lab) Cluster(program string) (*Cluster, error) {
	secret, err := exec.Command(program, "secret").Output()
	if err != nil {
		return nil, fmt.Errorf("make a cluster secret: %w", err)
	}
	c := &Cluster{lab: l, program: program, secret: filepath.Join(l.Folder("cluster"), "secret")}
	if err := os.WriteFile(c.secret, secret, 0o600); err != nil {
		return nil, fmt.Errorf("keep the cluster secret: %w", err)
	}
	return c, nil
}

// Start runs a node in a region and returns once it serves. The first one founds the cluster, the others are told its address and
// the secret, and nothing else.
func (c *Cluster) Start(region string, flags ...string) (*Member, error) {
	m := &Member{Region: region, host: c.lab.Node(region)}
	m.argv = []string{
		c.program, "run", "--region", region, "--http", fmt.Sprintf(":%d", webPort), "--media", ":10000", "--mesh", fmt.Sprintf(":%d", meshPort),
		"--admin", "127.0.0.1:9090", "--turn", "off", "--advertise", m.host.Addr().String(),
		"--secret-file", c.secret, "--data", filepath.Join(c.lab.Folder("cluster"), region),
	}
	if len(c.Members) > 0 {
		m.argv = append(m.argv, "--join", fmt.Sprintf("%s:%d", c.Members[0].host.Addr(), meshPort))
	}
	m.argv = append(m.argv, flags...)
	if err := m.run(); err != nil {
		return nil, fmt.Errorf("start a node in %s: %w", region, err)
	}
	c.Members = append(c.Members, m)
	return m, nil
}

func (m *Member) run() (err error) {
	if m.Process, err = m.host.Start("atoll", m.argv...); err != nil {
		return err
	}
	return m.Process.Ready(startTime, func(ctx context.Context) error {
		status, err := m.Cluster(ctx)
		if err != nil {
			return err
		}
		if m.Name != "" && m.Name != status.Self {
			return fmt.Errorf("calls itself %s, was %s before", status.Self, m.Name)
		}
		m.Name = status.Self
		return nil
	})
}

// Kill ends a node as a crash would. Its data stays.
func (m *Member) Kill() { m.Process.Kill() }

// Restart runs a node that was killed with the same flags and data.
func (m *Member) Restart() error {
	select {
	case <-m.Process.Exited():
	default:
		return errors.New("the node runs")
	}
	if err := m.run(); err != nil {
		return fmt.Errorf("start the node in %s again: %w", m.Region, err)
	}
	return nil
}

// Origin is where a node's page is.
func (m *Member) Origin() string { return Origin(m.host) }

// Origin is where the page of a cluster's node on a host is, also before that node runs.
func Origin(host *Namespace) string { return fmt.Sprintf("http://%s:%d", host.Addr(), webPort) }

// Member returns the node of a region. It panics when none was started there.
func (c *Cluster) Member(region string) *Member {
	for _, m := range c.Members {
		if m.Region == region {
			return m
		}
	}
	panic(fmt.Sprintf("no node was started in %q", region))
}

// Region returns where the node of a name is, "" for a name of nobody.
func (c *Cluster) Region(name string) string {
	for _, m := range c.Members {
		if m.Name == name {
			return m.Region
		}
	}
	return ""
}

// Await waits until the cluster is [Cluster.Whole].
func (c *Cluster) Await(ctx context.Context, patience time.Duration) error {
	return Eventually(ctx, patience, c.Whole)
}

// Whole says what is missing until every node says that all are alive and nobody else is.
func (c *Cluster) Whole(ctx context.Context) error {
	var errs []error
	for _, m := range c.Members {
		status, err := m.Cluster(ctx)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		alive := map[string]bool{}
		for _, other := range status.Members {
			if other.State == "alive" {
				alive[other.Name] = true
			}
		}
		for _, other := range c.Members {
			if !alive[other.Name] {
				errs = append(errs, fmt.Errorf("%s does not believe that %s is alive", m.Region, other.Region))
			}
			delete(alive, other.Name)
		}
		for name := range alive {
			errs = append(errs, fmt.Errorf("%s believes that %s, of nobody, is alive", m.Region, name))
		}
	}
	return errors.Join(errs...)
}

// Divide cuts every link between a region of one side and one of the other.
func (l *Lab) Divide(one, other []string) error { return each(one, other, l.Partition) }

// Unite joins the two sides again.
func (l *Lab) Unite(one, other []string) error { return each(one, other, l.Heal) }

func each(one, other []string, do func(a, b string) error) error {
	var errs []error
	for _, a := range one {
		for _, b := range other {
			errs = append(errs, do(a, b))
		}
	}
	return errors.Join(errs...)
}
