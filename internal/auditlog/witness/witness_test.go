package witness

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
)

// A growing log, as a store would have it.
type growing struct {
	t      *testing.T
	signer *auditlog.Signer
	tiles  map[[2]int64][]byte
	size   int64
}

func newGrowing(t *testing.T, practice string) *growing {
	t.Helper()
	s, err := auditlog.NewSigner(bytes.Repeat([]byte{3}, auditlog.SeedBytes), practice)
	if err != nil {
		t.Fatal(err)
	}
	return &growing{t: t, signer: s, tiles: make(map[[2]int64][]byte)}
}

func (g *growing) read(level int, n int64) ([]byte, error) {
	return g.tiles[[2]int64{int64(level), n}], nil
}

// grow adds n entries, of which salt makes different ones, and returns the checkpoint.
func (g *growing) grow(n int, salt byte) []byte {
	g.t.Helper()
	leaves := make([]auditlog.Hash, n)
	for i := range leaves {
		leaves[i] = auditlog.LeafHash(audit.Commit(audit.Salt{salt, byte(i), byte(i >> 8)}, nil))
	}
	err := auditlog.Grow(g.size, g.read, func(level int, n int64, data []byte) error {
		g.tiles[[2]int64{int64(level), n}] = data
		return nil
	}, leaves)
	if err != nil {
		g.t.Fatal(err)
	}
	g.size += int64(n)
	root, err := auditlog.Root(g.size, g.read)
	if err != nil {
		g.t.Fatal(err)
	}
	signed, err := g.signer.Sign(g.size, root)
	if err != nil {
		g.t.Fatal(err)
	}
	return signed
}

func (g *growing) prove(earlier int64) ([]auditlog.Hash, error) {
	return auditlog.ProveGrowth(g.size, earlier, g.read)
}

var noon = time.Unix(1_800_000_000, 0)

