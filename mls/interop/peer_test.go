package interop

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/sotto-health/sotto/mls/suite"
)

// A peer is a process of ts-mls clients.
type peer struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Reader
}

// An answer is what peer.mjs says to any call; each sets some of it.
type answer struct {
	Error         string
	KeyPackage    string
	Commit        string
	Welcome       string
	Message       string
	Data          string
	GroupInfo     string
	Epoch         uint64
	Authenticator string
	TreeHash      string
	Active        bool
	Leaf          uint32
	Exported      string
}

func startPeer(t *testing.T) *peer {
	t.Helper()
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no Node to run ts-mls with")
		}
		t.Skip("NOT RUN: no Node to run ts-mls with")
	}
	if _, err := os.Stat("node_modules"); errors.Is(err, os.ErrNotExist) {
		if out, err := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts").CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	cmd := exec.Command(node, "peer.mjs")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("peer: %v", err)
		}
	})
	return &peer{t, in, bufio.NewReaderSize(out, 1<<20)}
}

// try sends a call and returns the answer, which may be an error.
func (p *peer) try(command string, args map[string]any) answer {
	p.t.Helper()
	call := map[string]any{"command": command}
	for k, v := range args {
		call[k] = v
	}
	line, err := json.Marshal(call)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		p.t.Fatalf("%s: %v", command, err)
	}
	line, err = p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("%s: %v", command, err)
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		p.t.Fatalf("%s: %v", command, err)
	}
	return a
}

// call sends a call that must succeed.
func (p *peer) call(command string, args map[string]any) answer {
	p.t.Helper()
	a := p.try(command, args)
	if a.Error != "" {
		p.t.Fatalf("ts-mls: %s: %s", command, a.Error)
	}
	return a
}

func lookup(t *testing.T, id suite.ID) *suite.Suite {
	t.Helper()
	s, err := suite.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
