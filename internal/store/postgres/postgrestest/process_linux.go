package postgrestest

import (
	"os/exec"
	"runtime"
	"syscall"
)

// attributes ask that the process ends with this one, even if this one is
// killed.
func attributes(account *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: account, Pdeathsig: syscall.SIGQUIT}
}

func runLocked(process *exec.Cmd, running, ended chan<- error) {
	runtime.LockOSThread()
	err := process.Start()
	running <- err
	if err == nil {
		ended <- process.Wait()
	}
}
