package config

import (
	"errors"
	"strings"
)

// Problem is one thing that stops the start.
type Problem struct {
	Where string // the flag, the variable, or the file with line and key; "" when it has no place
	What  string // what is wrong
	Want  string // what would be right; "" when What says it
}

const commandLine = "command line"

// Error returns the problem as one line: where: what; want ...
func (p Problem) Error() string {
	line := p.What
	if p.Where != "" {
		line = p.Where + ": " + line
	}
	if p.Want != "" {
		line += "; want " + p.Want
	}
	return line
}

// OnCommandLine reports whether the problem is one of the command line.
func (p Problem) OnCommandLine() bool {
	return p.Where == commandLine || strings.HasPrefix(p.Where, "--")
}

// Problems are all that stops the start, as one error.
type Problems []Problem

// Error returns one line per problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// OnCommandLine reports whether one of the problems is one of the command line.
func (p Problems) OnCommandLine() bool {
	for _, problem := range p {
		if problem.OnCommandLine() {
			return true
		}
	}
	return false
}

// wrong is the error of a value that cannot be read.
func wrong(what, want string) error { return Problem{What: what, Want: want} }

// place says where a value that cannot be read was given.
func place(err error, where string) Problem {
	var p Problem
	if !errors.As(err, &p) {
		p.What = err.Error()
	}
	p.Where = where
	return p
}
