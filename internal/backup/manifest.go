// Package backup is the form of a backup: a folder with copies of an
// installation's files, and a manifest that names each with its size and
// SHA-256, says what moment they are of, and is sealed with a key that the
// installation has. It copies files and finds what was changed, and knows
// nothing of what is in them: package backuphost does.
//
// No key is ever in a backup. What is in it is sealed as it was in the
// installation, so that a backup alone tells how much there is, and no more.
package backup

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/durable"
)

// Names in the folder of a backup.
const (
	manifestName = "manifest.json"
	sealName     = "manifest.mac"
)

// Partial ends the name of a folder that is no whole backup yet.
const Partial = ".partial"

const format = 1

// mostManifest bounds a manifest, in bytes: about two million files.
const mostManifest = 512 << 20

// Errors of a backup.
var (
	// ErrNone: the folder has no manifest, so it is no backup, or a half one.
	ErrNone = errors.New("there is no manifest: this is no whole backup")
	// ErrForged: the manifest is not as this installation wrote it.
	ErrForged = errors.New("the manifest was changed, or is of another installation")
)

// A Key seals manifests. It prints redacted.
type Key struct{ secret []byte }

func (Key) String() string       { return "key:redacted" }
func (Key) GoString() string     { return "key:redacted" }
func (Key) LogValue() slog.Value { return slog.StringValue("key:redacted") }

// DeriveKey makes the key from the seed that signs the installation's audit
// logs (HKDF, RFC 5869), so that there is no other key to keep for a restore.
func DeriveKey(auditSeed []byte) (Key, error) {
	secret, err := hkdf.Key(sha256.New, auditSeed, nil, "sotto backup manifest 1", sha256.Size)
	return Key{secret}, err
}

// A Manifest says what a backup holds.
type Manifest struct {
	Format  int       `json:"format"`
	Name    string    `json:"name"`
	MadeAt  time.Time `json:"made_at"`
	Version string    `json:"version"`
	// CopiedBy names the copy of a PostgreSQL database that belongs to this
	// backup, as whoever made it says. Empty for a database in a file.
	CopiedBy string `json:"database_copied_by,omitempty"`
	Postgres bool   `json:"postgres,omitempty"`
	Logs     []Log  `json:"logs"`
	// Keys are the key files that belong to it, by their paths in the data
	// folder. They are not in it.
	Keys  []string `json:"keys"`
	Files []File   `json:"files"`
}

// A Log is how far a practice's audit log had come.
type Log struct {
	Slug     string `json:"slug"`
	Practice string `json:"practice"`
	Size     int64  `json:"size"`
	Root     string `json:"root"` // hex
	// Checkpoint is the log's signed head, a C2SP checkpoint.
	Checkpoint string `json:"checkpoint"`
	Verifier   string `json:"verifier"`
}

// A File is one file of a backup. Its path has slashes and is that in the data
// folder.
type File struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hex
}

// Bytes is how much the files hold.
func (m *Manifest) Bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// Write seals the manifest and puts it into the folder. It returns the hash that
// names it in the audit log, in hex.
func (m *Manifest) Write(folder string, key Key) (hash string, err error) {
	m.Format = format
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return "", err
	}
	b = append(b, '\n')
	if err := durable.CreateFile(filepath.Join(folder, manifestName), b, 0o600); err != nil {
		return "", fmt.Errorf("write the manifest: %w", err)
	}
	if err := durable.CreateFile(filepath.Join(folder, sealName), []byte(key.seal(b)+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write the manifest: %w", err)
	}
	return hashOf(b), nil
}

