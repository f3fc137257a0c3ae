package practice

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/oidc"
	"github.com/sotto-health/sotto/internal/policy"
)

// SSO is the practice's OpenID provider for staff.
type SSO struct {
	Name     string `json:"name"`   // as people know it: Riverside account
	Issuer   string `json:"issuer"` // exactly as the provider names itself
	ClientID string `json:"client_id"`
	// The client secret is never in the file: this is where to read it from. With
	// neither, the client is public and PKCE alone protects it.
	SecretFile string   `json:"client_secret_file"`
	SecretEnv  string   `json:"client_secret_env"`
	Scopes     []string `json:"scopes"` // besides openid
	// SecondFactor is what a token must say, any of these, for two factors to
	// have been shown. None means amr with mfa (RFC 8176).
	SecondFactor    []SecondFactor `json:"second_factor"`
	MaxAgeMinutes   int            `json:"max_age_minutes"` // since the person signed in there; 0 means until a session here would lock
	GroupsClaim     string         `json:"groups_claim"`
	ExternalIDClaim string         `json:"external_id_claim"` // that holds SCIM's externalId; empty means sub
	Only            bool           `json:"only"`              // nobody else signs in here but administrators, with a passkey
}

// A SecondFactor is a claim of which one value must be there.
type SecondFactor struct {
	Claim  string   `json:"claim"` // acr, amr or acrs
	Values []string `json:"values"`
}

// A Group says what the people of a group of the directory are here.
type Group struct {
	Group  string   `json:"group"`
	Role   string   `json:"role"`
	Queues []string `json:"queues"` // none means all
}

func (f *File) checkSSO() error {
	if s := f.Access.SSO; s != nil {
		if err := s.check(); err != nil {
			return fmt.Errorf("access: sso: %w", err)
		}
	}
	if len(f.Access.Groups) > 500 {
		return errors.New("access: groups: at most 500")
	}
	for _, g := range f.Access.Groups {
		if g.Group == "" || len(g.Group) > 255 {
			return errors.New("access: groups: group: 1 to 255 bytes")
		}
		if !slices.Contains(policy.StaffRoles(), g.Role) {
			return fmt.Errorf("access: groups: %s: role is none that staff can have", g.Group)
		}
		if policy.RoleOf(g.Role) == policy.Administrator && !f.Access.GroupAdministrators {
			return errors.New("access: groups: administrators come from groups only with groups_give_administrators")
		}
		for _, q := range g.Queues {
			if !slices.ContainsFunc(f.Queues, func(have Queue) bool { return have.ID == q }) {
				return fmt.Errorf("access: groups: %s: no queue %s", g.Group, q)
			}
		}
	}
	return nil
}

// safeAddress reports whether s can be the address of a provider.
func safeAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && oidc.SafeURL(u) && u.RawQuery == "" && u.Fragment == ""
}

// short reports whether all are at most 255 bytes without spaces.
func short(of ...string) bool {
	return !slices.ContainsFunc(of, func(v string) bool { return len(v) > 255 || strings.ContainsAny(v, " \r\n\t") })
}

func (s *SSO) check() error {
	switch {
	case s.Name == "" || len(s.Name) > 64:
		return errors.New("name: 1 to 64 bytes, as people know it")
	case !safeAddress(s.Issuer):
		return errors.New("issuer: https://..., exactly as the provider names itself")
	case s.ClientID == "" || !short(s.ClientID):
		return errors.New("client_id: 1 to 255 bytes without spaces")
	case s.SecretFile != "" && s.SecretEnv != "":
		return errors.New("client_secret_file or client_secret_env, not both")
	case !short(s.Scopes...) || len(s.Scopes) > 20:
		return errors.New("scopes: at most 20, without spaces")
	case s.MaxAgeMinutes < 0 || s.MaxAgeMinutes > hub.MostIdleMinutes:
		return fmt.Errorf("max_age_minutes: up to %d: who signed in there longer ago than a session here stays open signs in there again", hub.MostIdleMinutes)
	case !short(s.GroupsClaim, s.ExternalIDClaim):
		return errors.New("groups_claim, external_id_claim: names of claims")
	}
	for _, f := range s.SecondFactor {
		if !slices.Contains([]string{"acr", "amr", "acrs"}, f.Claim) || len(f.Values) == 0 || slices.Contains(f.Values, "") || !short(f.Values...) {
			return errors.New("second_factor: claim is acr, amr or acrs, with at least one value")
		}
		if i := slices.IndexFunc(f.Values, hub.OneFactor); f.Claim == "amr" && i >= 0 {
			return fmt.Errorf("second_factor: %q of amr lets in who showed one factor (RFC 8176): leave it out; mfa says two, and otp, hwk or swk what they have beside a password", f.Values[i])
		}
	}
	return nil
}

// settings returns what the hub stores of s, without the secret.
func (s *SSO) settings() *hub.SSO {
	if s == nil {
		return nil
	}
	out := &hub.SSO{
		Name: s.Name, Issuer: s.Issuer, ClientID: s.ClientID, Scopes: s.Scopes, MaxAgeMinutes: s.MaxAgeMinutes,
		GroupsClaim: s.GroupsClaim, ExternalIDClaim: s.ExternalIDClaim, Only: s.Only,
	}
	for _, f := range s.SecondFactor {
		out.SecondFactor = append(out.SecondFactor, hub.Requirement(f))
	}
	return out
}

func (a *Access) groupRules() hub.GroupRules {
	rules := hub.GroupRules{Administrators: a.GroupAdministrators}
	for _, g := range a.Groups {
		rules.Rules = append(rules.Rules, hub.GroupRule(g))
	}
	return rules
}

// ClientSecret reads the client secret of the provider for staff from where the
// file says; it is empty if it says nothing.
func (f *File) ClientSecret(getenv func(string) string, readFile func(string) ([]byte, error)) (string, error) {
	s := f.Access.SSO
	if s == nil {
		return "", nil
	}
	secret, err := clientSecret(s.SecretFile, s.SecretEnv, getenv, readFile)
	if err != nil {
		return "", fmt.Errorf("access: sso: %w", err)
	}
	return secret, nil
}

func clientSecret(file, env string, getenv func(string) string, readFile func(string) ([]byte, error)) (string, error) {
	secret := ""
	switch {
	case env != "":
		secret = getenv(env)
	case file != "":
		b, err := readFile(file)
		if err != nil {
			return "", fmt.Errorf("client_secret_file: %w", err)
		}
		secret = string(b)
	default:
		return "", nil
	}
	secret = strings.TrimSpace(secret)
	if secret == "" || len(secret) > 1024 {
		return "", errors.New("the client secret is empty, or longer than 1024 bytes")
	}
	return secret, nil
}
