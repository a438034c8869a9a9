package edge

import (
	"errors"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/srtp/v3"

	"github.com/atoll-mesh/atoll/node/edge/counter"
)

func TestMediaFlowsBothWays(t *testing.T) {
	for name, c := range map[string]struct {
		offered []dtls.SRTPProtectionProfile
		want    srtp.ProtectionProfile
	}{
		"all":     {[]dtls.SRTPProtectionProfile{dtls.SRTP_AES128_CM_HMAC_SHA1_80, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AEAD_AES_128_GCM}, srtp.ProtectionProfileAeadAes128Gcm},
		"gcm 256": {[]dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_256_GCM}, srtp.ProtectionProfileAeadAes256Gcm},
		"cm":      {[]dtls.SRTPProtectionProfile{dtls.SRTP_AES128_CM_HMAC_SHA1_80}, srtp.ProtectionProfileAes128CmHmacSha1_80},
	} {
		t.Run(name, func(t *testing.T) {
			e := listen(t)
			r, k := newRecorder(t), newClient(t)
			k.profiles = c.offered
			l, err := e.NewLeg(r)
			if err != nil {
				t.Fatal(err)
			}
			invite(t, l, k)
			if err := k.dial(l, e.Candidates()); err != nil {
				t.Fatal(err)
			}
			r.wait("connected", func() bool { return r.connected })
			if l.config.Profile != c.want {
				t.Errorf("profile %v, want %v", l.config.Profile, c.want)
			}
			for i := range uint16(100) {
				k.sendRTP(1, 65500+i)
				if err := l.SendRTP(packet(l.Buffer(), 2, 65500+i)); err != nil {
					t.Fatal(err)
				}
			}
			k.sendRTCP(1)
			if err := l.SendRTCP(report(2)); err != nil {
				t.Fatal(err)
			}
			r.wait("RTP up", func() bool { return len(r.rtp[1]) == 100 && r.rtcp[1] == 1 && r.ticks > 0 })
			k.wait("RTP down", func() bool { return len(k.rtp[2]) == 100 && k.rtcp[2] == 1 })
		})
	}
}

func TestTheHandshakeMayEndBeforeSessionAccept(t *testing.T) {
	e := listen(t)
	r, c := newRecorder(t), newClient(t)
	l, err := e.NewLeg(r)
	if err != nil {
		t.Fatal(err)
	}
	b := newBare(t, e, l)
	c.conn = b
	b.check()
	b.wait("an answer", func() bool { return b.answers > 0 })
	if err := c.handshake(e.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	c.sendRTP(1, 1)
	if err := l.SendRTP(packet(l.Buffer(), 2, 1)); !errors.Is(err, ErrNotConnected) {
		t.Errorf("send before session-accept: %v", err)
	}
	r.mu.Lock()
	if r.connected || len(r.rtp) > 0 {
		t.Error("media before session-accept")
	}
	r.mu.Unlock()
	if err := l.SetRemote(b.ufrag, b.pwd, c.fingerprint); err != nil {
		t.Fatal(err)
	}
	r.wait("the packet that waited", func() bool { return r.connected && len(r.rtp[1]) == 1 })
	if err := l.SendRTP(packet(l.Buffer(), 2, 1)); err != nil {
		t.Error(err)
	}
	c.wait("down", func() bool { return len(c.rtp[2]) == 1 })
}

// Media that comes before session-accept is kept within bounds and in nobody's way.
func TestEarlyMediaIsBounded(t *testing.T) {
	e := listen(t)
	r, c := newRecorder(t), newClient(t)
	l, err := e.NewLeg(r)
	if err != nil {
		t.Fatal(err)
	}
	b := newBare(t, e, l)
	c.conn = b
	b.check()
	b.wait("an answer", func() bool { return b.answers > 0 })
	if err := c.handshake(e.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	for i := range uint16(maxHeld + 10) {
		c.sendRTP(1, i)
	}
	eventually(t, "too much", func() bool { return e.Stats().MediaEarly == 10 })
	c.dtls.Close()
	r.wait("closed", func() bool { return r.reason != nil })
	if !errors.Is(r.reason, errPeerClosed) || len(r.rtp) > 0 {
		t.Errorf("closed with %v, %d packets", r.reason, len(r.rtp[1]))
	}
}

func TestAnotherCertificateIsRefused(t *testing.T) {
	e := listen(t)
	r, c := newRecorder(t), newClient(t)
	l, err := e.NewLeg(r)
	if err != nil {
		t.Fatal(err)
	}
	ufrag, pwd, _ := c.agent.GetLocalUserCredentials()
	if err := l.SetRemote(ufrag, pwd, e.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	c.dial(l, e.Candidates())
	r.wait("closed", func() bool { return r.reason != nil })
	if !errors.Is(r.reason, ErrFingerprint) || r.connected {
		t.Errorf("closed with %v, connected %v", r.reason, r.connected)
	}
	if err := l.SendRTP(packet(l.Buffer(), 1, 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("send: %v", err)
	}
}

func TestCloseTellsTheClient(t *testing.T) {
	e := listen(t)
	l, r, c := join(t, e)
	l.Close()
	select {
	case <-c.closed:
	case <-time.After(patience):
		t.Error("the client was not told")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reason != nil {
		t.Errorf("the receiver was told: %v", r.reason)
	}
}

func TestTheClientsCloseIsNoticed(t *testing.T) {
	e := listen(t)
	_, r, c := join(t, e)
	c.dtls.Close()
	r.wait("closed", func() bool { return r.reason != nil })
	if !errors.Is(r.reason, errPeerClosed) {
		t.Errorf("closed with %v", r.reason)
	}
}

func TestNothingIsSealedTwice(t *testing.T) {
	e := listen(t)
	l, _, _ := join(t, e)
	if err := l.SendRTP(packet(l.Buffer(), 2, 7)); err != nil {
		t.Fatal(err)
	}
	if err := l.SendRTP(packet(l.Buffer(), 2, 7)); !errors.Is(err, counter.ErrUsed) {
		t.Errorf("same packet again: %v", err)
	}
	if err := l.SendRTP(append(l.Buffer(), 0x80)); !errors.Is(err, errShort) {
		t.Errorf("short packet: %v", err)
	}
}

func TestBadSignallingIsRefused(t *testing.T) {
	e := listen(t)
	l, err := e.NewLeg(newRecorder(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]string{
		{"", "pwd", e.Fingerprint()},
		{"ufrag", "", e.Fingerprint()},
		{"ufrag", "pwd", ""},
		{"ufrag", "pwd", "md5 00:11"},
		{"ufrag", "pwd", "sha-256 00:11"},
		{"ufrag", "pwd", "sha-256 " + string(make([]byte, 95))},
	} {
		if err := l.SetRemote(c[0], c[1], c[2]); err == nil {
			t.Errorf("%q was accepted", c)
		}
	}
	if err := l.SetRemote("ufrag", "pwd", e.Fingerprint()); err != nil {
		t.Error(err)
	}
	other := "sha-256 00" + e.Fingerprint()[len("sha-256 00"):]
	if err := l.SetRemote("ufrag", "pwd", other); err == nil && other != e.Fingerprint() {
		t.Error("the fingerprint was changed")
	}
}
