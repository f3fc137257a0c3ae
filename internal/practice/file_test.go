package practice_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/demo"
	"github.com/sotto-health/sotto/internal/practice"
)

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(map[string]any)
	}{
		{"a slug with a slash", func(f map[string]any) { f["slug"] = "../etc" }},
		{"no phone", func(f map[string]any) { delete(f, "phone") }},
		{"an unknown field", func(f map[string]any) { f["nmae"] = "x" }},
		{"a time zone that is none", func(f map[string]any) { f["time_zone"] = "Mars/Olympus" }},
		{"a language without a consent text", func(f map[string]any) { f["languages"] = []string{"en", "fr"} }},
		{"a consent form without its risks", func(f map[string]any) {
			delete(f["consent"].(map[string]any)["texts"].(map[string]any)["es"].(map[string]any), "risks")
		}},
		{"no queue", func(f map[string]any) { f["queues"] = []any{} }},
		{"an embedding origin in the clear", func(f map[string]any) { f["embed_origins"] = []string{"http://clinic.example"} }},
		{"an embedding origin with a path", func(f map[string]any) { f["embed_origins"] = []string{"https://clinic.example/a"} }},
		{"hours that end before they begin", func(f map[string]any) {
			f["hours"] = []any{map[string]any{"days": []string{"mon"}, "from": "09:00", "to": "08:00"}}
		}},
		{"a network that is none", func(f map[string]any) {
			f["access"] = map[string]any{"networks": map[string]any{"": []string{"the office"}}}
		}},
		{"a network of a role that is none", func(f map[string]any) {
			f["access"] = map[string]any{"networks": map[string]any{"nurses": []string{"10.0.0.0/8"}}}
		}},
		{"five classes of characters", func(f map[string]any) { f["access"] = map[string]any{"password": map[string]any{"classes": 5}} }},
		{"reviews of access too seldom", func(f map[string]any) { f["reviews"] = map[string]any{"access_days": 366} }},
		{"reviews of the log too seldom", func(f map[string]any) { f["reviews"] = map[string]any{"activity_days": 93} }},
		{"staff who are never locked out", func(f map[string]any) { f["idle_minutes"] = map[string]any{"staff": 31} }},
		{"staff who are locked out at once", func(f map[string]any) { f["idle_minutes"] = map[string]any{"staff": 1} }},
		{"reviews of access too often", func(f map[string]any) { f["reviews"] = map[string]any{"access_days": 29} }},
		{"a brand colour that is a script", func(f map[string]any) { f["brand_color"] = "red;}" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var f map[string]any
			if err := json.Unmarshal(demo.PracticeFile, &f); err != nil {
				t.Fatal(err)
			}
			test.spoil(f)
			spoiled, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := practice.Parse(spoiled); !errors.Is(err, practice.ErrInvalid) {
				t.Errorf("got %v, want ErrInvalid", err)
			}
		})
	}
}

