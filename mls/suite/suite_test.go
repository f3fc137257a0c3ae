package suite_test

import (
	"bytes"
	"crypto/elliptic"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/mls/internal/vectors"
	"github.com/sotto-health/sotto/mls/suite"
)

func TestOfficialVectors(t *testing.T) {
	var cases []struct {
		CipherSuite suite.ID `json:"cipher_suite"`
		RefHash     struct {
			Label      string
			Value, Out vectors.Bytes
		} `json:"ref_hash"`
		Sign struct {
			Label                         string
			Priv, Pub, Content, Signature vectors.Bytes
		} `json:"sign_with_label"`
		Encrypt struct{ Pub vectors.Bytes } `json:"encrypt_with_label"`
	}
	vectors.Load(t, "crypto-basics.json", &cases)
	ran := 0
	for _, c := range cases {
		s, err := suite.Lookup(c.CipherSuite)
		if err != nil {
			continue // Ed448 and X448 are not in the standard library
		}
		ran++
		t.Run(s.Name(), func(t *testing.T) {
			if got := s.RefHash(c.RefHash.Label, c.RefHash.Value); !bytes.Equal(got, c.RefHash.Out) {
				t.Errorf("RefHash = %x, want %x", got, c.RefHash.Out)
			}
			v := c.Sign
			if err := s.VerifyWithLabel(v.Pub, v.Label, v.Content, v.Signature); err != nil {
				t.Errorf("the vector's signature: %v", err)
			}
			signer, err := s.ParseSigner(v.Priv)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(signer.Public(), v.Pub) {
				t.Errorf("public key = %x, want %x", signer.Public(), v.Pub)
			}
			ours, err := s.SignWithLabel(signer, v.Label, v.Content)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.VerifyWithLabel(v.Pub, v.Label, v.Content, ours); err != nil {
				t.Errorf("our own signature: %v", err)
			}
			if err := s.VerifyWithLabel(v.Pub, v.Label+"x", v.Content, ours); !errors.Is(err, suite.ErrBadSignature) {
				t.Errorf("under another label: %v", err)
			}
			if err := s.CheckEncryptionKey(c.Encrypt.Pub); err != nil {
				t.Error(err)
			}
			if err := s.CheckEncryptionKey(c.Encrypt.Pub[1:]); !errors.Is(err, suite.ErrBadKey) {
				t.Errorf("short HPKE key: %v", err)
			}
		})
	}
	if ran != 5 {
		t.Errorf("ran %d suites, want 5", ran)
	}
}

func TestEverySuiteSigns(t *testing.T) {
	for _, id := range suite.All() {
		s, err := suite.Lookup(id)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(s.Name(), func(t *testing.T) {
			signer, err := s.NewSigner()
			if err != nil {
				t.Fatal(err)
			}
			sig, err := s.SignWithLabel(signer, "Test", []byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.VerifyWithLabel(signer.Public(), "Test", []byte("x"), sig); err != nil {
				t.Error(err)
			}
			if err := s.CheckSignatureKey(signer.Public()); err != nil {
				t.Error(err)
			}
			for _, bad := range [][]byte{nil, {4}, signer.Public()[1:], append([]byte{0}, signer.Public()...)} {
				if err := s.CheckSignatureKey(bad); !errors.Is(err, suite.ErrBadKey) {
					t.Errorf("a key of %d bytes: %v", len(bad), err)
				}
				if err := s.VerifyWithLabel(bad, "Test", []byte("x"), sig); err == nil {
					t.Error("verified under a bad key")
				}
			}
		})
	}
}

// highS is a signer whose signatures always have the higher s.
type highS struct {
	suite.Signer
	order *big.Int
}

func (h highS) Sign(message []byte) ([]byte, error) {
	sig, err := h.Signer.Sign(message)
	if err != nil {
		return nil, err
	}
	var v struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(sig, &v); err != nil {
		return nil, err
	}
	if v.S.Cmp(new(big.Int).Rsh(h.order, 1)) <= 0 {
		v.S.Sub(h.order, v.S)
	}
	return asn1.Marshal(v)
}

func TestOurSignaturesAreLowSAndTheirsMayBeHigh(t *testing.T) {
	s, err := suite.Lookup(suite.MLKEM768P256)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := s.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	order := elliptic.P256().Params().N
	for range 300 { // so that numbers of all lengths come up
		sig, err := s.SignWithLabel(highS{signer, order}, "Test", []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.VerifyWithLabel(signer.Public(), "Test", []byte("x"), sig); err != nil {
			t.Fatal(err)
		}
	}
	sig, err := s.SignWithLabel(highS{signer, order}, "Test", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(sig, &v); err != nil {
		t.Fatal(err)
	}
	if v.S.Cmp(new(big.Int).Rsh(order, 1)) > 0 {
		t.Error("signed with high s")
	}
	if err := s.VerifyWithLabel(signer.Public(), "Test", []byte("x"), sig); err != nil {
		t.Error(err)
	}
	v.S.Sub(order, v.S)
	high, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.VerifyWithLabel(signer.Public(), "Test", []byte("x"), high); err != nil {
		t.Errorf("another's high s: %v", err)
	}
}

func TestEqualComparesLengths(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b []byte
		want bool
	}{
		{"the same", []byte{1, 2}, []byte{1, 2}, true},
		{"both empty", nil, []byte{}, true},
		{"a prefix", []byte{1, 2}, []byte{1}, false},
		{"nothing against something", nil, []byte{0}, false},
		{"another", []byte{1, 2}, []byte{1, 3}, false},
	} {
		if got := suite.Equal(c.a, c.b); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	s, err := suite.Lookup(suite.P256AES128)
	if err != nil {
		t.Fatal(err)
	}
	tag := s.MAC([]byte("k"), []byte("d"))
	if !s.VerifyMAC([]byte("k"), []byte("d"), tag) || s.VerifyMAC([]byte("k"), []byte("d"), tag[:31]) || s.VerifyMAC([]byte("k"), []byte("d"), nil) {
		t.Error("VerifyMAC")
	}
}

func TestUnknownSuite(t *testing.T) {
	if _, err := suite.Lookup(4); !errors.Is(err, suite.ErrUnknown) {
		t.Errorf("suite 4: %v", err)
	}
	signer, err := mustLookup(t, suite.X25519AES128).NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(signer.String(), "redacted") {
		t.Error("a signer prints")
	}
}

func mustLookup(t *testing.T, id suite.ID) *suite.Suite {
	t.Helper()
	s, err := suite.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
