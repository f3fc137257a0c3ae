package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/doctor"
	"github.com/sotto-health/sotto/internal/host"
)

// serving starts the program and returns once it listens. It is stopped when
// the test ends.
func serving(t *testing.T, data string, args ...string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	log := &listening{found: make(chan struct{})}
	go func() {
		ended <- run(ctx, append([]string{"--data", data, "serve", "--listen", "127.0.0.1:0"}, args...), io.Discard, log)
	}()
	select {
	case err := <-ended:
		t.Fatal(err)
	case <-log.found:
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// listening is a log that waits for the line that tells the address.
type listening struct {
	once    sync.Once
	found   chan struct{}
	address string // once it is found
}

func (l *listening) Write(b []byte) (int, error) {
	var line struct{ Address string }
	if json.Unmarshal(b, &line) == nil && line.Address != "" {
		l.once.Do(func() {
			l.address = line.Address
			close(l.found)
		})
	}
	return len(b), nil
}

// testCertificate writes a certificate for localhost that ends after the time
// given, and returns the paths of it and of its key.
func testCertificate(t *testing.T, good time.Duration) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(good),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	cert, key = filepath.Join(folder, "chain.pem"), filepath.Join(folder, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// diagnose runs sotto doctor and returns the level of each check, the worst if
// there are several of one name.
func diagnose(t *testing.T, data string, args ...string) (levels map[string]string, failed bool) {
	t.Helper()
	out, err := sotto(t, data, append(args, "doctor", "--json")...)
	var report doctor.Report
	if e := json.NewDecoder(bytes.NewReader([]byte(out))).Decode(&report); e != nil {
		t.Fatalf("%v: %v", err, e)
	}
	levels = make(map[string]string)
	for _, f := range report.Findings {
		if levels[f.Check] == "" {
			levels[f.Check] = f.Level
		}
	}
	return levels, err != nil
}

// TestT54Doctor makes mistakes in a real installation, one after another, and
// asks the program about it.
func TestT54Doctor(t *testing.T) {
	data, backups := t.TempDir(), t.TempDir()
	does(t, data, []string{"practice", "apply", practiceFile(t, "", "")})
	expect := func(when string, levels map[string]string, want map[string]string) {
		t.Helper()
		for check, level := range want {
			if levels[check] != level {
				t.Errorf("%s: %s is %q, want %q", when, check, levels[check], level)
			}
		}
	}

	levels, failed := diagnose(t, data)
	expect("at rest", levels, map[string]string{"running": doctor.Warn, "keys": doctor.OK, "file-modes": doctor.OK, "backup": doctor.Fail, "database": doctor.OK, "attachments": doctor.OK, "keeper:riverside": doctor.OK})
	if !failed {
		t.Error("no backup is no failure")
	}

	if err := os.WriteFile(filepath.Join(backups, "monday.tar"), []byte("not looked into by anybody"), 0o600); err != nil {
		t.Fatal(err)
	}
	levels, _ = diagnose(t, data, "--backups", backups)
	expect("with something in the folder", levels, map[string]string{"backup": doctor.Fail})
	does(t, data, words("--backups "+backups+" backup make"), "No key is in it")
	t.Run("what it says of proxies is what the program takes", func(t *testing.T) {
		serving(t, data, "--proxies", "10.0.0.7/32")
		levels, _ := diagnose(t, data)
		expect("with one proxy", levels, map[string]string{"proxies": doctor.OK})
	})
	cert, key := testCertificate(t, 5*24*time.Hour)
	serving(t, data, "--tls-cert", cert, "--tls-key", key, "--metrics-listen", "0.0.0.0:0", "--origin", "http://chat.clinic.example", "--origin", "https://127.0.0.1:1", "--proxies", "0.0.0.0/0", "--log-level", "debug")
	forgotten, err := net.Listen("tcp", "0.0.0.0:0") // by the program that serves, which is this one
	if err != nil {
		t.Fatal(err)
	}
	defer forgotten.Close()
	levels, _ = diagnose(t, data, "--backups", backups)
	expect("while it runs", levels, map[string]string{
		"file-modes": doctor.OK, "running": doctor.OK, "tls": doctor.OK, "tls-expiry": doctor.Warn, "tls-versions": doctor.OK, "debug-routes": doctor.OK, "backup": doctor.OK,
		"metrics": doctor.Fail, "ports": doctor.Fail, "origin": doctor.Fail, "origin-tls": doctor.Warn, "proxies": doctor.Fail, "log-level": doctor.Warn,
	})

	// What is outside the data folder is looked at too.
	for path, mode := range map[string]os.FileMode{key: 0o640, backups: 0o777} {
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		levels, _ = diagnose(t, data, "--backups", backups)
		expect(path+" is open", levels, map[string]string{"file-modes": doctor.Fail})
		if err := os.Chmod(path, before.Mode()); err != nil {
			t.Fatal(err)
		}
	}

	// An exposed key is refused by the program itself; the doctor says so, and
	// says as much as it can of the rest.
	if err := os.Chmod(filepath.Join(data, "hub", "database.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(data, "notes.txt"), 0o644); err != nil {
		t.Fatal(err)
	}
	levels, _ = diagnose(t, data)
	expect("with open files", levels, map[string]string{"keys": doctor.Fail, "file-modes": doctor.Fail, "database": doctor.Fail, "running": doctor.OK})
}

// TestKeepersStopWhileTheyStart: to stop a server at once is no failure.
func TestKeepersStopWhileTheyStart(t *testing.T) {
	data := t.TempDir()
	does(t, data, []string{"practice", "apply", practiceFile(t, "", "")})
	all, err := openKeepers(t.Context(), host.Folder(data), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := errors.Join(all.run(ctx, "http://127.0.0.1:1"), all.close()); err != nil {
		t.Error(err)
	}
}

func TestDoctorOfNothing(t *testing.T) {
	data := filepath.Join(t.TempDir(), "mistyped")
	refuses(t, data, words("doctor"), "there is no installation")
	if _, err := os.Stat(data); err == nil {
		t.Error("the folder was made")
	}
}

// TestArchiveChecksAreNoted: what sotto record verify found is what the doctor
// goes by.
func TestArchiveChecksAreNoted(t *testing.T) {
	data, _ := newRecord(t)
	if levels, _ := diagnose(t, data); levels["archive:riverside"] != doctor.Warn {
		t.Errorf("a record that was never checked: %q", levels["archive:riverside"])
	}
	does(t, data, words("record verify"), "as it was written")
	if levels, _ := diagnose(t, data); levels["archive:riverside"] != doctor.OK {
		t.Errorf("a record that was checked: %q", levels["archive:riverside"])
	}
}
