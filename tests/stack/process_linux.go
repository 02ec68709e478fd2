package stack

import (
	"os/exec"
	"syscall"
)

// dieWithParent leaves nothing behind even when the test binary is killed.
func dieWithParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
