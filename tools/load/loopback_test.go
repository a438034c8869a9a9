package load_test

import (
	"bytes"
	"context"
	"net"
	"net/http/httptest"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/participant"
	"github.com/atoll-mesh/atoll/tools/load/plain"
)

// patience bounds every wait for something that loopback does in milliseconds.
const patience = 30 * time.Second

// until polls ok, because what it waits for has no event.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// settled waits until no more goroutines run than before. It is registered before anything that starts one.
func settled(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		deadline := time.Now().Add(patience)
		for runtime.NumGoroutine() > before {
			if time.Now().After(deadline) {
				var stacks bytes.Buffer
				_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
				t.Fatalf("%d goroutines are left, %d were there before:\n%s", runtime.NumGoroutine(), before, &stacks)
			}
			<-time.After(5 * time.Millisecond)
		}
	})
}

func control(t *testing.T) (url string) {
	t.Helper()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	server, err := plain.NewServer(socket, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	signalling := httptest.NewServer(server)
	t.Cleanup(signalling.Close)
	return signalling.URL
}

func join(t *testing.T, cfg plain.Config) *participant.Transport {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	transport, err := plain.Join(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { transport.Close(true) })
	return transport
}

func TestEveryPacketArrivesInOrderAcrossWrap(t *testing.T) {
	settled(t)
	url := control(t)
	source := load.NewPublisher(1001, 1002, 65400) // both streams wrap
	keyframes := make(chan struct{}, 8)
	publisher := join(t, plain.Config{
		URL:    url,
		SSRCs:  &participant.SSRCs{Audio: source.Audio, Video: []uint32{source.Video}},
		OnRTCP: func([]byte) { keyframes <- struct{}{} },
	})
	const subscribers = 3
	var receivers []*load.Receiver
	var transports []*participant.Transport
	for range subscribers {
		r := load.NewReceiver()
		receivers = append(receivers, r)
		transports = append(transports, join(t, plain.Config{URL: url, OnRTP: r.RTP}))
	}
	// Tracks begin with the first packet that the server saw; wait until it forwards both to all.
	primer := load.NewPublisher(1001, 1002, 65300)
	sent := 0
	until(t, "the tracks", func() bool {
		if sent < 100 {
			write(t, publisher, primer.Frame(time.Now())[0])
			write(t, publisher, primer.Opus(time.Now()))
			sent += 6
		}
		for _, r := range receivers {
			if r.Tally().Streams < 2 {
				return false
			}
		}
		return true
	})
	if len(keyframes) == 0 {
		t.Error("the server asked for no key frame")
	}
	quiet(t, receivers)
	before := make([]load.Tally, subscribers)
	for i, r := range receivers {
		before[i] = r.Tally()
	}

	const seconds = 3
	want := int64(0)
	for s := range seconds * 30 {
		for _, packet := range source.Frame(time.Now()) {
			write(t, publisher, packet)
			want++
		}
		if s%3 != 2 { // 60 a second, which is enough to wrap
			write(t, publisher, source.Opus(time.Now()))
			write(t, publisher, source.Opus(time.Now()))
			write(t, publisher, source.Opus(time.Now()))
			want += 3
		}
		until(t, "a frame", func() bool {
			for i, r := range receivers {
				if r.Tally().Packets-before[i].Packets < want {
					return false
				}
			}
			return true
		})
	}
	for i, r := range receivers {
		got := r.Tally()
		if got.Packets-before[i].Packets != want || got.Late != before[i].Late || got.Foreign != 0 || got.Streams != 2 {
			t.Errorf("subscriber %d: %+v after %+v, want %d packets more in order", i, got, before[i], want)
		}
		if n := transports[i].Unopened(); n != 0 {
			t.Errorf("subscriber %d could not open %d packets", i, n)
		}
	}
}

// quiet waits until nothing has arrived for a while.
func quiet(t *testing.T, receivers []*load.Receiver) {
	t.Helper()
	sum := func() (n int64) {
		for _, r := range receivers {
			n += r.Tally().Packets
		}
		return n
	}
	for last := int64(-1); last != sum(); {
		last = sum()
		<-time.After(100 * time.Millisecond)
	}
}

func write(t *testing.T, w load.Writer, packet []byte) {
	t.Helper()
	if err := w.WriteRTP(packet); err != nil {
		t.Fatal(err)
	}
}

func TestCloseInterruptsConnect(t *testing.T) {
	settled(t)
	transport, err := participant.NewTransport(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		failed <- transport.Connect(t.Context(), participant.Remote{
			Ufrag: "abcdefgh", Pwd: "abcdefghijklmnopqrstuvwx",
			Candidates: []string{"1 1 udp 2130706431 127.0.0.1 9 typ host"},
		})
	}()
	transport.Close(false)
	if err := <-failed; err == nil {
		t.Error("connected to nobody")
	}
	if err := transport.WriteRTP(make([]byte, 20)); err == nil {
		t.Error("wrote to nobody")
	}
}

func TestWrongFingerprintIsRefused(t *testing.T) {
	settled(t)
	url := control(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	// The proxy in front of the server lies about its certificate.
	liar := httptest.NewServer(lie{url})
	t.Cleanup(liar.Close)
	transport, err := plain.Join(ctx, plain.Config{URL: liar.URL, OnRTP: func(*rtp.Header, []byte, time.Time) {}})
	if err == nil {
		transport.Close(true)
		t.Fatal("joined a server with another certificate than signalled")
	}
}
