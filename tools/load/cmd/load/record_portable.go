//go:build !linux

package main

import (
	"context"
	"errors"
)

type recordCommand struct{}

// Run fails.
func (*recordCommand) Run(context.Context) error { return errors.New("recording needs Linux") }
