package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sotto-health/sotto/internal/auditlog"
)

// othersTiles read the tiles of an export by what C2SP tlog-tiles says of their
// paths alone.
type othersTiles string

func (othersTiles) Height() int { return 8 }

func (f othersTiles) path(level int, n int64, width int) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if width < 256 {
		path += fmt.Sprintf(".p/%d", width)
	}
	return filepath.Join(string(f), "tile", strconv.Itoa(level), path)
}

func (f othersTiles) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	all := make([][]byte, len(tiles))
	for i, t := range tiles {
		var err error
		if all[i], err = os.ReadFile(f.path(t.L, t.N, t.W)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (othersTiles) SaveTiles([]tlog.Tile, [][]byte) {}

// TestAnotherVerifierAccepts reads an export's head, tiles and entries with the
// implementation that the Go project uses for its checksum database, and checks
// our proofs with that and with the transparency community's: none of our code
// takes part but what makes the proofs.
func TestAnotherVerifierAccepts(t *testing.T) {
	data := newAuditLog(t)
	log := export(t, data, t.TempDir())
	verifier, err := note.NewVerifier(strings.TrimSpace(string(read(t, log, "audit.pub"))))
	if err != nil {
		t.Fatal(err)
	}
	signed := read(t, log, "checkpoint")
	head, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Split(head.Text, "\n") // C2SP tlog-checkpoint: origin, size, root
	if len(said) < 4 || said[0] != verifier.Name() {
		t.Fatalf("the head says %q", head.Text)
	}
	size, err := strconv.ParseInt(said[1], 10, 64)
	if err != nil || size < 513 {
		t.Fatalf("%d entries, %v", size, err)
	}
	longer := bytes.Replace(signed, []byte("\n"+said[1]+"\n"), fmt.Appendf(nil, "\n%d\n", size+1), 1)
	if _, err := note.Open(longer, note.VerifierList(verifier)); err == nil {
		t.Error("a head of another size is accepted")
	}
	root, err := base64.StdEncoding.DecodeString(said[2])
	if err != nil || len(root) != tlog.HashSize {
		t.Fatalf("the root is %q, %v", said[2], err)
	}
	tree := tlog.Tree{N: size, Hash: tlog.Hash(root)}
	files := othersTiles(log)
	hashes := tlog.TileHashReader(tree, files) // checks each tile against the root

	hasher := rfc6962.DefaultHasher
	computed := (&compact.RangeFactory{Hash: hasher.HashChildren}).NewEmptyRange(0)
	var leaves []tlog.Hash
	roots := map[int64][]byte{}
	for _, name := range []string{"000.jsonl", "001.jsonl", "002.p/" + onlyName(t, log, "entries/002.p")} {
		for line := range bytes.Lines(read(t, log, "entries", name)) {
			var e struct {
				Commitment []byte `json:"commitment"`
			}
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatal(err)
			}
			leaves = append(leaves, tlog.RecordHash(e.Commitment))
			if err := computed.Append(hasher.HashLeaf(e.Commitment), nil); err != nil {
				t.Fatal(err)
			}
			if roots[int64(len(leaves))], err = computed.GetRootHash(nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if int64(len(leaves)) != size || !bytes.Equal(roots[size], root) {
		t.Fatalf("%d leaves with root %x; the head says %d, %x", len(leaves), roots[int64(len(leaves))], size, root)
	}

	tiles := func(level int, n int64) ([]byte, error) {
		return os.ReadFile(files.path(level, n, int(min(256, size>>(8*level)-256*n))))
	}
	for _, leaf := range []int64{0, 1, 255, 256, 511, 512, size - 1} {
		ours, err := auditlog.ProveEntry(size, leaf, tiles)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(ours, size, tree.Hash, leaf, leaves[leaf]); err != nil {
			t.Errorf("entry %d: %v", leaf, err)
		}
		if err := proof.VerifyInclusion(hasher, uint64(leaf), uint64(size), leaves[leaf][:], plainHashes(ours), root); err != nil {
			t.Errorf("entry %d: %v", leaf, err)
		}
		if theirs, err := tlog.ProveRecord(size, leaf, hashes); err != nil || !slices.Equal(theirs, ours) {
			t.Errorf("entry %d is proved by others by other hashes, or not by the tiles: %v", leaf, err)
		}
	}
	for _, earlier := range []int64{1, 2, 255, 256, 300, 512, size} {
		ours, err := auditlog.ProveGrowth(size, earlier, tiles)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckTree(ours, size, tree.Hash, earlier, tlog.Hash(roots[earlier])); err != nil {
			t.Errorf("from %d on: %v", earlier, err)
		}
		if err := proof.VerifyConsistency(hasher, uint64(earlier), uint64(size), plainHashes(ours), roots[earlier], root); err != nil {
			t.Errorf("from %d on: %v", earlier, err)
		}
	}

	// One byte of a tile, and the tiles no longer prove anything.
	bad := files.path(0, 1, 256)
	b := read(t, bad)
	b[7] ^= 1
	write(t, b, bad)
	if _, err := tlog.ProveRecord(size, 300, tlog.TileHashReader(tree, files)); err == nil {
		t.Error("others prove an entry by a tile that was changed")
	}
}

func plainHashes(p []auditlog.Hash) [][]byte {
	all := make([][]byte, len(p))
	for i := range p {
		all[i] = p[i][:]
	}
	return all
}

// TestT40VerifyProof: the proof of an entry that the page saved is checked
// alone, by the log's key, and the entry is printed.
func TestT40VerifyProof(t *testing.T) {
	const saved = "../../internal/auditlog/testdata/"
	var log struct{ Verifier string }
	if err := json.Unmarshal(read(t, saved+"cosigned.json"), &log); err != nil {
		t.Fatal(err)
	}
	elsewhere, file := t.TempDir(), saved+"entry.tlog-proof"
	does(t, elsewhere, []string{"audit", "verify", "--proof", file, "--key", log.Verifier}, "entry 5 is one of the 9 that sotto/audit/t_oak signed", `"kind":"conversation.opened"`, "as it was written")
	refuses(t, elsewhere, []string{"audit", "verify", "--proof", file}, "without the log's key")
	refuses(t, elsewhere, []string{"audit", "verify", elsewhere, "--proof", file, "--key", log.Verifier}, "--proof goes with --key alone")
	refuses(t, elsewhere, []string{"audit", "verify", "--proof", file, "--key", strings.Replace(log.Verifier, "oak", "elm", 1)}, "whose key was not given")
	changed := filepath.Join(elsewhere, "changed")
	write(t, bytes.Replace(read(t, file), []byte("index 5"), []byte("index 4"), 1), changed)
	refuses(t, elsewhere, []string{"audit", "verify", "--proof", file, "--proof", changed, "--key", log.Verifier}, "not in the tree")
}
