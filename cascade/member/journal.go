package member

import (
	"bytes"
	"log/slog"
)

// journal takes memberlist's log. It is for those who debug gossip; what operators must know is said in words of our own.
type journal struct {
	log    *slog.Logger
	gripes *complaints
}

func (j journal) Write(line []byte) (int, error) {
	text := bytes.TrimSpace(line)
	if i := bytes.IndexByte(text, '['); i >= 0 {
		text = text[i:] // what stands before is the time
	}
	switch {
	case bytes.Contains(text, []byte("over TCP but UDP probes failed")):
		_, rest, _ := bytes.Cut(text, []byte("connect to "))
		name, _, _ := bytes.Cut(rest, []byte(" "))
		j.gripes.say(noUDP, "peer", string(name))
	case bytes.Contains(text, []byte("handler queue full")):
		j.gripes.say(overload)
	}
	j.log.Debug("memberlist", "line", string(text))
	return len(line), nil
}
