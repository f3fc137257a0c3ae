package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// servesTLS serves an installation over TLS until stop is called, and returns
// its address.
func servesTLS(t *testing.T, data, cert, key string, more ...string) (address string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended, log := make(chan error, 1), &listening{found: make(chan struct{})}
	go func() {
		ended <- run(ctx, append([]string{"--data", data, "serve", "--no-keeper", "--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key}, more...), io.Discard, log)
	}()
	select {
	case err := <-ended:
		t.Fatal(err)
	case <-log.found:
	}
	_, port, err := net.SplitHostPort(log.address)
	if err != nil {
		t.Fatal(err)
	}
	return "https://localhost:" + port, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// stays: a head that is shown for a day is cried about, once, until the log has
// grown and stands still again.
func stays(t *testing.T, data, seen string, watch []string) {
	t.Helper()
	kept, err := filepath.Glob(filepath.Join(seen, "*.checkpoint"))
	if err != nil || len(kept) != 1 {
		t.Fatal(kept, err)
	}
	for range 2 {
		old := time.Now().Add(-25 * time.Hour)
		if err := os.Chtimes(kept[0], old, old); err != nil {
			t.Fatal(err)
		}
		does(t, data, append(watch, "--still", "0"))
		does(t, data, append(watch, "--still", "26h"))
		refuses(t, data, watch, "has not grown")
		does(t, data, watch)
		happens(t, data, 1)
		does(t, data, watch, "entries")
	}
}

// TestT40WatchHub: the monitor follows a hub over the network from what it kept
// itself, and names that an older copy was put back, that the log forked, that
// its tree was cut and that it is signed by another key. Its token opens the
// signed heads and nothing else.
func TestT40WatchHub(t *testing.T) {
	data, seen := newAuditLog(t), filepath.Join(t.TempDir(), "seen")
	database := filepath.Join(data, "hub", "hub.db")
	cert, key := testCertificate(t, time.Hour)
	directory := strings.Fields(does(t, data, words("directory --practice riverside token Entra")))[0]
	out := does(t, data, words("directory --practice riverside token Monitor --for watch"), "watch_")
	token := strings.Fields(out)[0]
	backup := read(t, database)
	happens(t, data, 300)

	hub, stop := servesTLS(t, data, cert, key)
	watch := func() []string { return []string{"audit", "watch", seen, "--once", "--hub", hub, "--ca", cert} }
	refuses(t, data, watch(), "SOTTO_WATCH_TOKEN")
	for _, wrong := range []string{directory, token + "x"} {
		t.Setenv("SOTTO_WATCH_TOKEN", wrong)
		refuses(t, data, watch(), "does not take the token")
	}
	t.Setenv("SOTTO_WATCH_TOKEN", token)
	refuses(t, data, []string{"audit", "watch", seen, "--once", "--hub", hub}, "certificate")
	refuses(t, data, []string{"audit", "watch", seen, "--once", "--hub", "http://chat.clinic.example"}, "https://")
	if first := does(t, data, watch()); !regexp.MustCompile(`^t_\S+: 8\d\d entries\n$`).MatchString(first) {
		t.Errorf("the first look says %q", first)
	}
	opensOnly(t, hub, cert, token)
	happens(t, data, 20)
	does(t, data, watch(), "entries")
	stays(t, data, seen, watch())

	tamper(t, data, "DELETE FROM audit_tile; UPDATE audit_log SET size = size + 1")
	names(t, data, watch(), "its tree was cut")
	stop()

	write(t, backup, database)
	hub, stop = servesTLS(t, data, cert, key)
	for range 2 { // and it cries on
		names(t, data, watch(), "the log has shrunk")
	}
	happens(t, data, 600) // and it goes on, past what was seen
	names(t, data, watch(), "the log forked")
	kept, err := filepath.Glob(filepath.Join(seen, "t_*.contradiction.*"))
	if err != nil || len(kept) < 3 {
		t.Error(kept, err)
	}
	stop()
	refuses(t, data, watch(), "the hub gives no answer")

	if err := os.Remove(filepath.Join(data, "hub", "audit.key")); err != nil {
		t.Fatal(err)
	}
	does(t, data, words("key replace audit"), "audit.key")
	hub, stop = servesTLS(t, data, cert, key)
	defer stop()
	names(t, data, watch(), "no longer signed by the key that was seen")
	ids := strings.Fields(does(t, data, words("directory --practice riverside tokens"), "watch"))
	for _, id := range ids {
		if strings.HasPrefix(id, "k_") {
			does(t, data, words("directory --practice riverside revoke "+id))
		}
	}
	refuses(t, data, watch(), "does not take the token")
}

// opensOnly fails if the token opens more than the heads of the log.
func opensOnly(t *testing.T, hub, cert, token string) {
	t.Helper()
	reached, err := watchAuditCommand{Hub: hub, CA: cert}.reach(token, requiredWitnesses{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reached.client.AuditCheckpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	client, err := watchClient(cert)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"/v1/audit/proof?number=1&size=10", "/v1/audit/own", "/v1/audit/kinds", "/v1/admin/audit/events", "/v1/admin/audit/tile?level=0&tile=0",
		"/v1/devices/self", "/v1/work", "/scim/v2/Users",
	} {
		ask, err := http.NewRequestWithContext(t.Context(), http.MethodGet, hub+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		ask.Header.Set("Authorization", "Bearer "+token)
		answer, err := client.Do(ask)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("a monitor's token gets %d of %s", answer.StatusCode, path)
		}
	}
}
