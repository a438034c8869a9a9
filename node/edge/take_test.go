package edge

import (
	"testing"
	"time"
)

// A leg takes a path while a packet of that path is on its way to the leg.
func TestALegTakesAPathThatIsInUse(t *testing.T) {
	a := listen(t)
	b, err := Listen(Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	leg, _, c := join(t, a)
	way, rb := leg.Path(), newRecorder(t)
	moved, err := b.Import(carried(t, leg), rb)
	if err != nil {
		t.Fatal(err)
	}
	moved.Attach(way)
	p, err := b.Prepare(Credentials{}, false)
	if err != nil {
		t.Fatal(err)
	}
	under := make(chan struct{})
	p.Redirect(func(sealed []byte) {
		close(under)
		for end := time.Now().Add(20 * time.Millisecond); moved.Path() != p && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		moved.Deliver(sealed)
	})
	arrive := func(seq uint16) {
		sealed, err := c.send.EncryptRTP(nil, packet(nil, 1, seq), nil)
		if err != nil {
			t.Error(err)
		}
		p.dispatch(sealed, time.Now())
	}
	through := make(chan error, 1)
	go func() {
		arrive(1)
		through <- nil
	}()
	<-under
	taken := make(chan error, 1)
	go func() { taken <- moved.Take(p, Credentials{}) }()
	for _, done := range []chan error{through, taken} {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Fatal("the packet and who takes the path wait for each other")
		}
	}
	arrive(2)
	rb.wait("both packets", func() bool { return len(rb.rtp[1]) == 2 })
	if err := moved.Take(p, Credentials{}); err == nil {
		t.Error("it is taken twice")
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
