//go:build !linux

package precedence

type threads struct{}

func ordinary() (threads, bool) { return threads{}, false }

func (threads) set(bool) (bool, error) { return false, nil }
