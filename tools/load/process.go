package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a server that runs as a process of its own, so that what it spends can be told from what we spend.
type Process struct {
	name  string
	cmd   *exec.Cmd
	tail  tail
	ended chan struct{} // closed when the process is gone and err is set
	err   error
}

// Spawn starts a process that ends with us. first receives the first line of its standard output.
func Spawn(name string, first chan<- string, argv ...string) (*Process, error) {
	c := &Process{name: name, cmd: exec.Command(argv[0], argv[1:]...), ended: make(chan struct{})}
	c.cmd.Stderr = &c.tail
	c.cmd.SysProcAttr = dieWithParent()
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	started := make(chan error, 1)
	go func() {
		// The kernel takes the end of the thread that started a child for the end of the parent: it has to stay.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		r := bufio.NewReader(out)
		if line, err := r.ReadString('\n'); err == nil && first != nil {
			first <- strings.TrimSpace(line)
		}
		_, _ = io.Copy(&c.tail, r)
		c.err = c.cmd.Wait()
		close(c.ended)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return c, nil
}

// PID returns the process id.
func (c *Process) PID() int { return c.cmd.Process.Pid }

// Ended is closed when the process is gone.
func (c *Process) Ended() <-chan struct{} { return c.ended }

// Log returns the last that the process said.
func (c *Process) Log() string { return c.tail.String() }

// Failure tells how the process ended, with the last it said.
func (c *Process) Failure() error {
	return fmt.Errorf("%s ended: %w\n%s", c.name, errors.Join(c.err, errors.New("it was to stay")), c.tail.String())
}

// Stop asks the process to end and kills it when it has not within fifteen seconds, which is an error.
func (c *Process) Stop() error {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(15 * time.Second)
	defer timer.Stop()
	select {
	case <-c.ended:
		return nil
	case <-timer.C:
	}
	_ = c.cmd.Process.Kill()
	<-c.ended
	return fmt.Errorf("%s did not end within 15 s of SIGTERM\n%s", c.name, c.tail.String())
}

// tail keeps the last 16 KiB written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(b)
	if over := t.buf.Len() - 16<<10; over > 0 {
		t.buf.Next(over)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
