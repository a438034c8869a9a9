package config

import (
	"fmt"
	"strings"
)

// readEnviron picks the variables of settings out of an environment.
func readEnviron(environ []string) assignments {
	variables := assignments{}
	names := map[string]string{variable("config"): "config"}
	for _, s := range settings {
		names[variable(s.name)] = s.name
	}
	for _, entry := range environ {
		key, value, _ := strings.Cut(entry, "=")
		if name, ok := names[key]; ok && value != "" {
			variables[name] = assignment{where: key, values: []string{value}}
		}
	}
	return variables
}

// unknownVariables warns of variables that look like mistyped settings. Others that begin with ATOLL_ are none of our
// business: Kubernetes makes some for a service called atoll.
func unknownVariables(environ []string) []string {
	var warnings []string
	for _, entry := range environ {
		key, _, _ := strings.Cut(entry, "=")
		rest, ok := strings.CutPrefix(key, "ATOLL_")
		if !ok {
			continue
		}
		name := strings.ToLower(strings.ReplaceAll(rest, "_", "-"))
		if known(name) {
			continue
		}
		if meant := suggestion("", name, ""); meant != "" {
			warnings = append(warnings, fmt.Sprintf("%s: there is no such setting; was %s meant?", key, variable(meant)))
		}
	}
	return warnings
}

// lookup returns the value of a variable, "" when it is not set.
func lookup(environ []string, key string) string {
	for _, entry := range environ {
		if value, ok := strings.CutPrefix(entry, key+"="); ok {
			return value
		}
	}
	return ""
}
