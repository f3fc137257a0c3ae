package storetest

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/sotto-health/sotto/internal/hub"
)

func testShared(t *testing.T, store hub.Store) {
	ctx := t.Context()
	t.Run("a secret is that of the first who asks", func(t *testing.T) {
		name := newID("s")
		values := make([][]byte, 4)
		var all sync.WaitGroup
		for i := range values {
			all.Go(func() {
				fresh := newToken()
				value, err := store.Secret(ctx, name, fresh[:])
				if err != nil {
					t.Error(err)
				}
				values[i] = value
			})
		}
		all.Wait()
		again, err := store.Secret(ctx, name, []byte("another"))
		if err != nil || len(again) != 32 {
			t.Fatalf("%x, %v", again, err)
		}
		for _, value := range values {
			if !bytes.Equal(value, again) {
				t.Errorf("%x and %x", value, again)
			}
		}
	})
	t.Run("a nonce is spent once", func(t *testing.T) {
		nonce, other := newToken(), newToken()
		for _, n := range [][]byte{nonce[:], other[:]} {
			if err := store.SpendNonce(ctx, n, 1000); err != nil {
				t.Fatal(err)
			}
			if err := store.SpendNonce(ctx, n, 1000); !errors.Is(err, hub.ErrExists) {
				t.Errorf("spent twice: %v", err)
			}
		}
		if err := store.DeleteExpired(ctx, 999); err != nil {
			t.Fatal(err)
		}
		if err := store.SpendNonce(ctx, nonce[:], 1000); !errors.Is(err, hub.ErrExists) {
			t.Errorf("forgotten before its time: %v", err)
		}
		if err := store.DeleteExpired(ctx, 1000); err != nil {
			t.Fatal(err)
		}
		if err := store.SpendNonce(ctx, nonce[:], 2000); err != nil {
			t.Errorf("not forgotten after its time: %v", err)
		}
	})
}