func (k Key) seal(b []byte) string {
	mac := hmac.New(sha256.New, k.secret)
	mac.Write(b)
	return hex.EncodeToString(mac.Sum(nil))
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Read reads the manifest in a folder, and the hash that names it. It returns
// [ErrNone] or [ErrForged].
func Read(folder string, key Key) (m *Manifest, hash string, err error) {
	info, err := os.Stat(filepath.Join(folder, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", ErrNone
	} else if err != nil {
		return nil, "", err
	}
	if info.Size() > mostManifest {
		return nil, "", ErrForged
	}
	b, err := os.ReadFile(filepath.Join(folder, manifestName))
	if err != nil {
		return nil, "", err
	}
	seal, err := os.ReadFile(filepath.Join(folder, sealName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", ErrNone
	} else if err != nil {
		return nil, "", err
	}
	if !hmac.Equal(bytes.TrimSpace(seal), []byte(key.seal(b))) {
		return nil, "", ErrForged
	}
	m = new(Manifest)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, "", ErrForged
	}
	if m.Format != format {
		return nil, "", fmt.Errorf("the manifest is of form %d, and this program knows %d: use a newer one", m.Format, format)
	}
	for _, p := range slices.Concat(m.Keys, paths(m.Files)) {
		if !fs.ValidPath(p) || p == "." { // sealed, and still never out of the folder
			return nil, "", ErrForged
		}
	}
	return m, hashOf(b), nil
}

func paths(files []File) []string {
	all := make([]string, len(files))
	for i, f := range files {
		all[i] = f.Path
	}
	return all
}

// A Problem is a file that is not as the manifest has it.
type Problem struct {
	What string // missing, changed, added
	Path string
}

func (p Problem) String() string { return p.What + ": " + p.Path }

// Check reads every file of a backup and names what is not as it was written.
func (m *Manifest) Check(ctx context.Context, folder string) (problems []Problem, err error) {
	known := map[string]bool{manifestName: true, sealName: true}
	for _, f := range m.Files {
		known[f.Path] = true
		got, err := hashFile(ctx, filepath.Join(folder, filepath.FromSlash(f.Path)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			problems = append(problems, Problem{"missing", f.Path})
		case err != nil && ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil || got.Size != f.Size || got.SHA256 != f.SHA256:
			problems = append(problems, Problem{"changed", f.Path})
		}
	}
	added, err := m.added(folder, known)
	return append(problems, added...), err
}

// Present is a short look at a backup: each file is there, in its length.
func (m *Manifest) Present(folder string) bool {
	for _, f := range m.Files {
		info, err := os.Lstat(filepath.Join(folder, filepath.FromSlash(f.Path)))
		if err != nil || !info.Mode().IsRegular() || info.Size() != f.Size {
			return false
		}
	}
	return true
}

// added are the files that the manifest does not have.
func (m *Manifest) added(folder string, known map[string]bool) (problems []Problem, err error) {
	err = filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(folder, name)
		if err != nil {
			return err
		}
		if rel = filepath.ToSlash(rel); !known[rel] {
			problems = append(problems, Problem{"added", rel})
		}
		return nil
	})
	return problems, err
}

// A Found is what is in a folder of backups.
type Found struct {
	Name     string
	Manifest *Manifest // nil if Err is not
	Hash     string
	Err      error
}

// List returns what looks like backups in a folder, oldest first. A folder that
// is not there holds none.
func List(folder string, key Key) ([]Found, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var all []Found
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		f := Found{Name: e.Name()}
		if strings.HasSuffix(f.Name, Partial) {
			f.Err = ErrNone
		} else if f.Manifest, f.Hash, f.Err = Read(filepath.Join(folder, f.Name), key); f.Err == nil && f.Manifest.Name != f.Name {
			f.Manifest, f.Err = nil, fmt.Errorf("%w: it is called %s", ErrForged, f.Manifest.Name)
		}
		all = append(all, f)
	}
	slices.SortStableFunc(all, func(a, b Found) int { return a.at().Compare(b.at()) })
	return all, nil
}

func (f *Found) at() time.Time {
	if f.Manifest == nil {
		return time.Time{}
	}
	return f.Manifest.MadeAt
}

// hashFile reads a file to its end.
func hashFile(ctx context.Context, name string) (File, error) {
	file, err := os.Open(name)
	if err != nil {
		return File{}, err
	}
	sum := sha256.New()
	n, err := io.Copy(sum, durable.Reader(ctx, file))
	return File{Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, errors.Join(err, file.Close())
}

// Hash is the entry of a file below a folder.
func Hash(ctx context.Context, folder, file string) (File, error) {
	f, err := hashFile(ctx, filepath.Join(folder, filepath.FromSlash(file)))
	f.Path = path.Clean(file)
	return f, err
}
