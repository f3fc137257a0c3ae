package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/auditlog/archive"
	"github.com/sotto-health/sotto/internal/keyfile"
)

// This file changes exported logs, as somebody would who wants to rewrite one.

// members returns those of a line, also what it does not know.
func members(t *testing.T, line []byte) (e map[string]json.RawMessage) {
	t.Helper()
	if err := json.Unmarshal(line, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// exported is a line of an export, as another program would read it.
type exported struct {
	Number     int64           `json:"number"`
	Salt       []byte          `json:"salt"`
	Commitment []byte          `json:"commitment"`
	Event      json.RawMessage `json:"event"`
}

// forgeLine changes an entry and commits to it anew.
func forgeLine(t *testing.T, line []byte) []byte {
	t.Helper()
	var e exported
	if err := json.Unmarshal(line, &e); err != nil {
		t.Fatal(err)
	}
	e.Event = bytes.Replace(e.Event, []byte(`"outcome":"refused"`), []byte(`"outcome":"failed"`), 1)
	c := audit.Commit(audit.Salt(e.Salt), e.Event)
	e.Commitment = c[:]
	return append(marshal(t, e), '\n')
}

// A forgery is a log that somebody made.
type forgery struct {
	entries []auditlog.Entry
	tiles   map[[2]int64][]byte
}

func (f *forgery) Tile(_ context.Context, level int, n int64, width int) ([]byte, error) {
	return f.tiles[[2]int64{int64(level), n}][:width*auditlog.HashBytes], nil
}

func (f *forgery) Entries(_ context.Context, n int64, width int) ([]auditlog.Entry, error) {
	return f.entries[n*auditlog.TileWidth:][:width], nil
}

func (*forgery) Beyond(context.Context, int64) ([]*auditlog.DamageError, error) { return nil, nil }

// forge makes a log of the first n entries (0 for all) of that in from, of which
// fn changes number 300, whole and signed: with the installation's own key, or
// with another if data is empty.
func forge(t *testing.T, data, from, to string, n int, fn func(*audit.Event)) {
	t.Helper()
	forgeAll(t, data, from, to, func(entries []auditlog.Entry) []auditlog.Entry {
		if fn != nil {
			fn(&entries[300].Event)
		}
		if n == 0 {
			return entries
		}
		return entries[:n]
	})
}

// forgeAll is [forge] of the entries that fn makes of those in from: it commits
// to each and numbers it anew.
func forgeAll(t *testing.T, data, from, to string, fn func([]auditlog.Entry) []auditlog.Entry) {
	t.Helper()
	old, err := auditlog.ReadUnsigned(read(t, from, archive.CheckpointFile))
	if err != nil {
		t.Fatal(err)
	}
	f := &forgery{tiles: make(map[[2]int64][]byte)}
	for i := int64(0); i*auditlog.TileWidth < old.Size; i++ {
		entries, err := archive.Folder(from).Entries(t.Context(), i, auditlog.Width(old.Size, 0, i))
		if err != nil {
			t.Fatal(err)
		}
		f.entries = append(f.entries, entries...)
	}
	f.entries = fn(f.entries)
	n := int64(len(f.entries))
	leaves := make([]auditlog.Hash, n)
	for i := range f.entries {
		e := &f.entries[i]
		encoded, err := e.Event.Encode()
		if err != nil {
			t.Fatal(err)
		}
		e.Leaf, e.Commitment = int64(i), audit.Commit(e.Salt, encoded)
		leaves[i] = auditlog.LeafHash(e.Commitment)
	}
	tile := func(level int, n int64) ([]byte, error) { return f.tiles[[2]int64{int64(level), n}], nil }
	if err := auditlog.Grow(0, tile, func(level int, n int64, b []byte) error {
		f.tiles[[2]int64{int64(level), n}] = bytes.Clone(b)
		return nil
	}, leaves); err != nil {
		t.Fatal(err)
	}
	root, err := auditlog.Root(n, tile)
	if err != nil {
		t.Fatal(err)
	}
	seed := bytes.Repeat([]byte{1}, auditlog.SeedBytes)
	if data != "" {
		if seed, err = keyfile.Read(filepath.Join(data, "hub", "audit.key"), "hub-audit", auditlog.SeedBytes); err != nil {
			t.Fatal(err)
		}
	}
	s, err := auditlog.NewSigner(seed, strings.TrimPrefix(old.Origin, "sotto/audit/"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.Sign(n, root)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Folder(to).Write(t.Context(), &auditlog.Log{Signed: signed, Verifier: s.Verifier(), Source: f}); err != nil {
		t.Fatal(err)
	}
}
