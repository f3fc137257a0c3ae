package installation

import "time"

// A Provider is a practice's OpenID provider for staff.
type Provider struct {
	Host string `json:"host"` // of its issuer, without port and path
	// Only says that staff sign in there alone, but for administrators with a
	// passkey.
	Only bool `json:"only"`
	// TwoFactors says that nobody comes in from there of whom its token does not
	// say that they showed more than what they know.
	TwoFactors bool `json:"two_factors"`
}

// A Token is one with which another program comes here; what it is called is all
// that is known of whose hand it is in.
type Token struct {
	Name      string    `json:"name"` // as administrators know it
	ExpiresAt time.Time `json:"expires_at"`
}

// SignsInHere reports whether the person has set up a way to sign in that needs
// no provider, and may use it.
func (p *Practice) SignsInHere(who *Person) bool {
	if p.Provider != nil && p.Provider.Only {
		return !who.Disabled && who.Access == "administrator" && who.Passkeys > 0
	}
	return !who.Disabled && (who.Passkeys > 0 || who.Password)
}

// SignsInThere reports whether the person can sign in at the practice's provider.
func (p *Practice) SignsInThere(who *Person) bool {
	return !who.Disabled && p.Provider != nil && who.Linked
}

// CanSignIn reports whether the person has set up any way to sign in.
func (p *Practice) CanSignIn(who *Person) bool { return p.SignsInHere(who) || p.SignsInThere(who) }

// TwoFactors reports whether none of the person's ways to sign in is open to
// one factor: here they have a passkey, or an app beside the password; the
// provider must say that it asked for two.
func (p *Practice) TwoFactors(who *Person) bool {
	here := !p.SignsInHere(who) || who.Passkeys > 0 || who.Apps > 0
	return here && (!p.SignsInThere(who) || p.Provider.TwoFactors)
}
