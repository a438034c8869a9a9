package load_test

import (
	"os"
	"path/filepath"
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
	if _, err := load.Own(nobody); err == nil {
		t.Error("own memory of a process that does not exist")
	}
}

func TestMemoryGrowsWithWhatIsTouched(t *testing.T) {
	both := func() (rss, own int64) {
		rss, err := load.RSS(os.Getpid())
		if err == nil {
			own, err = load.Own(os.Getpid())
		}
		if err != nil {
			t.Fatal(err)
		}
		return rss, own
	}
	touch := func(fd, flags int) (rss, own int64) {
		before, ownBefore := both()
		block, err := unix.Mmap(fd, 0, 64<<20, unix.PROT_READ|unix.PROT_WRITE, flags)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Munmap(block) }()
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		rss, own = both()
		return rss - before, own - ownBefore
	}
	const least, most = 48 << 20, 128 << 20
	if rss, own := touch(-1, unix.MAP_ANON|unix.MAP_PRIVATE); rss < least || rss > most || own < least || own > most {
		t.Errorf("memory grew by %d bytes, its own by %d, when 64 MiB were touched", rss, own)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err == nil {
		defer func() { _ = f.Close() }()
		err = f.Truncate(64 << 20)
	}
	if err != nil {
		t.Fatal(err)
	}
	if rss, own := touch(int(f.Fd()), unix.MAP_SHARED); rss < least || rss > most || own > least/2 {
		t.Errorf("memory grew by %d bytes, its own by %d, when 64 MiB of a file were touched", rss, own)
	}
}
