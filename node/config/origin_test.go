package config

import (
	"testing"
)

func TestOriginMatches(t *testing.T) {
	cases := []struct {
		pattern, header string
		want            bool
	}{
		{"https://meet.example.org", "https://meet.example.org", true},
		{"https://meet.example.org", "https://MEET.example.org", true},
		{"https://meet.example.org", "https://meet.example.org:443", true},
		{"https://meet.example.org:443", "https://meet.example.org", true},
		{"https://meet.example.org", "http://meet.example.org", false},
		{"https://meet.example.org", "https://meet.example.org:8443", false},
		{"https://meet.example.org", "https://meet.example.org.evil.example", false},
		{"https://meet.example.org", "https://evilmeet.example.org", false},
		{"https://meet.example.org", "null", false},
		{"https://meet.example.org", "", false},
		{"https://*.example.org", "https://n1.example.org", true},
		{"https://*.example.org", "https://example.org", false},
		{"https://*.example.org", "https://a.n1.example.org", false},
		{"https://*.example.org", "https://.example.org", false},
		{"https://*.example.org", "https://evilexample.org", false},
		{"http://[::1]:8080", "http://[::1]:8080", true},
		{"http://192.0.2.1", "http://192.0.2.1:80", true},
		{"*", "https://anything.example", true},
		{"*", "null", true},
	}
	for _, c := range cases {
		o, err := ParseOrigin(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.Matches(c.header); got != c.want {
			t.Errorf("%s matches %q: %v", c.pattern, c.header, got)
		}
	}
}

func TestDomainOrigins(t *testing.T) {
	allowed := func(header string) bool {
		for _, o := range DomainOrigins("example.org") {
			if o.Matches(header) {
				return true
			}
		}
		return false
	}
	for header, want := range map[string]bool{
		"https://example.org": true, "https://ubiig7mfa4.example.org": true, "http://example.org": false, "https://example.com": false,
	} {
		if allowed(header) != want {
			t.Errorf("%s: %v", header, !want)
		}
	}
}

func TestTextFormsAreReadAgain(t *testing.T) {
	for _, text := range []string{"off", ":0", ":8080", "127.0.0.1:80", "[::1]:80", "localhost:80"} {
		a, err := ParseAddr(text)
		if err != nil || a.String() != text {
			t.Errorf("%q became %q, %v", text, a, err)
		}
	}
	for _, text := range []string{"*", "https://a.example", "https://*.a.example", "http://a.example:8080", "http://[::1]:8080"} {
		o, err := ParseOrigin(text)
		if err != nil || o.String() != text {
			t.Errorf("%q became %q, %v", text, o, err)
		}
	}
}

func FuzzOriginMatches(f *testing.F) {
	f.Add("https://*.example.org", "https://n1.example.org")
	f.Add("http://[::1]:8080", "http://[::1]:8080")
	f.Add("*", "null")
	f.Fuzz(func(t *testing.T, pattern, header string) {
		o, err := ParseOrigin(pattern)
		if err != nil {
			return
		}
		o.Matches(header)
		again, err := ParseOrigin(o.String())
		if err != nil || again != o {
			t.Errorf("%q is written as %q, which is read as %v, %v", pattern, o, again, err)
		}
	})
}
