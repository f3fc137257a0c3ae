package totp

import (
	"strings"
	"testing"
	"time"
)

// TestVectors are the SHA-1 rows of RFC 6238, appendix B, cut to six digits.
func TestVectors(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := Code(secret, Step(time.Unix(at, 0))); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

// TestT29ClockSkewAndReplay: a code of the period before or after is good, one
// of further away is not, and none is good twice.
func TestT29ClockSkewAndReplay(t *testing.T) {
	secret, now := NewSecret(), time.Unix(1_800_000_000, 0)
	for _, tt := range []struct {
		name string
		off  int64 // periods that the phone is ahead
		used int64 // steps before now that was used last
		want bool
	}{
		{"right on time", 0, 100, true},
		{"a phone that is behind", -1, 100, true},
		{"a phone that is ahead", 1, 100, true},
		{"too far behind", -2, 100, false},
		{"too far ahead", 2, 100, false},
		{"the same code again", 0, 0, false},
		{"an older code after a newer", -1, 0, false},
		{"the next code after this", 1, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			step, ok := Check(secret, Code(secret, Step(now)+tt.off), now, Step(now)-tt.used)
			if ok != tt.want || ok && step != Step(now)+tt.off {
				t.Errorf("step %d, %v", step-Step(now), ok)
			}
		})
	}
}

func TestForms(t *testing.T) {
	secret, now := NewSecret(), time.Unix(1_800_000_000, 0)
	code := Code(secret, Step(now))
	for typed, want := range map[string]bool{code: true, code[:3] + " " + code[3:]: true, " " + code + "\n": true, "": false, code[1:]: false, "xxxxxx": false, code + "0": false} {
		if _, ok := Check(secret, typed, now, 0); ok != want {
			t.Errorf("%q: %v", typed, ok)
		}
	}
	back, err := ParseText(strings.ToLower(Text(secret)[:8]) + " " + Text(secret)[8:])
	if err != nil || string(back) != string(secret) {
		t.Errorf("%x, %v", back, err)
	}
	address := Address("Riverside Clinic", "dana@x", secret)
	if address != "otpauth://totp/Riverside%20Clinic:dana@x?issuer=Riverside%20Clinic&secret="+Text(secret) {
		t.Error(address)
	}
}

// FuzzCheck: whatever is typed, only the codes of the three periods pass.
func FuzzCheck(f *testing.F) {
	secret, now := []byte("12345678901234567890"), time.Unix(59, 0)
	f.Add("287082")
	f.Add("287 082")
	f.Fuzz(func(t *testing.T, typed string) {
		step, ok := Check(secret, typed, now, -1)
		clean, _ := Clean(typed)
		if ok && clean != Code(secret, step) {
			t.Errorf("%q passed for step %d", typed, step)
		}
	})
}
