package room

import "testing"

func TestParseEndpointID(t *testing.T) {
	for in, ok := range map[string]bool{
		"0123abcd": true, "0123ABCD": false, "0123abc": false, "0123abcde": false, "0123abcg": false, "focus": false, "": false,
	} {
		if id, err := ParseEndpointID(in); (err == nil) != ok || ok && string(id) != in {
			t.Errorf("ParseEndpointID(%q) = %q, %v; want ok %v", in, id, err, ok)
		}
	}
}
