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
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/auditlog/witness"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/installation"
)

// publishEvery is how often checkpoints are published, at most.
const publishEvery = time.Minute

// publishCheckpoints has the heads of the audit logs signed by witnesses, if
// there are any, and puts them into a folder, unless it is empty; at once and
// then every minute, until ctx ends.
func publishCheckpoints(ctx context.Context, h *OpenHub, folder string, parties []witness.Party, parts *logParts) {
	letOut(ctx, publishEvery, installation.Checkpoints, parts, func() error { return publish(ctx, h, folder, parties, time.Now(), parts.log) })
}

// letOut lets what is of the audit logs out of the database, at once and then
// again and again, until ctx ends. A failure is left to the next time, and noted
// with the part that is let out.
func letOut(ctx context.Context, every time.Duration, part string, parts *logParts, again func() error) {
	repeat(ctx, every, func() {
		if err := again(); ctx.Err() == nil {
			parts.note(ctx, part, err, time.Now())
		}
	})
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
// contradicts it.
func publish(ctx context.Context, h *OpenHub, folder string, parties []witness.Party, now time.Time, say *slog.Logger) error {
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
		err = errors.Join(err, publishLog(ctx, log, filepath.Join(folder, log.Name), now))
	}
	return err
}

func publishLog(ctx context.Context, log *auditlog.Log, folder string, now time.Time) error {
	c, err := auditlog.OpenCheckpoint(log.Signed, log.Verifier)
	if err != nil {
		return err
	}
	latest := filepath.Join(folder, "checkpoint")
	last, err := os.ReadFile(latest)
	if err == nil {
		if bytes.Equal(last, log.Signed) {
			return nil
		}
		earlier, err := auditlog.OpenCheckpoint(last, log.Verifier)
		if err != nil {
			return &auditlog.DamageError{What: "checkpoint", Name: log.Name, How: "that was published is not signed by the log's key"}
		}
		if err := auditlog.Grown(ctx, log.Source, auditlog.Head{Size: c.Size, Root: c.Root}, earlier); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	day := filepath.Join(folder, now.UTC().Format(time.DateOnly))
	if err := durable.MakeFolder(day, 0o755); err != nil {
		return err
	}
	// Another hub of the same database may have published it a moment ago.
	if err := durable.WriteFile(filepath.Join(day, fmt.Sprintf("%012d", c.Size)), log.Signed, 0o644); err != nil {
		return err
	}
	return durable.WriteFile(latest, log.Signed, 0o644)
}
