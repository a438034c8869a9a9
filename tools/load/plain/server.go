// Package plain is the control of every benchmark: the shortest fan-out that pion/webrtc allows, without interceptors or with
// those that pion has by default. What a publisher sends is read from a TrackRemote and written to one TrackLocalStaticRTP per
// kind, as pion's own broadcast example does. It runs as a process of its own, so that its CPU can be read.
//
// Signalling is two HTTP requests per participant, the server being the offerer (so that it is the DTLS server and
// controls ICE, as a node does):
//
//	POST /offer?role=publish|subscribe|both&seat=K&of=N&video=L   -> X-Id header, SDP offer
//	POST /answer?id=I  with an SDP answer
//
// Who publishes has seat K (0 unless given) of N (1), and everybody else gets all seats but the own: nothing is negotiated
// again when others come. A seat publishes audio and L encodings of video (1; 0 for none); the last of them is forwarded, the
// others are read and dropped. GET /allocated says how many objects were allocated since the start.
package plain

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime/metrics"
	"strconv"
	"sync"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// Server is one room in which everybody gets what the publishers send.
type Server struct {
	api *webrtc.API
	mux ice.UDPMux

	mu    sync.Mutex
	shut  bool
	next  int
	seats map[int]*seat
	peers map[int]*webrtc.PeerConnection
	work  sync.WaitGroup
}

// seat is what one publisher is to the others.
type seat struct{ audio, video *webrtc.TrackLocalStaticRTP }

var (
	opus = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	vp8  = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
)

// NewServer returns a server whose media goes through socket, which Close closes.
func NewServer(socket net.PacketConn, interceptors bool) (*Server, error) {
	engine, err := newEngine()
	if err != nil {
		return nil, err
	}
	registry := new(interceptor.Registry)
	if interceptors {
		if err := webrtc.RegisterDefaultInterceptors(engine, registry); err != nil {
			return nil, fmt.Errorf("register interceptors: %w", err)
		}
	}
	var settings webrtc.SettingEngine
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket})
	settings.SetICEUDPMux(mux)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	return &Server{
		api:   webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings), webrtc.WithInterceptorRegistry(registry)),
		mux:   mux,
		seats: make(map[int]*seat),
		peers: make(map[int]*webrtc.PeerConnection),
	}, nil
}

func newEngine() (*webrtc.MediaEngine, error) {
	engine := new(webrtc.MediaEngine)
	for _, c := range []struct {
		kind webrtc.RTPCodecType
		p    webrtc.RTPCodecParameters
	}{
		{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: 111}},
		{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecParameters{RTPCodecCapability: vp8, PayloadType: 100}},
	} {
		if err := engine.RegisterCodec(c.p, c.kind); err != nil {
			return nil, fmt.Errorf("register codec: %w", err)
		}
	}
	return engine, nil
}

// taken returns a seat, which it makes.
func (s *Server) taken(k int) (*seat, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.seats[k]; at != nil {
		return at, nil
	}
	stream := fmt.Sprintf("s%d", k)
	audio, err := webrtc.NewTrackLocalStaticRTP(opus, "a", stream)
	if err != nil {
		return nil, err
	}
	video, err := webrtc.NewTrackLocalStaticRTP(vp8, "v", stream)
	if err != nil {
		return nil, err
	}
	s.seats[k] = &seat{audio, video}
	return s.seats[k], nil
}

// ServeHTTP signals.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var err error
	switch r.URL.Path {
	case "/offer":
		var a ask
		if a, err = parse(r.URL.Query()); err == nil {
			err = s.offer(w, a)
		}
	case "/allocated":
		_, err = fmt.Fprintln(w, allocated())
	case "/answer":
		err = s.answer(r)
	default:
		http.NotFound(w, r)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// ask is what an offer is asked for.
type ask struct {
	role            string
	seat, of, video int
}

func parse(q url.Values) (ask, error) {
	a := ask{role: q.Get("role"), of: 1, video: 1}
	for _, n := range []struct {
		name string
		to   *int
	}{{"seat", &a.seat}, {"of", &a.of}, {"video", &a.video}} {
		if q.Get(n.name) == "" {
			continue
		}
		var err error
		if *n.to, err = strconv.Atoi(q.Get(n.name)); err != nil || *n.to < 0 || *n.to > 1000 {
			return a, fmt.Errorf("%s is %q", n.name, q.Get(n.name))
		}
	}
	return a, nil
}

// allocated returns how many objects this process allocated on the heap.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func (s *Server) offer(w http.ResponseWriter, a ask) error {
	pc, err := s.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return fmt.Errorf("make peer: %w", err)
	}
	s.mu.Lock()
	id := s.next
	s.next++
	s.peers[id] = pc
	s.mu.Unlock()
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateFailed || state == webrtc.PeerConnectionStateClosed {
			s.remove(id)
		}
	})
	sdp, err := s.describe(pc, a)
	if err != nil {
		s.remove(id)
		return err
	}
	w.Header().Set("X-Id", strconv.Itoa(id))
	_, err = io.WriteString(w, sdp)
	return err
}

