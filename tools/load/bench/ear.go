package bench

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// ear is one receiver.
type ear struct {
	*load.Receiver
	to *participant.Transport // of its feedback

	mu       sync.Mutex
	first    [2]time.Time   // arrival of the first packet of sound, of the first of a picture
	recorder *twcc.Recorder // nil when the server does not ask for feedback
}

func newEar(feedback bool) *ear {
	e := &ear{Receiver: load.NewReceiver()}
	if feedback {
		e.recorder = twcc.NewRecorder(1)
	}
	return e
}

// RTP takes one packet.
func (e *ear) RTP(h *rtp.Header, packet []byte, arrived time.Time) {
	e.Receiver.RTP(h, packet, arrived)
	kind := 1
	if h.PayloadType == payloadOpus {
		kind = 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.first[kind].IsZero() {
		e.first[kind] = arrived
	}
	if e.recorder != nil {
		if ext := h.GetExtension(5); len(ext) == 2 {
			e.recorder.Record(h.SSRC, binary.BigEndian.Uint16(ext), arrived.UnixMicro())
		}
	}
}

// began returns when the first packet came, and when the first of a picture did.
func (e *ear) began() (any, picture time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	any, picture = e.first[0], e.first[1]
	if any.IsZero() || !picture.IsZero() && picture.Before(any) {
		any = picture
	}
	return any, picture
}

// feed sends transport-wide feedback on what came since the last call.
func (e *ear) feed() {
	if e.recorder == nil || e.to == nil {
		return
	}
	e.mu.Lock()
	packets := e.recorder.BuildFeedbackPacket()
	e.mu.Unlock()
	for _, p := range packets {
		if raw, err := rtcp.Marshal([]rtcp.Packet{p}); err == nil {
			_ = e.to.WriteRTCP(raw) // a socket that is gone shows in what comes
		}
	}
}

// report sends a receiver report.
func (e *ear) report() {
	if e.to == nil {
		return
	}
	if raw := e.Report(); raw != nil {
		_ = e.to.WriteRTCP(raw)
	}
}
