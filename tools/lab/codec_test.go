//go:build lab && linux

package lab_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
	"github.com/atoll-mesh/atoll/tools/lab/picture"
)

// TestCodecs sends 1280x720 between two Chromium in every codec, chosen by the page's link.
func TestCodecs(t *testing.T) {
	// Two tiles above each other, so large that the page asks for 720 lines. At 30 frames a second two encoders of that take all of two cores.
	camera := guest{
		media:  lab.Media{Format: picture.Format{Width: 1280, Height: 720, FPS: 20}, Screen: screenShown},
		window: lab.Window{Width: 880, Height: 1000},
	}
	for _, codec := range []string{"VP8", "VP9", "AV1", "H264"} {
		t.Run(codec, func(t *testing.T) {
			m := meet(t, []guest{camera, camera}, fmt.Sprintf("config.videoQuality.codecPreferenceOrder=[%%22%s%%22]", codec))
			// A sender that begins with a low estimate of the network begins small, and grows a step every ten seconds.
			for _, p := range m.pages {
				if err := p.Wait("[...document.querySelectorAll('[data-endpoint]:not([data-local]) video')].every((v) => v.videoHeight === 720)",
					45*time.Second); err != nil {
					t.Error(err)
				}
			}
			m.judged(6*time.Second, func(reports []lab.Report, share float64) complaints {
				wrong := m.meets(func(guest, guest) float64 { return 15 })(reports, share)
				for k, report := range reports {
					self := name(uint8(k + 1))
					for _, v := range report.Remote() {
						if s := v.Last; s.Codec != codec || s.Height != 720 {
							wrong.add("%s decodes %s with %d lines, want %s with 720", self, s.Codec, s.Height, codec)
						}
					}
					for _, s := range report.Stats[len(report.Stats)-1].Outbound {
						if s.Kind == "video" {
							t.Logf("%s sends %s %dx%d %s, active %v, limited by %s, encoder at %.0f kbit/s, network %.0f kbit/s, %d PLI, %d keyframes",
								self, s.Codec, s.Width, s.Height, s.Scalability, s.Active, s.Limitation, s.Target/1000, s.Room/1000, s.PLIs, s.KeyFrames)
						}
					}
				}
				return wrong
			})
			m.switches(8)
		})
	}
}

// switches makes the second guest look at the camera and the screen of the first in turn, through one slot: the SSRC stays, what
// it carries changes. No decoder may stumble.
func (m *meeting) switches(times int) {
	m.Helper()
	sender, receiver := m.pages[0], m.pages[1]
	const look = `(source) => {
		const wanted = (message) => ({ ...message, lastN: 1, selectedSources: [source], defaultConstraints: { maxHeight: 720 } });
		atollLab.outgoing = (text) =>
			text.includes('ReceiverVideoConstraints') ? JSON.stringify(wanted(JSON.parse(text))) : text;
		const channel = atollLab.sockets.find((s) => s.url.includes('/colibri-ws/') && s.readyState === 1);
		channel.send(JSON.stringify({ colibriClass: 'ReceiverVideoConstraints' }));
		return 1;
	}`
	var endpoint string
	if err := receiver.Eval("document.querySelector('[data-endpoint]:not([data-local])').dataset.endpoint", &endpoint); err != nil {
		m.Fatal(err)
	}
	sources := []string{endpoint + "-v0", endpoint + "-v1"}
	shown := []uint8{1, screenShown}
	see := func(which int) time.Duration {
		m.Helper()
		begun := time.Now()
		if err := receiver.Eval(fmt.Sprintf("(%s)(%q)", look, sources[which]), nil); err != nil {
			m.Fatal(err)
		}
		if err := lab.Eventually(m.Context(), 10*time.Second, func(context.Context) error {
			yes, err := receiver.Shows(shown[which])
			if err == nil && !yes {
				err = fmt.Errorf("%s is not seen", sources[which])
			}
			return err
		}); err != nil {
			m.Fatal(err)
		}
		return time.Since(begun)
	}
	see(0)
	if err := sender.Click("[data-testid=share]"); err != nil {
		m.Fatal(err)
	}
	if err := sender.Wait("document.querySelector('[data-testid=share]').ariaPressed === 'true'", 10*time.Second); err != nil {
		m.Fatal(err)
	}
	see(1)
	before := m.received(receiver)
	var took []time.Duration
	for k := range times {
		took = append(took, see(k%2))
		time.Sleep(200 * ms) // some pictures of it
	}
	after := m.received(receiver)
	slices.Sort(took)
	m.Logf("%d switches, until seen: median %v, longest %v", times, took[times/2], took[times-1])
	m.Logf("meanwhile %d pictures of %d decoded, %d dropped, %d keyframes, %d PLI, %d packets lost, %.1f s frozen",
		after.FramesDecoded-before.FramesDecoded, after.FramesReceived-before.FramesReceived, after.Dropped-before.Dropped,
		after.KeyFrames-before.KeyFrames, after.PLIs-before.PLIs, after.PacketsLost-before.PacketsLost, after.FreezeSeconds-before.FreezeSeconds)
	if before.SSRC != after.SSRC {
		m.Errorf("SSRC %d became %d: nothing was switched", before.SSRC, after.SSRC)
	}
	if n := after.PLIs - before.PLIs; n != 0 {
		m.Errorf("the decoder stumbled: %d PLI in %d switches", n, times)
	}
	if keys := after.KeyFrames - before.KeyFrames; keys < times {
		m.Errorf("%d keyframes for %d switches", keys, times)
	}
}

// received returns the one video stream that a page receives just now.
func (m *meeting) received(p *lab.Page) lab.Inbound {
	m.Helper()
	r, err := p.Judge(2 * time.Second)
	if err != nil {
		m.Fatal(err)
	}
	first, last := r.Stats[0].Inbound, r.Stats[len(r.Stats)-1].Inbound
	var moving []lab.Inbound
	for k, s := range last {
		if s.Kind == "video" && k < len(first) && s.FramesDecoded > first[k].FramesDecoded {
			moving = append(moving, s)
		}
	}
	if len(moving) != 1 {
		m.Fatalf("%d videos are decoded, want 1: %+v", len(moving), last)
	}
	return moving[0]
}
