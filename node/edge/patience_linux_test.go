package edge

import (
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atoll-mesh/atoll/node/edge/path"
)

// TestFullSocketHoldsNobodyUpForLong: a network that takes nothing any more costs its sender the patience once within twice that time,
// however much there is to be sent, and whether or not the socket says that there is room.
func TestFullSocketHoldsNobodyUpForLong(t *testing.T) {
	for name, room := range map[string]func(int, time.Duration) bool{
		"no room":  func(_ int, most time.Duration) bool { time.Sleep(most); return false },
		"they say": func(int, time.Duration) bool { time.Sleep(time.Millisecond); return true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				tx := &sender{room: room, kernel: func(int, []message) (int, syscall.Errno) {
					asked++
					return 0, unix.EAGAIN
				}}
				to := (&socket{}).newRoute(path.Pair{Remote: netip.MustParseAddrPort("127.0.0.1:9"), Local: netip.MustParseAddr("127.0.0.1")})
				begun := time.Now()
				flood := func(batches int) {
					t.Helper()
					before := asked
					for range batches {
						pushed := 0
						for ; !tx.full(); pushed++ {
							tx.push(to, []byte{1})
						}
						if failed := tx.send(); failed != pushed {
							t.Fatalf("%d of %d datagrams failed", failed, pushed)
						}
					}
					if asked < before+batches {
						t.Errorf("the kernel was asked %d times for %d batches", asked-before, batches)
					}
				}
				waited := func(want time.Duration) {
					t.Helper()
					if took := time.Since(begun); took > want || took < want-time.Millisecond {
						t.Errorf("all that took %v, want %v", took, want)
					}
				}
				flood(40)
				waited(sendPatience)
				time.Sleep(2 * sendPatience)
				flood(40)
				waited(4 * sendPatience)
			})
		})
	}
}
