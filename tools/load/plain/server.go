// Package plain is the control of every benchmark: the shortest fan-out that pion/webrtc allows, without interceptors.
// What a publisher sends is read from a TrackRemote and written to one TrackLocalStaticRTP per kind, as pion's own
// broadcast example does. It runs as a process of its own, so that its CPU can be read from /proc.
//
// Signalling is two HTTP requests per participant, the server being the offerer (so that it is the DTLS server and
// controls ICE, as a node does):
//
//	POST /offer?role=publish|subscribe   -> X-Id header, SDP offer
//	POST /answer?id=N  with an SDP answer
package plain

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// Server is one room in which everybody gets what the publisher sends.
type Server struct {
	api   *webrtc.API
	mux   ice.UDPMux
	audio *webrtc.TrackLocalStaticRTP
	video *webrtc.TrackLocalStaticRTP

	mu    sync.Mutex
	shut  bool
	next  int
	peers map[int]*webrtc.PeerConnection
	work  sync.WaitGroup
}

// NewServer returns a server whose media goes through socket, which Close closes.
func NewServer(socket net.PacketConn) (*Server, error) {
	var engine webrtc.MediaEngine
	for _, c := range []struct {
		kind webrtc.RTPCodecType
		p    webrtc.RTPCodecParameters
	}{
		{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecParameters{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, PayloadType: 111}},
		{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecParameters{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, PayloadType: 100}},
	} {
		if err := engine.RegisterCodec(c.p, c.kind); err != nil {
			return nil, fmt.Errorf("register codec: %w", err)
		}
	}
	var settings webrtc.SettingEngine
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket})
	settings.SetICEUDPMux(mux)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s := &Server{
		api:   webrtc.NewAPI(webrtc.WithMediaEngine(&engine), webrtc.WithSettingEngine(settings), webrtc.WithInterceptorRegistry(&interceptor.Registry{})),
		mux:   mux,
		peers: make(map[int]*webrtc.PeerConnection),
	}
	var err error
	if s.audio, err = webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "a", "s"); err != nil {
		return nil, err
	}
	if s.video, err = webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, "v", "s"); err != nil {
		return nil, err
	}
	return s, nil
}

// ServeHTTP signals.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var err error
	switch r.URL.Path {
	case "/offer":
		err = s.offer(w, r.URL.Query().Get("role"))
	case "/answer":
		err = s.answer(r)
	default:
		http.NotFound(w, r)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (s *Server) offer(w http.ResponseWriter, role string) error {
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
	sdp, err := s.describe(pc, role)
	if err != nil {
		s.remove(id)
		return err
	}
	w.Header().Set("X-Id", strconv.Itoa(id))
	_, err = io.WriteString(w, sdp)
	return err
}

func (s *Server) describe(pc *webrtc.PeerConnection, role string) (string, error) {
	if role == "publish" {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if _, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
				return "", fmt.Errorf("add transceiver: %w", err)
			}
		}
		pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { s.forward(pc, t) })
	} else {
		for _, t := range []*webrtc.TrackLocalStaticRTP{s.audio, s.video} {
			sender, err := pc.AddTrack(t)
			if err != nil {
				return "", fmt.Errorf("add track: %w", err)
			}
			s.work.Go(func() { drain(sender) })
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

// forward is what is measured.
func (s *Server) forward(pc *webrtc.PeerConnection, t *webrtc.TrackRemote) {
	out := s.audio
	if t.Kind() == webrtc.RTPCodecTypeVideo {
		out = s.video
		_ = pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(t.SSRC())}})
	}
	buf := make([]byte, 1500)
	for {
		n, _, err := t.Read(buf)
		if err != nil {
			return
		}
		_, _ = out.Write(buf[:n]) // an error is that of one subscriber who has gone; the others got theirs
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
