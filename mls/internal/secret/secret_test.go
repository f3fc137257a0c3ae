package secret_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/internal/vectors"
	"github.com/sotto-health/sotto/mls/suite"
)

func TestOfficialVectors(t *testing.T) {
	var cases []struct {
		CipherSuite suite.ID `json:"cipher_suite"`
		Expand      struct {
			Label                string
			Secret, Context, Out vectors.Bytes
			Length               int
		} `json:"expand_with_label"`
		Derive struct {
			Label       string
			Secret, Out vectors.Bytes
		} `json:"derive_secret"`
		Tree struct {
			Label       string
			Secret, Out vectors.Bytes
			Generation  uint32
			Length      int
		} `json:"derive_tree_secret"`
		Encrypt struct {
			Label                                     string
			Priv, Pub, Context, Plaintext, Ciphertext vectors.Bytes
			KEMOutput                                 vectors.Bytes `json:"kem_output"`
		} `json:"encrypt_with_label"`
	}
	vectors.Load(t, "crypto-basics.json", &cases)
	for _, c := range cases {
		s, err := suite.Lookup(c.CipherSuite)
		if err != nil {
			continue
		}
		t.Run(s.Name(), func(t *testing.T) {
			got, err := secret.ExpandWithLabel(s, c.Expand.Secret, c.Expand.Label, c.Expand.Context, c.Expand.Length)
			if err != nil || !bytes.Equal(got, c.Expand.Out) {
				t.Errorf("ExpandWithLabel = %x, %v", got, err)
			}
			got, err = secret.DeriveSecret(s, c.Derive.Secret, c.Derive.Label)
			if err != nil || !bytes.Equal(got, c.Derive.Out) {
				t.Errorf("DeriveSecret = %x, %v", got, err)
			}
			got, err = secret.DeriveTreeSecret(s, c.Tree.Secret, c.Tree.Label, c.Tree.Generation, c.Tree.Length)
			if err != nil || !bytes.Equal(got, c.Tree.Out) {
				t.Errorf("DeriveTreeSecret = %x, %v", got, err)
			}
			e := c.Encrypt
			got, err = secret.OpenWithLabel(s, e.Priv, e.Label, e.Context, e.KEMOutput, e.Ciphertext)
			if err != nil || !bytes.Equal(got, e.Plaintext) {
				t.Errorf("OpenWithLabel = %x, %v", got, err)
			}
			key, err := secret.ParseKeyPair(s, e.Priv)
			if err != nil || !bytes.Equal(key.Public, e.Pub) {
				t.Errorf("ParseKeyPair: %v", err)
			}
			if _, err := secret.OpenWithLabel(s, e.Priv, e.Label, append(e.Context, 0), e.KEMOutput, e.Ciphertext); !errors.Is(err, secret.ErrDecrypt) {
				t.Errorf("another context: %v", err)
			}
		})
	}
}

func TestEverySuiteRoundTrips(t *testing.T) {
	for _, id := range suite.All() {
		s, err := suite.Lookup(id)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(s.Name(), func(t *testing.T) {
			a, err := secret.DeriveKeyPair(s, secret.Random(s.HashSize()))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.CheckEncryptionKey(a.Public); err != nil {
				t.Error(err)
			}
			back, err := secret.ParseKeyPair(s, a.Private)
			if err != nil || !bytes.Equal(back.Public, a.Public) {
				t.Errorf("ParseKeyPair: %v", err)
			}
			enc, ct, err := secret.SealWithLabel(s, a.Public, "l", []byte("c"), []byte("p"))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := secret.OpenWithLabel(s, a.Private, "l", []byte("c"), enc, ct); err != nil || string(got) != "p" {
				t.Errorf("OpenWithLabel = %q, %v", got, err)
			}
			if _, err := secret.OpenWithLabel(s, a.Private, "l", []byte("c"), enc[1:], ct); !errors.Is(err, secret.ErrDecrypt) {
				t.Errorf("short KEM output: %v", err)
			}
			out, x, err := secret.EncapsulateInit(s, a.Public)
			if err != nil {
				t.Fatal(err)
			}
			if y, err := secret.DecapsulateInit(s, a.Private, out); err != nil || !bytes.Equal(x, y) {
				t.Errorf("DecapsulateInit: %v", err)
			}
			key, nonce := secret.Random(s.KeySize()), secret.Random(s.NonceSize())
			sealed, err := secret.SealAEAD(s, key, nonce, []byte("d"), []byte("p"))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := secret.OpenAEAD(s, key, nonce, []byte("d"), sealed); err != nil || string(got) != "p" {
				t.Errorf("OpenAEAD = %q, %v", got, err)
			}
			for _, bad := range [][]byte{nil, sealed[:3], append([]byte{1}, sealed...)} {
				if _, err := secret.OpenAEAD(s, key, nonce, []byte("d"), bad); !errors.Is(err, secret.ErrDecrypt) {
					t.Errorf("%d bytes: %v", len(bad), err)
				}
			}
		})
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	k := &secret.KeyPair{Private: []byte("canary-5d1f")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if bytes.Contains([]byte(fmt.Sprintf(verb, k)), []byte("canary")) {
			t.Errorf("%s prints the key", verb)
		}
	}
	k.Wipe()
	if !bytes.Equal(k.Private, make([]byte, 11)) {
		t.Error("not wiped")
	}
}
