package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/sotto-health/sotto/"

// TestCannotDecrypt proves promise 1 by what the program is linked from: no
// package that holds group secrets, sealed content, or opens HPKE for us. (The
// standard library's TLS links crypto/hpke for its own use.)
func TestCannotDecrypt(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	forbidden := []string{
		module + "mls", module + "mls/internal/secret", module + "internal/device", module + "internal/keeper",
		module + "internal/content", module + "internal/attachment", module + "internal/record",
		module + "internal/certificate/authority",
	}
	linked := 0
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		linked++
		if slices.Contains(forbidden, p.ImportPath) {
			t.Errorf("sotto-hub links %s, which can read content", p.ImportPath)
		}
		first, _, _ := strings.Cut(p.ImportPath, "/")
		if strings.Contains(first, ".") && slices.Contains(p.Imports, "crypto/hpke") {
			t.Errorf("%s opens HPKE inside sotto-hub", p.ImportPath)
		}
	}
	if linked < 100 {
		t.Errorf("only %d packages were looked at", linked)
	}
}

// TestServesAndStops starts the program, asks whether it is ready, and stops it.
func TestServesAndStops(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log := &addressLog{found: make(chan string, 1)}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"--data", t.TempDir(), "serve", "--listen", "127.0.0.1:0"}, io.Discard, log)
	}()
	select {
	case err := <-ended:
		t.Fatal(err)
	case address := <-log.found:
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("not ready: %d", resp.StatusCode)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestRefusesHalfOfTLS(t *testing.T) {
	if err := run(t.Context(), []string{"--data", t.TempDir(), "serve", "--tls-cert", "main.go"}, io.Discard, io.Discard); err == nil {
		t.Error("a certificate without its key was taken")
	}
}

// addressLog finds the address in the log line that tells it.
type addressLog struct {
	once  sync.Once
	found chan string
}

func (l *addressLog) Write(b []byte) (int, error) {
	var line struct{ Address string }
	if json.Unmarshal(b, &line) == nil && line.Address != "" {
		l.once.Do(func() { l.found <- line.Address })
	}
	return len(b), nil
}
