//go:build js && wasm

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/json"
	"flag"
	"math/big"
	"os"
	"testing"

	"github.com/sotto-health/sotto/internal/certificate"
)

var update = flag.Bool("update", false, "make the golden files anew")

const goldenSignatures = "testdata/golden/signatures.json"

// A goldenSignature is one that web/src/core/worker/der.ts must convert so.
type goldenSignature struct {
	Public  []byte `json:"public"`
	Message []byte `json:"message"`
	Raw     []byte `json:"raw"` // r and s, as WebCrypto gives them
	DER     []byte `json:"der"`
}

func TestGoldenSignatures(t *testing.T) {
	if *update {
		makeGoldenSignatures(t)
	}
	data, err := os.ReadFile(goldenSignatures)
	if err != nil {
		t.Fatal(err)
	}
	var all []goldenSignature
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	for i, g := range all {
		if !certificate.VerifySignature(g.Public, g.Message, g.DER) {
			t.Errorf("signature %d does not verify", i)
		}
		if !certificate.LowS(g.DER) {
			t.Errorf("signature %d is not in its one form", i)
		}
	}
}

// makeGoldenSignatures picks signatures with every length of r and s that
// matters: the high bit set, leading zeros, and s in the upper half.
func makeGoldenSignatures(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[[4]bool]bool{}
	var all []goldenSignature
	for n := 0; len(seen) < 10 && n < 20_000; n++ {
		message := []byte{byte(n >> 8), byte(n)}
		hash := sha256.Sum256(message)
		r, s, err := ecdsa.Sign(rand.Reader, key, hash[:])
		if err != nil {
			t.Fatal(err)
		}
		raw := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		kind := [4]bool{raw[0] >= 0x80, raw[0] == 0, raw[32] >= 0x80, raw[32] == 0}
		if seen[kind] {
			continue
		}
		seen[kind] = true
		der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
		if err != nil {
			t.Fatal(err)
		}
		der = certificate.Normalise(der)
		all = append(all, goldenSignature{public, message, raw, der})
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(goldenSignatures, append(data, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
