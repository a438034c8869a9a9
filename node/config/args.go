package config

import (
	"strings"
)

// readArgs takes a command line apart: --name value or --name=value.
func readArgs(args []string) (assignments, Problems) {
	flags := assignments{}
	var problems Problems
	for i := 0; i < len(args); i++ {
		arg := args[i]
		name, ok := strings.CutPrefix(arg, "--")
		if !ok || name == "" {
			problems = append(problems, Problem{Where: commandLine, What: quote(arg) + " is no flag", Want: "--name value"})
			continue
		}
		name, value, hasValue := strings.Cut(name, "=")
		if !known(name) {
			problems = append(problems, Problem{Where: "--" + name, What: "there is no such flag", Want: suggestion("--", name, "one of `atoll run --help`")})
			if !hasValue && i+1 < len(args) && !strings.HasPrefix(args[i+1], "--") {
				i++ // its value, most likely
			}
			continue
		}
		if !hasValue {
			if i+1 == len(args) || strings.HasPrefix(args[i+1], "--") {
				problems = append(problems, Problem{Where: "--" + name, What: "the value is missing", Want: "--" + name + " " + form(name)})
				continue
			}
			i++
			value = args[i]
		}
		a := flags[name]
		flags[name] = assignment{where: "--" + name, values: append(a.values, value)}
	}
	return flags, problems
}

func known(name string) bool {
	_, ok := find(name)
	return ok || name == "config"
}

func form(name string) string {
	if s, ok := find(name); ok {
		return s.form
	}
	return formFile
}

// quote returns s as text of bounded length.
func quote(s string) string {
	if len(s) > 64 {
		s = s[:64] + "..."
	}
	return `"` + strings.ToValidUTF8(s, "?") + `"`
}

// suggestion returns the known name that an unknown one was most likely meant to be, or otherwise.
func suggestion(prefix, unknown, otherwise string) string {
	best, least := "", 3
	for _, s := range settings {
		if d := distance(unknown, s.name); d < least {
			best, least = s.name, d
		}
	}
	if best == "" {
		return otherwise
	}
	return prefix + best
}

// distance returns how many letters must be changed, put in or left out to make b of a.
func distance(a, b string) int {
	if len(a) > 32 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, before+1, row[j]+1)
		}
	}
	return row[len(b)]
}
