package host

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sotto-health/sotto/internal/hub"
)

// TestOrphanedFilesAreSwept puts files into the blob folder that rows name and
// that none does, old and young: only the old one that none names goes.
func TestOrphanedFilesAreSwept(t *testing.T) {
	ctx := t.Context()
	folder := Folder(t.TempDir())
	h := openHub(t, string(folder))
	const here = "t_here"
	makePractice(t, h)
	conversation := hub.NewID("c")
	young, long := time.Now(), time.Now().Add(-8*24*time.Hour)
	file := func(practice, id string, written time.Time, row, complete bool) {
		t.Helper()
		if row {
			if err := h.store.AddAttachment(ctx, hub.Attachment{ID: id, Practice: practice, Conversation: conversation, Device: hub.NewID("d"), Size: 3, CreatedAt: 1}); err != nil {
				t.Fatal(err)
			}
		}
		if complete {
			if err := h.store.CompleteAttachment(ctx, practice, id, 2); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.blobs.Append(ctx, practice, id, 0, 3, strings.NewReader("xyz")); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(blobPath(t, folder, id), written, written); err != nil {
			t.Fatal(err)
		}
	}
	file(here, "a_complete", long, true, true)
	file(here, "a_unfinished", long, true, false)
	file(here, "a_young", young, false, false)
	file(here, "a_orphan", long, false, false)
	file("t_unknown", "a_elsewhere", long, false, false)
	if err := h.SweepOrphans(ctx); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a_complete", "a_unfinished", "a_young", "a_elsewhere"} {
		if blobPath(t, folder, id) == "" {
			t.Errorf("%s was deleted", id)
		}
	}
	if blobPath(t, folder, "a_orphan") != "" {
		t.Error("the orphan is still there")
	}
	if n := h.Stats().Orphans; n != 1 {
		t.Errorf("counted %d", n)
	}
}

// blobPath returns where a file is, or "" if it is gone.
func blobPath(t *testing.T, folder Folder, id string) (path string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(folder.HubPart(), "blobs"), func(at string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == id {
			path = at
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return path
}

// swept counts how often it was called.
type swept struct{ sessions, mailboxes, expired, orphans, looks, emergencies int }

func (s *swept) LookDaily(context.Context) error     { s.looks++; return nil }
func (s *swept) Beat(context.Context)                {}
func (s *swept) CheckSessions(context.Context) error { s.sessions++; return nil }
func (s *swept) SweepMailboxes()                     { s.mailboxes++ }
func (s *swept) Sweep(context.Context) error         { s.expired++; return nil }
func (s *swept) EndEmergencies(context.Context) error {
	s.emergencies++
	return errors.New("once more")
}
func (s *swept) SweepOrphans(context.Context) error { s.orphans++; return errors.New("once more") }

func TestSweepsGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var s swept
		sweep(ctx, &s, slog.New(slog.DiscardHandler))
		time.Sleep(time.Minute)
		synctest.Wait()
		if s.looks != 1 {
			t.Errorf("controls were looked at %d times in the first minute", s.looks)
		}
		time.Sleep(2*time.Hour - 59*time.Second)
		stop()
		synctest.Wait()
		if s.orphans != 2 || s.looks != 2 || s.expired != 24 || s.mailboxes != 480 || s.emergencies != 480 || s.sessions < 4*60*60 {
			t.Errorf("%+v", s)
		}
	})
}

// slow is a hub whose long jobs never come back: a disk that hangs, a machine
// that does not answer.
type slow struct{ swept }

func (*slow) LookDaily(ctx context.Context) error      { <-ctx.Done(); return ctx.Err() }
func (*slow) Sweep(ctx context.Context) error          { <-ctx.Done(); return ctx.Err() }
func (*slow) EndEmergencies(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func (*slow) SweepOrphans(ctx context.Context) error   { <-ctx.Done(); return ctx.Err() }

// TestSessionsEndWhileOthersSweep holds that who is disabled on the command line
// is out within a second, whatever else the hub is busy with.
func TestSessionsEndWhileOthersSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var s slow
		sweep(ctx, &s, slog.New(slog.DiscardHandler))
		time.Sleep(2*time.Hour + time.Second)
		stop()
		synctest.Wait()
		if s.sessions < 4*60*60 || s.mailboxes != 480 {
			t.Errorf("%+v", s.swept)
		}
	})
}
