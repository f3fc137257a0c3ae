package hub

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"slices"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/internal/proofing"
	"github.com/sotto-health/sotto/internal/roster"
)

// mostOpened is how many records are opened for each try, and how many may have
// the same date and fact before staff decide: twins, of one address.
const mostOpened = 4

// MatchPatient compares what a patient says with what the practice has on file.
//
// It does the same work whether or not there is such a person: one look-up by
// the date of birth, one slow hash, as many records opened, one write. Whatever is wrong, also if two
// records fit, the answer is [ErrNotMatched] (T27). A match links the device
// with the record; persons are never merged by it, and nobody becomes a second
// patient: that gives [ErrOtherPatient] and counts as wrong. What is right later
// makes nothing wrong undone, or whoever knows themself could guess at all others.
func (h *Hub) MatchPatient(ctx context.Context, c *Caller, address string, m api.MatchPatient) (api.OwnVerification, error) {
	if err := h.mayInPractice(c, policy.Identify); err != nil {
		return api.OwnVerification{}, err
	}
	of, contact, err := h.crowdOf(ctx, c)
	if err != nil {
		return api.OwnVerification{}, err
	}
	practice, source := c.Device.Practice, network(address)
	if of == strangers && m.Kind != api.MatchByPIN && len(h.channels()) > 0 {
		return api.OwnVerification{}, ErrContactFirst
	}
	if err := h.rates.allow("match", string(of)+"/"+source, h.limits.Matches); err != nil {
		return api.OwnVerification{}, err
	}
	g, err := h.given(ctx, c, m)
	if err != nil {
		return api.OwnVerification{}, err
	}
	if of != strangers {
		// What strangers guess is not held against who has shown where they can be
		// reached: these have a count of their own (T28).
		g.subject = h.patients.subject(practice, "born-contact", g.born)
	}
	day := "match/" + string(g.method) + "/" + string(of)
	var kept [3]IdentityCheck
	for i, subject := range []string{c.Device.ID, g.subject, day} {
		if kept[i], err = h.store.IdentityCheck(ctx, practice, subject); err != nil {
			return api.OwnVerification{}, at("load tries", err)
		}
	}
	byDevice, byBorn, byDay := kept[0], kept[1], kept[2]
	if byDevice.Failures >= matchTries {
		return api.OwnVerification{}, ErrTriesSpent
	}
	if err := h.guesses.allow(g.subject, source); err != nil {
		return api.OwnVerification{}, err
	}
	since := h.now().Add(-triesTime).UnixMilli()
	closed := byBorn.Failures >= bornTries && byBorn.BeganAt >= since ||
		byDay.Failures >= practiceTries && byDay.BeganAt >= since
	switch {
	case !closed || contact != nil:
	case of == strangers && len(h.channels()) > 0:
		return api.OwnVerification{}, ErrContactFirst // looked at no more, and so not counted
	default:
		return api.OwnVerification{}, ErrTriesSpent
	}
	entry, err := h.findRecord(ctx, practice, g)
	if err != nil {
		return api.OwnVerification{}, err
	}
	counted := []string{c.Device.ID, g.subject, day}
	refusal, reason := ErrNotMatched, "not-matched"
	if closed {
		refusal, counted = ErrTriesSpent, counted[:1]
	}
	if entry.ID != "" && (!closed || entry.has(contact)) {
		v := Verification{Practice: practice, Person: c.Device.Person, Device: c.Device.ID, Record: entry.ID}
		err := h.raise(ctx, c, v, g.method)
		if err == nil {
			h.guesses.right(g.subject, source)
			return h.OwnVerification(ctx, c)
		} else if !errors.Is(err, ErrOtherPatient) {
			return api.OwnVerification{}, err
		}
		refusal, reason = ErrOtherPatient, "other-patient"
	}
	h.guesses.wrong(g.subject, source)
	e := h.notVerified(ctx, c, g.method, reason)
	spray := func(failures []int) bool { return len(failures) > 2 && failures[2] == practiceTries }
	failures, err := h.store.Recording(e).CountIdentityFailure(ctx, practice, counted, h.millis(), since, func(failures []int) []audit.Event {
		if !spray(failures) {
			return nil
		}
		return []audit.Event{h.notVerified(ctx, c, g.method, "practice-tries-spent")}
	})
	if err != nil {
		return api.OwnVerification{}, at("count a wrong try", err)
	}
	if failures[0] >= matchTries {
		h.announceVerification(ctx, practice, c.Device.Person)
	}
	if spray(failures) {
		h.noteSpray(ctx, c, g.method)
	}
	return api.OwnVerification{}, refusal
}

// given is what a patient said, in the forms that are compared.
type given struct {
	method  proofing.Method
	name    string
	born    string
	subject string // counts the tries about the date of birth
	fact    roster.Fact
	answer  []byte // keyed hash of a fact
	pin     []byte // slow hash of a PIN
}

func (h *Hub) given(ctx context.Context, c *Caller, m api.MatchPatient) (given, error) {
	practice := c.Device.Practice
	born := roster.CleanDate(m.Born, h.now())
	if born == "" {
		return given{}, malformed("born")
	}
	g := given{name: m.Name, born: born, subject: h.patients.subject(practice, "born", born), method: proofing.Facts, fact: roster.Fact(m.Kind)}
	secret := m.Answer
	if m.Kind == api.MatchByPIN {
		g.method = proofing.PIN
		if secret = roster.CleanPIN(m.Answer); secret == "" {
			return given{}, malformed("answer")
		}
	} else {
		p, err := h.practice(ctx, practice)
		if err != nil {
			return given{}, err
		}
		if !slices.Contains(p.facts(), g.fact) {
			return given{}, malformed("kind")
		}
		clean := g.fact.Clean(m.Answer)
		if clean == "" {
			return given{}, malformed("answer")
		}
		g.answer = h.patients.index(practice, "fact/"+m.Kind, clean)
	}
	// For a fact too, so that both take as long.
	key, err := h.passwords.Key(ctx, secret, h.patients.salt(practice, born))
	if err != nil {
		return given{}, at("hash an answer", err)
	}
	if g.method == proofing.PIN {
		g.pin = key
	}
	return g, nil
}

