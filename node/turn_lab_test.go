//go:build lab

package node

import (
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"
)

var (
	uclientTotals = regexp.MustCompile(`tot_send_msgs=(\d+), tot_recv_msgs=(\d+)`)
	uclientLost   = regexp.MustCompile(`Total lost packets (\d+)`)
)

// TestCoturnClients lets 20 clients of coturn talk to each other over a node.
func TestCoturnClients(t *testing.T) {
	n, _ := startNode(t, "--turn", "127.0.0.1:0", "--turn-peers", "127.0.0.0/8")
	port := strconv.Itoa(int(n.relay.clear))
	const clients, messages = 20, 100
	username, password := n.turnKey().Issue(time.Now(), "ann")
	var running sync.WaitGroup
	for name, flags := range map[string][]string{
		"UDP, by our credential":              {"-u", username, "-w", password},
		"TCP, by one that coturn made itself": {"-t", "-u", "ben", "-W", n.turnKey().Text()},
	} {
		running.Go(func() {
			args := append([]string{"-y", "-c", "-m", strconv.Itoa(clients), "-n", strconv.Itoa(messages), "-l", "1000", "-p", port}, flags...)
			out, err := exec.CommandContext(t.Context(), "turnutils_uclient", append(args, "127.0.0.1")...).CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v; tools/lab/install.sh installs it\n%s", name, err, out)
				return
			}
			all := uclientTotals.FindAllSubmatch(out, -1)
			lost := uclientLost.FindSubmatch(out)
			if len(all) == 0 || lost == nil {
				t.Errorf("%s: no totals:\n%s", name, out)
				return
			}
			last := all[len(all)-1]
			t.Logf("%s: %s; lost %s", name, last[0], lost[1])
			if want := strconv.Itoa(clients * messages); string(last[1]) != want || string(last[2]) != want || string(lost[1]) != "0" {
				t.Errorf("%s: %s, %s lost, want %s both ways\n%s", name, last[0], lost[1], want, out)
			}
		})
	}
	running.Wait()
	s := n.relay.Stats()
	t.Logf("%+v", s)
	if s.UpPackets < 2*clients*messages || s.DownPackets < 2*clients*messages || s.OverRate+s.Forbidden+s.Strangers != 0 {
		t.Errorf("%+v", s)
	}
}
