package device

import (
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// Rules that a hub or a member can break. They are what a notice of refusal
// names, together with "mls" for rules of RFC 9420.
const (
	RuleAltered     = "altered"      // does not open or verify
	RuleReplayed    = "replayed"     // came before
	RuleStale       = "stale-epoch"  // a commit or message of an epoch that has passed
	RuleFuture      = "future-epoch" // a commit before it is withheld
	RuleReordered   = "reordered"    // a sender's messages come in another order than they were sent
	RuleCertificate = "certificate"  // a member that the practice's authority does not know
	RuleMembership  = "membership"   // a change by somebody who may not make it
	RuleProposal    = "proposal"     // a proposal other than the hub's to remove somebody
	RuleSuite       = "suite"        // a cipher suite that is not good enough
	RuleRollBack    = "roll-back"    // the hub has gone back in time
	RuleContent     = "content"      // what is inside cannot be read
	RuleHistory     = "history"      // history from somebody who is not the keeper
	RuleSubstituted = "substituted"  // the log holds something else than what was sent
	RuleMLS         = "mls"          // a rule of RFC 9420
)

// A validator accepts members whose certificate the practice's authority
// issued for their key (RFC 9420, section 5.3.1).
type validator struct{ e *Engine }

var errNoAuthority = errors.New("device: no authority is known")

// ValidateCredential implements mls.CredentialValidator.
func (v validator) ValidateCredential(c wire.Credential, signatureKey []byte) error {
	verifier := v.e.me().verifier
	if verifier == nil {
		return errNoAuthority
	}
	if c.Type != wire.CredentialBasic {
		return certificate.ErrMalformed
	}
	_, err := verifier.VerifyFor(c.Identity, signatureKey, v.e.cfg.Now())
	return err
}

// ValidateSuccessor lets a device show a newer certificate of its own.
func (v validator) ValidateSuccessor(old, next wire.Credential) error {
	a, err := certificate.Parse(old.Identity)
	if err != nil {
		return err
	}
	b, err := certificate.Parse(next.Identity)
	if err != nil {
		return err
	}
	if a.Person != b.Person || a.Device != b.Device || a.Kind != b.Kind {
		return certificate.ErrKey
	}
	return nil
}

// certOf returns a member's certificate, which the validator has checked.
func certOf(m mls.Member) (*certificate.Certificate, error) {
	return certificate.Parse(m.Credential.Identity)
}

func keyHash(signatureKey []byte) []byte {
	sum := sha256.Sum256(signatureKey)
	return sum[:]
}

// A roster is who is in a group, by device.
type roster map[string]*certificate.Certificate

func rosterOf(members []mls.Member) (roster, error) {
	r := roster{}
	for _, m := range members {
		c, err := certOf(m)
		if err != nil {
			return nil, err
		}
		if r[c.Device] != nil {
			return nil, fmt.Errorf("device: %s is there twice", c.Device)
		}
		r[c.Device] = c
	}
	return r, nil
}

// devices returns how many devices of a person are there.
func (r roster) devices(person string) int {
	n := 0
	for _, c := range r {
		if c.Person == person {
			n++
		}
	}
	return n
}

func (r roster) keeper() bool {
	for _, c := range r {
		if c.Keeper() {
			return true
		}
	}
	return false
}

func (r roster) patient() string {
	for _, c := range r {
		if c.Kind == certificate.KindPatient {
			return c.Person
		}
	}
	return ""
}

// good returns why a roster cannot be a conversation's: two patients, or the
// same device twice.
func (r roster) good() error {
	patient := r.patient()
	for _, c := range r {
		if c.Kind == certificate.KindPatient && c.Person != patient {
			return errors.New("device: two patients in a conversation")
		}
	}
	return nil
}

// refusal is why something is refused, as a notice says it.
type refusal struct {
	rule string
	err  error
}

func (r *refusal) Error() string { return "device: refused (" + r.rule + ")" }
func (r *refusal) Unwrap() error { return r.err }

// ruleOf returns the rule that err says was broken.
func ruleOf(err error) string {
	var refused *refusal
	var invalid *mls.ValidationError
	switch {
	case errors.As(err, &refused):
		return refused.rule
	case isCertificateError(err):
		return RuleCertificate
	case errors.Is(err, mls.ErrReplayed), errors.Is(err, mls.ErrOwnMessage):
		return RuleReplayed
	case errors.Is(err, mls.ErrStaleEpoch):
		return RuleStale
	case errors.Is(err, mls.ErrFutureEpoch):
		return RuleFuture
	case errors.As(err, &invalid):
		return RuleMLS
	default:
		return RuleAltered
	}
}

func isCertificateError(err error) bool {
	for _, target := range []error{certificate.ErrForged, certificate.ErrKey, certificate.ErrLapsed, certificate.ErrMalformed, certificate.ErrPractice} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// admissible returns why a commit that is genuine must still be refused: only
// the keeper admits and removes; anybody else may renew their own keys; who
// comes in from outside is a device that was there, or staff while the keeper
// is away.
func admissible(before roster, s *mls.Staged) error {
	refuse := func(why string) error { return &refusal{RuleMembership, errors.New(why)} }
	committer, err := certOf(s.Committer)
	if err != nil {
		return &refusal{RuleCertificate, err}
	}
	if s.ReInit != nil {
		return refuse("the group is ended")
	}
	for _, p := range s.Proposals {
		switch p.(type) {
		case *wire.Add, *wire.Remove, *wire.Update, *wire.ExternalInit:
		default: // such as one that changes the group's extensions
			return refuse("a proposal that is not used here")
		}
	}
	if s.External {
		return admissibleExternal(before, s, committer)
	}
	if !committer.Keeper() && (len(s.Added) > 0 || len(s.Removed) > 0) {
		return refuse("somebody other than the keeper admits or removes")
	}
	after, err := rosterOf(s.Members())
	if err != nil {
		return &refusal{RuleMembership, err}
	}
	if err := after.good(); err != nil && !s.SelfRemoved {
		return &refusal{RuleMembership, err}
	}
	return nil
}

func admissibleExternal(before roster, s *mls.Staged, joiner *certificate.Certificate) error {
	refuse := func(why string) error { return &refusal{RuleMembership, errors.New(why)} }
	for _, m := range s.Removed {
		c, err := certOf(m)
		if err != nil || c.Device != joiner.Device {
			return refuse("an outsider removes somebody else")
		}
	}
	for _, m := range s.Added {
		if c, err := certOf(m); err != nil || c.Device != joiner.Device {
			return refuse("an outsider brings somebody along")
		}
	}
	if before[joiner.Device] == nil && joiner.Kind != certificate.KindStaff && !joiner.Keeper() {
		return refuse("an outsider who was never in")
	}
	return nil
}

// suiteGood reports whether conversations may use the suite.
func (e *Engine) suiteGood(id suite.ID) bool { return slices.Contains(e.cfg.Suites, id) }

// seat makes the record of members agree with the group, and returns notices of
// what changed. external names who came in from outside. It needs c.mu.
func (t *txn) seat(before, after roster, at int64) []Notice {
	c := t.c
	persons := map[string]bool{}
	for _, r := range []roster{before, after} {
		for _, cert := range r {
			persons[cert.Person] = true
		}
	}
	ordered := make([]string, 0, len(persons))
	for p := range persons {
		ordered = append(ordered, p)
	}
	slices.Sort(ordered)
	var notices []Notice
	for _, person := range ordered {
		was, is := before.devices(person), after.devices(person)
		m := c.member(person)
		m.devices = is
		for _, cert := range after {
			if cert.Person == person {
				m.kind, m.role = cert.Kind, cert.Role
			}
		}
		switch {
		case was == 0 && is > 0:
			m.since, m.leaving = at, false
			notices = append(notices, Notice{Kind: NoticeJoined, Person: person})
		case was > 0 && is == 0 && m.leaving:
			notices = append(notices, Notice{Kind: NoticeLeft, Person: person})
		case was > 0 && is == 0:
			notices = append(notices, Notice{Kind: NoticeRemoved, Person: person})
		default:
			added, removed := changed(before, after, person)
			if added {
				notices = append(notices, Notice{Kind: NoticeDeviceAdded, Person: person})
			}
			if removed {
				notices = append(notices, Notice{Kind: NoticeDeviceRemoved, Person: person})
			}
		}
	}
	return notices
}

// changed tells whether devices of a person came or went.
func changed(before, after roster, person string) (added, removed bool) {
	for device, c := range after {
		added = added || (c.Person == person && before[device] == nil)
	}
	for device, c := range before {
		removed = removed || (c.Person == person && after[device] == nil)
	}
	return added, removed
}

// safetyRounds makes it dear to look for keys with a given code.
const safetyRounds = 4096

// safetyCode returns six groups of five digits over both persons' ids and all
// their devices' keys, the same whichever is named first.
func safetyCode(members []mls.Member, a, b string) (string, error) {
	keys := map[string][]string{}
	for _, m := range members {
		c, err := certOf(m)
		if err != nil {
			return "", err
		}
		keys[c.Person] = append(keys[c.Person], string(m.SignatureKey))
	}
	if len(keys[a]) == 0 || len(keys[b]) == 0 {
		return "", fail(FailureNotFound, nil)
	}
	persons := []string{a, b}
	slices.Sort(persons)
	h := sha512.New()
	fmt.Fprint(h, "sotto safety code v1")
	for _, person := range persons {
		slices.Sort(keys[person])
		fmt.Fprintf(h, " %d:%s %d", len(person), person, len(keys[person]))
		for _, key := range keys[person] {
			fmt.Fprintf(h, " %d:%s", len(key), key)
		}
	}
	digest := h.Sum(nil)
	for range safetyRounds {
		sum := sha512.Sum512(digest)
		digest = sum[:]
	}
	groups := make([]string, 6)
	for i := range groups {
		n := uint64(0)
		for _, octet := range digest[5*i : 5*i+5] {
			n = n<<8 | uint64(octet)
		}
		groups[i] = fmt.Sprintf("%05d", n%100_000)
	}
	return strings.Join(groups, " "), nil
}
