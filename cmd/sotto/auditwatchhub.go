package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/auditlog/archive"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/hubclient"
)

// A watchedHub is a hub whose signed heads are followed from another machine.
// It sees that history stays, and no entry: those are for verify, where the
// database or the archive is.
type watchedHub struct {
	client *hubclient.Client
	seen   string // folder
	once   bool

	required requiredWitnesses
	still    time.Duration
	silence  time.Duration
	answered time.Time // when it last did, or when the watch began
}

// reach makes ready to follow the hub, whose token must be given.
func (c watchAuditCommand) reach(token string, required requiredWitnesses) (*watchedHub, error) {
	u, err := url.Parse(c.Hub)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, errors.New("--hub is an address that begins with https://; http:// is for this machine alone")
	}
	if token == "" {
		return nil, errors.New("SOTTO_WATCH_TOKEN is empty: make a token where the hub is (sotto directory --practice SLUG token NAME --for watch)")
	}
	connections, err := watchClient(c.CA)
	if err != nil {
		return nil, err
	}
	client, err := hubclient.New(c.Hub, hubclient.Config{HTTP: connections})
	if err != nil {
		return nil, err
	}
	client.SetToken(token)
	return &watchedHub{client: client, seen: c.Seen, once: c.Once, required: required, still: c.Still, silence: c.Silence, answered: time.Now()}, nil
}

// watchClient believes the certificates in a file, or the system's if it is "".
func watchClient(ca string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("there is no certificate in %s", ca)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token goes nowhere else
	}, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// look looks once. That the hub gives no answer is printed, and an error once it
// has lasted: who rewrites the log would gladly silence it.
func (w *watchedHub) look(ctx context.Context, out io.Writer, now time.Time) error {
	wrong, err := w.compare(ctx, out, now)
	var refused *api.Problem
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.As(err, &refused) && (refused.Status == http.StatusUnauthorized || refused.Status == http.StatusForbidden):
		return errors.New("the hub does not take the token: it has ended or is for something else (sotto directory tokens)")
	case err == nil && wrong > 0:
		return fmt.Errorf("the audit log's history is not what was seen: %d problems", wrong)
	case err == nil:
		w.answered = now
		return w.grows(now)
	case errors.As(err, new(*silentError)) && !w.once && now.Sub(w.answered) < w.silence:
		fmt.Fprintf(out, "%v\n", err)
		return nil
	}
	return err
}

// stillFile is the head that the watch has cried about as one that does not grow.
const stillFile = "still"

// grows returns an error, once for each head, if the one that was kept last was
// kept too long ago: whoever shows it for ever contradicts nothing.
func (w *watchedHub) grows(now time.Time) error {
	kept, err := filepath.Glob(filepath.Join(w.seen, "*."+archive.CheckpointFile))
	if err != nil || w.still <= 0 {
		return err
	}
	for _, path := range kept {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if now.Sub(info.ModTime()) < w.still {
			continue
		}
		head, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		place := strings.TrimSuffix(path, archive.CheckpointFile) + stillFile
		if cried, err := os.ReadFile(place); err == nil && bytes.Equal(cried, head) {
			continue
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := durable.WriteFile(place, head, 0o600); err != nil {
			return err
		}
		return fmt.Errorf("the audit log has not grown since %s: nothing was done there, or the hub shows an old head", when(info.ModTime()))
	}
	return nil
}

// A silentError says that the hub gave no answer that says anything of its log.
type silentError struct{ err error }

func (e *silentError) Error() string { return "the hub gives no answer: " + e.err.Error() }
func (e *silentError) Unwrap() error { return e.err }

// compare asks for the log's head, and for the proof that it has grown from the
// one that was seen and from those that witnesses signed.
func (w *watchedHub) compare(ctx context.Context, out io.Writer, now time.Time) (wrong int, err error) {
	shown, err := w.client.AuditCheckpoint(ctx)
	if err != nil {
		return 0, &silentError{err}
	}
	name, err := w.name(shown.Verifier)
	if err != nil {
		return 0, err
	}
	log := &auditlog.Log{Name: name, Signed: []byte(shown.Signed), Verifier: shown.Verifier}
	var few *unwitnessedError
	wrong, err = lookAt(ctx, w.seen, log, out, func(place, verifier string, head auditlog.Head, earlier []auditlog.Checkpoint) (*auditlog.Report, bool, error) {
		report := &auditlog.Report{Head: head}
		for _, e := range earlier {
			var damage *auditlog.DamageError
			if err := w.grown(ctx, head, e); errors.As(err, &damage) {
				report.Damage = append(report.Damage, damage)
			} else if err != nil {
				return nil, false, err
			}
		}
		err := w.witnessed(ctx, place, verifier, shown.Witnesses, report, now)
		if errors.As(err, &few) {
			err = nil // once what was seen is kept
		}
		return report, false, err
	})
	if err == nil && wrong == 0 && few != nil {
		err = few
	}
	return wrong, err
}

// grown returns a [*auditlog.DamageError] unless the hub proves that the log has
// grown from an earlier checkpoint.
func (w *watchedHub) grown(ctx context.Context, head auditlog.Head, earlier auditlog.Checkpoint) error {
	if earlier.Size >= head.Size || earlier.Size == 0 {
		return auditlog.ProvedGrown(nil, head, earlier)
	}
	proof, err := w.client.AuditGrowth(ctx, earlier.Size, head.Size)
	var refused *api.Problem
	switch {
	case errors.As(err, &refused) && (refused.Code == api.CodeInternal || refused.Code == api.CodeNotFound):
		return &auditlog.DamageError{What: "checkpoint", At: earlier.Size, How: fmt.Sprintf(
			"was signed, and the hub has no proof that its log of %d entries begins with those: its tree was cut", head.Size)}
	case err != nil:
		return &silentError{err}
	}
	hashes := make([]auditlog.Hash, len(proof.Hashes))
	for i, h := range proof.Hashes {
		copy(hashes[i][:], h) // of another length it proves nothing
	}
	return auditlog.ProvedGrown(hashes, head, earlier)
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// name is what the log is kept by: once one was seen that is the log, whatever
// the hub says it has.
func (w *watchedHub) name(verifier string) (string, error) {
	known, err := filepath.Glob(filepath.Join(w.seen, "*."+archive.KeyFile))
	switch {
	case err != nil:
		return "", err
	case len(known) > 1:
		return "", fmt.Errorf("%s is of several logs: give each --hub a folder of its own", w.seen)
	case len(known) == 1:
		return strings.TrimSuffix(filepath.Base(known[0]), "."+archive.KeyFile), nil
	}
	key, err := auditlog.KeyName(verifier)
	if err != nil {
		return "", err
	}
	name := key[strings.LastIndex(key, "/")+1:]
	if !plainName.MatchString(name) {
		return "", errors.New("the hub's key has no name that a log has")
	}
	return name, nil
}
