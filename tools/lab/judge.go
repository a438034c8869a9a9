package lab

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab/picture"
)

// Report is what a judge saw and heard on a page.
type Report struct {
	Videos []Video   `json:"videos"` // one per <video>
	Sounds []Sound   `json:"sounds"` // one per <audio> or <video> with an audio track
	Stats  []Streams `json:"stats"`  // of all peer connections, at the start and every second
}

// Streams are the statistics of a moment.
type Streams struct {
	Inbound  []Inbound  `json:"inbound"`
	Outbound []Outbound `json:"outbound"`
}

// Video is what one <video> element showed.
type Video struct {
	Endpoint string     `json:"endpoint"` // data-endpoint, or data-screen, of the nearest element around it
	Label    string     `json:"label"`    // the text of that element
	Screen   bool       `json:"screen"`   // the element has data-screen: it shows a shared screen
	Remote   bool       `json:"remote"`   // shows what a peer connection receives
	Track    string     `json:"track"`
	Width    int        `json:"width"`
	Height   int        `json:"height"`
	Paused   bool       `json:"paused"`
	Samples  [][2]int64 `json:"samples"` // per frame looked at, a dozen a second of a remote one: strip, -1 if unreadable; wall clock in ms
	Mean     [3]uint8   `json:"colour"`  // of the flat part, the last time it was looked at

	// Decoded are the frames decoded in each second, from the statistics of the connection; Received is how many a second came in,
	// whatever the browser did with them; Last are the last statistics.
	Decoded  []float64 `json:"-"`
	Received float64   `json:"-"`
	Last     Inbound   `json:"-"`
}

// Sound is what one element had to play.
type Sound struct {
	Endpoint string         `json:"endpoint"`
	Label    string         `json:"label"`
	Remote   bool           `json:"remote"`
	Track    string         `json:"track"`
	Playing  bool           `json:"playing"` // neither paused nor muted
	Reads    [][][2]float64 `json:"reads"`   // four times a second: peaks of the spectrum, Hz and dB, the highest first
}

// Inbound is an RTP stream that a connection receives, as WebRTC's statistics have it. What a browser does not count is 0.
type Inbound struct {
	Kind            string  `json:"kind"`
	Codec           string  `json:"codec"` // VP8, opus, ...
	SSRC            uint32  `json:"ssrc"`
	Track           string  `json:"trackIdentifier"`
	Timestamp       float64 `json:"timestamp"` // ms
	PacketsReceived int     `json:"packetsReceived"`
	PacketsLost     int     `json:"packetsLost"`
	BytesReceived   int     `json:"bytesReceived"`
	FramesReceived  int     `json:"framesReceived"`
	FramesDecoded   int     `json:"framesDecoded"`
	KeyFrames       int     `json:"keyFramesDecoded"`
	Dropped         int     `json:"framesDropped"`
	Freezes         int     `json:"freezeCount"`
	FreezeSeconds   float64 `json:"totalFreezesDuration"`
	PLIs            int     `json:"pliCount"`
	NACKs           int     `json:"nackCount"`
	BufferSeconds   float64 `json:"jitterBufferDelay"` // summed over BufferCount
	BufferCount     int     `json:"jitterBufferEmittedCount"`
	Concealed       int     `json:"concealedSamples"`
	Samples         int     `json:"totalSamplesReceived"`
	Width           int     `json:"frameWidth"`
	Height          int     `json:"frameHeight"`
}

// Outbound is an RTP stream that a connection sends.
type Outbound struct {
	Kind          string  `json:"kind"`
	Codec         string  `json:"codec"`
	SSRC          uint32  `json:"ssrc"`
	Timestamp     float64 `json:"timestamp"` // ms
	Active        bool    `json:"active"`
	PacketsSent   int     `json:"packetsSent"`
	BytesSent     int     `json:"bytesSent"`
	FramesEncoded int     `json:"framesEncoded"`
	KeyFrames     int     `json:"keyFramesEncoded"`
	PLIs          int     `json:"pliCount"`
	NACKs         int     `json:"nackCount"`
	Resent        int     `json:"retransmittedPacketsSent"`
	Width         int     `json:"frameWidth"`
	Height        int     `json:"frameHeight"`
	Target        float64 `json:"targetBitrate"`            // bit/s, what the encoder is asked for
	Room          float64 `json:"availableOutgoingBitrate"` // bit/s, what the connection believes the network takes
	Limitation    string  `json:"qualityLimitationReason"`  // none, cpu, bandwidth, other
	Scalability   string  `json:"scalabilityMode"`
}

