package contract

import (
	"fmt"
	"strings"
)

// step is one line of a script.
type step struct {
	line int
	who  string // client, or POST and GET
	verb string
	arg  string
	want string // of POST and GET: what follows ->
}

// parse reads a script.
func parse(text string) ([]step, error) {
	var steps []step
	for i, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			if len(steps) == 0 {
				return nil, fmt.Errorf("line %d continues nothing", i+1)
			}
			steps[len(steps)-1].arg += strings.TrimSpace(line)
			continue
		}
		who, rest, _ := strings.Cut(line, " ")
		s := step{line: i + 1, who: who}
		if who == "POST" || who == "GET" {
			s.verb, s.arg = who, rest
		} else {
			s.verb, s.arg, _ = strings.Cut(rest, " ")
		}
		steps = append(steps, s)
	}
	for i := range steps {
		if s := &steps[i]; s.who == "POST" || s.who == "GET" {
			arg, want, ok := strings.Cut(s.arg, " -> ")
			if !ok {
				return nil, fmt.Errorf("line %d: no -> in %s", s.line, s.verb)
			}
			s.arg, s.want = arg, want
		}
	}
	return steps, nil
}
