package member

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestComplaintsComeOnceAMinuteAndKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &lines{}
		c := newComplaints(slog.New(slog.NewTextHandler(out, nil)))
		for range 150 {
			c.say(otherSecret, "addr", "x")
			c.say(refusedMember, "peer", "y")
			time.Sleep(time.Second)
		}
		if got := out.with("another secret", "addr=x"); len(got) != 3 || strings.Contains(got[0], "unsaid") || !strings.Contains(got[1], "unsaid=59") || !strings.Contains(got[2], "unsaid=59") {
			t.Errorf("%q", got)
		}
		if got := out.with("refused", "peer=y"); len(got) != 3 {
			t.Errorf("%q", got)
		}
	})
}

func TestEveryComplaintHasWords(t *testing.T) {
	for kind, w := range wording {
		if w.text == "" {
			t.Errorf("kind %d has none", kind)
		}
	}
}

func TestOperatorsHearOfWhatMatters(t *testing.T) {
	out := &lines{}
	log := slog.New(slog.NewTextHandler(out, nil))
	j := journal{log, newComplaints(log)}
	for _, line := range []string{
		"2026/01/01 00:00:00 [WARN] memberlist: Was able to connect to abcdefghij over TCP but UDP probes failed, network may be misconfigured\n",
		"2026/01/01 00:00:00 [WARN] memberlist: handler queue full, dropping message (4) from=10.0.0.1:1\n",
		"2026/01/01 00:00:00 [ERR] memberlist: Failed to send gossip\n",
	} {
		if n, err := j.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if len(out.with("by TCP but not by UDP", "peer=abcdefghij")) != 1 || len(out.with("faster")) != 1 || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("%s", out)
	}
}
