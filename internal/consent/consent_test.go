package consent_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/consent"
)

func TestReceiptBindsEveryField(t *testing.T) {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	public, _ := key.PublicKey.Bytes()
	text := api.ConsentText{Title: "T", Points: []string{"a", "b"}, Full: "c"}
	r := consent.Of("pr_1", "c_1", "d_1", api.ConsentReceipt{Form: "f", Kind: "chat", Method: consent.Checkbox, Version: 2, Language: "es", SHA256: consent.Hash(text), At: 5})
	digest := sha256.Sum256(r.Signed())
	signature, _ := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err := r.Verify(public, signature); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*consent.Receipt){
		"practice":     func(r *consent.Receipt) { r.Practice = "x" },
		"conversation": func(r *consent.Receipt) { r.Conversation = "x" },
		"device":       func(r *consent.Receipt) { r.Device = "x" },
		"form":         func(r *consent.Receipt) { r.Form = "x" },
		"version":      func(r *consent.Receipt) { r.Version++ },
		"language":     func(r *consent.Receipt) { r.Language = "en" },
		"text":         func(r *consent.Receipt) { r.SHA256 = consent.Hash(api.ConsentText{Title: "T2"}) },
		"time":         func(r *consent.Receipt) { r.At++ },
		"purpose":      func(r *consent.Receipt) { r.Kind = "email" },
		"method":       func(r *consent.Receipt) { r.Method = "paper" },
		"first form":   func(r *consent.Receipt) { r.Method = "" },
	} {
		changed := r
		change(&changed)
		if err := changed.Verify(public, signature); !errors.Is(err, consent.ErrForged) {
			t.Errorf("another %s: %v", name, err)
		}
	}
}

// The hash is a promise to whoever keeps receipts: it must not change.
func TestHash(t *testing.T) {
	got := hex.EncodeToString(consent.Hash(api.ConsentText{Title: "T", Points: []string{"a", "b"}, Full: "c"}))
	sum := sha256.Sum256([]byte("T\na\nb\nc"))
	if got != hex.EncodeToString(sum[:]) {
		t.Errorf("got %s", got)
	}
}
