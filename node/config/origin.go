package config

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Origin is a web origin (RFC 6454), or a pattern of some: "https://meet.example.org", "https://*.example.org" for one
// label more, or "*" for all.
type Origin struct {
	all    bool
	scheme string
	wild   bool // one label before host
	host   string
	port   string // "" for the scheme's own
}

const wantOrigin = "an origin such as https://meet.example.org, https://*.example.org or *"

// ParseOrigin returns the origin or the pattern that text stands for.
func ParseOrigin(text string) (Origin, error) {
	if text == "*" {
		return Origin{all: true}, nil
	}
	o, ok := splitOrigin(text)
	if !ok {
		return Origin{}, wrong(fmt.Sprintf("%q is no origin", text), wantOrigin)
	}
	if host, found := strings.CutPrefix(o.host, "*."); found {
		o.wild, o.host = true, host
	}
	if !isName(o.host) && (o.wild || net.ParseIP(strings.Trim(o.host, "[]")) == nil) {
		return Origin{}, wrong(fmt.Sprintf("the host of %q is neither a name nor an IP address", text), wantOrigin)
	}
	return o, nil
}

// DomainOrigins are the origins of a domain and of the nodes below it.
func DomainOrigins(domain string) []Origin {
	return []Origin{{scheme: "https", host: domain}, {scheme: "https", host: domain, wild: true}}
}

// Matches reports whether an Origin header has this origin.
func (o Origin) Matches(header string) bool {
	h, ok := splitOrigin(header)
	if !ok {
		return o.all
	}
	if o.all {
		return true
	}
	if h.scheme != o.scheme || h.port != o.port {
		return false
	}
	if !o.wild {
		return h.host == o.host
	}
	label, rest, found := strings.Cut(h.host, ".")
	return found && label != "" && rest == o.host
}

// String returns the text form.
func (o Origin) String() string {
	if o.all {
		return "*"
	}
	host := o.host
	if o.wild {
		host = "*." + host
	}
	if o.port != "" {
		host += ":" + o.port
	}
	return o.scheme + "://" + host
}

// MarshalText returns the text form.
func (o Origin) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

func splitOrigin(text string) (Origin, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		return Origin{}, false
	}
	o := Origin{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(u.Host), port: u.Port()}
	if o.scheme != "http" && o.scheme != "https" {
		return Origin{}, false
	}
	if o.port != "" {
		if _, err := strconv.ParseUint(o.port, 10, 16); err != nil {
			return Origin{}, false
		}
		o.host = o.host[:len(o.host)-len(o.port)-1]
	}
	if o.port == map[string]string{"http": "80", "https": "443"}[o.scheme] {
		o.port = ""
	}
	return o, true
}
