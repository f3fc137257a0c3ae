package device

import (
	"context"
	"strings"
)

// SetBack takes note, in a store that is not open, that it is an old copy: what
// has happened since it was made happened to another. From then on the device
// reads with the keys that the copy has, as far as the hub's log goes, but seals
// nothing by them, for the other may have used them already. It first joins each
// group anew by an external commit, which gives it keys that nobody has used
// (mls.Group.Marshal says why; RFC 9420, section 16.5).
//
// Without it a restored copy is not safe to start.
func SetBack(ctx context.Context, store Store) error {
	keys, err := store.Keys(ctx, prefixConv)
	if err != nil {
		return storeFailure(err)
	}
	puts := make(map[string][]byte, len(keys))
	for _, key := range keys {
		puts[prefixBack+strings.TrimPrefix(key, prefixConv)] = []byte{1}
	}
	if err := store.Apply(ctx, puts, nil); err != nil {
		return storeFailure(err)
	}
	return nil
}

// forward ends what SetBack began.
func (t *txn) forward() {
	if t.c.back {
		t.c.back = false
		t.delete(prefixBack + t.c.id)
	}
}