func TestDemoPracticeIsComplete(t *testing.T) {
	f, err := practice.Parse(demo.PracticeFile)
	if err != nil {
		t.Fatal(err)
	}
	s := f.Settings()
	for _, language := range []string{"en", "es", "ar"} {
		if parts, ok := s.ConsentParts[language]; !ok || len(parts.Missing()) > 0 {
			t.Errorf("the consent form in %s lacks %v", language, parts.Missing())
		}
	}
	if s.Reviews.Days() != 90 {
		t.Errorf("access is confirmed every %d days", s.Reviews.Days())
	}
	if !s.Demo || len(f.Staff) < 2 {
		t.Error("a demo practice says that it is one and has two staff persons at least")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(demo.PracticeFile)
	f.Add([]byte(`{"slug":"ab","hours":[{"days":["mon"],"from":"24:00","to":"24:00"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := practice.Parse(b)
		if err != nil {
			if !errors.Is(err, practice.ErrInvalid) {
				t.Errorf("untyped error %v", err)
			}
			return
		}
		file.Settings()
	})
}

// TestSSO: what a practice can get wrong about its provider and its groups is
// refused when the file is applied, and the secret is read from elsewhere.
func TestSSO(t *testing.T) {
	with := func(access string) ([]byte, error) {
		var f map[string]any
		if err := json.Unmarshal(demo.PracticeFile, &f); err != nil {
			return nil, err
		}
		var a any
		if err := json.Unmarshal([]byte(access), &a); err != nil {
			t.Fatal(err)
		}
		f["access"] = a
		return json.Marshal(f)
	}
	const good = `{"sso": {"name": "Clinic account", "issuer": "https://login.example/t1", "client_id": "sotto", "client_secret_env": "X",
		"second_factor": [{"claim": "acr", "values": ["two"]}]}, "groups": [{"group": "Nurses", "role": "nurse", "queues": ["care"]}]}`
	for name, change := range map[string][2]string{
		"no name":                {`"Clinic account"`, `""`},
		"issuer without TLS":     {`https://login`, `http://login`},
		"issuer with a query":    {`/t1`, `/t1?x=1`},
		"issuer with a password": {`https://login`, `https://a:b@login`},
		"no client":              {`"sotto"`, `""`},
		"two secrets":            {`"client_secret_env": "X"`, `"client_secret_env": "X", "client_secret_file": "y"`},
		"a secret in the file":   {`"client_secret_env": "X"`, `"client_secret": "X"`},
		"another claim":          {`"acr"`, `"email"`},
		"no values":              {`["two"]`, `[]`},
		"a password alone":       {`"acr", "values": ["two"]`, `"amr", "values": ["pwd"]`},
		"a PIN beside two":       {`"acr", "values": ["two"]`, `"amr", "values": ["mfa", "pin"]`},
		"what somebody knows":    {`"acr", "values": ["two"]`, `"amr", "values": ["kba"]`},
		"where somebody is":      {`"acr", "values": ["two"]`, `"amr", "values": ["geo"]`},
		"an unknown role":        {`"nurse"`, `"wizard"`},
		"the keeper's role":      {`"nurse"`, `"keeper"`},
		"the directory's role":   {`"nurse"`, `"directory"`},
		"administrators":         {`"nurse"`, `"administrator"`},
		"an unknown queue":       {`"care"`, `"nowhere"`},
	} {
		b, err := with(strings.Replace(good, change[0], change[1], 1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := practice.Parse(b); !errors.Is(err, practice.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b, err := with(good)
	if err != nil {
		t.Fatal(err)
	}
	f, err := practice.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if s := f.Settings().Access; s.SSO.Issuer != "https://login.example/t1" || s.SSO.Secret != nil || s.Groups.Rules[0].Role != "nurse" {
		t.Errorf("%+v", s)
	}
	secret, err := f.ClientSecret(func(string) string { return " s3cret\n" }, nil)
	if err != nil || secret != "s3cret" {
		t.Errorf("%q, %v", secret, err)
	}
	if _, err := f.ClientSecret(func(string) string { return "" }, nil); err == nil {
		t.Error("an empty secret is taken")
	}
}

// TestPortal: the same for the portal that patients sign in at.
func TestPortal(t *testing.T) {
	with := func(portal string) []byte {
		var f map[string]any
		if err := json.Unmarshal(demo.PracticeFile, &f); err != nil {
			t.Fatal(err)
		}
		f["identity"] = json.RawMessage(`{"portal": ` + portal + `}`)
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	const good = `{"name": "MyRiverside", "issuer": "https://portal.example/t1", "client_id": "sotto", "client_secret_env": "X", "scopes": ["profile"],
		"fhir": "https://fhir.example/r4/", "record_system": "urn:oid:1.2", "max_age_minutes": 30}`
	for name, change := range map[string][2]string{
		"no name":                {`"MyRiverside"`, `""`},
		"issuer without TLS":     {`https://portal`, `http://portal`},
		"no client":              {`"sotto"`, `""`},
		"two secrets":            {`"client_secret_env": "X"`, `"client_secret_env": "X", "client_secret_file": "y"`},
		"a secret in the file":   {`"client_secret_env": "X"`, `"client_secret": "X"`},
		"a scope with a blank":   {`"profile"`, `"a b"`},
		"FHIR without TLS":       {`https://fhir`, `http://fhir`},
		"FHIR with a query":      {`/r4/`, `/r4?x=1`},
		"a system but no server": {`"fhir": "https://fhir.example/r4/",`, ``},
		"a sign-in of years":     {`30`, `99999`},
		"less than never":        {`30`, `-2`},
	} {
		if _, err := practice.Parse(with(strings.Replace(good, change[0], change[1], 1))); !errors.Is(err, practice.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f, err := practice.Parse(with(good))
	if err != nil {
		t.Fatal(err)
	}
	if p := f.Settings().Identity.Portal; p.FHIR != "https://fhir.example/r4" || p.RecordSystem != "urn:oid:1.2" || p.Secret != nil {
		t.Errorf("%+v", p)
	}
	if secret, err := f.PortalSecret(func(string) string { return " s3cret\n" }, nil); err != nil || secret != "s3cret" {
		t.Errorf("%q, %v", secret, err)
	}
}
