package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/auditlog/witness"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/installation"
)

// sizeDigits is how many digits name a dated head.
const sizeDigits = 12

// publishEvery is how often checkpoints are published, at most.
const publishEvery = time.Minute

// publishCheckpoints has the heads of the audit logs signed by witnesses, if
// there are any, and puts them into a folder, unless it is empty; at once and
// then every minute, until ctx ends.
func publishCheckpoints(ctx context.Context, h *OpenHub, folder string, parties []witness.Party, parts *logParts) {
	letOut(ctx, publishEvery, installation.Checkpoints, parts, func(sizes map[string]int64) error {
		return publish(ctx, h, folder, parties, sizes, time.Now(), parts.log)
	})
}

// letOut lets what is of the audit logs out of the database, at once and then
// again and again, until ctx ends. A failure is left to the next time, and noted
// with the part that is let out.
func letOut(ctx context.Context, every time.Duration, part string, parts *logParts, again func(sizes map[string]int64) error) {
	repeat(ctx, every, func() { parts.letOut(ctx, part, time.Now(), again) })
}

// repeat does something at once and then again and again, until ctx ends.
func repeat(ctx context.Context, every time.Duration, do func()) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		do()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// publish writes, for each practice, SLUG/checkpoint and SLUG/DATE/SIZE, unless
// the log is as it was. What was published is never overwritten by what
// contradicts it. Sizes are those of the heads that were, which it brings up to
// date.
func publish(ctx context.Context, h *OpenHub, folder string, parties []witness.Party, sizes map[string]int64, now time.Time, say *slog.Logger) error {
	logs, err := h.AuditLogs(ctx, true)
	if err != nil {
		return err
	}
	if len(parties) > 0 {
		err = cosign(ctx, h, logs, parties, &witness.Client{}, now, say)
	}
	if folder == "" {
		return err
	}
	for _, log := range logs {
		err = errors.Join(err, publishLog(ctx, log, filepath.Join(folder, log.Name), sizes, now))
	}
	return err
}

func publishLog(ctx context.Context, log *auditlog.Log, folder string, sizes map[string]int64, now time.Time) error {
	c, err := auditlog.OpenCheckpoint(log.Signed, log.Verifier)
	if err != nil {
		return err
	}
	latest := filepath.Join(folder, "checkpoint")
	dated, err := newestDated(folder)
	if err != nil {
		return err
	}
	there := int64(0)
	for _, path := range []string{latest, dated} {
		last, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		earlier, err := auditlog.OpenCheckpoint(last, log.Verifier)
		if err != nil {
			return &auditlog.DamageError{What: "checkpoint", Name: log.Name, How: "that was published is not signed by the log's key"}
		}
		if err := auditlog.Grown(ctx, log.Source, auditlog.Head{Size: c.Size, Root: c.Root}, earlier); err != nil {
			return err
		}
		there = max(there, earlier.Size)
	}
	if err := stillThere("checkpoint", log.Name, there, sizes); err != nil {
		return err
	}
	sizes[log.Name] = c.Size
	if last, err := os.ReadFile(latest); err == nil && bytes.Equal(last, log.Signed) {
		return nil
	}
	day := filepath.Join(folder, now.UTC().Format(time.DateOnly))
	if err := durable.MakeFolder(day, 0o755); err != nil {
		return err
	}
	// Another hub of the same database may have published it a moment ago.
	if err := durable.WriteFile(filepath.Join(day, fmt.Sprintf("%0*d", sizeDigits, c.Size)), log.Signed, 0o644); err != nil {
		return err
	}
	return durable.WriteFile(latest, log.Signed, 0o644)
}

// newestDated is the path of the longest head of the newest day in a folder;
// empty if there is none.
func newestDated(folder string) (string, error) {
	day, err := lastOf(folder, "????-??-??")
	if err != nil || day == "" {
		return "", err
	}
	return lastOf(day, strings.Repeat("?", sizeDigits))
}

// lastOf is the path of the last, by name, of what is in a folder under a name
// like the pattern; empty if nothing is.
func lastOf(folder, pattern string) (string, error) {
	all, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	for _, e := range slices.Backward(all) {
		if is, err := filepath.Match(pattern, e.Name()); is && err == nil {
			return filepath.Join(folder, e.Name()), nil
		}
	}
	return "", nil
}

// stillThere returns a [*auditlog.DamageError] unless what of a log is there goes
// as far as what was let out of it.
func stillThere(what, name string, there int64, sizes map[string]int64) error {
	if out := sizes[name]; there < out {
		return &auditlog.DamageError{What: what, Name: name, How: fmt.Sprintf("was let out up to entry %d, and of that there is what goes up to %d: it was taken away, or another folder is mounted", out-1, there-1)}
	}
	return nil
}
