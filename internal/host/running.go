package host

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/installation"
)

// runningFile is in the hub's folder while a server runs: it tells sotto
// doctor where to look. It holds no secret. Where several hubs share a folder
// it is of the one that started last.
const runningFile = "running.json"

// noteRunning writes what runs, and returns what takes the note away.
func noteRunning(ctx context.Context, h *OpenHub, c ServeConfig, listen string) (gone func(), err error) {
	s := installation.Server{
		PID: os.Getpid(), StartedAt: time.Now().UTC().Truncate(time.Second), Listen: listen, Metrics: c.MetricsListen, TLS: c.CertFile != "", KeyFile: whole(c.KeyFile),
		Origins: c.Origins, Debug: c.Log.Enabled(ctx, slog.LevelDebug), Messengers: h.sendsBy, Receivers: receivers(c.AuditStreams),
		AuditArchive: auditFolder(h.folder, c.AuditArchive), AuditCheckpoints: auditFolder(h.folder, c.AuditCheckpoints),
	}
	for _, p := range c.Proxies {
		s.Proxies = append(s.Proxies, p.String())
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(h.folder.HubPart(), runningFile)
	if err := durable.WriteFile(path, append(b, '\n'), 0o600); err != nil {
		return nil, fmt.Errorf("note what runs: %w", err)
	}
	return func() {
		if now, err := readRunning(h.folder); err == nil && now.PID == s.PID {
			_ = os.Remove(path)
		}
	}, nil
}

func auditFolder(data Folder, path string) *installation.AuditFolder {
	if path == "" {
		return nil
	}
	return &installation.AuditFolder{Folder: path, Beside: beside(data, path)}
}

func readRunning(f Folder) (*installation.Server, error) {
	b, err := os.ReadFile(filepath.Join(f.HubPart(), runningFile))
	if err != nil {
		return nil, err
	}
	s := new(installation.Server)
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("%s is damaged", runningFile)
	}
	return s, nil
}

// Runs reports whether a server answers that has noted itself in the folder.
func Runs(ctx context.Context, f Folder) bool {
	s, err := readRunning(f)
	if err != nil {
		return false
	}
	ask(ctx, s)
	return s.Answers
}
