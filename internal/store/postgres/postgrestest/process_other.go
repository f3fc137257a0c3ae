//go:build !linux

package postgrestest

import (
	"os/exec"
	"syscall"
)

func attributes(account *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: account}
}

func runLocked(process *exec.Cmd, running, ended chan<- error) {
	err := process.Start()
	running <- err
	if err == nil {
		ended <- process.Wait()
	}
}
