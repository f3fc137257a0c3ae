// Package vectors finds and reads the official MLS test vectors
// (https://github.com/mlswg/mls-implementations). Only tests import it.
//
// The vectors are not part of this module. They are looked for in the folder
// that SOTTO_MLS_VECTORS names and in shared/mls-test-vectors beside any
// parent of the working directory. Without them a test is skipped, except in
// continuous integration (CI=true), where their absence is a failure.
package vectors

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Bytes is a byte string that the vectors write in hexadecimal.
type Bytes []byte

// UnmarshalJSON reads a hexadecimal string, or null as no bytes.
func (b *Bytes) UnmarshalJSON(data []byte) error {
	var s *string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	if s == nil {
		*b = nil
		return nil
	}
	raw, err := hex.DecodeString(*s)
	if err != nil {
		return fmt.Errorf("vectors: %w", err)
	}
	*b = raw
	return nil
}

// Load reads the vector file called name, such as "treekem.json" or
// "passive/commit.json", into v, which is as for [json.Unmarshal].
func Load(t testing.TB, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder(t), filepath.FromSlash(name)))
	if err != nil {
		t.Fatalf("vectors: %v", err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("vectors: %s: %v", name, err)
	}
}

// folder returns the folder of the vectors, or ends the test.
func folder(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("SOTTO_MLS_VECTORS"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatalf("vectors: %v", err)
	}
	for {
		found := filepath.Join(dir, "shared", "mls-test-vectors")
		if _, err := os.Stat(filepath.Join(found, "README.md")); err == nil {
			return found
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	const missing = "vectors: NOT RUN: no official MLS vectors; set SOTTO_MLS_VECTORS to their folder"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}
