package auditlog_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
)

// TestCheckpoints: a checkpoint opens by its log's key alone, unchanged, and,
// where a witness is asked for, with that witness's signature.
func TestCheckpoints(t *testing.T) {
	seed := bytes.Repeat([]byte{7}, auditlog.SeedBytes)
	s, err := auditlog.NewSigner(seed, "t_a")
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.Sign(3, auditlog.Hash{1})
	if err != nil {
		t.Fatal(err)
	}
	got, err := auditlog.OpenCheckpoint(signed, s.Verifier())
	if err != nil || got.Size != 3 || got.Root != (auditlog.Hash{1}) || got.Origin != auditlog.Origin("t_a") {
		t.Fatalf("%+v, %v", got, err)
	}
	other, _ := auditlog.NewSigner(seed, "t_b")
	if _, err := auditlog.OpenCheckpoint(signed, other.Verifier()); !errors.Is(err, auditlog.ErrCheckpoint) {
		t.Errorf("opened by another log's key: %v", err)
	}
	if _, err := auditlog.OpenCheckpoint(bytes.Replace(signed, []byte("\n3\n"), []byte("\n4\n"), 1), s.Verifier()); err == nil {
		t.Error("a changed size is taken")
	}
	w, err := auditlog.NewWitness("witness.example", seed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := auditlog.OpenCheckpoint(signed, s.Verifier(), w.Verifier()); err == nil {
		t.Error("taken without the witness")
	}
	both := auditlog.WithCosignature(signed, w.Cosign(got, 1790000000))
	if _, err := auditlog.OpenCheckpoint(both, s.Verifier(), w.Verifier()); err != nil {
		t.Error(err)
	}
}

// TestT40AChangedRowIsNamed changes an event after it was logged.
func TestT40AChangedRowIsNamed(t *testing.T) {
	e := auditlog.Entry{Leaf: 5, Salt: audit.NewSalt(), Event: audit.New(t.Context(), 1, audit.Actor{Practice: "t_a", Role: audit.Operator}, audit.PeopleListed, "")}
	encoded, err := e.Event.Encode()
	if err != nil {
		t.Fatal(err)
	}
	e.Commitment = audit.Commit(e.Salt, encoded)
	if err := e.Check(); err != nil {
		t.Fatal(err)
	}
	e.Event.At++
	var damage *auditlog.DamageError
	if err := e.Check(); !errors.As(err, &damage) || damage.At != 5 {
		t.Errorf("got %v", err)
	}
}
