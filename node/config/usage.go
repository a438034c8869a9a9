package config

import (
	"fmt"
	"io"
)

// WriteUsage describes every setting.
func WriteUsage(w io.Writer) error {
	_, err := fmt.Fprintf(w, "Each flag is also an environment variable (%s for --tls-cert) and a key of the\n"+
		"YAML file that --config names. A flag counts more than the environment, the environment\n"+
		"more than the file. An ADDR is host:port, :port or off. Lists (*) are repeated, or one\n"+
		"value with commas.\n\n  --config FILE\n        YAML file with settings\n", variable("tls-cert"))
	if err != nil {
		return err
	}
	for _, s := range settings {
		star, initial := "", ""
		if s.list {
			star = " *"
		}
		if s.says != "" {
			initial = " (" + s.says + ")"
		} else if s.value != "" {
			initial = " (" + s.value + ")"
		}
		if _, err := fmt.Fprintf(w, "  %s %s%s\n        %s%s\n", s.flag(), s.form, star, s.help, initial); err != nil {
			return err
		}
	}
	return nil
}
