//go:build !linux

package stream

import "net"

// acknowledged cannot be told elsewhere than on Linux. A receiver that ends by
// itself in the instant in which it is told that this was all may lose what was
// on its way.
func acknowledged(net.Conn) (bool, error) { return true, nil }
