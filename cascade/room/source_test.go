package room

import "testing"

func TestParseSourceName(t *testing.T) {
	for _, c := range []struct {
		in       string
		endpoint EndpointID
		kind     Kind
		ok       bool
	}{
		{"478dfae7-a0", "478dfae7", Audio, true},
		{"478dfae7-v12", "478dfae7", Video, true},
		{"478dfae7-v", "", 0, false},
		{"478dfae7-v123", "", 0, false},
		{"478dfae7-x0", "", 0, false},
		{"478DFAE7-v0", "", 0, false},
		{"478dfae-v00", "", 0, false},
		{"478dfae7-v-", "", 0, false},
		{"478dfae7_v0", "", 0, false},
		{"", "", 0, false},
	} {
		n, err := ParseSourceName(c.in)
		if (err == nil) != c.ok {
			t.Errorf("ParseSourceName(%q): error %v, want ok %v", c.in, err, c.ok)
			continue
		}
		if c.ok && (n.Endpoint() != c.endpoint || n.Kind() != c.kind) {
			t.Errorf("%q is %v of %q, want %v of %q", c.in, n.Kind(), n.Endpoint(), c.kind, c.endpoint)
		}
	}
}