func newWitness(t *testing.T, folder string, logs ...string) (http.Handler, string) {
	t.Helper()
	w, err := auditlog.NewWitness("witness.example", bytes.Repeat([]byte{9}, auditlog.SeedBytes))
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewServer(Config{Signer: w, Folder: folder, Logs: logs, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	return s, w.Verifier()
}

// cosigns is a witness's key to golang.org/x/mod/sumdb/note, written down from
// C2SP tlog-cosignature and not with our code.
type cosigns struct {
	name string
	key  ed25519.PublicKey
}

func (c cosigns) Name() string { return c.name }

func (c cosigns) KeyHash() uint32 {
	sum := sha256.Sum256(append([]byte(c.name+"\n\x04"), c.key...))
	return binary.BigEndian.Uint32(sum[:])
}

func (c cosigns) Verify(message, sig []byte) bool {
	if len(sig) != 72 {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	return ed25519.Verify(c.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, message), sig[8:])
}

// TestWitness: a witness signs a log that grows, and the note with its signature
// is one to the Go team's package.
func TestWitness(t *testing.T) {
	g, folder := newGrowing(t, "t_a"), t.TempDir()
	handler, key := newWitness(t, folder, g.signer.Verifier())
	server := httptest.NewServer(handler)
	defer server.Close()
	p, err := ParseParty(key + " " + server.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	var c Client
	seen := int64(0)
	var signed []byte
	for _, n := range []int{0, 1, 0, 254, 1, 1, 400} {
		signed = g.grow(n, 1)
		got, err := c.Ask(t.Context(), p, signed, seen, g.prove)
		if err != nil {
			t.Fatalf("at %d: %v", g.size, err)
		}
		if !got.At.Equal(noon) {
			t.Errorf("signed at %v", got.At)
		}
		signed = auditlog.WithCosignature(signed, got.Line)
		if _, err := auditlog.OpenCheckpoint(signed, g.signer.Verifier(), key); err != nil {
			t.Error(err)
		}
		seen = g.size
	}
	encoded := key[strings.LastIndex(key, "+")+1:]
	public, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(g.signer.Verifier())
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(signed, note.VerifierList(v, cosigns{"witness.example", public[1:]}))
	if err != nil || len(n.Sigs) != 2 || len(n.UnverifiedSigs) != 0 {
		t.Fatalf("%+v, %v", n, err)
	}
	// What it signed survives it, and who has forgotten is told.
	again, _ := newWitness(t, folder, g.signer.Verifier())
	server.Config.Handler = again
	for _, seen := range []int64{0, 1, 255, g.size} {
		if _, err := c.Ask(t.Context(), p, g.grow(3, 1), seen, g.prove); err != nil {
			t.Errorf("from %d: %v", seen, err)
		}
	}
}

// TestT40WitnessFindsRewriting: a fork, a log that was cut off, an old backup
// that was put back and another key each get no signature, and are named.
func TestT40WitnessFindsRewriting(t *testing.T) {
	honest, backup := newGrowing(t, "t_a"), newGrowing(t, "t_a")
	handler, key := newWitness(t, t.TempDir(), honest.signer.Verifier())
	server := httptest.NewServer(handler)
	defer server.Close()
	p, c := Party{Key: key, URL: server.URL}, Client{}
	ask := func(g *growing, signed []byte, seen int64) error {
		_, err := c.Ask(t.Context(), p, signed, seen, g.prove)
		return err
	}
	if err := ask(honest, honest.grow(300, 1), 0); err != nil {
		t.Fatal(err)
	}
	old := backup.grow(200, 1)
	var contradiction *ContradictionError
	for _, seen := range []int64{0, 200, 300} {
		if err := ask(backup, old, seen); !errors.As(err, &contradiction) || !strings.Contains(err.Error(), "an older copy of the log was put back") {
			t.Errorf("a backup, remembering %d: %v", seen, err)
		}
	}
	backup.grow(100, 2) // and it goes on
	if err := ask(backup, backup.grow(1, 2), 0); !errors.As(err, &contradiction) || !strings.Contains(err.Error(), "the log forked") {
		t.Errorf("a fork: %v", err)
	}
	twin := newGrowing(t, "t_a")
	if err := ask(twin, twin.grow(300, 2), 0); !errors.As(err, &contradiction) || !strings.Contains(err.Error(), "the log forked") {
		t.Errorf("a fork of the same size: %v", err)
	}
	stranger := newGrowing(t, "t_b")
	if err := ask(stranger, stranger.grow(1, 1), 0); !errors.Is(err, ErrRefuses) {
		t.Errorf("another log: %v", err)
	}
	forged, err := auditlog.NewSigner(bytes.Repeat([]byte{4}, auditlog.SeedBytes), "t_a")
	if err != nil {
		t.Fatal(err)
	}
	other := &growing{t: t, signer: forged, tiles: make(map[[2]int64][]byte)}
	if err := ask(other, other.grow(301, 1), 0); !errors.Is(err, ErrRefuses) {
		t.Errorf("another key: %v", err)
	}
	if err := ask(honest, honest.grow(1, 1), 300); err != nil {
		t.Errorf("the log itself, after all: %v", err)
	}
}

// TestBadCosignatures: what a witness sends is believed only if it is its
// signature of this very checkpoint.
func TestBadCosignatures(t *testing.T) {
	g := newGrowing(t, "t_a")
	signed := g.grow(5, 1)
	real, err := auditlog.NewWitness("witness.example", bytes.Repeat([]byte{9}, auditlog.SeedBytes))
	if err != nil {
		t.Fatal(err)
	}
	other, err := auditlog.NewWitness("witness.example", bytes.Repeat([]byte{8}, auditlog.SeedBytes))
	if err != nil {
		t.Fatal(err)
	}
	now, err := auditlog.ReadUnsigned(signed)
	if err != nil {
		t.Fatal(err)
	}
	another := now
	another.Size++
	good := string(real.Cosign(now, 7))
	bad := []byte(good)
	bad[len(bad)-6] ^= 1
	for name, x := range map[string]struct {
		status int
		body   string
		want   error
	}{
		"its own":                     {200, good, nil},
		"its own, among others":       {200, string(other.Cosign(now, 7)) + good, nil},
		"another key's":               {200, string(other.Cosign(now, 7)), ErrSignature},
		"of another checkpoint":       {200, string(real.Cosign(another, 7)), ErrSignature},
		"changed":                     {200, string(bad), ErrSignature},
		"empty":                       {200, "", ErrSignature},
		"words":                       {200, "thank you\n", ErrSignature},
		"a page":                      {200, "<html>", ErrSignature},
		"broken":                      {500, "", ErrAway},
		"a redirect":                  {302, "", ErrAway},
		"a conflict without size":     {409, "no", ErrAway},
		"a conflict without end":      {409, "1\n", ErrAway},
		"does not know the log":       {404, "", ErrRefuses},
		"does not know the log's key": {403, "", ErrRefuses},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				n++
				body := x.body
				if name == "a conflict without end" {
					body = fmt.Sprintf("%d\n", n)
				}
				w.WriteHeader(x.status)
				_, _ = io.WriteString(w, body)
			}))
			defer server.Close()
			var c Client
			got, err := c.Ask(t.Context(), Party{Key: real.Verifier(), URL: server.URL}, signed, 0, g.prove)
			if !errors.Is(err, x.want) || x.want == nil && err != nil {
				t.Fatalf("%v, want %v", err, x.want)
			}
			if err == nil && string(got.Line) != good {
				t.Errorf("took %q", got.Line)
			}
		})
	}
	if _, err := new(Client).Ask(t.Context(), Party{Key: real.Verifier(), URL: "http://127.0.0.1:1"}, signed, 0, g.prove); !errors.Is(err, ErrAway) {
		t.Errorf("nobody there: %v", err)
	}
}

