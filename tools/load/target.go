package load

import (
	"context"
	"fmt"
	"slices"

	"github.com/pion/rtcp"

	"github.com/atoll-mesh/atoll/tools/load/participant"
	"github.com/atoll-mesh/atoll/tools/load/plain"
)

// Target is one server under measurement: who publishes into it, who receives, and which process pays.
type Target struct {
	Name string
	PID  int

	source    *Publisher
	publisher Writer
	keyframes chan struct{}
	receivers []*Receiver
	sinks     []*participant.Transport // of the receivers, in their order
	close     []func()
}

func newTarget(name string, pid int, source *Publisher) *Target {
	return &Target{Name: name, PID: pid, source: source, keyframes: make(chan struct{}, 1)}
}

// JoinNode puts one publisher and n receivers into a room of the node whose XMPP WebSocket is at url. It returns once
// the media of all is connected. On an error what has joined is closed.
func JoinNode(ctx context.Context, name, url, domain string, pid, n int) (*Target, error) {
	t := newTarget(name, pid, NewPublisher(1001, 1002, 1))
	if err := t.joinNode(ctx, url, domain, n); err != nil {
		t.Close()
		return nil, fmt.Errorf("join %s: %w", name, err)
	}
	return t, nil
}

func (t *Target) joinNode(ctx context.Context, url, domain string, n int) error {
	var all []*participant.Participant
	for i := range n + 1 {
		cfg := participant.Config{URL: url, Domain: domain, Room: "load", Name: fmt.Sprintf("p%d", i)}
		if i == 0 {
			cfg.SSRCs = participant.SSRCs{Audio: t.source.Audio, Video: []uint32{t.source.Video}, RTX: []uint32{t.source.Video + 1}}
			cfg.OnRTCP = t.feedback
		} else {
			cfg.OnRTP = t.receiver().RTP
		}
		p, err := participant.Join(ctx, cfg)
		if err != nil {
			return fmt.Errorf("participant %d: %w", i, err)
		}
		t.close = append(t.close, p.Leave)
		all = append(all, p)
	}
	for i, p := range all {
		if err := p.AwaitMedia(ctx); err != nil {
			return fmt.Errorf("participant %d: %w", i, err)
		}
		t.connected(i, p.Transport())
	}
	return nil
}

// JoinPlain puts one publisher and n receivers into the control server at url, as JoinNode does into a node.
func JoinPlain(ctx context.Context, name, url string, pid, n int) (*Target, error) {
	t := newTarget(name, pid, NewPublisher(2001, 2002, 1))
	if err := t.joinPlain(ctx, url, n); err != nil {
		t.Close()
		return nil, fmt.Errorf("join %s: %w", name, err)
	}
	return t, nil
}

func (t *Target) joinPlain(ctx context.Context, url string, n int) error {
	for i := range n + 1 {
		cfg := plain.Config{URL: url}
		if i == 0 {
			cfg.SSRCs = &participant.SSRCs{Audio: t.source.Audio, Video: []uint32{t.source.Video}}
			cfg.OnRTCP = t.feedback
		} else {
			cfg.OnRTP = t.receiver().RTP
		}
		transport, err := plain.Join(ctx, cfg)
		if err != nil {
			return fmt.Errorf("peer %d: %w", i, err)
		}
		t.close = append(t.close, func() { transport.Close(true) })
		t.connected(i, transport)
	}
	return nil
}

func (t *Target) connected(i int, transport *participant.Transport) {
	if i == 0 {
		t.publisher = transport
		return
	}
	t.sinks = append(t.sinks, transport)
}

func (t *Target) receiver() *Receiver {
	r := NewReceiver()
	t.receivers = append(t.receivers, r)
	return r
}

// Close lets everybody leave.
func (t *Target) Close() {
	for _, c := range slices.Backward(t.close) {
		c()
	}
	t.close = nil
}

// feedback hands key frame requests to whoever publishes.
func (t *Target) feedback(compound []byte) { wantKeyframe(compound, t.keyframes) }

func wantKeyframe(compound []byte, keyframes chan<- struct{}) {
	packets, err := rtcp.Unmarshal(compound)
	if err != nil {
		return
	}
	for _, p := range packets {
		switch p.(type) {
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			select {
			case keyframes <- struct{}{}:
			default:
			}
		}
	}
}

// report sends receiver i's report. A client whose socket is gone shows in what it receives.
func (t *Target) report(i int) {
	if raw := t.receivers[i].Report(); raw != nil {
		_ = t.sinks[i].WriteRTCP(raw)
	}
}
