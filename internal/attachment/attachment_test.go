package attachment_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/attachment"
)

func file(n int) []byte {
	b := make([]byte, n)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(b)
	return b
}

func seal(t *testing.T, key, plain []byte) (sealed, hash []byte) {
	t.Helper()
	var out bytes.Buffer
	hash, err := attachment.Seal(&out, bytes.NewReader(plain), key, int64(len(plain)))
	if err != nil {
		t.Fatal(err)
	}
	if int64(out.Len()) != attachment.SealedSize(int64(len(plain))) {
		t.Fatalf("%d bytes become %d, not %d", len(plain), out.Len(), attachment.SealedSize(int64(len(plain))))
	}
	return out.Bytes(), hash
}

func open(key, sealed, hash []byte, size, step int) ([]byte, error) {
	var out bytes.Buffer
	o, err := attachment.NewOpener(&out, key, int64(size), hash)
	if err != nil {
		return nil, err
	}
	for len(sealed) > 0 {
		n := min(step, len(sealed))
		if _, err := o.Write(sealed[:n]); err != nil {
			return out.Bytes(), err
		}
		sealed = sealed[n:]
	}
	return out.Bytes(), o.Close()
}

func TestSealAndOpen(t *testing.T) {
	for _, size := range []int{1, 4096, 4097, 65535, 65536, 65537, 262144, 262145, 1 << 20, 5<<20 + 3} {
		key, plain := attachment.NewKey(), file(size)
		sealed, hash := seal(t, key, plain)
		if sum := sha256.Sum256(sealed); !bytes.Equal(sum[:], hash) {
			t.Errorf("%d: hash is not of the sealed bytes", size)
		}
		for _, step := range []int{1 << 20, attachment.SealedChunkSize, 1000} {
			got, err := open(key, sealed, hash, size, step)
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%d in steps of %d: %v", size, step, err)
			}
		}
	}
}

func TestWhatIsAltered(t *testing.T) {
	const chunk = attachment.SealedChunkSize
	key, plain := attachment.NewKey(), file(300_000)
	sealed, hash := seal(t, key, plain)
	swapped := bytes.Clone(sealed)
	copy(swapped, sealed[chunk:2*chunk])
	copy(swapped[chunk:], sealed[:chunk])
	flipped := bytes.Clone(sealed)
	flipped[2*chunk+5] ^= 1
	for name, bad := range map[string][]byte{
		"nothing":         {},
		"cut at a chunk":  sealed[:len(sealed)-chunk],
		"cut in a chunk":  sealed[:len(sealed)-1],
		"a byte more":     append(bytes.Clone(sealed), 0),
		"a chunk twice":   append(bytes.Clone(sealed[:chunk]), sealed...),
		"a chunk missing": sealed[chunk:],
		"swapped chunks":  swapped,
		"a flipped bit":   flipped,
	} {
		if _, err := open(key, bad, hash, len(plain), 50_000); !errors.Is(err, attachment.ErrAltered) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := open(attachment.NewKey(), sealed, hash, len(plain), 50_000); !errors.Is(err, attachment.ErrAltered) {
		t.Errorf("another key: %v", err)
	}
	if _, err := open(key, sealed, hash, len(plain)-1, 50_000); !errors.Is(err, attachment.ErrAltered) {
		t.Errorf("another size: %v", err)
	}
	if _, err := open(key, sealed, make([]byte, 32), len(plain), 50_000); !errors.Is(err, attachment.ErrAltered) {
		t.Errorf("another hash: %v", err)
	}
}

func TestSizes(t *testing.T) {
	classes := map[int64]bool{}
	for size := int64(1); size <= attachment.MaxSize; size += 10_007 {
		padded := attachment.Padded(size)
		if padded < size || (size > 1<<20 && padded > size+size/4+1) {
			t.Fatalf("%d padded to %d", size, padded)
		}
		classes[padded] = true
	}
	if len(classes) > 48 {
		t.Errorf("%d size classes tell too much", len(classes))
	}
	if got := attachment.SealedSize(attachment.MaxSize); got > 26<<20 {
		t.Errorf("the largest file has %d bytes sealed", got)
	}
	var out bytes.Buffer
	for _, size := range []int64{0, -1, attachment.MaxSize + 1} {
		if _, err := attachment.Seal(&out, strings.NewReader("x"), attachment.NewKey(), size); !errors.Is(err, attachment.ErrSize) {
			t.Errorf("size %d: %v", size, err)
		}
	}
	if _, err := attachment.Seal(&out, strings.NewReader("x"), attachment.NewKey(), 2); !errors.Is(err, attachment.ErrSize) {
		t.Errorf("a file shorter than said: %v", err)
	}
}

// TestGolden holds the format: sealed files outlive versions.
func TestGolden(t *testing.T) {
	key, plain := bytes.Repeat([]byte{7}, attachment.KeySize), file(1000)
	_, hash := seal(t, key, plain)
	want, err := os.ReadFile("testdata/golden/sealed.sha256")
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(hash); got != strings.TrimSpace(string(want)) {
		t.Errorf("format changed: %s", got)
	}
}

func FuzzOpen(f *testing.F) {
	key := bytes.Repeat([]byte{7}, attachment.KeySize)
	plain := file(5000)
	var out bytes.Buffer
	hash, _ := attachment.Seal(&out, bytes.NewReader(plain), key, 5000)
	f.Add(out.Bytes(), uint16(5000))
	f.Add([]byte{}, uint16(1))
	f.Fuzz(func(t *testing.T, in []byte, size uint16) {
		got, err := open(key, in, hash, int(size), 1000)
		if err == nil && !bytes.Equal(got, plain) {
			t.Error("opened something that was not sealed")
		}
	})
}
