package load_test

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atoll-mesh/atoll/tools/load"
)

func usage(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestCPUAgreesWithTheKernelsAccount(t *testing.T) {
	const work = 200 * time.Millisecond
	start := usage(t)
	before, err := load.CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	x := 1
	for usage(t)-start < work {
		for range 1000 {
			x = x*31 + 7
		}
	}
	after, err := load.CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if spent := after - before; spent < work-20*time.Millisecond || spent > 2*work {
		t.Errorf("cpu time is %v after %v of work (%d)", spent, work, x)
	}
}

func TestCPUAndRSSOfNobody(t *testing.T) {
	const nobody = 1 << 22 // above the largest process id
	if _, err := load.CPU(nobody); err == nil {
		t.Error("cpu time of a process that does not exist")
	}
	if _, err := load.RSS(nobody); err == nil {
		t.Error("memory of a process that does not exist")
	}
}

func TestRSSGrowsWithWhatIsTouched(t *testing.T) {
	before, err := load.RSS(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	block, err := unix.Mmap(-1, 0, 64<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(block) }()
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	after, err := load.RSS(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if grown := after - before; grown < 48<<20 || grown > 128<<20 {
		t.Errorf("memory grew by %d bytes when 64 MiB were touched", grown)
	}
}
