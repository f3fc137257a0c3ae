package host

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/control"
	"github.com/sotto-health/sotto/internal/control/pack"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/installation"
	"github.com/sotto-health/sotto/internal/keyfile"
)

// historyShown is how far back a pack's history goes.
const historyShown = 3 * 365 * 24 * time.Hour

// An Inspector looks at one installation: its controls, and evidence of them.
type Inspector struct {
	hub    *OpenHub
	config InspectConfig
}

// Inspector returns what looks at h.
func (h *OpenHub) Inspector(c InspectConfig) *Inspector {
	c.Folder = h.folder
	return &Inspector{h, c}
}

// Facts looks at the installation.
func (i *Inspector) Facts(ctx context.Context) (*installation.Facts, error) {
	return Inspect(ctx, i.hub, i.config)
}

// LookAtControls looks at all controls of a practice, and keeps what it found.
func (i *Inspector) LookAtControls(ctx context.Context, practice string) (api.ControlRun, *installation.Facts, error) {
	facts, err := i.Facts(ctx)
	if err != nil {
		return api.ControlRun{}, nil, err
	}
	run, err := control.Evaluate(facts, practice)
	if err != nil {
		return api.ControlRun{}, nil, err
	}
	run.ID = hub.NewID("r")
	if err := i.hub.store.AddControlRun(ctx, *run); err != nil {
		return api.ControlRun{}, nil, fmt.Errorf("keep what was found of the controls: %w", err)
	}
	return *run, facts, nil
}

// ControlHistory lists earlier looks, newest first, without their results.
func (i *Inspector) ControlHistory(ctx context.Context, practice string, since time.Time, limit int) ([]api.ControlRun, error) {
	return i.hub.store.ControlRuns(ctx, practice, since.UnixMilli(), limit)
}

// EvidenceKey is the key that signs packs; it is made when first asked for.
func (i *Inspector) EvidenceKey() (*pack.Key, error) {
	b, err := keyfile.Open(filepath.Join(i.config.Folder.HubPart(), "evidence.key"), "hub-evidence", len(pack.Key{}))
	if err != nil {
		return nil, fmt.Errorf("open the key of evidence packs: %w", err)
	}
	return (*pack.Key)(b), nil
}

// WriteEvidence looks at the controls and writes a signed pack of what it found.
func (i *Inspector) WriteEvidence(ctx context.Context, practice string, w io.Writer) error {
	key, err := i.EvidenceKey()
	if err != nil {
		return err
	}
	run, facts, err := i.LookAtControls(ctx, practice)
	if err != nil {
		return err
	}
	history, err := i.ControlHistory(ctx, practice, facts.At.Add(-historyShown), 1000)
	if err != nil {
		return err
	}
	p := facts.Practice(practice)
	own := *facts // a pack is of one practice
	own.Practices = []installation.Practice{*p}
	return pack.Write(w, &pack.Evidence{
		Practice: p.Name, Made: facts.At, Build: facts.Build, Controls: control.Catalogue(), Run: run, History: history[1:], Facts: &own,
	}, key)
}
