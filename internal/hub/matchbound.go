package hub

import (
	"context"
	"crypto/subtle"
	"log/slog"
	"time"

	"github.com/sotto-health/sotto/internal/proofing"
	"github.com/sotto-health/sotto/internal/roster"
)

// How often what is on file may be guessed at. A device's tries stop one guest,
// and a date of birth's those who know of one patient. Neither stops who goes
// through all dates with a fact that many share, with a new guest for each few:
// that takes a bound on networks, and one on the practice (T28).
//
// A bound on all is a way to keep all out. So there is one for each crowd: what
// strangers do is not held against who has proved a contact, nor what those do
// against whom staff invited; PINs, which nobody guesses by going through dates,
// have theirs apart from facts. And when facts count for a crowd no more, they
// still do for whoever has proved the very contact that is on file.

const (
	// matchTries is how often a device may give wrong facts. Then staff help.
	matchTries = 5
	// bornTries is how often strangers together may be wrong about one date of
	// birth within a day from the first of them (NIST SP 800-63B-4, 3.2.2), and so
	// often those who have proved a contact. After that staff decide.
	bornTries = 100
	// practiceTries is how often a crowd may be wrong in a practice in such a day.
	practiceTries = 200
	triesTime     = 24 * time.Hour
)

// A crowd is whose wrong tries are counted together.
type crowd string

const (
	strangers crowd = "strangers"
	reached   crowd = "reached" // they have proved a contact, of whatever kind
	invited   crowd = "invited" // by a link that staff had sent
)

// crowdOf says to which the calling device belongs, and which contact it proved
// by a code; none if it has proved none.
func (h *Hub) crowdOf(ctx context.Context, c *Caller) (of crowd, contact []byte, err error) {
	all, err := h.store.VerificationsOf(ctx, c.Device.Practice, []string{c.Device.Person})
	if err != nil {
		return "", nil, at("load verifications", err)
	}
	of = strangers
	for _, v := range all {
		if v.Device != c.Device.ID || !v.Holds(h.millis()) || !v.Level.Reaches(proofing.Contact) {
			continue
		}
		switch {
		case v.Method == proofing.Link:
			of = invited
		case of == strangers:
			of = reached
		}
		if v.Contact != nil {
			contact = v.Contact
		}
	}
	return of, contact, nil
}

// asOnFile is the contact of a code as the roster has such a fact.
func (h *Hub) asOnFile(c *ContactCode) ([]byte, error) {
	contact, err := h.patients.open(c.Practice, "contact/"+c.ID, c.Sealed)
	if err != nil {
		return nil, at("open a contact", err)
	}
	fact := roster.Email
	if c.Channel == proofing.SMS {
		fact = roster.Phone
	}
	return h.patients.index(c.Practice, "fact/"+string(fact), fact.Clean(string(contact))), nil
}

// has reports whether a contact is the one on file.
func (e *RosterEntry) has(contact []byte) bool {
	return len(contact) > 0 &&
		subtle.ConstantTimeCompare(e.Facts[roster.Email], contact)|subtle.ConstantTimeCompare(e.Facts[roster.Phone], contact) == 1
}

// noteSpray says that a crowd's tries are spent for the day, which is recorded:
// somebody goes through what is on file, or many are wrong.
func (h *Hub) noteSpray(ctx context.Context, c *Caller, by proofing.Method) {
	h.counters.sprays.Add(1)
	h.log.WarnContext(ctx, "too many wrong facts in a day: matching is closed", slog.String("practice", c.Device.Practice), slog.String("method", string(by)))
}
