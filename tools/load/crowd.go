package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"

	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// Crowd fills a room of a running node.
type Crowd struct {
	URL, Domain, Room string
	Participants      int
	Senders           int // the first of them send audio and video
	Stay              time.Duration
	Out               io.Writer // gets what happens, and once a second what is received
}

// joinTime bounds each join.
const joinTime = time.Minute

// member is one of a crowd.
type member struct {
	*participant.Participant
	source    *Publisher // nil for one that watches
	receiver  *Receiver
	keyframes chan struct{}
}

// Fill joins everybody, lets the senders send for as long as the crowd stays, and leaves.
func Fill(ctx context.Context, c Crowd) error {
	if c.Participants < 1 || c.Senders < 0 || c.Senders > c.Participants || c.Stay <= 0 {
		return errors.New("at least one participant, no more senders than participants and a time to stay are needed")
	}
	var members []*member
	defer func() {
		for _, m := range members {
			m.Leave()
		}
	}()
	for i := range c.Participants {
		m, err := c.join(ctx, i)
		if err != nil {
			return fmt.Errorf("participant %d: %w", i, err)
		}
		members = append(members, m)
	}
	_, _ = fmt.Fprintf(c.Out, "%d joined %s\n", len(members), c.Room)
	ctx, cancel := context.WithTimeout(ctx, c.Stay)
	defer cancel()
	var sending sync.WaitGroup
	defer sending.Wait()
	var sent atomic.Int64
	for _, m := range members {
		sending.Go(func() {
			if err := m.send(ctx, &sent); err != nil {
				_, _ = fmt.Fprintf(c.Out, "%s: %v\n", m.Endpoint(), err)
			}
		})
	}
	c.tell(ctx, members, &sent)
	return nil
}

func (c Crowd) join(ctx context.Context, i int) (*member, error) {
	m := &member{receiver: NewReceiver(), keyframes: make(chan struct{}, 1)}
	cfg := participant.Config{URL: c.URL, Domain: c.Domain, Room: c.Room, Name: fmt.Sprintf("load %d", i), OnRTP: m.receiver.RTP}
	if i < c.Senders {
		ssrc := uint32(1000 * (i + 1))
		m.source = NewPublisher(ssrc, ssrc+1, 1)
		cfg.SSRCs = participant.SSRCs{Audio: ssrc, Video: []uint32{ssrc + 1}, RTX: []uint32{ssrc + 2}}
		cfg.OnRTCP = func(compound []byte) { wantKeyframe(compound, m.keyframes) }
	}
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	var err error
	m.Participant, err = participant.Join(ctx, cfg)
	return m, err
}

// send publishes, and reports what is received, once media is connected.
func (m *member) send(ctx context.Context, sent *atomic.Int64) error {
	if err := m.AwaitMedia(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // alone for the whole stay: there is no media
		}
		return err
	}
	transport := m.Transport()
	if m.source != nil {
		var publishing sync.WaitGroup
		defer publishing.Wait()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		publishing.Go(func() {
			_ = Publish(ctx, m.source, transport, m.keyframes, func(time.Time) { sent.Add(1) })
		})
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if raw := m.receiver.Report(); raw != nil {
				if err := transport.WriteRTCP(raw); err != nil {
					return err
				}
			}
		case <-ctx.Done():
			return nil
		}
	}
}

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

func (c Crowd) tell(ctx context.Context, members []*member, sent *atomic.Int64) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		var sum Tally
		for _, m := range members {
			t := m.receiver.Tally()
			sum.Packets += t.Packets
			sum.Lost += t.Lost
			sum.Late += t.Late
			sum.Streams += t.Streams
		}
		_, _ = fmt.Fprintf(c.Out, "sent %d, received %d on %d streams, lost %d, late %d\n", sent.Load(), sum.Packets, sum.Streams, sum.Lost, sum.Late)
	}
}
