package node

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/node/config"
	"github.com/atoll-mesh/atoll/tools/freeport"
)

// asNode makes the test's program a node that can be killed.
const asNode = "ATOLL_TEST_NODE"

func TestMain(m *testing.M) {
	if args := os.Getenv(asNode); args != "" {
		if err := runNode(strings.Split(args, " ")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func runNode(args []string) error {
	cfg, err := config.Load(args, nil)
	if err != nil {
		return err
	}
	n, err := start(cfg, slog.New(slog.DiscardHandler), nearWrap())
	if err != nil {
		return err
	}
	fmt.Println(n.url())
	_, _ = os.Stdin.Read(make([]byte, 1)) // to the end of the test
	return n.Stop(context.Background())
}

// startProcess runs a node in a process of its own and returns the URL of its WebSocket and what kills it.
func startProcess(ctx context.Context, t *testing.T, flags ...string) (url string, die func()) {
	t.Helper()
	flags = append(flags, "--http", freeport.Get(t), "--mesh", "127.0.0.1:0", "--turn", "off", "--media", "127.0.0.1:0", "--admin", "off", "--data", t.TempDir())
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := exec.CommandContext(ctx, program, "-test.run=^$")
	p.Env = append(os.Environ(), asNode+"="+strings.Join(flags, " "))
	p.Stderr = os.Stderr
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	die = func() {
		_ = p.Process.Kill()
		_ = p.Wait()
		_ = in.Close()
	}
	t.Cleanup(die)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the node did not start: %v", err)
	}
	return strings.TrimSpace(line), die
}

// startThree runs three nodes of one cluster that are linked.
func startThree(ctx context.Context, t *testing.T) [3]*Node {
	t.Helper()
	secret := identity.NewSecret().Reveal()
	var all [3]*Node
	for i := range all {
		args := []string{"--secret", secret}
		if i > 0 {
			args = append(args, "--join", all[0].mesh.Addr().String())
		}
		all[i], _ = startNode(t, args...)
	}
	eventually(ctx, t, "the nodes to be linked", func() bool {
		for _, n := range all {
			if len(n.successors()) != 2 {
				return false
			}
		}
		return true
	})
	return all
}

// resumeAt cuts a guest's socket and resumes at a node, as a client does that is sent elsewhere by DNS.
func resumeAt(ctx context.Context, t *testing.T, g *guest, at *Node) {
	t.Helper()
	g.Stream().Cut()
	if err := g.Stream().Resume(ctx, at.url()); err != nil {
		t.Fatalf("resume at another node: %v", err)
	}
}

// TestResumeElsewhere: a client's socket comes to another node than before, and then to a third. It is the same session, nobody sees it
// leave, what was said meanwhile is read once, the bridge channel works, and the media goes on: first over the old path, then over one
// of the new node, without a new handshake.
func TestResumeElsewhere(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	nodes := startThree(ctx, t)
	a, b := join(ctx, t, nodes[0].url(), "a", 1000), join(ctx, t, nodes[1].url(), "b", 2000)
	a.talk(ctx, t)
	b.talk(ctx, t)
	eventually(ctx, t, "media before", a.received(2, 30))
	eventually(ctx, t, "media before", b.received(2, 30))
	jid, transport := a.JID(), a.Transport()

	for i, at := range []*Node{nodes[2], nodes[0], nodes[1]} {
		text := string(rune('k' + i))
		a.Stream().Cut()
		b.Chat("unread " + text)
		if err := b.Await(ctx, "own chat", said("unread "+text)); err != nil {
			t.Fatal(err)
		}
		resumeAt(ctx, t, a, at)
		if err := a.Await(ctx, "what was said meanwhile", said("unread "+text)); err != nil {
			t.Fatal(err)
		}
		flows(ctx, t, "media at the new node", a, b)
		a.Chat("read " + text)
		if err := b.Await(ctx, "chat from the new node", said("read "+text)); err != nil {
			t.Fatal(err)
		}
		eventually(ctx, t, "a path at the new node", func() bool { return at.mover.Guests() == 0 })
		flows(ctx, t, "media over the new path", a, b)
	}
	for _, g := range []*guest{a, b} {
		g.stop()
		g.done.Wait()
		for ssrc, s := range g.ear.streams() {
			t.Logf("%s, ssrc %d: %+v", g.Endpoint(), ssrc, s)
			if s.twice != 0 || s.jumps != 0 {
				t.Errorf("%s, ssrc %d: %+v; want nothing twice and no jump", g.Endpoint(), ssrc, s)
			}
		}
		if err := g.Err(); err != nil {
			t.Error(err)
		}
		if s := g.State(); len(s.Occupants) != 3 || s.Ended != "" {
			t.Errorf("%s sees %v, session ended %q; want both and the focus", g.Endpoint(), s.Occupants, s.Ended)
		}
		for _, text := range []string{"unread k", "unread l", "unread m", "read k", "read l", "read m"} {
			if n := times(g, text); n != 1 {
				t.Errorf("%s read %q %d times", g.Endpoint(), text, n)
			}
		}
	}
	if a.JID() != jid || a.Transport() != transport {
		t.Error("it is another session")
	}
	if s := nodes[2].resume.Stats(); s.Found != 1 || s.Given != 1 {
		t.Errorf("third node: %+v", s)
	}
}

func times(g *guest, text string) (n int) {
	for _, c := range g.State().Chats {
		if c.Body == text {
			n++
		}
	}
	return n
}

// TestResumeOfADeadNode: the node of a client ends without a word. Its record goes on at another, the room sees no leave, and pictures and
// sound move again, with the same keys and no packet index twice.
func TestResumeOfADeadNode(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	secret := identity.NewSecret().Reveal()
	first, _ := startNode(t, "--secret", secret)
	second, _ := startNode(t, "--secret", secret, "--join", first.mesh.Addr().String())
	url, die := startProcess(ctx, t, "--secret", secret, "--join", first.mesh.Addr().String())
	eventually(ctx, t, "the nodes to be linked", func() bool { return len(first.successors()) == 2 && len(second.successors()) == 2 })
	a := join(ctx, t, url, "a", 1000)
	eventually(ctx, t, "its record", func() bool { return first.resume.Stats().Records+second.resume.Stats().Records == 1 })
	b := join(ctx, t, first.url(), "b", 2000)
	a.talk(ctx, t)
	b.talk(ctx, t)
	eventually(ctx, t, "media before", a.received(2, 30))
	eventually(ctx, t, "media before", b.received(2, 30))
	look := 1500 * time.Millisecond // records are looked at every second
	if testing.Short() {
		look = 4 * time.Second
	}
	time.Sleep(look) // one that has the media in it
	a.Chat("before")
	if err := b.Await(ctx, "chat before", said("before")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(look)
	jid, transport := a.JID(), a.Transport()

	die()
	began := time.Now()
	a.Stream().Cut()
	time.Sleep(1500 * time.Millisecond) // the client's first try
	// A search has four seconds, of which the dead node's answer takes one: a full machine needs more to see the death.
	eventually(ctx, t, "the death to be known", func() bool {
		alive, _ := second.mesh.Alive()
		return len(alive) == 2
	})
	resumeAt(ctx, t, a, second)
	resumed := time.Now()
	t.Logf("resumed %v after the death", resumed.Sub(began))
	flows(ctx, t, "media at the new node", a, b)
	t.Logf("media %v after the resume", time.Since(resumed))
	a.Chat("after")
	if err := b.Await(ctx, "chat after", said("after")); err != nil {
		t.Fatal(err)
	}
	b.Chat("answer")
	if err := a.Await(ctx, "the answer", said("answer")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(12 * time.Second) // the grace for who was at the dead node
	for _, g := range []*guest{a, b} {
		g.stop()
		g.done.Wait()
		for ssrc, s := range g.ear.streams() {
			t.Logf("%s, ssrc %d: %+v", g.Endpoint(), ssrc, s)
		}
		if err := g.Err(); err != nil {
			t.Error(err)
		}
		if s := g.State(); len(s.Occupants) != 3 {
			t.Errorf("%s sees %v; want both and the focus", g.Endpoint(), s.Occupants)
		}
	}
	if a.JID() != jid {
		t.Error("it is another session")
	}
	if s := a.State(); s.Ended != "" || a.Transport() != transport {
		t.Errorf("its media session was not kept: %q", s.Ended)
	}
	if n := a.Transport().Unopened(); n != 0 {
		t.Errorf("%d packets could not be opened", n)
	}
}
