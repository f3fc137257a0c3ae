package host

import "runtime"

// spared is how many bytes more than the garbage collector would let gather may.
const spared = 64 << 20

// spareCollector makes the garbage collector run less often (docs/decisions/0224):
// the slice counts as memory in use, whose double is when it runs, and as
// nobody touches it the machine has none of it to give. The returned function
// ends that.
func spareCollector() (end func()) {
	untouched := make([]byte, spared)
	return func() { runtime.KeepAlive(untouched) }
}
