// Package reach finds out whether one node can reach the ports of another: a node cannot see its own firewall. The one that asks
// sends a [Task] as a question of cascade/member, the one that is asked tries each port from sockets of its own and says how it went.
//
//	asker ──Task{From, Probes}──▶ asked ──tries──▶ ports of the asker
//	      ◀──────Done{Results}───
//
// A probe is of a kind:
//
//	tcp     a connection can be made
//	stun    a STUN binding request by UDP is answered (TURN)
//	ice     the same with the name and password of an ICE path that the asker made for it (media)
//	dns     the domain's SOA is answered with authority, by UDP
//	gossip  gossip by UDP is answered
//	link    heartbeats go both ways
//
// The first four come from a port that the asker never sent to, so that no firewall lets them pass as answers. The last two come
// from the port of the other's gossip and links: they say that the nodes can talk, not that a third one could.
//
// Only addresses of the asker are tried: the one that its question came from, and those that it says of itself in gossip.
package reach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pion/stun/v4"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/geo/dns"
	"github.com/atoll-mesh/atoll/geo/dns/zone"
)

// Kind is what a probe does.
type Kind string

// The kinds of probes.
const (
	TCP    Kind = "tcp"
	STUN   Kind = "stun"
	ICE    Kind = "ice"
	DNS    Kind = "dns"
	Gossip Kind = "gossip"
	Link   Kind = "link"
)

const (
	mostProbes = 16
	probeTime  = 4 * time.Second
)

// resend is when a datagram is sent again, after the first.
var resend = []time.Duration{500 * time.Millisecond, time.Second, 1500 * time.Millisecond}

// Probe is one port to try.
type Probe struct {
	Kind  Kind           `json:"kind"`
	Addr  netip.AddrPort `json:"addr"`
	Ufrag string         `json:"ufrag,omitempty"` // of ICE
	Pwd   string         `json:"pwd,omitempty"`
	Name  string         `json:"name,omitempty"` // of DNS: the domain
}

// Task is what a node asks for.
type Task struct {
	From   identity.Name `json:"from"`
	Probes []Probe       `json:"probes"`
}

// Result is how a probe went: "" when it was answered.
type Result struct {
	Error string `json:"error,omitempty"`
}

// Done is the answer to a task: a result for each probe.
type Done struct {
	Results []Result `json:"results"`
}

// Cluster is what the node that is asked knows of the one that asks.
type Cluster interface {
	// Addresses are those that a member says of itself.
	Addresses(name identity.Name) []netip.Addr
	// Gossips asks a member by UDP gossip, and reports whether it answered.
	Gossips(name identity.Name) bool
	// Hears reports whether heartbeats go both ways.
	Hears(name identity.Name) bool
}

// Do does a task that came from an address, and returns the answer.
func Do(ctx context.Context, cluster Cluster, from netip.Addr, task []byte) []byte {
	var t Task
	if err := json.Unmarshal(task, &t); err != nil || len(t.Probes) > mostProbes {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	theirs := append(cluster.Addresses(t.From), from)
	done := Done{Results: make([]Result, len(t.Probes))}
	var wait sync.WaitGroup
	for i, p := range t.Probes {
		if !p.Addr.IsValid() || !slices.Contains(theirs, p.Addr.Addr().Unmap()) {
			done.Results[i].Error = "not an address of who asks"
			continue
		}
		wait.Go(func() {
			if err := try(ctx, cluster, t.From, p); err != nil {
				done.Results[i].Error = err.Error()
			}
		})
	}
	wait.Wait()
	answer, _ := json.Marshal(done) // strings can be written
	return answer
}

func try(ctx context.Context, cluster Cluster, from identity.Name, p Probe) error {
	switch p.Kind {
	case TCP:
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", p.Addr.String())
		if err != nil {
			return reason(err)
		}
		return conn.Close()
	case STUN:
		return binding(ctx, p.Addr)
	case ICE:
		return binding(ctx, p.Addr, stun.NewUsername(p.Ufrag+":probe"), priority{}, stun.NewShortTermIntegrity(p.Pwd))
	case DNS:
		reply, err := dns.Ask(ctx, "udp", p.Addr, p.Name, zone.TypeSOA)
		switch {
		case err != nil:
			return reason(err)
		case !reply.Authoritative:
			return fmt.Errorf("somebody else answers for %s", p.Name)
		}
		return nil
	case Gossip:
		if !cluster.Gossips(from) {
			return errors.New("no answer")
		}
		return nil
	case Link:
		if !cluster.Hears(from) {
			return errors.New("no heartbeats")
		}
		return nil
	}
	return fmt.Errorf("no probe of kind %.16q is known here", string(p.Kind))
}

// reason returns what an operator can use of a network's error.
func reason(err error) error {
	var late net.Error
	if errors.As(err, &late) && late.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer")
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// priority is the attribute that every check of ICE has (RFC 8445 7.1.1).
type priority struct{}

// AddTo adds the attribute.
func (priority) AddTo(m *stun.Message) error {
	m.Add(stun.AttrPriority, []byte{110, 255, 255, 255})
	return nil
}

// binding sends a binding request until one is answered.
func binding(ctx context.Context, to netip.AddrPort, more ...stun.Setter) error {
	request, err := stun.Build(append(append([]stun.Setter{stun.TransactionID, stun.BindingRequest}, more...), stun.Fingerprint)...)
	if err != nil {
		return err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", to.String())
	if err != nil {
		return reason(err)
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	_ = conn.SetReadDeadline(deadline)
	stop := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() {
		for _, pause := range resend {
			_, _ = conn.Write(request.Raw) // what is refused is found by the reader
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
			case <-stop:
				timer.Stop()
				return
			}
		}
	})
	defer sending.Wait()
	defer close(stop)
	b := make([]byte, 1500)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return reason(err)
		}
		reply := &stun.Message{Raw: b[:n]}
		if reply.Decode() == nil && reply.TransactionID == request.TransactionID && reply.Type == stun.BindingSuccess {
			return nil
		}
	}
}
