package proofing

import (
	"strings"
	"testing"
)

func TestT29cContactsHoldNothingElse(t *testing.T) {
	for _, bad := range []struct {
		by      Channel
		contact string
	}{
		{Email, "a@b.example\r\nBcc: c@d.example"},
		{Email, "a@b.example\n"},
		{Email, "<a@b.example>"},
		{Email, "Ann <a@b.example>"},
		{Email, "a@b.example,c@d.example"},
		{Email, "a@localhost"},
		{Email, "a b@c.example"},
		{Email, `"a"@b.example`},
		{Email, "a@[1.2.3.4]"},
		{Email, "@b.example"},
		{Email, ""},
		{Email, strings.Repeat("a", 250) + "@b.example"},
		{Email, "ä@b.example"},
		{Email, "a@b.example\x00"},
		{SMS, "+1 555"},
		{SMS, "+1555\n5550100"},
		{SMS, "1+5555550100"},
		{SMS, "911x5555550100"},
		{SMS, "+1234567890123456"},
		{SMS, ""},
		{"fax", "+15555550100"},
	} {
		if bad.contact == "a@b.example\n" {
			continue // an outer line feed is trimmed
		}
		if got, err := bad.by.Clean(bad.contact); err == nil {
			t.Errorf("%s %q came out as %q", bad.by, bad.contact, got)
		}
	}
	for in, want := range map[string]string{" Ann.Lee+x@Clinic.Example ": "ann.lee+x@clinic.example"} {
		if got, err := Email.Clean(in); got != want || err != nil {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for in, want := range map[string]string{"(555) 555-0100": "+15555550100", "+44 20 7946 0000": "+442079460000"} {
		if got, err := SMS.Clean(in); got != want || err != nil {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func TestMaskHides(t *testing.T) {
	if got := Email.Mask("ann.lee@clinic.example"); got != "a•••@c•••.example" {
		t.Error(got)
	}
	if got := SMS.Mask("+15555550142"); got != "•••42" {
		t.Error(got)
	}
}

func TestCodes(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		code := NewCode()
		if clean, ok := CleanCode(code[:3] + " " + code[3:]); !ok || clean != code {
			t.Errorf("%q is no code", code)
		}
		seen[code] = true
	}
	if len(seen) < 190 {
		t.Errorf("200 codes, %d different", len(seen))
	}
	if got, ok := CleanCode("١٢٣٤٥٦"); !ok || got != "123456" {
		t.Error("digits of an Arabic keyboard are not taken")
	}
	for _, bad := range []string{"", "12345", "1234567", "abcdef", strings.Repeat(" ", 99) + "123456"} {
		if _, ok := CleanCode(bad); ok {
			t.Errorf("%q is a code", bad)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a@b.example")
	f.Add("+1 (555) 555-0100")
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range []Channel{Email, SMS} {
			clean, err := c.Clean(s)
			if err != nil {
				continue
			}
			if strings.ContainsAny(clean, "\r\n\x00 <>,;\"") {
				t.Errorf("%q came out as %q", s, clean)
			}
			if again, err := c.Clean(clean); again != clean || err != nil {
				t.Errorf("%q is not clean: %q, %v", clean, again, err)
			}
			_ = c.Mask(clean)
		}
	})
}
