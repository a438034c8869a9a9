// Package data is the data folder of a node: its key, certificates and what it remembers of its cluster.
//
// The folder is readable for its owner only (0700, files 0600) and belongs to one running node: it holds the node's key,
// and two nodes with one name would break the cluster that both join. The lock is advisory (flock on the file "lock")
// and ends with the process, so a crash leaves nothing to clean up.
//
// A file is written whole or not at all: to a temporary file beside it, synced, then renamed.
package data

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	lockFile = "lock"
	// largest bounds what Read returns: nothing that a node keeps comes near it.
	largest = 16 << 20
)

// ErrInUse is returned by Open when another node runs with the folder.
var ErrInUse = errors.New("another node runs with this data folder; give each its own --data")

// Folder is an open data folder. Its methods may be called at once from several goroutines, for different files.
type Folder struct {
	path string
	lock *os.File
}

// Open makes the folder when there is none, checks that it can be written, and locks it until Close.
func Open(path string) (*Folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write to data folder: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("data folder %s: %w", path, ErrInUse)
		}
		return nil, fmt.Errorf("lock data folder %s: %w", path, err)
	}
	f := &Folder{path: path, lock: lock}
	// A full disk or a read-only mount is better found now than at the first write that matters.
	if err := f.Write("probe", []byte("probe\n")); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("write to data folder: %w", err)
	}
	if err := os.Remove(filepath.Join(path, "probe")); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("write to data folder: %w", err)
	}
	return f, nil
}

// Path returns the absolute path of the folder.
func (f *Folder) Path() string { return f.path }

// Close unlocks the folder.
func (f *Folder) Close() error { return f.lock.Close() }

// Read returns the contents of a file. The error is fs.ErrNotExist when there is none. A file that others than its owner
// may read or write is refused: what is kept here is secret.
func (f *Folder) Read(name string) ([]byte, error) {
	path, err := f.file(name)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %04o); run chmod 600 on it, and replace it if it may have been read", path, mode)
	}
	contents, err := io.ReadAll(io.LimitReader(file, largest+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(contents) > largest {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, largest)
	}
	return contents, nil
}

// Write puts a file in place, readable for its owner only.
func (f *Folder) Write(name string, contents []byte) error {
	path, err := f.file(name)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(f.path, "."+name+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // gone already when all went well
	if _, err := temporary.Write(contents); err != nil {
		_ = temporary.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := temporary.Sync(); err != nil {
		_ = temporary.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := temporary.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return err
	}
	return f.sync()
}

// sync makes a rename outlive a power failure.
func (f *Folder) sync() error {
	folder, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	if err := folder.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", f.path, err)
	}
	return nil
}

func (f *Folder) file(name string) (string, error) {
	if !fs.ValidPath(name) || filepath.Base(name) != name || name == "." || name == lockFile {
		return "", fmt.Errorf("no file of the data folder can be called %q", name)
	}
	return filepath.Join(f.path, name), nil
}
