package edge

import (
	"fmt"
	"slices"

	"github.com/atoll-mesh/atoll/node/session"
)

// Snapshot returns the state of a connected leg that goes on meanwhile: for another node that goes on with it when this one dies,
// after [session.Participant.Jump]. The DTLS state is not in it: whoever goes on has no farewell.
func (l *Leg) Snapshot() (session.Media, error) {
	l.mu.Lock()
	if l.phase != connected {
		l.mu.Unlock()
		return session.Media{}, fmt.Errorf("snapshot of a leg: %w", ErrNotConnected)
	}
	m := l.media()
	l.mu.Unlock()

	l.out.Lock()
	if s := l.out.seal; s != nil {
		m.Sent, m.SentRTCP = sent(s)
	}
	l.out.Unlock()
	l.in.Lock()
	if o := l.in.open; o != nil {
		m.Received, m.ReceivedRTCP = received(o)
	}
	l.in.Unlock()
	return m, nil
}

// media returns what of the state does not change with packets, with l.mu held.
func (l *Leg) media() session.Media {
	return session.Media{
		Profile:    uint16(l.config.Profile),
		LocalKey:   slices.Clone(l.config.Keys.LocalMasterKey),
		LocalSalt:  slices.Clone(l.config.Keys.LocalMasterSalt),
		RemoteKey:  slices.Clone(l.config.Keys.RemoteMasterKey),
		RemoteSalt: slices.Clone(l.config.Keys.RemoteMasterSalt),
		LocalUfrag: l.local.Ufrag, LocalPwd: l.local.Pwd,
		RemoteUfrag: l.remote.Ufrag, RemotePwd: l.remote.Pwd,
		RemoteFingerprint: l.want.String(),
	}
}

func sent(seal *sealer) (rtp []session.SentRTP, rtcp []session.SentRTCP) {
	for ssrc, w := range seal.rtp.All() {
		rtp = append(rtp, session.SentRTP{SSRC: ssrc, Index: w.Highest, Window: w.Seen})
	}
	for ssrc, next := range seal.rtcp.All() {
		rtcp = append(rtcp, session.SentRTCP{SSRC: ssrc, Next: next})
	}
	return rtp, rtcp
}

func received(open *opener) (rtp []session.ReceivedRTP, rtcp []session.ReceivedRTCP) {
	for ssrc, w := range open.rtp.All() {
		rtp = append(rtp, session.ReceivedRTP{SSRC: ssrc, Index: w.Highest, Window: w.Seen})
	}
	for ssrc, w := range open.rtcp.All() {
		rtcp = append(rtcp, session.ReceivedRTCP{SSRC: ssrc, Index: w.Highest, Window: w.Seen})
	}
	return rtp, rtcp
}
