//go:build !linux

package precedence

import "errors"

var errUnknown = errors.New("how to come before other programs is not known on this system")

type threads struct{}

func list() (*threads, error) { return nil, errUnknown }

func (*threads) close() {}

func (*threads) set(bool) (bool, error) { return false, nil }

// Permitted returns why the node may not come first, nil when it may.
func Permitted() error { return errUnknown }
