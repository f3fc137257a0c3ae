package auditlog_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/auditlog"
)

// TestT40EntryProof: what the page saves of an entry proves that it is in the
// log, and nothing that was changed does. The file is the one that
// web/src/auditlog/save.test.ts makes.
func TestT40EntryProof(t *testing.T) {
	text := string(must[[]byte](t)(os.ReadFile("testdata/entry.tlog-proof")))
	log := makeCosigned(t)
	origin := must[string](t)(auditlog.KeyName(log.Verifier))
	check := func(text, verifier string) error {
		p, err := auditlog.ReadEntryProof([]byte(text))
		if err == nil {
			_, err = p.Check(map[string]string{origin: verifier})
		}
		return err
	}
	p := must[*auditlog.EntryProof](t)(auditlog.ReadEntryProof([]byte(text)))
	c := must[auditlog.Checkpoint](t)(p.Check(map[string]string{origin: log.Verifier}))
	if p.Number != 5 || c.Size != 9 || string(p.Encoded) != log.Entries[5].Encoded {
		t.Errorf("entry %d of %d: %s", p.Number, c.Size, p.Encoded)
	}

	lines := strings.Split(text, "\n")
	entry := func(change func(e map[string]any)) string {
		var e map[string]any
		if err := json.Unmarshal(must[[]byte](t)(base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))), &e); err != nil {
			t.Fatal(err)
		}
		change(e)
		return strings.Replace(text, lines[1], "extra "+base64.StdEncoding.EncodeToString(must[[]byte](t)(json.Marshal(e))), 1)
	}
	if erased := entry(func(e map[string]any) { delete(e, "encoded"); delete(e, "salt") }); check(erased, log.Verifier) != nil {
		t.Errorf("the proof of an erased entry: %v", check(erased, log.Verifier))
	}
	for name, changed := range map[string]string{
		"nothing":              "",
		"another form":         strings.Replace(text, "@v1", "@v2", 1),
		"another event":        entry(func(e map[string]any) { e["encoded"] = log.Entries[6].Encoded }),
		"another entry":        entry(func(e map[string]any) { e["encoded"], e["commitment"], e["salt"] = "", log.Entries[6].Commitment, "" }),
		"another salt":         entry(func(e map[string]any) { e["salt"] = log.Entries[6].Salt }),
		"no commitment":        entry(func(e map[string]any) { delete(e, "commitment") }),
		"another number":       strings.Replace(text, "index 5", "index 6", 1),
		"a number below zero":  strings.Replace(text, "index 5", "index -5", 1),
		"another number, with": strings.Replace(text, "index 5", "index 05", 1),
		"a hash less":          strings.Replace(text, lines[3]+"\n", "", 1),
		"another hash":         strings.Replace(text, lines[3], lines[4], 1),
		"no hash":              strings.Replace(text, lines[3], "x", 1),
		"no checkpoint":        text[:strings.Index(text, "\n\n")+2],
		"another root":         strings.Replace(text, "\n9\n", "\n8\n", 1),
		"another log":          strings.Replace(text, "\nsotto/audit/t_oak\n", "\nsotto/audit/t_elm\n", 1),
	} {
		if err := check(changed, log.Verifier); !errors.Is(err, auditlog.ErrEntryProof) && !errors.Is(err, auditlog.ErrCheckpoint) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := check(text, log.Witnesses[0].Verifier); err == nil {
		t.Error("another key is taken for the log's")
	}
}
