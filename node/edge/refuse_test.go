package edge

import (
	"testing"
	"time"
)

// eventually waits for a count that another goroutine makes.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: did not happen in %v", what, patience)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestGarbageIsCountedAndDropped(t *testing.T) {
	e := listen(t)
	l, err := e.NewLeg(newRecorder(t))
	if err != nil {
		t.Fatal(err)
	}
	b := newBare(t, e, l)
	hello := append([]byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 1)
	forged := b.request("another password")
	b.local.Ufrag = "nobody"
	unknown := b.request(b.local.Pwd)
	b.local = l.Local()
	broken := b.request(b.local.Pwd)
	broken[3]++ // the length
	unsigned := b.request(b.local.Pwd)
	unsigned[len(unsigned)-1]++
	for _, c := range []struct {
		name  string
		data  []byte
		count func(Stats) uint64
	}{
		{"nothing", []byte{}, func(s Stats) uint64 { return s.Garbage }},
		{"TURN channel", []byte{0x40, 0, 0, 0}, func(s Stats) uint64 { return s.Garbage }},
		{"text", []byte("~hello"), func(s Stats) uint64 { return s.Garbage }},
		{"too large", make([]byte, receiveSize+1), func(s Stats) uint64 { return s.Oversized }},
		{"STUN for nobody", unknown, func(s Stats) uint64 { return s.STUNUnknown }},
		{"STUN without a user", []byte{0, 1, 0, 0}, func(s Stats) uint64 { return s.STUNUnknown }},
		{"STUN response", []byte{1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, func(s Stats) uint64 { return s.STUNUnknown }},
		{"STUN with a wrong length", broken, func(s Stats) uint64 { return s.STUNMalformed }},
		{"forged integrity", forged, func(s Stats) uint64 { return s.STUNForged }},
		{"forged fingerprint", unsigned, func(s Stats) uint64 { return s.STUNForged }},
		{"DTLS before ICE", hello, func(s Stats) uint64 { return s.DTLSRefused }},
		{"RTP before ICE", packet(nil, 1, 1), func(s Stats) uint64 { return s.MediaRefused }},
	} {
		before := c.count(e.Stats())
		b.Write(c.data)
		eventually(t, c.name, func() bool { return c.count(e.Stats()) == before+1 })
	}
	if s := e.Stats(); s.Sent != 0 {
		t.Errorf("%d datagrams were answered", s.Sent)
	}
}

// An established association must not end, nor answer, because of records that nobody signed.
func TestForgedRecordsAreDropped(t *testing.T) {
	e := listen(t)
	l, r, c := join(t, e)
	record := func(kind byte, epoch byte, body ...byte) []byte {
		return append([]byte{kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 9, 0, byte(len(body))}, body...)
	}
	for name, b := range map[string][]byte{
		"close_notify":       record(recordAlert, 0, 1, 0),
		"fatal alert":        record(recordAlert, 0, 2, 40),
		"data":               record(recordApplicationData, 0, 1, 2, 3),
		"unknown type":       record(63, 0, 1),
		"broken cipher":      record(recordChangeCipherSpec, 0, 2),
		"future epoch":       record(recordAlert, 2, 1, 0),
		"half a record":      record(recordHandshake, 0, 1, 2, 3)[:14],
		"no header":          {22, 0xfe},
		"second is an alert": append(record(recordHandshake, 0, 1), record(recordAlert, 0, 2, 40)...),
	} {
		before := e.Stats().DTLSDropped
		c.conn.Write(b)
		eventually(t, name, func() bool { return e.Stats().DTLSDropped == before+1 })
	}
	// This one has the right form, and pion finds it forged.
	c.conn.Write(record(recordAlert, 1, make([]byte, 40)...))
	c.sendRTP(1, 1)
	r.wait("media", func() bool { return len(r.rtp[1]) == 1 })
	if err := l.SendRTP(packet(l.Buffer(), 2, 1)); err != nil {
		t.Error(err)
	}
	c.wait("media", func() bool { return len(c.rtp[2]) == 1 })
	select {
	case <-c.closed:
		t.Error("the client was told to close")
	default:
	}
}

func TestForgedAndReplayedMediaIsDropped(t *testing.T) {
	e := listen(t)
	_, r, c := join(t, e)
	sealed, err := c.send.EncryptRTP(nil, packet(nil, 1, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	forged := append([]byte(nil), sealed...)
	forged[40]++
	c.conn.Write(forged)
	eventually(t, "forged RTP", func() bool { return e.Stats().MediaForged == 1 })
	c.conn.Write(sealed)
	c.conn.Write(sealed)
	eventually(t, "replayed RTP", func() bool { return e.Stats().MediaReplayed == 1 })
	control, err := c.send.EncryptRTCP(nil, report(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.conn.Write(control)
	c.conn.Write(control)
	eventually(t, "replayed RTCP", func() bool { return e.Stats().MediaReplayed == 2 })
	control[len(control)-4] &^= 0x80
	c.conn.Write(control)
	eventually(t, "RTCP in clear", func() bool { return e.Stats().MediaForged == 2 })
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rtp[1]) != 1 || r.rtcp[1] != 1 {
		t.Errorf("%d RTP and %d RTCP packets came through", len(r.rtp[1]), r.rtcp[1])
	}
}

func TestTheClientIsFollowedToANewPort(t *testing.T) {
	e := listen(t)
	r, c := newRecorder(t), newClient(t)
	l, err := e.NewLeg(r)
	if err != nil {
		t.Fatal(err)
	}
	b := newBare(t, e, l)
	c.conn = b
	b.check()
	if err := l.SetRemote(b.ufrag, b.pwd, c.fingerprint); err != nil {
		t.Fatal(err)
	}
	b.wait("nominated", func() bool { return b.nominated })
	if err := c.handshake(e.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	r.wait("connected", func() bool { return r.connected })
	b.rebind()
	refused := e.Stats().MediaRefused
	c.sendRTP(1, 1)
	eventually(t, "media from an unknown port is refused", func() bool { return e.Stats().MediaRefused == refused+1 })
	b.check()
	b.wait("nominated again", func() bool { return b.nominated })
	c.sendRTP(1, 2)
	r.wait("up", func() bool { return len(r.rtp[1]) == 1 })
	eventually(t, "down", func() bool {
		err := l.SendRTP(packet(l.Buffer(), 2, uint16(e.Stats().Sent)))
		c.mu.Lock()
		defer c.mu.Unlock()
		return err == nil && len(c.rtp[2]) > 0
	})
}
