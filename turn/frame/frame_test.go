package frame

import (
	"errors"
	"testing"

	"github.com/pion/stun/v4"
)

func message(t testing.TB, setters ...stun.Setter) []byte {
	t.Helper()
	m, err := stun.Build(setters...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

func TestLength(t *testing.T) {
	binding := []byte{0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42}
	for name, c := range map[string]struct {
		b    []byte
		want int
		err  error
	}{
		"nothing":                 {nil, 0, nil},
		"a byte":                  {[]byte{0}, 0, nil},
		"half a cookie":           {binding[:6], 0, nil},
		"a header":                {binding, 20, nil},
		"another cookie":          {[]byte{0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x43}, 0, ErrGarbage},
		"no multiple of 4":        {[]byte{0, 1, 0, 1}, 0, ErrGarbage},
		"longest":                 {[]byte{0, 1, 0x07, 0xB8, 0x21, 0x12, 0xA4, 0x42}, Largest, nil},
		"one too long":            {[]byte{0, 1, 0x07, 0xBC, 0x21, 0x12, 0xA4, 0x42}, 0, ErrLarge},
		"wraps around in 16 bits": {[]byte{0, 1, 0xFF, 0xEC, 0x21, 0x12, 0xA4, 0x42}, 0, ErrLarge},
		"channel":                 {[]byte{0x40, 0, 0, 5}, 12, nil},
		"channel without data":    {[]byte{0x40, 0, 0, 0}, 4, nil},
		"last channel":            {[]byte{0x7F, 0xFF, 0, 4}, 8, nil},
		"channel, half":           {[]byte{0x40, 0, 0}, 0, nil},
		"channel, too long":       {[]byte{0x40, 0, 0xFF, 0xFF}, 0, ErrLarge},
		"TLS":                     {[]byte{0x16, 3, 1, 2, 0, 1, 0, 1}, 0, ErrGarbage},
		"HTTP":                    {[]byte("GET / HTTP/1.1"), 0, ErrLarge},
		"RTP":                     {[]byte{0x80, 0, 0, 0}, 0, ErrGarbage},
	} {
		if got, err := Length(c.b); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %d, %v; want %d, %v", name, got, err, c.want, c.err)
		}
	}
}

func TestDatagram(t *testing.T) {
	binding := message(t, stun.TransactionID, stun.BindingRequest, stun.NewSoftware("test"))
	for name, c := range map[string]struct {
		b    []byte
		want bool
	}{
		"nothing":          {nil, false},
		"request":          {binding, true},
		"cut":              {binding[:len(binding)-4], false},
		"with more":        {append(binding[:len(binding):len(binding)], 0), false},
		"channel, padded":  {[]byte{0x40, 0, 0, 1, 7, 0, 0, 0}, true},
		"channel, bare":    {[]byte{0x40, 0, 0, 1, 7}, true},
		"channel, cut":     {[]byte{0x40, 0, 0, 2, 7}, false},
		"channel and more": {[]byte{0x40, 0, 0, 1, 7, 0, 0, 0, 0}, false},
		"DTLS":             {[]byte{22, 0xfe, 0xff, 0, 0, 0, 0, 0}, false},
	} {
		if got := IsDatagram(c.b); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAllocation(t *testing.T) {
	request, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest))
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := Allocation(request.Raw); !ok || id != request.TransactionID || !IsRequest(request.Raw) {
		t.Errorf("%x %v, want %x", id, ok, request.TransactionID)
	}
	for _, kind := range []stun.MessageType{
		stun.NewType(stun.MethodAllocate, stun.ClassSuccessResponse), stun.NewType(stun.MethodSend, stun.ClassIndication),
	} {
		m := message(t, stun.TransactionID, kind)
		if _, ok := Allocation(m); ok || IsRequest(m) {
			t.Errorf("%v is taken for a request", kind)
		}
	}
}

// FuzzStream cuts a stream into messages as the driver does: it comes to an end, whatever comes in.
func FuzzStream(f *testing.F) {
	f.Add([]byte{0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0, 0x40, 0, 0, 0})
	f.Add(message(f, stun.TransactionID, stun.BindingRequest, stun.NewSoftware("test")))
	f.Add([]byte{0, 1, 0xFF, 0xEC, 0x21, 0x12, 0xA4, 0x42})
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			n, err := Length(b)
			if err != nil || n == 0 {
				if n != 0 || err == nil && len(b) >= 8 {
					t.Fatalf("%d, %v of % x", n, err, b[:min(len(b), 8)])
				}
				return
			}
			if n < channelHeader || n%4 != 0 || n > Largest {
				t.Fatalf("%d of % x", n, b[:min(len(b), 8)])
			}
			for k := range min(n, len(b)) { // less never tells another length
				if m, err := Length(b[:k]); err != nil || m != 0 && m != n {
					t.Fatalf("%d bytes tell %d, %v; all tell %d", k, m, err, n)
				}
			}
			if n > len(b) {
				return
			}
			if whole := b[:n]; whole[0]>>6 == 0 && !IsDatagram(whole) {
				t.Fatalf("% x is no datagram", whole[:8])
			}
			b = b[n:]
		}
	})
}
