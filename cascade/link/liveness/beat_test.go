package liveness

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var example = Beat{
	Flags: Hears | WantsLink, From: Label(nameA), To: Label(nameB), Started: 1 << 40, Sequence: 3,
	Sent: 1 << 50, Echo: 1<<50 - 5, Hold: 77, Received: 9, Highest: 10,
}

func TestBeatRoundTrip(t *testing.T) {
	s := NewSealer([]byte("key"))
	b := s.Append([]byte("x"), &example)[1:]
	if len(b) != Size || b[0] >= 0x40 {
		t.Errorf("%d bytes, first %#x", len(b), b[0])
	}
	var got Beat
	if err := s.Open(b, Label(nameB), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example, got); diff != "" {
		t.Error(diff)
	}
}

func TestLongerBeatOfALaterVersion(t *testing.T) {
	s := NewSealer([]byte("key"))
	b := append(s.Append(nil, &example)[:fieldSize], "more"...)
	b = append(b, s.seal(b)...)
	var got Beat
	if err := s.Open(b, Label(nameB), &got); err != nil || got != example {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestOpenRefuses(t *testing.T) {
	s := NewSealer([]byte("key"))
	good := s.Append(nil, &example)
	other := NewSealer([]byte("other")).Append(nil, &example)
	var kept Beat
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if err := s.Open(bad, Label(nameB), &kept); err == nil {
			t.Errorf("byte %d changed is accepted", i)
		}
	}
	for name, c := range map[string]struct {
		in   []byte
		want error
	}{
		"nothing":         {nil, ErrForm},
		"short":           {good[:Size-1], ErrForm},
		"long":            {append(bytes.Clone(good), make([]byte, MaxSize)...), ErrForm},
		"longer":          {append(bytes.Clone(good), 0), ErrMAC},
		"another cluster": {other, ErrMAC},
	} {
		if err := s.Open(c.in, Label(nameB), &kept); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Open(good, Label(nameA), &kept); !errors.Is(err, ErrOther) {
		t.Errorf("for another node: %v", err)
	}
	if kept != (Beat{}) {
		t.Error("something was kept")
	}
}

func TestNothingIsAllocated(t *testing.T) {
	s := NewSealer([]byte("key"))
	good := s.Append(nil, &example)
	bad := bytes.Clone(good)
	bad[70] ^= 1
	self := Label(nameB)
	var got Beat
	buf := make([]byte, 0, Size)
	for name, f := range map[string]func(){
		"refuse": func() { _ = s.Open(bad, self, &got) },
		"short":  func() { _ = s.Open(bad[:20], self, &got) },
		"read":   func() { _ = s.Open(good, self, &got) },
		"write":  func() { buf = s.Append(buf[:0], &example) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func FuzzOpen(f *testing.F) {
	s := NewSealer([]byte("key"))
	f.Add(s.Append(nil, &example), true)
	f.Add([]byte{1}, false)
	f.Fuzz(func(t *testing.T, b []byte, seal bool) {
		if seal && len(b) >= Size { // what a member may send
			b = append(bytes.Clone(b[:len(b)-macSize]), s.seal(b[:len(b)-macSize])...)
		}
		var got Beat
		err := s.Open(b, Label(nameB), &got)
		if err == nil && len(b) == Size && !bytes.Equal(s.Append(nil, &got), b) {
			t.Errorf("%x is read as %+v", b, got)
		}
		if err != nil {
			return
		}
		w := NewWatch(start, NewClock(start), nameB, nameA, 1)
		for i := range 5 {
			now := start.Add(slow * 2)
			got.Sent += uint64(i)
			w.Receive(now, addrA, &got)
			w.Tick(now, 0)
			w.State()
			w.Send(now)
			if rtt, _ := w.RTT(now); rtt < 0 || rtt > keptRound || !(w.Loss() >= 0 && w.Loss() <= 1) {
				t.Fatalf("round trip %v, loss %v of %+v", rtt, w.Loss(), got)
			}
		}
	})
}
