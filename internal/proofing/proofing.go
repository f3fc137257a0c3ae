// Package proofing says how far a practice knows who a patient is: the identity
// ladder (45 CFR 164.312(d), 164.514(h)).
//
// A patient begins as a guest and climbs by proofs: of a contact that they
// reach, of facts that the practice has on file, of a passkey. A proof belongs
// to the device that gave it and lapses after the time that the practice sets;
// another browser of the same person must prove anew. The package is pure: it
// neither stores, sends nor compares secrets, and the time is always given to
// it, which is the hub's and never a patient's.
package proofing

import "slices"

// A Level is a step of the ladder.
type Level string

// The levels, lowest first.
const (
	Guest    Level = "guest"     // nothing is known
	Contact  Level = "contact"   // they read what is sent to an address or number
	Matched  Level = "matched"   // they know what the practice has on file of one person
	SignedIn Level = "signed-in" // they came back with what that person set up to sign in
)

// Levels lists all, lowest first.
func Levels() []Level { return []Level{Guest, Contact, Matched, SignedIn} }

// Known reports whether there is such a level.
func (l Level) Known() bool { return slices.Contains(Levels(), l) }

// Reaches reports whether somebody at l may have what needs the other level.
// What is not a level reaches nothing and is reached by nobody.
func (l Level) Reaches(needed Level) bool {
	return l.Known() && needed.Known() && slices.Index(Levels(), l) >= slices.Index(Levels(), needed)
}

// A Method is how a level was reached.
type Method string

// The methods.
const (
	EmailCode Method = "email-code" // a one-time code by e-mail
	SMSCode   Method = "sms-code"   // a one-time code by text message
	Facts     Method = "facts"      // date of birth and a second fact
	PIN       Method = "pin"        // date of birth and a PIN that the practice issued
	InPerson  Method = "in-person"  // staff saw them
	Phone     Method = "phone"      // staff spoke with them
	Passkey   Method = "passkey"
	Portal    Method = "portal"     // the practice's portal vouched for them
	Link      Method = "invitation" // a one-time link that staff sent to a contact on file
)

// Level is what a method gives, and guest for what is no method.
func (m Method) Level() Level {
	switch m {
	case EmailCode, SMSCode, Link:
		return Contact
	case Facts, PIN, InPerson, Phone:
		return Matched
	case Passkey, Portal:
		return SignedIn
	}
	return Guest
}

// A Proof is one step that a device took.
type Proof struct {
	Level  Level
	Method Method
	At     int64 // Unix milliseconds
	Until  int64 // when it lapses
}

// Holds reports whether the proof counts at now. One from the future does not:
// a clock was set back since, and what lapses by it would last too long.
func (p Proof) Holds(now int64) bool { return p.At <= now && now < p.Until }

// Standing is the highest proof of one device that holds at now; of equal ones
// that which lasts longest. Without one it is that of a guest.
func Standing(proofs []Proof, now int64) Proof {
	best := Proof{Level: Guest}
	for _, p := range proofs {
		if !p.Holds(now) || !p.Level.Reaches(best.Level) {
			continue
		}
		if p.Level != best.Level || p.Until > best.Until {
			best = p
		}
	}
	return best
}

// Least is the lowest of some standings, and a guest's if there are none. A
// conversation stands as its least proven device does, for any of them may be
// the one that is writing.
func Least(standings []Proof) Proof {
	if len(standings) == 0 {
		return Proof{Level: Guest}
	}
	least := standings[0]
	for _, s := range standings[1:] {
		if !s.Level.Reaches(least.Level) || s.Level == least.Level && s.Until < least.Until {
			least = s
		}
	}
	return least
}
