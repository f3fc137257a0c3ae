package roster

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var today = time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)

func TestFactsAreComparedInOneForm(t *testing.T) {
	for _, c := range []struct {
		f    Fact
		a, b string
		same bool
	}{
		{Phone, "+1 (555) 555-0142", "555 555 0142", true},
		{Phone, "5555550142", "5555550143", false},
		{Email, "Ana@Mail.example", "ana@mail.example ", true},
		{Postcode, "60614-1234", "60614", true},
		{Postcode, "sw1a 1aa", "SW1A1AA", true},
		{Number, "MRN-004417", "4417", true},
	} {
		if a, b := c.f.Clean(c.a), c.f.Clean(c.b); (a == b) != c.same || a == "" {
			t.Errorf("%s: %q and %q", c.f, a, b)
		}
	}
	for _, f := range Facts() {
		for _, none := range []string{"", "   ", "1", strings.Repeat("1", 999)} {
			if got := f.Clean(none); got != "" {
				t.Errorf("%s of %q is %q", f, none, got)
			}
		}
	}
}

func TestParseCSV(t *testing.T) {
	good := "number,name,born,phone,email,postcode\nR-1,Ana Pérez,1984-03-09,(555) 555-0142,,60614\nR-2,\"Lee, Bo\",2001-12-31,,bo@mail.example,\n"
	all, err := ParseCSV(strings.NewReader(good), today)
	if err != nil || len(all) != 2 || all[1].Name != "Lee, Bo" || all[0].Of(Postcode) != "60614" || all[1].Of(Phone) != "" {
		t.Fatalf("%+v, %v", all, err)
	}
	for name, bad := range map[string]string{
		"nothing":          "",
		"a foreign column": "number,name,born,ssn\n",
		"no birth date":    "number,name\n",
		"a bad date":       "number,name,born\nR-1,SECRET,3/9/1984\n",
		"the future":       "number,name,born\nR-1,SECRET,2030-01-01\n",
		"no name":          "number,name,born\nR-1,,1984-03-09\n",
		"twice":            "number,name,born\nR-1,A,1984-03-09\nR-1,SECRET,1984-03-09\n",
		"a bad address":    "number,name,born,email\nR-1,A,1984-03-09,SECRET\n",
		"too few columns":  "number,name,born\nR-1,SECRET\n",
	} {
		_, err := ParseCSV(strings.NewReader(bad), today)
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: the error quotes the file: %v", name, err)
		}
	}
}

func TestNames(t *testing.T) {
	if !SharesName("Bo", "Lee, Bo") || SharesName("Ana", "Lee, Bo") || SharesName("", "") {
		t.Error("names")
	}
}

func FuzzParseCSV(f *testing.F) {
	f.Add("number,name,born\nR-1,Ana,1984-03-09\n")
	f.Fuzz(func(t *testing.T, s string) {
		all, err := ParseCSV(strings.NewReader(s), today)
		for _, e := range all {
			if err != nil || e.Check(today) != nil {
				t.Errorf("%+v", e)
			}
		}
	})
}
