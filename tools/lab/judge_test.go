package lab

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab/picture"
	"github.com/google/go-cmp/cmp"
)

func TestIdentityIsTheMajorityOfAllFrames(t *testing.T) {
	v := Video{Samples: [][2]int64{
		{int64(picture.Strip(3, 0)), 0}, {int64(picture.Strip(3, 1)), 33}, {-1, 66}, {int64(picture.Strip(9, 3)), 99},
	}}
	if id, share := v.Identity(); id != 3 || share != 0.5 {
		t.Errorf("identity %d with share %v, want 3 with 0.5", id, share)
	}
	if _, share := (Video{}).Identity(); share != 0 {
		t.Errorf("no frames have share %v", share)
	}
}

func TestLatencyIsAMedianOfEnough(t *testing.T) {
	var v Video
	for k := range int64(31) {
		painted := 65530 + 33*k // the clock's strip wraps
		v.Samples = append(v.Samples, [2]int64{int64(picture.Clock(painted)), painted + 100 + k})
	}
	v.Samples = append(v.Samples, [2]int64{-1, 0})
	if got, ok := v.Latency(); !ok || got != 115*time.Millisecond {
		t.Errorf("latency %v, %v; want 115ms", got, ok)
	}
	v.Samples = v.Samples[2:]
	if got, ok := v.Latency(); ok {
		t.Errorf("latency %v from %d strips", got, len(v.Samples)-1)
	}
}

func TestGapIsTheLongestWithoutAPicture(t *testing.T) {
	at := func(ms int64) time.Time { return time.UnixMilli(1_000_000 + ms) }
	var v Video
	for _, ms := range []int64{0, 100, 200, 900, 1000} {
		v.Samples = append(v.Samples, [2]int64{-1, at(ms).UnixMilli()})
	}
	for _, c := range []struct{ from, to, want int64 }{
		{0, 1000, 700},   // in the middle
		{250, 1000, 650}, // begins inside of it
		{0, 800, 600},    // ends inside of it
		{900, 2500, 1500},
		{950, 1100, 100},
		{-500, 150, 500},
	} {
		if got := v.Gap(at(c.from), at(c.to)); got != time.Duration(c.want)*time.Millisecond {
			t.Errorf("from %d to %d: %v, want %d ms", c.from, c.to, got, c.want)
		}
	}
	if got := (Video{}).Gap(at(0), at(300)); got != 300*time.Millisecond {
		t.Errorf("without a picture: %v", got)
	}
}

func TestDecodedRateFollowsTheTrack(t *testing.T) {
	second := func(at float64, frames int) Streams {
		return Streams{Inbound: []Inbound{
			{Kind: "audio", Track: "a", Timestamp: at},
			{Kind: "video", Track: "other", Timestamp: at, FramesDecoded: 1000},
			{Kind: "video", Track: "v", Timestamp: at, FramesDecoded: frames, FramesReceived: 2 * frames},
		}}
	}
	r := Report{
		Videos: []Video{{Track: "v"}, {Track: "gone"}},
		// The read 100 ms after another is left out, and its frames belong to the next.
		Stats: []Streams{{}, second(1000, 10), second(2000, 40), second(3000, 65), second(3100, 67), second(4000, 80)},
	}
	r.link()
	if diff := cmp.Diff([]float64{30, 25, 15}, r.Videos[0].Decoded); diff != "" {
		t.Error(diff)
	}
	if got := r.Videos[0].Last.FramesDecoded; got != 80 {
		t.Errorf("last of %d frames, want 80", got)
	}
	if got := r.Videos[0].Received; got != 140./3 {
		t.Errorf("%v received a second, want 140 in three", got)
	}
	if got := r.Videos[0].FPS(); got != 25 {
		t.Errorf("median %v, want 25", got)
	}
	if got := r.Videos[1].FPS(); got != 0 {
		t.Errorf("a track without statistics has %v frames a second", got)
	}
}

func TestReceivedGoesOnWithANewStream(t *testing.T) {
	second := func(at float64, ssrc uint32, frames int) Streams {
		return Streams{Inbound: []Inbound{{Kind: "video", Track: "v", SSRC: ssrc, Timestamp: at, FramesReceived: frames}}}
	}
	r := Report{Videos: []Video{{Track: "v"}}, Stats: []Streams{second(1000, 1, 500), second(2000, 1, 530), second(3000, 2, 612), second(4000, 2, 642), second(5000, 2, 4), second(6000, 2, 34)}}
	r.link()
	if got := r.Videos[0].Received; got != 30 {
		t.Errorf("%v received a second, want 30", got)
	}
}

func TestSentIsTheRateOfTheFastestLayer(t *testing.T) {
	second := func(at float64, low, high int) Streams {
		return Streams{Outbound: []Outbound{
			{Kind: "audio", SSRC: 1, Timestamp: at, FramesEncoded: 9000},
			{Kind: "video", SSRC: 2, Timestamp: at, FramesEncoded: low},
			{Kind: "video", SSRC: 3, Timestamp: at, FramesEncoded: high},
		}}
	}
	r := Report{Stats: []Streams{second(5000, 700, 500), second(6000, 710, 530), second(7000, 740, 536)}}
	r.Stats[2].Outbound = append(r.Stats[2].Outbound, Outbound{Kind: "video", SSRC: 9, Timestamp: 7000, FramesEncoded: 5})
	if got := r.Sent(); got != 20 {
		t.Errorf("%v frames a second, want 20", got)
	}
	layered := func(at float64, frames int) Streams {
		return Streams{Outbound: []Outbound{{Kind: "video", SSRC: 4, Timestamp: at, FramesEncoded: frames, Scalability: "L3T3_KEY"}}}
	}
	if got := (Report{Stats: []Streams{layered(0, 0), layered(2000, 180)}}).Sent(); got != 30 {
		t.Errorf("%v pictures of three layers a second, want 30", got)
	}
	if got := (Report{}).Sent(); got != 0 {
		t.Errorf("nothing has %v frames a second", got)
	}
}

func TestHearsTheToneAndNoOther(t *testing.T) {
	tone := picture.Tone(4)
	reads := func(peaks ...[2]float64) [][][2]float64 { return [][][2]float64{peaks, peaks, nil} }
	for name, c := range map[string]struct {
		reads [][][2]float64
		want  bool
	}{
		"alone":        {reads([2]float64{tone + 5, -20}), true},
		"among others": {reads([2]float64{tone - 120, -15}, [2]float64{tone, -25}), true},
		"neighbour":    {reads([2]float64{picture.Tone(5), -20}), false},
		"artefact":     {reads([2]float64{picture.Tone(9), -20}, [2]float64{tone, -45}), false},
		"once":         {[][][2]float64{{{tone, -20}}, nil, nil}, false},
		"silence":      {nil, false},
	} {
		if got := (Sound{Reads: c.reads}).Hears(4); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
