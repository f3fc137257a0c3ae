package auditlog_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/certificate"
)

var update = flag.Bool("update", false, "write testdata anew")

// A cosignedLog is a log with the witnesses' signatures, as
// web/src/auditlog/witness.test.ts reads it too: both have to find the same.
type cosignedLog struct {
	Verifier  string         `json:"verifier"`
	Signed    string         `json:"signed"`
	Entries   []loggedEntry  `json:"entries"`
	Growth    [][]string     `json:"growth"` // of the log as it was with one entry and more
	Witnesses []cosignedHead `json:"witnesses"`
	// Bad are no signatures of the witness named, each for one reason.
	Bad []cosignedHead `json:"bad"`
	// Forked is a head of another history, which the log and a witness signed.
	Forked cosignedHead `json:"forked"`
}

type loggedEntry struct {
	Number     int64    `json:"number"`
	Encoded    string   `json:"encoded"`
	Salt       string   `json:"salt"`
	Commitment string   `json:"commitment"`
	Proof      []string `json:"proof"`
}

type cosignedHead struct {
	Why      string `json:"why,omitempty"`
	Name     string `json:"name"`
	Verifier string `json:"verifier"`
	Size     int64  `json:"size"`
	At       int64  `json:"at"` // Unix milliseconds
	Signed   string `json:"signed"`
}

type storedHashes []tlog.Hash

func (s storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		found[i] = s[x]
	}
	return found, nil
}

