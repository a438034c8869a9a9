package country

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	look = 5 * time.Second
	// largestFile bounds what is read of a file; the largest known, of cities, has 140 MB.
	largestFile = 512 << 20
)

// Book answers from the table inside of the program, or from a file that may change.
type Book struct {
	path  string
	log   *slog.Logger
	table atomic.Pointer[Table]

	read, seen stamp // of the file that was read last, and of the one that was there last
	stop       chan struct{}
	closing    sync.Once
	done       sync.WaitGroup
}

// stamp tells one content of a file from the next.
type stamp struct {
	size int64
	when int64 // of its last change, in unix nanoseconds
}

// Open returns the book of an mmdb file, or that of the table inside of the program when path is "".
func Open(path string, log *slog.Logger) (*Book, error) {
	b := &Book{path: path, log: log, stop: make(chan struct{})}
	if path == "" {
		b.table.Store(Embedded())
		return b, nil
	}
	var err error
	if b.read, err = stampOf(path); err != nil {
		return nil, err
	}
	table, err := readFile(path)
	if err != nil {
		return nil, err
	}
	b.table.Store(table)
	b.seen = b.read
	b.done.Go(b.watch)
	return b, nil
}

// Lookup returns the place of an address and the largest network around it that has the same. It allocates nothing.
func (b *Book) Lookup(addr netip.Addr) (Place, netip.Prefix) { return b.table.Load().Lookup(addr) }

// String says which table is used.
func (b *Book) String() string { return b.table.Load().String() }

// Close ends the watching of the file. The book can be asked all the same.
func (b *Book) Close() {
	b.closing.Do(func() { close(b.stop) })
	b.done.Wait()
}

func (b *Book) watch() {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			b.check()
		case <-b.stop:
			return
		}
	}
}

// check reads the file when it is another than the one that was read, and the same as at the last look: somebody may still
// be writing it.
func (b *Book) check() {
	now, err := stampOf(b.path)
	if err != nil {
		now = stamp{size: -1}
	}
	settled := now == b.seen
	b.seen = now
	if !settled || now == b.read {
		return
	}
	b.read = now
	if err != nil {
		b.log.Warn("--geoip: the file is gone, the table that was read from it stays", "error", err)
		return
	}
	table, err := readFile(b.path)
	if err != nil {
		b.log.Warn("--geoip: the file is refused, the table before stays", "error", err)
		return
	}
	b.table.Store(table)
	b.log.Info("--geoip: the file is read anew", "table", table.String())
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.Size(), info.ModTime().UnixNano()}, nil
}

func readFile(path string) (*Table, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(file, largestFile+1))
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	if len(b) > largestFile {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("more than %d MB", largestFile>>20)}
	}
	t, err := fromMMDB(b)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return t, nil
}