// link gives each video its decoded rates.
func (r *Report) link() {
	for k := range r.Videos {
		v := &r.Videos[k]
		var last, before Inbound
		received, ms := 0, 0.
		for n, second := range r.Stats {
			at := slices.IndexFunc(second.Inbound, func(i Inbound) bool { return i.Kind == "video" && i.Track == v.Track })
			if at < 0 {
				last, before = Inbound{}, Inbound{}
				continue
			}
			now := second.Inbound[at]
			v.Last = now
			if before.Timestamp > 0 && now.SSRC == before.SSRC && now.FramesReceived >= before.FramesReceived { // else it counts from the start
				received += now.FramesReceived - before.FramesReceived
				ms += now.Timestamp - before.Timestamp
			}
			before = now
			// A window shorter than half a second, as the last may be, says little.
			if span := now.Timestamp - last.Timestamp; n > 0 && last.Timestamp > 0 && span > 500 {
				v.Decoded = append(v.Decoded, float64(now.FramesDecoded-last.FramesDecoded)*1000/span)
			} else if last.Timestamp > 0 {
				continue
			}
			last = now
		}
		if ms > 0 {
			v.Received = float64(received) * 1000 / ms
		}
	}
}

// Sent returns how many pictures a second were encoded, of the stream that had the most. Streams of less than a second are left out.
func (r Report) Sent() (most float64) {
	first := map[uint32]Outbound{}
	for k, second := range r.Stats {
		for _, o := range second.Outbound {
			if _, ok := first[o.SSRC]; !ok {
				first[o.SSRC] = o
			}
			ms, frames := o.Timestamp-first[o.SSRC].Timestamp, o.FramesEncoded-first[o.SSRC].FramesEncoded
			if k == len(r.Stats)-1 && o.Kind == "video" && ms > 900 {
				most = max(most, float64(frames)*1000/ms/o.spatialLayers())
			}
		}
	}
	return most
}

// spatialLayers returns how many frames Chromium counts for each picture in a stream: one per spatial layer of a mode like L3T3_KEY
// (WebRTC SVC 5).
func (o Outbound) spatialLayers() float64 {
	if len(o.Scalability) > 1 && o.Scalability[0] == 'L' && '1' <= o.Scalability[1] && o.Scalability[1] <= '9' {
		return float64(o.Scalability[1] - '0')
	}
	return 1
}

// Remote returns the videos that show what is received.
func (r Report) Remote() (videos []Video) {
	for _, v := range r.Videos {
		if v.Remote {
			videos = append(videos, v)
		}
	}
	return videos
}

// Identity returns whose file the pictures are from, and the share of all frames looked at that say so. Without frames the share is 0.
func (v Video) Identity() (participant uint8, share float64) {
	votes := map[uint8]int{}
	for _, s := range v.Samples {
		if s[0] >= 0 {
			p, _ := picture.Participant(uint16(s[0]))
			votes[p]++
		}
	}
	for p, n := range votes {
		if s := float64(n) / float64(len(v.Samples)); s > share || s == share && p < participant {
			participant, share = p, s
		}
	}
	return participant, share
}

// Colour returns which of the candidates has the colour of the picture.
func (v Video) Colour(candidates ...uint8) (participant uint8, ok bool) {
	return picture.Nearest(picture.RGB{R: v.Mean[0], G: v.Mean[1], B: v.Mean[2]}, candidates...)
}

// Latency returns the median age of the pictures from glass to glass. It reports false when fewer than 30 strips were read.
// Only pictures with a clock have an age.
func (v Video) Latency() (median time.Duration, ok bool) {
	var ages []time.Duration
	for _, s := range v.Samples {
		if s[0] >= 0 {
			ages = append(ages, picture.Age(uint16(s[0]), s[1]))
		}
	}
	if len(ages) < 30 {
		return 0, false
	}
	return middle(ages), true
}

// Gap returns the longest time between two moments without a new picture, from the first moment on and up to the last. It tells
// what is longer than the tenth of a second or so between two looks.
func (v Video) Gap(from, to time.Time) time.Duration {
	last, gap := from.UnixMilli(), int64(0)
	for _, s := range v.Samples {
		if at := s[1]; at > last && at < to.UnixMilli() {
			gap, last = max(gap, at-last), at
		}
	}
	return time.Duration(max(gap, to.UnixMilli()-last)) * time.Millisecond
}

// FPS returns the median over the seconds of the frames decoded, 0 when nothing was.
func (v Video) FPS() float64 { return middle(v.Decoded) }

// Hears reports whether the tone of a participant is in the sound: in most of the reads, within 15 Hz and not 20 dB weaker than the
// strongest.
func (s Sound) Hears(participant uint8) bool {
	heard := 0
	for _, peaks := range s.Reads {
		if slices.ContainsFunc(peaks, func(p [2]float64) bool {
			return math.Abs(p[0]-picture.Tone(participant)) < 15 && p[1] > peaks[0][1]-20
		}) {
			heard++
		}
	}
	return 2*heard > len(s.Reads)
}

func middle[V cmp.Ordered](values []V) V {
	if len(values) == 0 {
		var none V
		return none
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
