package host

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/installation"
	"github.com/sotto-health/sotto/internal/keyfile"
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
	ours, folder, sizes := signer(1), t.TempDir(), make(map[string]int64)
	publish := func(s *auditlog.Signer, size int64, root auditlog.Hash) error {
		signed, err := s.Sign(size, root)
		if err != nil {
			t.Fatal(err)
		}
		return publishLog(t.Context(), &auditlog.Log{Name: "a", Signed: signed, Verifier: s.Verifier()}, folder, sizes, time.Unix(1_790_000_000, 0))
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
	contradicts := func(without string) {
		t.Helper()
		for name, err := range map[string]error{
			"shrunk":      publish(ours, 4, auditlog.Hash{1}),
			"forked":      publish(ours, 5, auditlog.Hash{2}),
			"another key": publish(signer(2), 6, auditlog.Hash{1}),
		} {
			if damage := new(auditlog.DamageError); !errors.As(err, &damage) {
				t.Errorf("%s%s: got %v", name, without, err)
			}
		}
	}
	contradicts("")
	latest := filepath.Join(folder, "checkpoint")
	if err := os.Remove(latest); err != nil {
		t.Fatal(err)
	}
	contradicts(", by a dated head alone")
	if err := publish(ours, 5, auditlog.Hash{1}); err != nil {
		t.Error(err)
	}
	for _, path := range []string{"checkpoint", "2026-09-21/000000000005"} {
		if got, err := os.ReadFile(filepath.Join(folder, path)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err, damage := publish(ours, 5, auditlog.Hash{1}), new(auditlog.DamageError); !errors.As(err, &damage) {
		t.Errorf("all that was published is gone: got %v", err)
	}
}

// TestT40ACheckedHeadStays: the head of a whole check gives way to none that has
// not grown from it, also if that check found nothing.
func TestT40ACheckedHeadStays(t *testing.T) {
	folder := Folder(t.TempDir())
	note := func(seed byte, size int64, root auditlog.Hash) error {
		s, err := auditlog.NewSigner(bytes.Repeat([]byte{seed}, auditlog.SeedBytes), "t_a")
		if err != nil {
			t.Fatal(err)
		}
		signed, err := s.Sign(size, root)
		if err != nil {
			t.Fatal(err)
		}
		return NoteLogVerified(t.Context(), folder, &auditlog.Log{Name: "a", Signed: signed, Verifier: s.Verifier()}, 0, time.Unix(1_790_000_000, 0))
	}
	for range 2 {
		if err := note(1, 5, auditlog.Hash{1}); err != nil {
			t.Fatal(err)
		}
	}
	want := readVerifiedLog(folder, "a")
	for name, err := range map[string]error{
		"shrunk":      note(1, 4, auditlog.Hash{1}),
		"forked":      note(1, 5, auditlog.Hash{2}),
		"another key": note(2, 6, auditlog.Hash{1}),
	} {
		if damage := new(auditlog.DamageError); !errors.As(err, &damage) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if got := readVerifiedLog(folder, "a"); *got != *want {
		t.Errorf("kept is %+v", got)
	}
}

// TestLogPartsAreNoted: that the heads and the archive of the audit log are let
// out, that they could not be, and that the log contradicts them, is noted for
// who looks, in the figures too, and goes on to be when the server starts anew.
func TestLogPartsAreNoted(t *testing.T) {
	h := openHub(t, t.TempDir())
	makePractice(t, h)
	if err := h.NoteAuditExport(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := ServeConfig{AuditCheckpoints: t.TempDir(), AuditArchive: t.TempDir(), Log: slog.New(slog.DiscardHandler)}
	parts, err := newLogParts(t.Context(), h, c)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	look := func(heads, archived string) []installation.LogPart {
		t.Helper()
		at = at.Add(time.Minute)
		parts.letOut(t.Context(), installation.Checkpoints, at, func(sizes map[string]int64) error {
			return publish(t.Context(), h, c.AuditCheckpoints, nil, sizes, at, c.Log)
		})
		parts.letOut(t.Context(), installation.LogArchive, at, func(sizes map[string]int64) error {
			return archiveOnce(t.Context(), h, c.AuditArchive, sizes)
		})
		facts, err := Inspect(t.Context(), h, InspectConfig{Folder: h.folder})
		if err != nil || len(facts.LogParts) != 2 {
			t.Fatal(facts.LogParts, err)
		}
		for i, want := range []string{heads, archived} {
			p := facts.LogParts[i]
			if p.Problem != want || (want == "") != p.SucceededAt.Equal(at) || want != "" && p.Since.IsZero() {
				t.Errorf("%+v at %s, want %q", p, at, want)
			}
			if f := h.Stats().LogParts[p.Name]; f.Problem != (want != "") || !f.SucceededAt.Equal(p.SucceededAt) {
				t.Errorf("%s: the figures are %+v", p.Name, f)
			}
		}
		return facts.LogParts
	}
	look("", "")
	if log := inspectedLog(t, h); log.Heads != 2 || log.Problems != 0 {
		t.Errorf("%+v", log)
	}
	// A file lies where the folder should be.
	heads := c.AuditCheckpoints
	c.AuditCheckpoints = filepath.Join(heads, "here", "checkpoint")
	first := look(installation.PartFails, "")
	if again := look(installation.PartFails, ""); !again[0].Since.Equal(first[0].Since) || !again[0].SucceededAt.Equal(first[0].SucceededAt) {
		t.Errorf("%+v, then %+v", first[0], again[0])
	}
	c.AuditCheckpoints = heads
	look("", "")

	// Another history, longer than what was let out, by the same key.
	signer, err := auditlog.NewSigner(seedOf(t, h), "t_here")
	if err != nil {
		t.Fatal(err)
	}
	forged, err := signer.Sign(1, auditlog.Hash{9})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{c.AuditCheckpoints, c.AuditArchive} {
		if err := os.WriteFile(filepath.Join(path, "here", "checkpoint"), forged, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.NoteAuditExport(t.Context()); err != nil {
		t.Fatal(err)
	}
	found := look(installation.PartContradicts, installation.PartContradicts)
	if log := inspectedLog(t, h); log.Problems == 0 || !strings.Contains(log.First, "forked") {
		t.Errorf("%+v", log)
	}
	if !strings.Contains(found[0].Damage, "forked") {
		t.Errorf("%+v", found[0])
	}
	again, err := newLogParts(t.Context(), h, c)
	if err != nil || again.all[0].Problem != installation.PartContradicts || !again.all[0].Since.Equal(found[0].Since) {
		t.Errorf("after a start: %+v, %v", again, err)
	}

	// What contradicts stays, set up or not, and whatever else is set up, until
	// the operator settles it.
	contradicting := func(want ...string) {
		t.Helper()
		facts, err := Inspect(t.Context(), h, InspectConfig{Folder: h.folder})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range facts.LogParts {
			if p.Problem == installation.PartContradicts {
				got = append(got, p.Name)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%q contradict, want %q", got, want)
		}
		for _, name := range want {
			if !h.Stats().LogParts[name].Problem {
				t.Errorf("the figures of %s tell nothing", name)
			}
		}
	}
	starts := func() {
		t.Helper()
		if parts, err = newLogParts(t.Context(), h, c); err != nil {
			t.Fatal(err)
		}
	}
	c.AuditArchive = ""
	starts()
	contradicting(installation.LogArchive, installation.Checkpoints)
	c.AuditCheckpoints = ""
	starts()
	contradicting(installation.LogArchive, installation.Checkpoints)
	c.AuditArchive = t.TempDir()
	starts()
	parts.letOut(t.Context(), installation.LogArchive, at, func(sizes map[string]int64) error {
		return archiveOnce(t.Context(), h, c.AuditArchive, sizes)
	})
	contradicting(installation.LogArchive, installation.Checkpoints)
	c.AuditArchive = ""
	if n, err := h.SettleWatcher(t.Context(), installation.LogArchive, "investigated"); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	contradicting(installation.Checkpoints)
	starts()
	contradicting(installation.Checkpoints)
	if n := len(logged(t.Context(), t, h, audit.WatcherContradicts)); n != 2 {
		t.Errorf("%d contradictions are in the log", n)
	}
}

// TestT40WhatWasLetOutIsGone: an archive that is taken away is not begun anew in
// silence, not by a server that is started again either, until the operator says
// why; a practice that is new has its own.
func TestT40WhatWasLetOutIsGone(t *testing.T) {
	h := openHub(t, t.TempDir())
	makePractice(t, h)
	if err := h.NoteAuditExport(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := ServeConfig{AuditArchive: t.TempDir(), Log: slog.New(slog.DiscardHandler)}
	at := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	serves := func(want string) {
		t.Helper()
		parts, err := newLogParts(t.Context(), h, c)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			parts.letOut(t.Context(), installation.LogArchive, at, func(sizes map[string]int64) error {
				return archiveOnce(t.Context(), h, c.AuditArchive, sizes)
			})
		}
		if got := parts.all[0]; got.Problem != want || strings.Contains(got.Damage, "was taken away") != (want != "") {
			t.Errorf("%+v, want %q", got, want)
		}
	}
	serves("")
	serves("")
	here := filepath.Join(c.AuditArchive, "here")
	if err := os.RemoveAll(here); err != nil {
		t.Fatal(err)
	}
	serves(installation.PartContradicts)
	serves(installation.PartContradicts)
	if _, err := os.Stat(here); err == nil {
		t.Error("it was archived anew")
	}
	if n, err := h.SettleWatcher(t.Context(), installation.LogArchive, "moved"); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	serves("")
	if _, err := os.Stat(here); err != nil {
		t.Error(err)
	}
}

func inspectedLog(t *testing.T, h *OpenHub) *installation.LogCheck {
	t.Helper()
	facts, err := Inspect(t.Context(), h, InspectConfig{Folder: h.folder})
	if err != nil || facts.Practices[0].Log == nil {
		t.Fatal(err)
	}
	return facts.Practices[0].Log
}

func seedOf(t *testing.T, h *OpenHub) []byte {
	t.Helper()
	seed, err := keyfile.Read(filepath.Join(h.folder.HubPart(), "audit.key"), "hub-audit", auditlog.SeedBytes)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}
