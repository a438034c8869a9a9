package edge

import (
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atoll-mesh/atoll/node/edge/path"
)

// TestFullSocketHoldsNobodyUpForLong: a network that takes nothing any more costs its sender the patience once, however much there is
// to be sent.
func TestFullSocketHoldsNobodyUpForLong(t *testing.T) {
	listening, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sock, err := newSocket(listening.(*net.UDPConn))
	if err != nil {
		t.Fatal(err)
	}
	defer sock.close()
	tx := sock.newSender()
	asked := 0
	tx.kernel = func(int, []message) (int, syscall.Errno) {
		asked++
		return 0, unix.EAGAIN
	}
	to := sock.newRoute(path.Pair{Remote: netip.MustParseAddrPort("127.0.0.1:9"), Local: netip.MustParseAddr("127.0.0.1")})
	const batches = 40
	began, failed := time.Now(), 0
	for range batches {
		for !tx.full() {
			tx.push(to, []byte{1})
		}
		failed += tx.send()
		if tx.waited > sendPatience+20*time.Millisecond {
			t.Fatalf("waited %v", tx.waited)
		}
	}
	if took := time.Since(began); took > 3*sendPatience || failed < batches {
		t.Errorf("%d datagrams failed within %v, want all within %v", failed, took, 3*sendPatience)
	}
	if asked < batches {
		t.Errorf("the kernel was asked %d times for %d batches", asked, batches)
	}
}