// TestRefusals: the status codes of C2SP tlog-witness.
func TestRefusals(t *testing.T) {
	g := newGrowing(t, "t_a")
	handler, _ := newWitness(t, t.TempDir(), g.signer.Verifier())
	post := func(method, path, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w
	}
	signed := string(g.grow(5, 1))
	for name, x := range map[string]struct {
		body string
		want int
	}{
		"nothing":            {"", 400},
		"no old size":        {"\n" + signed, 400},
		"a leading zero":     {"old 00\n\n" + signed, 400},
		"a negative size":    {"old -1\n\n" + signed, 400},
		"a bad hash":         {"old 0\nAAAA\n\n" + signed, 400},
		"64 hashes":          {"old 0\n" + strings.Repeat(base64.StdEncoding.EncodeToString(make([]byte, 32))+"\n", 64) + "\n" + signed, 400},
		"beyond":             {"old 6\n\n" + signed, 400},
		"no checkpoint":      {"old 0\n\nhello\n", 400},
		"unsigned":           {"old 0\n\n" + signed[:strings.Index(signed, "\n\n")+2], 403},
		"not what was seen":  {"old 3\n\n" + signed, 409},
		"a proof of nothing": {"old 0\n" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n\n" + signed, 422},
		"too long":           {strings.Repeat("x", mostBytes+1), 413},
	} {
		if got := post("POST", "/add-checkpoint", x.body); got.Code != x.want {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
	if got := post("POST", "/add-checkpoint", "old 3\n\n"+signed); got.Body.String() != "0\n" || got.Header().Get("Content-Type") != "text/x.tlog.size" {
		t.Errorf("a conflict says %q as %s", got.Body, got.Header())
	}
	if got := post("GET", "/add-checkpoint", ""); got.Code != 405 {
		t.Error(got.Code)
	}
	if got := post("POST", "/", ""); got.Code != 404 {
		t.Error(got.Code)
	}
}

func TestParties(t *testing.T) {
	_, key := newWitness(t, t.TempDir())
	log := newGrowing(t, "t_a").signer.Verifier()
	for s, well := range map[string]bool{
		key + " https://witness.example/sotto":  true,
		key + " http://127.0.0.1:9000":          true,
		key + " http://witness.example":         false,
		key + " http://127.witness.example":     false,
		key + " https://a:b@witness.example":    false,
		key + " https://witness.example/?x":     false,
		key:                                     false,
		log + " https://witness.example":        false,
		key[:20] + "0000000+ https://w.example": false,
	} {
		if _, err := ParseParty(s); (err == nil) != well {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func FuzzRequest(f *testing.F) {
	r := request{old: 7, proof: make([]auditlog.Hash, 2), checkpoint: []byte("sotto/audit/t_a\n9\nAAAA\n\n— x y\n")}
	f.Add(r.format())
	f.Add([]byte("old 0\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRequest(b)
		if err == nil && !bytes.Equal(r.format(), b) {
			t.Errorf("%q is read as %q", b, r.format())
		}
	})
}

// signs is a log's own key as any program would use it.
type signs struct {
	note.Verifier
	key ed25519.PrivateKey
}

func (s signs) Sign(text []byte) ([]byte, error) { return ed25519.Sign(s.key, text), nil }

// TestExtensionLinesAreRefused: a witness signs the text that it was sent, or
// nothing: not what is left of a checkpoint without the lines it does not read.
func TestExtensionLinesAreRefused(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := note.NewEd25519VerifierKey("log.example/a", public)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		t.Fatal(err)
	}
	handler, _ := newWitness(t, t.TempDir(), key)
	server := httptest.NewServer(handler)
	defer server.Close()
	const plain = "log.example/a\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	for _, c := range []struct {
		text string
		want int
	}{
		{plain + "extension\n", http.StatusBadRequest},
		{plain + "\nextension\n", http.StatusBadRequest},
		{strings.Replace(plain, "A=", "B=", 1), http.StatusBadRequest}, // the same root, in other letters
		{plain, http.StatusOK},
	} {
		signed, err := note.Sign(&note.Note{Text: c.text}, signs{verifier, private})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.Post(server.URL+"/add-checkpoint", "text/plain", strings.NewReader("old 0\n\n"+string(signed)))
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode != c.want {
			t.Errorf("%q: %d, %v, want %d", c.text, answer.StatusCode, err, c.want)
		}
	}
}
