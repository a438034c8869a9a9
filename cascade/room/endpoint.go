package room

import (
	"fmt"
)

// EndpointID names a participant in the whole cluster: eight lower-case hexadecimal digits.
type EndpointID string

// ParseEndpointID returns s as an EndpointID, or an error when it is not eight lower-case hexadecimal digits.
func ParseEndpointID(s string) (EndpointID, error) {
	if len(s) != 8 {
		return "", fmt.Errorf("endpoint id %.16q: want 8 hexadecimal digits", s)
	}
	for i := range len(s) {
		if !isHex(s[i]) {
			return "", fmt.Errorf("endpoint id %q: want 8 lower-case hexadecimal digits", s)
		}
	}
	return EndpointID(s), nil
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }
