//go:build linux

package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Process is a program that runs inside a namespace, with its children in one process group.
type Process struct {
	Name    string
	command *exec.Cmd
	log     string
	exited  chan struct{}
	err     error // valid once exited is closed
}

// Start runs a program inside the namespace, in the current folder and environment. What it writes goes to its log.
func (n *Namespace) Start(name string, argv ...string) (*Process, error) {
	return n.lab.start(n.Name+"."+name, nil, append([]string{"ip", "netns", "exec", n.Name}, argv...)...)
}

// Run runs a program inside the namespace to its end and returns what it wrote to standard output.
func (n *Namespace) Run(ctx context.Context, argv ...string) (string, error) {
	command := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", n.Name}, argv...)...)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		err = fmt.Errorf("run %s in %s: %w: %s", argv[0], n.Name, err, bytes.TrimSpace(complaints.Bytes()))
	}
	return string(out), err
}

// start runs a program outside of all namespaces; prepare may set it up before.
func (l *Lab) start(name string, prepare func(*exec.Cmd), argv ...string) (*Process, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fmt.Errorf("start %s: the lab is closed", name)
	}
	l.started++
	path := filepath.Join(l.Folder("logs"), fmt.Sprintf("%03d-%s.log", l.started, name))
	log, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close()
	p := &Process{Name: name, command: exec.Command(argv[0], argv[1:]...), log: path, exited: make(chan struct{})}
	p.command.Stdout, p.command.Stderr = log, log
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if prepare != nil {
		prepare(p.command)
	}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.err = p.command.Wait()
		close(p.exited)
	}()
	l.processes = append(l.processes, p)
	return p, nil
}

// PID returns the process id, which is also the id of its group.
func (p *Process) PID() int { return p.command.Process.Pid }

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Err returns how the process ended, nil for code 0. It is valid once Exited is closed.
func (p *Process) Err() error { return p.err }

// Log returns everything the process wrote so far.
func (p *Process) Log() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Signal sends a signal to the whole process group.
func (p *Process) Signal(s syscall.Signal) error {
	return syscall.Kill(-p.PID(), s)
}

// Kill ends the process group at once and waits for it.
func (p *Process) Kill() {
	_ = p.Signal(syscall.SIGKILL)
	<-p.exited
}

// Stop asks the process group to end, waits for patience and then kills it. It returns how the process ended.
func (p *Process) Stop(patience time.Duration) error {
	_ = p.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(patience):
	}
	p.Kill()
	return p.err
}

// Ready tries check until it succeeds. It gives up when the process ends or the time is over, and then shows the end of the log.
func (p *Process) Ready(patience time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-p.exited:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := Eventually(ctx, patience, check)
	if err == nil {
		return nil
	}
	select {
	case <-p.exited:
		err = fmt.Errorf("ended, %v: %w", p.command.ProcessState, err)
	default:
	}
	return fmt.Errorf("%s is not ready: %w\n%s", p.Name, err, tail(p.Log(), 30))
}

// Eventually calls check every 100 ms until it succeeds, and returns its last error when patience or ctx is over.
func Eventually(ctx context.Context, patience time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("within %v: %w", patience, err)
		case <-tick.C:
		}
	}
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