func inBase64(hashes []tlog.Hash) []string {
	texts := make([]string, len(hashes))
	for i, h := range hashes {
		texts[i] = base64.StdEncoding.EncodeToString(h[:])
	}
	return texts
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// keyed is what the entry of a certificate names. Entries from before that, as
// the first here, name no key.
func keyed(role, device string) string {
	return audit.Certified(role, certificate.KeyHash([]byte(device)))
}

// makeCosigned makes the log: devices of a patient and of who reads with them, and two witnesses of whom
// one has not come as far as the other.
func makeCosigned(t *testing.T) cosignedLog {
	const begin, day = 1_770_000_000_000, 86_400_000 // 2 February 2026
	signer := must[*auditlog.Signer](t)(auditlog.NewSigner(bytes.Repeat([]byte{7}, auditlog.SeedBytes), "t_oak"))
	v := cosignedLog{Verifier: signer.Verifier()}
	var stored storedHashes
	var heads []string // by size, from 1
	for i, e := range []audit.Event{
		{Kind: audit.DeviceRegistered, Role: "patient", Person: "p_me", Device: "d_old", Object: "d_old"},
		{Kind: audit.CertificateIssued, Role: "service", Person: "p_keeper", Device: "d_keeper", Object: "d_old", Subject: "p_me", Detail: "role=patient"},
		{Kind: audit.ConversationBegun, Role: "patient", Person: "p_me", Device: "d_old", Conversation: "c_one"},
		{Kind: audit.CertificateIssued, Role: "service", Person: "p_keeper", Device: "d_keeper", Object: "d_phone", Subject: "p_me", Detail: keyed("patient", "d_phone")},
		{Kind: audit.DeviceRevoked, Role: "staff", Person: "p_nurse", Device: "d_nurse", Object: "d_old", Subject: "p_me"},
		{Kind: audit.ConversationOpened, Role: "staff", Person: "p_nurse", Device: "d_nurse", Conversation: "c_one", Patient: "p_me"},
		{Kind: audit.CertificateIssued, Role: "service", Person: "p_keeper", Device: "d_keeper", Object: "d_tablet", Subject: "p_me", Detail: keyed("patient", "d_tablet")},
		{Kind: audit.CertificateIssued, Role: "operator", Object: "d_archive", Subject: "p_archive", Detail: keyed("keeper", "d_archive")},
		{Kind: audit.CertificateIssued, Role: "service", Person: "p_archive", Device: "d_archive", Object: "d_nurse", Subject: "p_nurse", Detail: keyed("nurse", "d_nurse")},
	} {
		e.Practice, e.At, e.Outcome = "t_oak", begin+int64(i)*4*day, audit.Done
		encoded := must[[]byte](t)(e.Encode())
		salt := audit.Salt{byte(i)}
		c := audit.Commit(salt, encoded)
		stored = append(stored, must[[]tlog.Hash](t)(tlog.StoredHashes(int64(i), c[:], stored))...)
		v.Entries = append(v.Entries, loggedEntry{
			Number: int64(i), Encoded: string(encoded), Salt: base64.StdEncoding.EncodeToString(salt[:]), Commitment: base64.StdEncoding.EncodeToString(c[:]),
		})
		root := must[tlog.Hash](t)(tlog.TreeHash(int64(i+1), stored))
		heads = append(heads, string(must[[]byte](t)(signer.Sign(int64(i+1), root))))
	}
	size := int64(len(heads))
	v.Signed = heads[size-1]
	for i := range v.Entries {
		v.Entries[i].Proof = inBase64(must[tlog.RecordProof](t)(tlog.ProveRecord(size, int64(i), stored)))
	}
	for earlier := int64(1); earlier <= size; earlier++ {
		v.Growth = append(v.Growth, inBase64(must[tlog.TreeProof](t)(tlog.ProveTree(size, earlier, stored))))
	}

	at := uint64(begin/1000 + 25*24*3600)
	witness := func(name string, seed byte) *auditlog.Witness {
		return must[*auditlog.Witness](t)(auditlog.NewWitness(name, bytes.Repeat([]byte{seed}, auditlog.SeedBytes)))
	}
	cosign := func(w *auditlog.Witness, of string, at uint64) []byte {
		return w.Cosign(must[auditlog.Checkpoint](t)(auditlog.ReadUnsigned([]byte(of))), at)
	}
	head := func(why string, w *auditlog.Witness, size int64, line []byte) cosignedHead {
		name, _, _ := strings.Cut(w.Verifier(), "+")
		return cosignedHead{Why: why, Name: name, Verifier: w.Verifier(), Size: size, At: int64(at) * 1000, Signed: string(auditlog.WithCosignature([]byte(heads[size-1]), line))}
	}
	north, south, north2 := witness("north.example/w", 1), witness("south.example", 2), witness("north.example/w", 3)
	v.Witnesses = []cosignedHead{head("", north, size, cosign(north, v.Signed, at)), head("", south, 5, cosign(south, heads[4], at))}

	good := cosign(north, v.Signed, at)
	changed := func(offset int) []byte {
		name, encoded, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(string(good)), "— "), " ")
		sig := must[[]byte](t)(base64.StdEncoding.DecodeString(encoded))
		sig[offset] ^= 1
		return []byte("— " + name + " " + base64.StdEncoding.EncodeToString(sig) + "\n")
	}
	disguised := func() []byte { // another's signature under the first's key id
		name, encoded, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(string(cosign(north2, v.Signed, at))), "— "), " ")
		theirs := must[[]byte](t)(base64.StdEncoding.DecodeString(encoded))
		_, encoded, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(string(good)), "— "), " ")
		copy(theirs, must[[]byte](t)(base64.StdEncoding.DecodeString(encoded))[:4])
		return []byte("— " + name + " " + base64.StdEncoding.EncodeToString(theirs) + "\n")
	}
	fork := string(must[[]byte](t)(signer.Sign(5, auditlog.Hash{9})))
	v.Forked = head("", south, 5, nil)
	v.Forked.Signed = string(auditlog.WithCosignature([]byte(fork), cosign(south, fork, at)))
	v.Bad = []cosignedHead{
		head("no signature but the log's", north, size, nil),
		head("another key of the same name", north, size, cosign(north2, v.Signed, at)),
		head("another key under this one's id", north, size, disguised()),
		head("another witness", north, size, cosign(south, v.Signed, at)),
		head("other bytes", north, size, changed(40)),
		head("another time", north, size, changed(11)),
		head("of an earlier head", north, size, cosign(north, heads[4], at)),
		head("a time past all sense", north, size, cosign(north, v.Signed, 1<<41)),
	}
	return v
}

// TestT40CosignedLog: what a witness signed is found, and nothing else is; the
// browser, which reads the same file, finds the same.
func TestT40CosignedLog(t *testing.T) {
	const file = "testdata/cosigned.json"
	v := makeCosigned(t)
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept := must[[]byte](t)(os.ReadFile(file))
	if !bytes.Equal(kept, text.Bytes()) {
		t.Error("testdata/cosigned.json is not what is made now: -update")
	}
	for _, w := range append(v.Witnesses, v.Forked) {
		c, err := auditlog.OpenCheckpoint([]byte(w.Signed), v.Verifier, w.Verifier)
		if err != nil || c.Size != w.Size || c.WitnessedAt.UnixMilli() != w.At {
			t.Errorf("%s: %+v, %v", w.Name, c, err)
		}
	}
	for _, w := range v.Bad {
		if line, at, err := auditlog.FindCosignature([]byte(v.Signed), []byte(w.Signed[len(v.Signed):]), w.Verifier); err == nil {
			t.Errorf("%s is taken: %s at %v", w.Why, line, at)
		}
	}
}
