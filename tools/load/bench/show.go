package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pion/rtcp"
)

// late is how much of the plan is made up for in one burst. What is later was never sent: a burst of it would be cheaper for the
// server than the traffic it stands for.
const late = 50 * time.Millisecond

// writer takes RTP packets in clear.
type writer interface {
	WriteRTP(packet []byte) error
}

// performer is one publisher: what it sends, when and where to.
type performer struct {
	to        writer
	plan      plan
	cameras   []camera
	voice     microphone
	listeners int // that get the highest encoding and the voice
	phase     time.Duration
	begun     bool

	mu        sync.Mutex
	wanted    bool // a key frame
	transport uint16
	next      int           // shot
	round     time.Duration // when the present round of the plan began
	since     time.Duration // how long was sent before the plan began anew
	frame     time.Duration // when the present frame was due, of all that was sent
	key       bool          // the present round of frames is one of key frames
	sound     time.Duration // when the next sound is due
	buf       []byte
}

// newPerformer returns the k-th of n publishers, with the payload type of its video. Without shots in the plan it has a voice alone.
func newPerformer(k, n int, p plan, payload uint8, audio uint32, video []uint32) *performer {
	f := &performer{plan: p, phase: time.Duration(k) * 100 * time.Millisecond / time.Duration(max(1, n)), voice: microphone{ssrc: audio, seq: 1}}
	for i, ssrc := range video {
		f.cameras = append(f.cameras, camera{ssrc: ssrc, codec: p.codec, payload: payload, seq: 1, lines: uint16(720 >> (len(video) - 1 - i))})
	}
	f.wanted = true
	return f
}

// feedback takes RTCP from the server.
func (f *performer) feedback(compound []byte) {
	packets, err := rtcp.Unmarshal(compound)
	if err != nil {
		return
	}
	for _, p := range packets {
		switch p.(type) {
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			f.mu.Lock()
			f.wanted = true
			f.mu.Unlock()
		}
	}
}

// due returns when the next packet is to be sent.
func (f *performer) due() time.Duration {
	if len(f.plan.shots) > 0 {
		return min(f.sound, f.round+f.plan.shots[f.next].at)
	}
	return f.sound
}

// send sends all that is due at elapsed. It returns how many packets listeners should get, and how many it sent.
func (f *performer) send(elapsed time.Duration, now time.Time) (heard, sent int64, err error) {
	f.mu.Lock()
	wanted := f.wanted
	f.mu.Unlock()
	for ; f.sound <= elapsed; f.sound += audioPeriod {
		f.buf = f.voice.packet(f.buf[:0], f.transport, now)
		if err := f.write(); err != nil {
			return heard, sent, err
		}
		sent++
		heard += int64(f.listeners)
	}
	for len(f.plan.shots) > 0 && f.round+f.plan.shots[f.next].at <= elapsed {
		s := f.plan.shots[f.next]
		if s.start {
			f.frame = f.since + f.round + s.at
			if s.encoding == 0 {
				f.key = wanted
				if wanted {
					f.mu.Lock()
					f.wanted = false
					f.mu.Unlock()
					wanted = false
				}
			}
			s.key = s.key || f.key
		}
		f.buf = f.cameras[s.encoding].packet(f.buf[:0], s, f.transport, f.frame, now)
		if err := f.write(); err != nil {
			return heard, sent, err
		}
		sent++
		if s.encoding == f.plan.encodings-1 {
			heard += int64(f.listeners)
		}
		if f.next++; f.next == len(f.plan.shots) {
			f.next = 0
			f.round += f.plan.length
		}
	}
	return heard, sent, nil
}

func (f *performer) write() error {
	f.transport++
	if err := f.to.WriteRTP(f.buf); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// show lets performers send in real time.
type show struct {
	performers []*performer

	mu      sync.Mutex
	from    time.Time // of the present span; zero when there is none
	heard   int64     // copies that listeners should get of what was sent in the span
	sent    int64
	slipped time.Duration // part of the plan in the span that was given up
}

// run sends until ctx ends or a send fails. The plan begins anew: all servers are shown the same part of it.
func (s *show) run(ctx context.Context) error {
	start := time.Now()
	for _, f := range s.cast() {
		f.begun = false
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		elapsed := time.Since(start)
		soonest := elapsed + time.Second
		cast := s.cast()
		for _, f := range cast {
			if !f.begun {
				f.begin(elapsed)
			}
			soonest = min(soonest, f.due())
		}
		if behind := elapsed - soonest; behind > late {
			start = start.Add(behind - late)
			elapsed -= behind - late
			s.mu.Lock()
			s.slipped += behind - late
			s.mu.Unlock()
		}
		soonest = elapsed + time.Second
		for _, f := range cast {
			if f.due() <= elapsed {
				if err := s.turn(f, elapsed); err != nil {
					return err
				}
			}
			soonest = min(soonest, f.due())
		}
		timer.Reset(min(10*time.Millisecond, max(0, soonest-time.Since(start)))) // somebody may come
	}
}

// turn is under the lock, so that what is stamped in the span is counted in it.
func (s *show) turn(f *performer, elapsed time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	heard, sent, err := f.send(elapsed, time.Now())
	if !s.from.IsZero() {
		s.heard += heard
		s.sent += sent
	}
	return err
}

// open begins a span.
func (s *show) open() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from, s.heard, s.sent, s.slipped = time.Now(), 0, 0, 0
	return s.from
}

// close ends the span: packets of it are those stamped before to.
func (s *show) close() (to time.Time, heard, sent int64, slipped time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from = time.Time{}
	return time.Now(), s.heard, s.sent, s.slipped
}

// add lets one more perform.
func (s *show) add(f *performer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.performers = append(s.performers, f)
}

// cast returns who performs now.
func (s *show) cast() []*performer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.performers
}

// begin makes the plan of one who comes later begin now. Publishers are not in step.
func (f *performer) begin(elapsed time.Duration) {
	f.begun, f.next, f.since = true, 0, f.frame
	f.round, f.sound = elapsed+f.phase, elapsed+f.phase
}