// facts are those that the practice asks for.
func (p cachedPractice) facts() []roster.Fact {
	if len(p.Identity.Facts) > 0 {
		return p.Identity.Facts
	}
	return roster.Facts()
}

// findRecord returns the one record that fits, or one without an ID for none or
// several.
func (h *Hub) findRecord(ctx context.Context, practice string, g given) (RosterEntry, error) {
	all, err := h.store.RosterByBorn(ctx, practice, h.patients.index(practice, "born", g.born))
	if err != nil {
		return RosterEntry{}, at("look in the roster", err)
	}
	var fit []RosterEntry
	for _, e := range all {
		kept, wanted := e.PIN, g.pin
		if g.method == proofing.Facts {
			kept, wanted = e.Facts[g.fact], g.answer
		}
		if len(kept) != 0 && subtle.ConstantTimeCompare(kept, wanted) == 1 {
			fit = append(fit, e)
		}
	}
	named, err := h.named(practice, g.name, fit)
	switch {
	case err != nil:
		return RosterEntry{}, err
	case len(fit) == 1:
		return fit[0], nil
	case len(named) == 1:
		return named[0], nil
	}
	return RosterEntry{}, nil
}

// named are those of the records that fit whose name is the one given. It opens
// as many records whether none fits or several: what was opened takes time, and
// time would tell (T27). Of more than [mostOpened] none is.
func (h *Hub) named(practice, name string, fit []RosterEntry) (named []RosterEntry, err error) {
	decoy := RosterEntry{Practice: practice, Sealed: make([]byte, 256)}
	if len(fit) > mostOpened {
		fit = nil
	}
	for i := range mostOpened {
		if i >= len(fit) {
			_, _ = h.openRecord(decoy) // is none
			continue
		}
		entry, err := h.openRecord(fit[i])
		if err != nil {
			return nil, err
		}
		if roster.SharesName(name, entry.Name) {
			named = append(named, fit[i])
		}
	}
	return named, nil
}

func (h *Hub) openRecord(e RosterEntry) (roster.Entry, error) {
	h.counters.opened.Add(1)
	b, err := h.patients.open(e.Practice, "roster", e.Sealed)
	if err != nil {
		return roster.Entry{}, at("open a roster entry", err)
	}
	var entry roster.Entry
	if err := json.Unmarshal(b, &entry); err != nil {
		return roster.Entry{}, at("read a roster entry", err)
	}
	return entry, nil
}

// ImportRoster adds patients to the practice's roster, or changes those of the
// same number. No route leads here: it is the command line's.
func (h *Hub) ImportRoster(ctx context.Context, practice string, all []roster.Entry) error {
	var sealed []RosterEntry
	for _, e := range all {
		if err := e.Check(h.now()); err != nil {
			return err
		}
		b, err := json.Marshal(e)
		if err != nil {
			return err
		}
		kept := RosterEntry{
			Practice: practice, ID: NewID("r"), Facts: make(map[roster.Fact][]byte),
			Number: h.patients.index(practice, "number", e.Number), Born: h.patients.index(practice, "born", e.Born),
		}
		if kept.Sealed, err = h.patients.seal(practice, "roster", b); err != nil {
			return err
		}
		for _, f := range roster.Facts() {
			if value := e.Of(f); value != "" {
				kept.Facts[f] = h.patients.index(practice, "fact/"+string(f), value)
			}
		}
		sealed = append(sealed, kept)
	}
	ev := h.event(ctx, operator(practice), audit.RosterChanged, practice)
	return h.store.Recording(ev).PutRoster(ctx, practice, sealed)
}

// rosterByNumber finds the record of a number by being that very number.
func (h *Hub) rosterByNumber(ctx context.Context, practice, number string) (RosterEntry, error) {
	return h.store.RosterByNumber(ctx, practice, h.patients.index(practice, "number", number))
}

// IssuePIN gives the patient of a record number a PIN in place of any former.
func (h *Hub) IssuePIN(ctx context.Context, practice, number, pin string) error {
	clean := roster.CleanPIN(pin)
	if clean == "" {
		return errors.New("a PIN has 6 to 12 digits")
	}
	e, err := h.rosterByNumber(ctx, practice, number)
	if err != nil {
		return err
	}
	entry, err := h.openRecord(e)
	if err != nil {
		return err
	}
	key, err := h.passwords.Key(ctx, clean, h.patients.salt(practice, entry.Born))
	if err != nil {
		return err
	}
	ev := h.event(ctx, operator(practice), audit.PatientPINIssued, e.ID)
	return h.store.Recording(ev).SetRosterPIN(ctx, practice, e.ID, key)
}

// steps are what a patient can do to show who they are.
func (h *Hub) steps(ctx context.Context, practice string) (api.VerificationSteps, error) {
	p, err := h.practice(ctx, practice)
	if err != nil {
		return api.VerificationSteps{}, err
	}
	s := api.VerificationSteps{Channels: h.channels(), Facts: []string{}}
	some, err := h.store.HasRoster(ctx, practice)
	if err != nil {
		return s, at("look at the roster", err)
	}
	if some {
		s.PIN = true
		for _, f := range p.facts() {
			s.Facts = append(s.Facts, string(f))
		}
	}
	s.Days = cmp.Or(p.Identity.Days, defaultProofDays)
	return s, nil
}
