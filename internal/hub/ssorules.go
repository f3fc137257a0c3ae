package hub

import (
	"slices"
	"time"

	"github.com/sotto-health/sotto/internal/oidc"
	"github.com/sotto-health/sotto/internal/policy"
)

// SSO is how a practice's staff sign in at its OpenID provider.
type SSO struct {
	Name     string // as people know it: Riverside account
	Issuer   string
	ClientID string
	Secret   []byte // sealed; see [Hub.SealSecret]
	Scopes   []string
	// SecondFactor is what the provider's token must say for two factors to have
	// been shown: any of these. None means [defaultSecondFactor].
	SecondFactor []Requirement
	// MaxAgeMinutes is how long ago the person may have signed in there, if that
	// is less than the time after which a session locks, as zero means it is.
	MaxAgeMinutes int
	// GroupsClaim names the claim with the person's groups; empty if roles do
	// not come from the provider's tokens.
	GroupsClaim string
	// ExternalIDClaim names the claim that holds what the directory calls
	// externalId (SCIM). Empty means sub.
	ExternalIDClaim string
	// Only says that staff sign in there and nowhere else, but for
	// administrators with a passkey.
	Only bool
}

// ssoAge is how long ago somebody who signs in may have signed in at the
// provider: no longer than a session here stays open with nobody at it. A
// session there that is older would open what was locked here (T43).
func (s Settings) ssoAge() time.Duration {
	if m := s.Access.SSO.MaxAgeMinutes; m > 0 {
		return min(time.Duration(m)*time.Minute, s.StaffIdle())
	}
	return s.StaffIdle()
}

// A Requirement is a claim of which one value must be there.
type Requirement struct {
	Claim  string // acr, amr or acrs
	Values []string
}

// defaultSecondFactor is "mfa" of RFC 8176.
func defaultSecondFactor() []Requirement {
	return []Requirement{{Claim: "amr", Values: []string{"mfa"}}}
}

func (s *SSO) requirements() []Requirement {
	if len(s.SecondFactor) == 0 {
		return defaultSecondFactor()
	}
	return s.SecondFactor
}

// AsksForTwo reports whether what a token must say is never what a password
// alone gives: see [OneFactor]. What values of acr and acrs mean is between
// practice and provider.
func (s *SSO) AsksForTwo() bool { return !slices.ContainsFunc(s.values("amr"), OneFactor) }

// OneFactor reports whether a value of amr shows no second factor. RFC 8176,
// section 2: pwd, pin and kba are what somebody knows, which is a first factor;
// user, geo, rba and wia say where or how they came, and are none. A token says
// them beside a second factor or without.
func OneFactor(amr string) bool {
	return slices.Contains([]string{"pwd", "pin", "kba", "user", "geo", "rba", "wia"}, amr)
}

// values are the acceptable ones of a claim.
func (s *SSO) values(claim string) (all []string) {
	for _, r := range s.requirements() {
		if r.Claim == claim {
			all = append(all, r.Values...)
		}
	}
	return all
}

// twoFactors reports whether the provider says that both were shown.
func (s *SSO) twoFactors(who *oidc.Identity) bool {
	return slices.ContainsFunc(s.requirements(), func(r Requirement) bool { return oidc.OneOf(who.Values(r.Claim), r.Values) })
}

// allowsHere refuses who should sign in at the practice's provider. The way
// that is left, for when the provider cannot be reached, is an administrator's
// passkey.
func (a Access) allowsHere(p Person, method string) error {
	if a.SSO == nil || !a.SSO.Only || roleOf(p.Kind, p.Role) == policy.Administrator && method == MethodPasskey {
		return nil
	}
	return ErrSSOOnly
}

// GroupRules say what people are here who are in a group of the practice's
// directory, or of its OpenID provider's tokens.
type GroupRules struct {
	Rules []GroupRule
	// Administrators allows rules that give that role.
	Administrators bool
}

// A GroupRule gives the people of a group a role or profession, and queues;
// none means all.
type GroupRule struct {
	Group  string
	Role   string
	Queues []string
}

// Equal reports whether the rules are the same.
func (g *GroupRules) Equal(other *GroupRules) bool {
	return g.Administrators == other.Administrators && slices.EqualFunc(g.Rules, other.Rules, func(a, b GroupRule) bool {
		return a.Group == b.Group && a.Role == b.Role && slices.Equal(a.Queues, b.Queues)
	})
}

// Names reports whether a rule speaks of the group.
func (g *GroupRules) Names(group *DirectoryGroup) bool {
	return slices.ContainsFunc(g.Rules, func(r GroupRule) bool { return r.Group == group.Name || r.Group == group.ExternalID })
}

// role returns what somebody in the groups is. The first rule that fits gives
// the role, and all that fit and give the same role give their queues. Groups
// of which no rule speaks give nothing.
func (g GroupRules) role(groups []string) (role string, queues []string, ok bool) {
	all := false
	for _, r := range g.Rules {
		if !slices.Contains(groups, r.Group) || ok && r.Role != role {
			continue
		}
		if policy.RoleOf(r.Role) == policy.Administrator && !g.Administrators {
			continue
		}
		role, ok = r.Role, true
		if len(r.Queues) == 0 {
			all = true
		}
		for _, q := range r.Queues {
			if !slices.Contains(queues, q) {
				queues = append(queues, q)
			}
		}
	}
	if all {
		queues = nil
	}
	return role, queues, ok
}
