package httpapi_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/control"
	"github.com/sotto-health/sotto/internal/control/pack"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/installation"
	"github.com/sotto-health/sotto/internal/inventory"
)

// An inspector looks at a machine of which nothing is known but its practice.
// What it makes of that is made by the parts of a real one.
type inspector struct {
	w   *world
	key pack.Key
}

func (i *inspector) facts() *installation.Facts {
	p := installation.Practice{ID: i.w.clinic.ID, Slug: i.w.clinic.Slug, Name: i.w.clinic.Name, Queues: 2, Keeper: true}
	return &installation.Facts{At: i.w.clock.now(), Build: installation.Build{Version: "v1.0.0"}, Practices: []installation.Practice{p}}
}

func (*inspector) Controls() []api.Control { return control.Catalogue() }

func (i *inspector) LookAtControls(ctx context.Context, practice string) (api.ControlRun, error) {
	run, err := control.Evaluate(i.facts(), practice)
	if err != nil {
		return api.ControlRun{}, err
	}
	run.ID = hub.NewID("r")
	return *run, i.w.store.AddControlRun(ctx, *run)
}

func (i *inspector) Evidence(ctx context.Context, practice string) (*bytes.Buffer, error) {
	run, err := i.LookAtControls(ctx, practice)
	if err != nil {
		return nil, err
	}
	facts, b := i.facts(), new(bytes.Buffer)
	return b, pack.Write(b, &pack.Evidence{Made: facts.At, Build: facts.Build, Controls: control.Catalogue(), Run: run, Facts: facts}, &i.key)
}

func (i *inspector) Inventory(_ context.Context, practice string) (*api.Inventory, error) {
	f := i.facts()
	return inventory.Of(f, f.Practice(practice)), nil
}

// TestControlRoutes: those who answer for the rules look at the controls, find
// that look again, and take a pack away that anybody can check; nobody else is
// shown any of it.
func TestControlRoutes(t *testing.T) {
	looks := &inspector{key: pack.Key{7}}
	w := newWorld(t, func(hc *hub.Config, _ *httpapi.Config) { hc.Inspector = looks })
	looks.w = w
	officer, nurse := w.staffAs(w.clinic, "compliance", "cleo"), w.staff("dana")
	for _, route := range []string{
		"GET /v1/admin/controls", "POST /v1/admin/controls/looks", "POST /v1/admin/controls/evidence", "GET /v1/admin/inventory",
	} {
		nurse.asks(route, nil, nil, http.StatusForbidden)
	}
	page := func() (c api.Controls) {
		t.Helper()
		officer.asks("GET /v1/admin/controls", nil, &c, http.StatusOK)
		return c
	}
	if c := page(); c.Run != nil || len(c.History) != 0 || len(c.Controls) != len(control.Catalogue()) {
		t.Errorf("before anybody looked: %d controls, %+v", len(c.Controls), c.Run)
	}
	var run api.ControlRun
	officer.asks("POST /v1/admin/controls/looks", nil, &run, http.StatusOK)
	if c := page(); c.Run == nil || c.Run.ID != run.ID || len(c.Run.Results) != len(c.Controls) || len(c.History) != 1 {
		t.Errorf("after a look: %+v", c.Run)
	}

	resp, zip := w.raw("POST", "/v1/admin/controls/evidence", "", "Cookie", "__Host-sotto_staff="+officer.Cookie())
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/zip" {
		t.Fatalf("%d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	checked := func(public string) error {
		b := io.NewSectionReader(strings.NewReader(zip), 0, int64(len(zip)))
		_, err := pack.Verify(b, b.Size(), public)
		return err
	}
	if err := checked(looks.key.Public()); err != nil {
		t.Errorf("the pack does not hold: %v", err)
	}
	if err := checked((&pack.Key{8}).Public()); err == nil {
		t.Error("a pack holds by any key")
	}

	var all api.Inventory
	officer.asks("GET /v1/admin/inventory", nil, &all, http.StatusOK)
	if len(all.Assets) == 0 || len(all.Flows) == 0 {
		t.Errorf("the inventory has %d assets and %d flows", len(all.Assets), len(all.Flows))
	}
	for kind, want := range map[audit.Kind]int{audit.ControlsRead: 3, audit.ControlsLooked: 1, audit.EvidenceExported: 1} {
		got := w.events(string(kind))
		if len(got) != want || slices.ContainsFunc(got, func(e string) bool { return !strings.HasPrefix(e, officer.person) }) {
			t.Errorf("%s is in the log as %v, want %d times", kind, got, want)
		}
	}
}

// TestTiles: the tile that an auditor is given is that of the signed tree, and
// holds the very entries that the list shows.
func TestTiles(t *testing.T) {
	w := newWorld(t)
	auditor, nurse := w.staffAs(w.clinic, "auditor", "ada"), w.staff("dana")
	page, err := auditor.AuditEvents(w.ctx, nil)
	w.must(err)
	var tile api.AuditTile
	auditor.asks("GET /v1/admin/audit/tile?level=0&tile=0", nil, &tile, http.StatusOK)
	for _, e := range page.Events {
		var salt audit.Salt
		copy(salt[:], e.Salt)
		leaf, at := auditlog.LeafHash(audit.Commit(salt, []byte(e.Encoded))), int(e.Number)*len(auditlog.Hash{})
		if at+len(leaf) > len(tile.Hashes) || !bytes.Equal(tile.Hashes[at:at+len(leaf)], leaf[:]) {
			t.Errorf("entry %d is not in the tile", e.Number)
		}
	}
	if len(page.Events) == 0 {
		t.Error("the log is empty")
	}
	auditor.asks("GET /v1/admin/audit/tile?level=0&tile=9", nil, nil, http.StatusNotFound)
	nurse.asks("GET /v1/admin/audit/tile?level=0&tile=0", nil, nil, http.StatusForbidden)
}
