package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/control"
	"github.com/sotto-health/sotto/internal/control/pack"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/installation"
	"github.com/sotto-health/sotto/internal/inventory"
	"github.com/sotto-health/sotto/internal/keyfile"
)

// historyShown is how far back a pack's history goes.
const historyShown = 3 * 365 * 24 * time.Hour

// An Inspector looks at one installation: its controls, and evidence of them.
type Inspector struct {
	hub    *OpenHub
	config InspectConfig

	mu sync.Mutex // held while looking: a look reads much
}

var _ hub.Inspector = (*Inspector)(nil)

// lookAgain is how old a look must be before another is made of it.
const lookAgain = 10 * time.Second

// Inspector returns what looks at h.
func (h *OpenHub) Inspector() *Inspector { return h.inspector }

// Facts looks at the installation.
func (i *Inspector) Facts(ctx context.Context) (*installation.Facts, error) {
	return Inspect(ctx, i.hub, i.config)
}

// Controls implements [hub.Inspector].
func (*Inspector) Controls() []api.Control { return control.Catalogue() }

// LookAtControls looks at all controls of a practice, and keeps what it found.
// It answers with the last look if that was a few seconds ago.
func (i *Inspector) LookAtControls(ctx context.Context, practice string) (api.ControlRun, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	last, err := i.hub.store.LastControlRun(ctx, practice)
	if err == nil && time.Since(time.UnixMilli(last.At)).Abs() < lookAgain {
		return last, nil
	}
	run, _, err := i.look(ctx, practice)
	return run, err
}

// Look is LookAtControls whenever the last look was.
func (i *Inspector) Look(ctx context.Context, practice string) (api.ControlRun, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	run, _, err := i.look(ctx, practice)
	return run, err
}

// look makes a look, and returns what it was made of.
func (i *Inspector) look(ctx context.Context, practice string) (api.ControlRun, *installation.Facts, error) {
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

// EvidenceKey is the key that signs packs. It is made when first asked for, as
// each practice's log says, and never anew in silence: who holds its public part
// would find packs forged.
func (i *Inspector) EvidenceKey(ctx context.Context) (*pack.Key, error) {
	part := i.config.Folder.HubPart()
	made, read := filepath.Join(part, evidenceMade), keyfile.Read
	before, err := os.ReadFile(made)
	if errors.Is(err, fs.ErrNotExist) {
		read = keyfile.Open
	} else if err != nil {
		return nil, fmt.Errorf("look for the key of evidence packs: %w", err)
	}
	b, err := read(filepath.Join(part, EvidenceKey+".key"), "hub-evidence", keySize(EvidenceKey))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, lostKey(EvidenceKey)
	} else if err != nil {
		return nil, fmt.Errorf("open the key of evidence packs: %w", err)
	}
	key := (*pack.Key)(b)
	if public := key.Public() + "\n"; public != string(before) {
		if before == nil { // else it was replaced, and that is recorded
			if err := i.hub.NoteKeyMade(ctx, EvidenceKey); err != nil {
				return nil, err
			}
		}
		if err := durable.WriteFile(made, []byte(public), 0o600); err != nil {
			return nil, fmt.Errorf("note the key of evidence packs: %w", err)
		}
	}
	return key, nil
}

// Evidence looks at the controls and makes a signed pack of what it found.
func (i *Inspector) Evidence(ctx context.Context, practice string) (*bytes.Buffer, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	key, err := i.EvidenceKey(ctx)
	if err != nil {
		return nil, err
	}
	run, facts, err := i.look(ctx, practice)
	if err != nil {
		return nil, err
	}
	history, err := i.ControlHistory(ctx, practice, facts.At.Add(-historyShown), 1000)
	if err != nil {
		return nil, err
	}
	p := facts.Practice(practice)
	own := *facts // a pack is of one practice
	own.Practices = []installation.Practice{*p}
	b := new(bytes.Buffer)
	return b, pack.Write(b, &pack.Evidence{
		Practice: p.Name, Made: facts.At, Build: facts.Build, Controls: control.Catalogue(), Run: run, History: history[1:], Facts: &own,
	}, key)
}

// Inventory implements [hub.Inspector].
func (i *Inspector) Inventory(ctx context.Context, practice string) (*api.Inventory, error) {
	facts, err := i.Facts(ctx)
	if err != nil {
		return nil, err
	}
	p := facts.Practice(practice)
	if p == nil {
		return nil, hub.ErrNotFound
	}
	return inventory.Of(facts, p), nil
}

// lookDaily looks at the controls of every practice that nobody has looked at
// for a day, so that there is a history.
func (i *Inspector) lookDaily(ctx context.Context) error {
	all, err := i.hub.store.Practices(ctx)
	if err != nil {
		return err
	}
	for _, p := range all {
		last, err := i.hub.store.LastControlRun(ctx, p.ID)
		if err == nil && time.Since(time.UnixMilli(last.At)) < 24*time.Hour {
			continue
		}
		if err := i.hub.NoteDailyLook(ctx, p.ID); err != nil {
			return fmt.Errorf("record a look at the controls: %w", err)
		}
		if _, err := i.LookAtControls(ctx, p.ID); err != nil {
			return err
		}
	}
	return nil
}

// LookDaily implements [sweeper].
func (h *OpenHub) LookDaily(ctx context.Context) error { return h.inspector.lookDaily(ctx) }
