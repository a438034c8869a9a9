//go:build linux

// Command lab keeps three regions (eu, us, ap) as network namespaces on this machine, for trying things by hand.
//
//	lab up                                 make them, with eu-us 40, us-ap 75, eu-ap 110 ms one way; stays until interrupted
//	lab status                             show the links and what passed them
//	lab set eu us delay=80ms loss=0.01     change both directions; also jitter=5ms rate=2000000 queue=30000 down=true
//	lab down                               end the lab that is up, and remove what dead ones left behind
package main

import (
	"fmt"
	"os"
)

const usage = "usage: lab up | status | set REGION REGION KEY=VALUE ... | down"

func main() {
	command, args := "", []string(nil)
	if len(os.Args) > 1 {
		command, args = os.Args[1], os.Args[2:]
	}
	var err error
	switch {
	case command == "up" && len(args) == 0:
		err = up()
	case command == "status" && len(args) == 0:
		err = status()
	case command == "set" && len(args) > 2:
		err = set(args[0], args[1], args[2:])
	case command == "down" && len(args) == 0:
		err = down()
	default:
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}
