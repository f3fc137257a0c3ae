package device

import "context"

// A Store keeps what a device must not lose. The engine calls it from several
// goroutines. What it is given is secret: a Store seals it.
type Store interface {
	// Get returns what is kept under key, or nil if nothing is.
	Get(ctx context.Context, key string) ([]byte, error)
	// Apply writes puts and removes deletes: all of it or nothing, and on disk
	// when it returns nil. A key is in one of the two at most. The engine
	// writes before anything that depends on it leaves the device.
	Apply(ctx context.Context, puts map[string][]byte, deletes []string) error
	// Keys returns the keys that begin with prefix, in byte order.
	Keys(ctx context.Context, prefix string) ([]string, error)
}

// A StoreFullError may be matched by what [Store.Apply] returns when there is
// no room; the engine then says [FailureStorageFull]. Errors of a Store that do
// not match it are [FailureStorageBlocked].
type StoreFullError interface {
	error
	// StoreFull is a mark.
	StoreFull()
}
