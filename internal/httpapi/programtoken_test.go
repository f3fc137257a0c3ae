package httpapi_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// TestRefusedTokensOfPrograms: that a token for the directory or the monitor is
// none is in the log, once a minute and network, and however many networks try,
// the log does not fill with it.
func TestRefusedTokensOfPrograms(t *testing.T) {
	w := newWorld(t)
	w.directory()
	_, _, err := w.hub.NewWatchToken(w.ctx, w.clinic.ID, "monitor", 1)
	w.must(err)
	for purpose, try := range map[string]func(network int) error{
		"directory": func(network int) error {
			_, err := w.hub.AuthenticateDirectory(audit.WithRequest(w.ctx, audit.Request{Address: fmt.Sprintf("10.0.%d.1", network)}), "made-up")
			return err
		},
		"watch": func(network int) error {
			_, err := w.hub.AuthenticateWatch(audit.WithRequest(w.ctx, audit.Request{Address: fmt.Sprintf("10.0.%d.1", network)}), "watch_made-up")
			return err
		},
	} {
		recorded := func() (n int) {
			for _, e := range w.events(string(audit.SignInRefused)) {
				if strings.Contains(e, "method="+purpose) {
					n++
				}
			}
			return n
		}
		tries := func(network int) {
			t.Helper()
			if err := try(network); !errors.Is(err, hub.ErrUnauthenticated) {
				t.Errorf("%s: %v", purpose, err)
			}
		}
		tries(1)
		tries(1)
		if n := recorded(); n != 1 {
			t.Errorf("%s, twice from one network: %d in the log", purpose, n)
		}
		for network := range 200 {
			tries(network)
		}
		if n := recorded(); n < 2 || n > 10 {
			t.Errorf("%s, from 200 networks at once: %d in the log", purpose, n)
		}
		w.clock.advance(2 * time.Minute)
		before := recorded()
		if tries(1); recorded() != before+1 {
			t.Errorf("%s, two minutes later: nothing more in the log", purpose)
		}
	}
}

// TestAnOlderHubFindsNoWatchToken: a hub that knows of no purposes takes a
// monitor's token for none.
func TestAnOlderHubFindsNoWatchToken(t *testing.T) {
	w := newWorld(t)
	token, _, err := w.hub.NewWatchToken(w.ctx, w.clinic.ID, "monitor", 1)
	w.must(err)
	if found, err := w.store.DirectoryToken(w.ctx, sha256.Sum256([]byte(token)), w.clock.now().UnixMilli()); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("it finds %+v, %v", found, err)
	}
	if practice, err := w.hub.AuthenticateWatch(w.ctx, token); err != nil || practice != w.clinic.ID {
		t.Errorf("%q, %v", practice, err)
	}
	if _, err := w.hub.AuthenticateDirectory(w.ctx, token); !errors.Is(err, hub.ErrUnauthenticated) {
		t.Errorf("this hub takes it for a directory's: %v", err)
	}
}
