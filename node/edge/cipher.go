package edge

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/atoll-mesh/atoll/node/edge/counter"
)

// How many SSRCs a leg knows in each direction. A client that uses more than that loses the newest.
const (
	maxReceived = 1024
	maxSent     = 4096
)

var errShort = errors.New("packet is too short")

// sealer protects what a leg sends. The counters are the truth; the context is told where it stands before each packet.
type sealer struct {
	gcm     *gcm          // for RTP
	control *gcm          // for RTCP
	context *srtp.Context // where the profile is another; else nil
	rtp     *counter.RTP
	rtcp    *counter.SentRTCP
	header  rtp.Header
	nonce   nonce
}

func newSealer(key, salt []byte, profile srtp.ProtectionProfile) (*sealer, error) {
	s := &sealer{rtp: counter.NewRTP(maxSent), rtcp: counter.NewSentRTCP(maxSent)}
	var err error
	if s.gcm, s.control, s.context, err = ciphers(key, salt, profile); err != nil {
		return nil, fmt.Errorf("set up SRTP for sending: %w", err)
	}
	return s, nil
}

// ciphers returns those of one direction: of AES-GCM our own for RTP and RTCP, else pion's.
func ciphers(key, salt []byte, profile srtp.ProtectionProfile) (media, control *gcm, context *srtp.Context, err error) {
	if media, err = newGCM(key, salt, profile, labelRTP); err != nil {
		return nil, nil, nil, err
	}
	if media != nil {
		control, err = newGCM(key, salt, profile, labelRTCP)
		return media, control, nil, err
	}
	context, err = srtp.CreateContext(key, salt, profile, srtp.SRTPNoReplayProtection(), srtp.SRTCPNoReplayProtection())
	return nil, nil, context, err
}

// warm fetches what numbering and sealing of RTP needs.
func (s *sealer) warm() {
	s.rtp.Warm()
	if s.gcm != nil {
		s.gcm.warm()
	}
}

// number uses up the index of a packet and returns it. Whatever becomes of the packet, no other is sealed with that index.
func (s *sealer) number(b []byte) (uint64, error) {
	if headerLength(b) == 0 {
		return 0, errShort
	}
	p, err := s.rtp.Check(binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint16(b[2:]))
	if err != nil {
		return 0, err
	}
	s.rtp.Accept(p)
	return p.Index, nil
}

// sealRTP seals a packet, in place when there is room for the tag behind it.
func (s *sealer) sealRTP(b []byte) ([]byte, error) {
	index, err := s.number(b)
	if err != nil {
		return nil, err
	}
	if s.gcm != nil {
		return s.gcm.seal(&s.nonce, b, index), nil
	}
	s.context.SetROC(binary.BigEndian.Uint32(b[8:]), uint32(index>>16))
	sealed, err := s.context.EncryptRTP(b, b, &s.header)
	if err != nil {
		return nil, fmt.Errorf("seal RTP: %w", err)
	}
	return sealed, nil
}

// sealRTCP seals a compound packet, in place when there is room behind it.
func (s *sealer) sealRTCP(b []byte) ([]byte, error) {
	if len(b) < 8 {
		return nil, errShort
	}
	ssrc := binary.BigEndian.Uint32(b[4:])
	index, err := s.rtcp.Next(ssrc)
	if err != nil {
		return nil, err
	}
	if s.control != nil {
		return s.control.sealRTCP(&s.nonce, b, index), nil
	}
	s.context.SetIndex(ssrc, index-1) // it counts before it seals
	sealed, err := s.context.EncryptRTCP(b, b, nil)
	if err != nil {
		return nil, fmt.Errorf("seal RTCP: %w", err)
	}
	return sealed, nil
}

// opener opens what a leg receives.
type opener struct {
	gcm     *gcm          // for RTP
	control *gcm          // for RTCP
	context *srtp.Context // where the profile is another; else nil
	rtp     *counter.RTP
	rtcp    *counter.ReceivedRTCP
	header  rtp.Header
	nonce   nonce
	trailer int // bytes behind the SRTCP index
}

func newOpener(key, salt []byte, profile srtp.ProtectionProfile) (*opener, error) {
	o := &opener{rtp: counter.NewRTP(maxReceived), rtcp: counter.NewReceivedRTCP(maxReceived)}
	var err error
	if o.gcm, o.control, o.context, err = ciphers(key, salt, profile); err == nil {
		o.trailer, err = profile.AuthTagRTCPLen()
	}
	if err != nil {
		return nil, fmt.Errorf("set up SRTP for receiving: %w", err)
	}
	return o, nil
}

// openRTP opens a packet in place.
func (o *opener) openRTP(b []byte) ([]byte, error) {
	if len(b) < 12 {
		return nil, errShort
	}
	p, err := o.rtp.Check(binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint16(b[2:]))
	if err != nil {
		return nil, err
	}
	if o.gcm != nil {
		plain, err := o.gcm.open(&o.nonce, b, p.Index)
		if err == nil {
			o.rtp.Accept(p)
		}
		return plain, err
	}
	if p.Known() {
		// A context makes room for every SSRC it is told of; one that has not proven itself has ROC 0 anyway.
		o.context.SetROC(p.SSRC, p.ROC())
	}
	plain, err := o.context.DecryptRTP(b, b, &o.header)
	if err != nil {
		return nil, fmt.Errorf("open RTP: %w", err)
	}
	o.rtp.Accept(p)
	return plain, nil
}

// openRTCP opens a compound packet in place.
func (o *opener) openRTCP(b []byte) ([]byte, error) {
	if len(b) < 8+4+o.trailer {
		return nil, errShort
	}
	ssrc, word := binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[len(b)-o.trailer-4:])
	if word>>31 == 0 {
		return nil, errors.New("RTCP is not encrypted")
	}
	index := word &^ (1 << 31)
	if err := o.rtcp.Check(ssrc, index); err != nil {
		return nil, err
	}
	if o.control != nil {
		plain, err := o.control.openRTCP(&o.nonce, b)
		if err == nil {
			o.rtcp.Accept(ssrc, index)
		}
		return plain, err
	}
	plain, err := o.context.DecryptRTCP(b, b, nil)
	if err != nil {
		return nil, fmt.Errorf("open RTCP: %w", err)
	}
	o.rtcp.Accept(ssrc, index)
	return plain, nil
}
