package hub

import "testing"

// TestProviderAsksForTwo: what a password alone gives is no second factor.
func TestProviderAsksForTwo(t *testing.T) {
	for name, c := range map[string]struct {
		asked []Requirement
		want  bool
	}{
		"nothing said":    {nil, true},
		"a code":          {[]Requirement{{"amr", []string{"otp", "hwk"}}}, true},
		"a level":         {[]Requirement{{"acr", []string{"pwd"}}}, true},
		"a password":      {[]Requirement{{"amr", []string{"pwd"}}}, false},
		"either":          {[]Requirement{{"amr", []string{"mfa"}}, {"amr", []string{"mfa", "pin"}}}, false},
		"what they know":  {[]Requirement{{"amr", []string{"kba"}}}, false},
		"where they are":  {[]Requirement{{"amr", []string{"geo"}}}, false},
		"a level or that": {[]Requirement{{"acr", []string{"2"}}, {"amr", []string{"pwd"}}}, false},
	} {
		s := &SSO{SecondFactor: c.asked}
		if s.AsksForTwo() != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}
