package config

import (
	"fmt"
	"net/netip"
	"strings"
)

const (
	localhost = "localhost"
	// longestDomain leaves room for "conference." and for a node's name within the 253 characters of a DNS name.
	longestDomain = 230
)

// Adopt takes the domain of the cluster that the node joins, with what depends on it. A different one that the operator gave is a
// Problem.
func (c *Config) Adopt(domain string) error {
	domain, err := ParseDomain(domain)
	switch {
	case err != nil:
		return fmt.Errorf("the cluster's domain: %w", err)
	case domain == c.Domain:
		return nil
	case c.Given("domain"):
		return Problem{Where: c.where("domain"), What: fmt.Sprintf("%s is not the cluster's domain", c.Domain), Want: domain}
	}
	c.Domain = domain
	if !c.Given("https") && domain != localhost {
		c.HTTPS = Addr{Port: 443}
	}
	return nil
}

// ParseDomain returns a public name in lower case, without a dot at its end.
func ParseDomain(text string) (string, error) {
	name := strings.ToLower(strings.TrimSuffix(text, "."))
	if _, err := netip.ParseAddr(name); err == nil {
		return "", wrong(fmt.Sprintf("%q is an address", text), "a DNS name; a node without one needs no --domain and is reached by its address all the same")
	}
	if strings.Contains(name, "://") {
		return "", wrong(fmt.Sprintf("%q is a URL", text), "a DNS name such as meet.example.org")
	}
	if len(name) > longestDomain {
		return "", wrong(fmt.Sprintf("the name has %d characters", len(name)), fmt.Sprintf("at most %d", longestDomain))
	}
	if !isName(name) {
		return "", wrong(fmt.Sprintf("%q is no DNS name", text), "a name such as meet.example.org; international names in their xn-- form")
	}
	return name, nil
}

// isName reports whether s is a host name: labels of letters, digits and hyphens (RFC 1123 2.1), not all digits at the
// end, so that no broken IPv4 address passes.
func isName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}
