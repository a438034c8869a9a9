package load

import (
	"context"
	"fmt"
	"time"
)

// Writer takes RTP packets in clear: a participant's transport.
type Writer interface {
	WriteRTP(packet []byte) error
}

const (
	publishStep = 10 * time.Millisecond
	// publishLate is how much of the plan is made up for in one burst. What is later was never sent: a burst of it would
	// be cheaper for the server than the traffic it stands for.
	publishLate = 50 * time.Millisecond
)

// Publish sends what p makes in real time until ctx ends or w fails. A receive from keyframes asks for a key frame; sent
// is called with the stamp of each packet before it is written.
func Publish(ctx context.Context, p *Publisher, w Writer, keyframes <-chan struct{}, sent func(at time.Time)) error {
	ticker := time.NewTicker(publishStep)
	defer ticker.Stop()
	start := time.Now()
	last := start
	var frames, audio int
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-keyframes:
			p.RequestKeyframe()
			continue
		case <-ticker.C:
		}
		now := time.Now()
		if late := now.Sub(last); late > publishLate {
			start = start.Add(late - publishLate)
		}
		last = now
		elapsed := now.Sub(start)
		for ; frames < int(elapsed*FramesPerSecond/time.Second); frames++ {
			for _, packet := range p.Frame(now) {
				sent(now)
				if err := w.WriteRTP(packet); err != nil {
					return fmt.Errorf("publish: %w", err)
				}
			}
		}
		for ; audio < int(elapsed*OpusPerSecond/time.Second); audio++ {
			sent(now)
			if err := w.WriteRTP(p.Opus(now)); err != nil {
				return fmt.Errorf("publish: %w", err)
			}
		}
	}
}
