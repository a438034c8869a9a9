//go:build !linux

package load

import "syscall"

func dieWithParent() *syscall.SysProcAttr { return nil }
