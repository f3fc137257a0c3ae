// Package pack makes an evidence pack: what was found of a practice's controls,
// as a PDF for people and JSON for programs, and a manifest that names both by
// hash, signed by the installation. An auditor checks it with sotto controls
// verify, or with any program that knows signed notes (C2SP signed-note) and
// SHA-256.
//
// The signature proves who made the pack and that nobody changed it since. It
// proves no more than what the looks found.
package pack

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/installation"
)

// Names of the files in a pack.
const (
	jsonFile     = "evidence.json"
	pdfFile      = "evidence.pdf"
	manifestFile = "manifest.txt"
	readmeFile   = "README.txt"
)

// maxFile bounds each file of a pack that is read, bytes.
const maxFile = 64 << 20

// ErrInvalid is matched by every error of [Verify].
var ErrInvalid = errors.New("evidence pack is not valid")

// An Evidence is what a pack holds.
type Evidence struct {
	Practice string              `json:"practice"` // its name
	Made     time.Time           `json:"made"`
	Build    installation.Build  `json:"build"`
	Controls []api.Control       `json:"controls"`
	Run      api.ControlRun      `json:"run"`
	History  []api.ControlRun    `json:"history"` // counts alone, newest first
	Facts    *installation.Facts `json:"facts,omitempty"`
}

// A Key signs packs: the seed of an Ed25519 key of the installation.
type Key [ed25519.SeedSize]byte

// keyName is the name of the key in notes.
const keyName = "sotto-evidence"

func (k *Key) private() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(k[:]) }

// Public is the key to verify with, as [Verify] takes it.
func (k *Key) Public() string {
	v, err := note.NewEd25519VerifierKey(keyName, k.private().Public().(ed25519.PublicKey))
	if err != nil {
		panic("pack: " + err.Error()) // of a key of the right size none
	}
	return v
}

// Name, KeyHash and Sign make a [note.Signer] of the key.
func (*Key) Name() string { return keyName }

// KeyHash implements [note.Signer] (C2SP signed-note, key ID).
func (k *Key) KeyHash() uint32 {
	const algorithmEd25519 = 1
	sum := sha256.Sum256(slices.Concat([]byte(keyName+"\n"), []byte{algorithmEd25519}, k.private().Public().(ed25519.PublicKey)))
	return binary.BigEndian.Uint32(sum[:])
}

// Sign implements [note.Signer].
func (k *Key) Sign(message []byte) ([]byte, error) { return ed25519.Sign(k.private(), message), nil }

// Write writes a pack as a zip file, signed with the key.
func Write(w io.Writer, e *Evidence, key *Key) error {
	document, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return fmt.Errorf("encode evidence: %w", err)
	}
	var picture bytes.Buffer
	if err := writePDF(&picture, e, key.Public()); err != nil {
		return fmt.Errorf("make PDF: %w", err)
	}
	files := []struct {
		name string
		data []byte
	}{{jsonFile, document}, {pdfFile, picture.Bytes()}, {readmeFile, []byte(readme(key.Public()))}}
	var manifest strings.Builder
	fmt.Fprintf(&manifest, "Sotto evidence pack\n%s\n", e.Made.UTC().Format(time.RFC3339))
	for _, f := range files {
		fmt.Fprintf(&manifest, "%x %s\n", sha256.Sum256(f.data), f.name)
	}
	signed, err := note.Sign(&note.Note{Text: manifest.String()}, key)
	if err != nil {
		return fmt.Errorf("sign evidence: %w", err)
	}
	z := zip.NewWriter(w)
	for _, f := range append(files, struct {
		name string
		data []byte
	}{manifestFile, signed}) {
		to, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: e.Made})
		if err != nil {
			return err
		}
		if _, err := to.Write(f.data); err != nil {
			return err
		}
	}
	return z.Close()
}

func readme(public string) string {
	return "What an installation of Sotto showed about its controls, for people (evidence.pdf) and programs (evidence.json).\n" +
		"It helps to judge how the HIPAA rules are met; it certifies nothing.\n\n" +
		"To check that nothing was changed:\n\n    sotto controls verify PACK --key '" + public + "'\n\n" +
		"manifest.txt is a signed note (C2SP signed-note, Ed25519) with the SHA-256 of each file. Ask the practice for its key by another\n" +
		"way than this file: sotto controls key prints it.\n"
}

// Verify checks a pack against the key, as [Key.Public] wrote it, and returns
// what it holds. Every error matches [ErrInvalid].
func Verify(r io.ReaderAt, size int64, public string) (*Evidence, error) {
	e, err := verify(r, size, public)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return e, nil
}

func verify(r io.ReaderAt, size int64, public string) (*Evidence, error) {
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, errors.New("the key is none")
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errors.New("no zip file")
	}
	files := make(map[string][]byte)
	for _, f := range z.File {
		if files[f.Name] != nil {
			return nil, fmt.Errorf("%q is there twice", f.Name)
		}
		if files[f.Name], err = readFile(f); err != nil {
			return nil, err
		}
	}
	signed, err := note.Open(files[manifestFile], note.VerifierList(verifier))
	if err != nil {
		return nil, errors.New("the manifest is not signed by this key")
	}
	lines := strings.Split(strings.TrimSuffix(signed.Text, "\n"), "\n")
	if len(lines) < 3 || lines[0] != "Sotto evidence pack" {
		return nil, errors.New("the manifest is of something else")
	}
	delete(files, manifestFile)
	var document []byte
	for _, line := range lines[2:] {
		hash, name, _ := strings.Cut(line, " ")
		data, ok := files[name]
		if sum := sha256.Sum256(data); !ok || hex.EncodeToString(sum[:]) != hash {
			return nil, fmt.Errorf("%q is changed or missing", name)
		}
		if name == jsonFile {
			document = data
		}
		delete(files, name)
	}
	for name := range files {
		return nil, fmt.Errorf("%q was put in", name)
	}
	e := new(Evidence)
	if err := json.Unmarshal(document, e); err != nil {
		return nil, fmt.Errorf("%q is damaged or missing", jsonFile)
	}
	return e, nil
}

func readFile(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%q is damaged", f.Name)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil || len(b) > maxFile {
		return nil, fmt.Errorf("%q is damaged or too large", f.Name)
	}
	return b, nil
}
