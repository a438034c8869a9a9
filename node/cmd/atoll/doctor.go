package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/atoll-mesh/atoll/node/doctor"
)

type doctorCommand struct {
	Admin string `default:"${admin}" env:"ATOLL_ADMIN" help:"Address of the node's admin API."`
	JSON  bool   `name:"json" help:"For machines."`
}

// errSick makes the command fail; the report has said why.
var errSick = errors.New("something does not work, see above")

// Run lets a node examine itself with the help of the others, and shows what it found.
func (c doctorCommand) Run(s streams) error {
	base, err := adminURL(c.Admin)
	if err != nil {
		return fmt.Errorf("--admin: %w", err)
	}
	var report doctor.Report
	if err := getWithin(examinationTime, base+"/api/v1/doctor", &report); err != nil {
		return fmt.Errorf("no node answers at %s; is it running, and is this its --admin? %w", c.Admin, err)
	}
	if c.JSON {
		encoder := json.NewEncoder(s.out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = showReport(s, report)
	}
	if err == nil && report.Status == doctor.Fail {
		err = errSick
	}
	return err
}

// showReport writes one line for each check, and under it what to do.
func showReport(s streams, report doctor.Report) error {
	for _, c := range report.Checks {
		line := fmt.Sprintf("%-4s  %-11s  %s\n", c.Status, c.Area, printable(c.Text))
		if c.Do != "" {
			line += fmt.Sprintf("      %-11s  -> %s\n", "", printable(c.Do))
		}
		if _, err := fmt.Fprint(s.out, line); err != nil {
			return err
		}
	}
	return nil
}
