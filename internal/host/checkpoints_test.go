package host

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
)

// TestT40PublishedHeadsStay: a head that contradicts the last one published, or
// is signed by another key, is not put in its place.
func TestT40PublishedHeadsStay(t *testing.T) {
	signer := func(seed byte) *auditlog.Signer {
		s, err := auditlog.NewSigner(bytes.Repeat([]byte{seed}, auditlog.SeedBytes), "t_a")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ours, folder := signer(1), t.TempDir()
	publish := func(s *auditlog.Signer, size int64, root auditlog.Hash) error {
		signed, err := s.Sign(size, root)
		if err != nil {
			t.Fatal(err)
		}
		return publishLog(t.Context(), &auditlog.Log{Name: "a", Signed: signed, Verifier: s.Verifier()}, folder, time.Unix(1_790_000_000, 0))
	}
	for range 2 {
		if err := publish(ours, 5, auditlog.Hash{1}); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"shrunk":      publish(ours, 4, auditlog.Hash{1}),
		"forked":      publish(ours, 5, auditlog.Hash{2}),
		"another key": publish(signer(2), 6, auditlog.Hash{1}),
	} {
		if damage := new(auditlog.DamageError); !errors.As(err, &damage) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, path := range []string{"checkpoint", "2026-09-21/000000000005"} {
		if got, err := os.ReadFile(filepath.Join(folder, path)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
}