func (s *Server) describe(pc *webrtc.PeerConnection, a ask) (string, error) {
	if a.role != "subscribe" {
		if err := s.receive(pc, a); err != nil {
			return "", err
		}
	}
	if a.role != "publish" {
		for k := range a.of {
			if a.role == "both" && k == a.seat {
				continue
			}
			if err := s.send(pc, k, a.video > 0); err != nil {
				return "", err
			}
		}
	}
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		return "", fmt.Errorf("make offer: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(offer); err != nil {
		return "", fmt.Errorf("set offer: %w", err)
	}
	<-gathered
	return pc.LocalDescription().SDP, nil
}

func (s *Server) receive(pc *webrtc.PeerConnection, a ask) error {
	at, err := s.taken(a.seat)
	if err != nil {
		return err
	}
	to := make(map[*webrtc.RTPReceiver]*webrtc.TrackLocalStaticRTP)
	for i := range 1 + a.video {
		kind, out := webrtc.RTPCodecTypeVideo, (*webrtc.TrackLocalStaticRTP)(nil)
		switch i {
		case 0:
			kind, out = webrtc.RTPCodecTypeAudio, at.audio
		case a.video:
			out = at.video
		}
		t, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		if err != nil {
			return fmt.Errorf("add transceiver: %w", err)
		}
		to[t.Receiver()] = out
	}
	pc.OnTrack(func(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) { forward(pc, t, to[r]) })
	return nil
}

func (s *Server) send(pc *webrtc.PeerConnection, k int, video bool) error {
	at, err := s.taken(k)
	if err != nil {
		return err
	}
	tracks := []*webrtc.TrackLocalStaticRTP{at.audio}
	if video {
		tracks = append(tracks, at.video)
	}
	for _, track := range tracks {
		t, err := pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			return fmt.Errorf("add track: %w", err)
		}
		s.work.Go(func() { drain(t.Sender()) })
	}
	return nil
}

func (s *Server) answer(r *http.Request) error {
	id, err := strconv.Atoi(r.URL.Query().Get("id"))
	if err != nil {
		return fmt.Errorf("id: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return err
	}
	s.mu.Lock()
	pc := s.peers[id]
	s.mu.Unlock()
	if pc == nil {
		return fmt.Errorf("no peer %d", id)
	}
	return pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(body)})
}

func (s *Server) remove(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pc := s.peers[id]
	delete(s.peers, id)
	if pc != nil && !s.shut {
		// Called back by the connection itself: it cannot be waited for here.
		s.work.Go(func() { _ = pc.Close() })
	}
}

// forward is what is measured. Without out, what comes is dropped.
func forward(pc *webrtc.PeerConnection, t *webrtc.TrackRemote, out *webrtc.TrackLocalStaticRTP) {
	if t.Kind() == webrtc.RTPCodecTypeVideo {
		_ = pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(t.SSRC())}})
	}
	buf := make([]byte, 1500)
	for {
		n, _, err := t.Read(buf)
		if err != nil {
			return
		}
		if out != nil {
			_, _ = out.Write(buf[:n]) // an error is that of one subscriber who has gone; the others got theirs
		}
	}
}

func drain(sender *webrtc.RTPSender) {
	buf := make([]byte, 1500)
	for {
		if _, _, err := sender.Read(buf); err != nil {
			return
		}
	}
}

// Close closes every peer and the socket, and waits.
func (s *Server) Close() {
	s.mu.Lock()
	s.shut = true
	for id, pc := range s.peers {
		delete(s.peers, id)
		s.work.Go(func() { _ = pc.GracefulClose() })
	}
	s.mu.Unlock()
	s.work.Wait()
	_ = s.mux.Close()
}
