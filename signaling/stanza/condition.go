package stanza

import (
	"errors"
	"fmt"
)

// The stream error conditions (RFC 6120 4.9.3) that Parse refuses input with.
const (
	notWellFormed       = "not-well-formed"
	restrictedXML       = "restricted-xml"
	badNamespacePrefix  = "bad-namespace-prefix"
	unsupportedEncoding = "unsupported-encoding"
	policyViolation     = "policy-violation"
)

// syntaxError is why input was refused.
type syntaxError struct {
	condition string
	offset    int
	reason    string
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("parse xml at byte %d: %s", e.offset, e.reason)
}

// Condition returns the stream error condition (RFC 6120 4.9.3) that an error of [Parse] stands for,
// "undefined-condition" for any other error.
func Condition(err error) string {
	if e, ok := errors.AsType[*syntaxError](err); ok {
		return e.condition
	}
	return "undefined-condition"
}
