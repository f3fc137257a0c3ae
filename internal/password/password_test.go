package password

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestT28Policy: what is refused, and that nothing else is.
func TestT28Policy(t *testing.T) {
	var longest string // any that people make is taken, up to the limit (64 at least: NIST SP 800-63B-4, section 3.1.1.2)
	for i := range 64 {
		longest += fmt.Sprintf("%c%03d", 'a'+i%26, i*i*7%1000)
	}
	strict := Policy{MinLength: 12, Classes: 3}
	for _, tt := range []struct {
		password string
		policy   Policy
		want     Fault
	}{
		{"seven77", Policy{}, FaultShort},
		{strings.Repeat("ab3 ", 65), Policy{}, FaultLong},
		{longest, Policy{}, FaultNone},
		{"password", Policy{}, FaultCommon},
		{"Password1", Policy{}, FaultCommon},
		{"P@ssw0rd2024", Policy{}, FaultCommon},
		{"aaaaaaaaaaaaaaaaaaaa", Policy{}, FaultCommon},
		{"1234567890123456", Policy{}, FaultCommon},
		{"qwertyuiopasdfghjkl", Policy{}, FaultCommon},
		{"abcabcabcabcabcabc", Policy{}, FaultCommon},
		{"letmein letmein", Policy{}, FaultCommon},
		{"Riverside2024!", Policy{}, FaultContext},
		{"danaortizdanaortiz", Policy{}, FaultContext},
		{"dana.ortiz1", Policy{}, FaultContext},
		{"vK2#mq8T", Policy{}, FaultNone},
		{"correct horse battery staple", Policy{}, FaultNone},
		{"überraschend grün", Policy{}, FaultNone},
		{"مفتاح الباب الأزرق", Policy{}, FaultNone},
		{"correct horse battery staple", strict, FaultClasses},
		{"Correct horse battery staple", strict, FaultNone},
		{"vK2#mq8T", strict, FaultShort},
	} {
		if got := tt.policy.Check(tt.password, "dana.ortiz", "Dana Ortiz", "Riverside Family Clinic"); got.Fault != tt.want {
			t.Errorf("%q: %q at %d bits, want %q", tt.password, got.Fault, got.Bits, tt.want)
		}
	}
}

// TestCommonAreRefused: every password of the list that is long enough.
func TestCommonAreRefused(t *testing.T) {
	if n := len(ranks()); n < 30_000 {
		t.Errorf("%d common passwords are known, and the documents say 30,000", n)
	}
	for word := range ranks() {
		if s := (Policy{}).Check(word); s.Fault == FaultNone {
			t.Errorf("%q passes with %d bits", word, s.Bits)
		}
	}
}

func TestExpiry(t *testing.T) {
	set := time.Unix(1_800_000_000, 0)
	if (Policy{}).Expired(set, set.AddDate(10, 0, 0)) {
		t.Error("a password expires where no policy says so")
	}
	p := Policy{ExpiryDays: 90}
	if p.Expired(set, set.Add(90*24*time.Hour-1)) || !p.Expired(set, set.Add(90*24*time.Hour)) {
		t.Error("not after 90 days")
	}
}

var cheap = Cost{MemoryKiB: 64, Passes: 1, Rounds: 10}

// TestHash: both ways of hashing, each read by the other, and hashed anew
// where the cost has changed.
func TestHash(t *testing.T) {
	ctx := t.Context()
	fips, dear := cheap, cheap
	fips.FIPS, dear.Passes = true, 2
	hashers := map[string]*Hasher{"argon2id": NewHasher(cheap), "pbkdf2": NewHasher(fips), "dearer": NewHasher(dear)}
	for by, h := range hashers {
		encoded, err := h.Hash(ctx, "a good one")
		if err != nil {
			t.Fatal(err)
		}
		for with, o := range hashers {
			good, stale, err := o.Check(ctx, encoded, "a good one")
			if err != nil || !good || stale == o.now().sameCost(h.now()) {
				t.Errorf("%s by %s: good %v, stale %v, %v", by, with, good, stale, err)
			}
			// It is checked as it was typed: not trimmed, cut short, nor in another case.
			for _, wrong := range []string{"a bad one", "A good one", "a good one ", " a good one", "a good on", "a good one!", ""} {
				if good, stale, _ := o.Check(ctx, encoded, wrong); good || stale {
					t.Errorf("%s by %s: %q is good", by, with, wrong)
				}
			}
		}
		again, _ := h.Hash(ctx, "a good one")
		if again == encoded {
			t.Error("no salt")
		}
		for _, broken := range []string{"", "$", encoded[1:], encoded + "A", strings.Replace(encoded, "=", "=0", 1), "$argon2id$v=19$m=64,t=0,p=1$AAAA$AAAA"} {
			if good, _, err := h.Check(ctx, broken, "a good one"); good || err != nil {
				t.Errorf("%q: %v %v", broken, good, err)
			}
		}
	}
}

// TestChecksWait: no more hashes at once than allowed, and who waits may go.
func TestChecksWait(t *testing.T) {
	c := cheap
	c.AtOnce = 1
	h := NewHasher(c)
	leave, err := h.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	if _, _, err := h.Check(ctx, "", "x"); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	leave()
	if _, _, err := h.Check(t.Context(), "", "x"); err != nil {
		t.Error(err)
	}
}

func TestRecoveryCodes(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		code := NewRecoveryCode()
		clean, ok := CleanRecoveryCode(" " + strings.ToUpper(code) + " ")
		if !ok || strings.ReplaceAll(code, "-", "") != clean || seen[clean] {
			t.Fatalf("%q is read as %q, %v", code, clean, ok)
		}
		seen[clean] = true
	}
	for _, bad := range []string{"", "123456", "aaaa-aaaa-aaaa-aaa", "aaaa-aaaa-aaaa-aaau", "aaaa-aaaa-aaaa-aaaa-aaaa"} {
		if _, ok := CleanRecoveryCode(bad); ok {
			t.Errorf("%q is taken for a code", bad)
		}
	}
}

func FuzzCheckPolicy(f *testing.F) {
	f.Add("correct horse", "dana")
	f.Add("\xff\x00ßİ", "İ")
	f.Fuzz(func(t *testing.T, typed, context string) {
		s := Policy{}.Check(typed, context)
		if s.Bits < 0 || s.Fault == FaultNone && s.Bits < weakBits {
			t.Errorf("%q: %+v", typed, s)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$pbkdf2-sha256$i=10$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, encoded string) {
		if s, ok := parse(encoded); ok && s.encode() != encoded {
			t.Errorf("%q has two encodings", encoded)
		}
	})
}
