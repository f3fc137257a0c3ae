package stream

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// acknowledged reports whether the other machine has taken every byte that was
// written to a connection. A receiver that ends while bytes are still on their
// way resets the connection in place of taking them.
func acknowledged(c net.Conn) (done bool, err error) {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return false, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		waiting, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
		if err != nil {
			failed = err
			return
		}
		// Asked last: a reset empties the queue too.
		code, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && code != 0 {
			err = syscall.Errno(code)
		}
		done, failed = waiting == 0, err
	})
	if err == nil {
		err = failed
	}
	return done, err
}
