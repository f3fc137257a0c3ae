package certificate_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/certificate/authority"
)

var now = time.Unix(1_900_000_000, 0)

func newKey(t *testing.T) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return key, public
}

func issue(t *testing.T) (*authority.Authority, *certificate.Certificate, []byte) {
	t.Helper()
	a, err := authority.New("pr_1")
	if err != nil {
		t.Fatal(err)
	}
	_, public := newKey(t)
	c := &certificate.Certificate{Person: "p_1", Device: "d_1", Kind: certificate.KindStaff, Role: "nurse", PublicKey: public}
	b, err := a.Issue(c, now)
	if err != nil {
		t.Fatal(err)
	}
	return a, c, b
}

func TestVerify(t *testing.T) {
	a, issued, b := issue(t)
	other, _ := authority.New("pr_1")
	elsewhere, _ := authority.New("pr_2")
	tests := []struct {
		name     string
		practice string
		key      []byte
		at       time.Time
		want     error
	}{
		{"of this authority", "pr_1", a.Public(), now, nil},
		{"a slow clock", "pr_1", a.Public(), now.Add(-23 * time.Hour), nil},
		{"long before", "pr_1", a.Public(), now.Add(-25 * time.Hour), certificate.ErrLapsed},
		{"long after", "pr_1", a.Public(), now.Add(authority.Lifetime + 25*time.Hour), certificate.ErrLapsed},
		{"another authority of the name", "pr_1", other.Public(), now, certificate.ErrForged},
		{"another practice's authority", "pr_2", elsewhere.Public(), now, certificate.ErrForged},
		{"another practice, same key", "pr_2", a.Public(), now, certificate.ErrPractice},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, err := certificate.NewVerifier(test.practice, test.key)
			if err != nil {
				t.Fatal(err)
			}
			c, err := v.VerifyFor(b, issued.PublicKey, test.at)
			if !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if err == nil && (c.Person != "p_1" || c.Role != "nurse" || c.Keeper()) {
				t.Errorf("got %+v", c)
			}
		})
	}
	v, _ := certificate.NewVerifier("pr_1", a.Public())
	if _, err := v.VerifyFor(b, []byte("another key"), now); !errors.Is(err, certificate.ErrKey) {
		t.Errorf("for another key: %v", err)
	}
}

// TestCertificateHasOneEncoding flips every bit, and tries the other s.
func TestCertificateHasOneEncoding(t *testing.T) {
	a, _, b := issue(t)
	v, _ := certificate.NewVerifier("pr_1", a.Public())
	for i := range len(b) * 8 {
		bad := bytes.Clone(b)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := v.Verify(bad, now); err == nil {
			t.Fatalf("bit %d may change", i)
		}
	}
	c, _ := certificate.Parse(b)
	r, s := new(big.Int), new(big.Int)
	outer := cryptobyte.String(c.Signature)
	var inner cryptobyte.String
	if !outer.ReadASN1(&inner, asn1.SEQUENCE) || !inner.ReadASN1Integer(r) || !inner.ReadASN1Integer(s) {
		t.Fatal("cannot read signature")
	}
	var w cryptobyte.Builder
	w.AddASN1(asn1.SEQUENCE, func(w *cryptobyte.Builder) {
		w.AddASN1BigInt(r)
		w.AddASN1BigInt(new(big.Int).Sub(elliptic.P256().Params().N, s))
	})
	c.Signature, _ = w.Bytes()
	key, _ := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), a.Public())
	digest := sha256.Sum256(c.Signed())
	if !ecdsa.VerifyASN1(key, digest[:], c.Signature) {
		t.Fatal("the twin signature should verify as plain ECDSA")
	}
	if _, err := v.Verify(c.Marshal(), now); !errors.Is(err, certificate.ErrForged) {
		t.Errorf("the twin signature: %v", err)
	}
	if got := certificate.Normalise(c.Signature); !certificate.LowS(got) {
		t.Error("Normalise leaves a high s")
	}
}

func TestCard(t *testing.T) {
	a, _, _ := issue(t)
	v, _ := certificate.NewVerifier("pr_1", a.Public())
	b, err := a.IssueCard(&certificate.Card{Person: "p_1", Name: "Maria Alvarez", Title: "RN", Role: "nurse"}, now)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := v.VerifyCard(b, "p_1"); err != nil || c.Name != "Maria Alvarez" {
		t.Errorf("own card: %v, %v", c, err)
	}
	if _, err := v.VerifyCard(b, "p_2"); !errors.Is(err, certificate.ErrKey) {
		t.Errorf("shown by somebody else: %v", err)
	}
	b[len(b)-80] ^= 1
	if _, err := v.VerifyCard(b, "p_1"); err == nil {
		t.Error("an altered card is good")
	}
}

func TestProof(t *testing.T) {
	key, public := newKey(t)
	p := certificate.Proof{Purpose: certificate.PurposeSession, Subject: "d_1", PublicKey: public, Nonce: "n"}
	digest := sha256.Sum256(p.Signed())
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(signature); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*certificate.Proof){
		"purpose": func(p *certificate.Proof) { p.Purpose = certificate.PurposeRegister },
		"subject": func(p *certificate.Proof) { p.Subject = "d_2" },
		"nonce":   func(p *certificate.Proof) { p.Nonce = "m" },
		"key":     func(p *certificate.Proof) { _, p.PublicKey = newKey(t) },
	} {
		q := p
		change(&q)
		if err := q.Verify(signature); !errors.Is(err, certificate.ErrProof) {
			t.Errorf("another %s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	a, _ := authority.New("pr_1")
	b, _ := a.Issue(&certificate.Certificate{Person: "p", Device: "d", Kind: "patient", Role: "patient", PublicKey: make([]byte, 65)}, now)
	f.Add(b)
	card, _ := a.IssueCard(&certificate.Card{Person: "p", Name: "n"}, now)
	f.Add(card)
	f.Fuzz(func(t *testing.T, in []byte) {
		if c, err := certificate.Parse(in); err == nil {
			if !bytes.Equal(c.Marshal(), in) {
				t.Error("two encodings of one certificate")
			}
		} else if !errors.Is(err, certificate.ErrMalformed) {
			t.Errorf("untyped error %v", err)
		}
		if c, err := certificate.ParseCard(in); err == nil {
			if !bytes.Equal(c.Marshal(), in) {
				t.Error("two encodings of one card")
			}
		} else if !errors.Is(err, certificate.ErrMalformed) {
			t.Errorf("untyped error %v", err)
		}
	})
}
