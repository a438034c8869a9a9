//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// claims holds one folder per lab, named by its prefix: lock, held by the living owner; work, a symbolic link to the folder
// with everything the lab writes; control, the socket of a lab made by hand.
const claims = "/run/atoll-lab"

var (
	claimName     = regexp.MustCompile(`^atl[0-9]+-[0-9]+$`)
	namespaceName = regexp.MustCompile(`^(atl([0-9]+)-[0-9]+)-`)
	claimed       atomic.Int64
)

// claim is a prefix that is ours while lock is open.
type claim struct {
	prefix string
	lock   *os.File
	work   string
}

func (c *claim) folder() string { return filepath.Join(claims, c.prefix) }

func newClaim() (*claim, error) {
	var c *claim
	err := exclusively(func() (err error) {
		c = &claim{prefix: "atl" + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(claimed.Add(1), 10)}
		if err := os.Mkdir(c.folder(), 0o700); err != nil {
			return err
		}
		if c.lock, err = tryLock(filepath.Join(c.folder(), "lock")); err != nil {
			return err
		}
		// The link comes first, so that no crash leaves a folder that nothing points to.
		c.work = filepath.Join(os.TempDir(), "atoll-lab-"+c.prefix)
		if err := os.Symlink(c.work, filepath.Join(c.folder(), "work")); err != nil {
			return err
		}
		return os.Mkdir(c.work, 0o700)
	})
	if err != nil {
		return nil, fmt.Errorf("claim a prefix in %s: %w", claims, err)
	}
	return c, nil
}

// release removes the folders of a claim and gives its prefix up.
func (c *claim) release() error {
	return errors.Join(os.RemoveAll(c.work), os.RemoveAll(c.folder()), c.lock.Close())
}

// exclusively runs f while no other process makes or removes claims.
func exclusively(f func() error) error {
	if err := os.MkdirAll(claims, 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(claims, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	for {
		err := unix.Flock(int(lock.Fd()), unix.LOCK_EX)
		if err == nil {
			return f()
		}
		if !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("lock %s: %w", lock.Name(), err)
		}
	}
}

// tryLock takes a lock that ends with the process, however it ends.
func tryLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}
