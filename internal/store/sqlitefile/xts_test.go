package sqlitefile

import (
	"bytes"
	"crypto/aes"
	"testing"

	"golang.org/x/crypto/xts"
	"pgregory.net/rapid"
)

// TestSectorCipherIsXTS compares with another implementation.
func TestSectorCipherIsXTS(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), KeySize, KeySize).Draw(t, "key")
		sector := rapid.SliceOfN(rapid.Byte(), sectorSize, sectorSize).Draw(t, "sector")
		number := rapid.Uint64().Draw(t, "number")
		c, err := newSectorCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		other, err := xts.NewCipher(aes.NewCipher, key)
		if err != nil {
			t.Fatal(err)
		}
		got, want := bytes.Clone(sector), make([]byte, sectorSize)
		c.encrypt(got, number)
		other.Encrypt(want, sector, number)
		if !bytes.Equal(got, want) {
			t.Fatalf("sector %d: got %x, want %x", number, got, want)
		}
		c.decrypt(got, number)
		if !bytes.Equal(got, sector) {
			t.Fatal("decrypt does not undo encrypt")
		}
	})
}

func BenchmarkSectorCipher(b *testing.B) {
	c, err := newSectorCipher(make([]byte, KeySize))
	if err != nil {
		b.Fatal(err)
	}
	page := make([]byte, pageSize)
	b.SetBytes(pageSize)
	for b.Loop() {
		for at := 0; at < pageSize; at += sectorSize {
			c.encrypt(page[at:at+sectorSize], uint64(at))
		}
	}
}
