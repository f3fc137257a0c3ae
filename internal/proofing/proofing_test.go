package proofing

import "testing"

func TestLevelsReachThoseBelow(t *testing.T) {
	all := Levels()
	for i, have := range all {
		for j, need := range all {
			if got := have.Reaches(need); got != (i >= j) {
				t.Errorf("%s reaches %s: %v", have, need, got)
			}
		}
		if have.Reaches("") || Level("").Reaches(have) || Level("root").Reaches(have) {
			t.Errorf("%s is compared with what is no level", have)
		}
	}
}

func TestT29StandingLapsesByTheClockItIsGiven(t *testing.T) {
	matched := Proof{Matched, PIN, 1000, 2000}
	contact := Proof{Contact, EmailCode, 1000, 5000}
	for _, c := range []struct {
		now  int64
		want Level
	}{
		{999, Guest}, // the clock was set back
		{1000, Matched},
		{1999, Matched},
		{2000, Contact},
		{4999, Contact},
		{5000, Guest},
	} {
		if got := Standing([]Proof{contact, matched}, c.now); got.Level != c.want {
			t.Errorf("at %d: %s, want %s", c.now, got.Level, c.want)
		}
	}
	if got := Standing([]Proof{{Matched, Facts, 0, 10}, {Matched, PIN, 0, 20}}, 5); got.Method != PIN {
		t.Errorf("of two equal proofs the one that lasts less counts: %+v", got)
	}
}

func TestAConversationStandsAsItsLeastProvenDevice(t *testing.T) {
	high, low := Proof{SignedIn, Passkey, 0, 10}, Proof{Level: Guest}
	if got := Least([]Proof{high, low}); got.Level != Guest {
		t.Errorf("%+v", got)
	}
	if got := Least(nil); got.Level != Guest {
		t.Errorf("nobody is %+v", got)
	}
	if got := Least([]Proof{{SignedIn, Passkey, 0, 20}, high}); got.Until != 10 {
		t.Errorf("lasts until %d, longer than a device of it", got.Until)
	}
}

func TestMethodsGiveOneLevel(t *testing.T) {
	for m, want := range map[Method]Level{
		EmailCode: Contact, SMSCode: Contact, Link: Contact, Facts: Matched, PIN: Matched, InPerson: Matched, Phone: Matched,
		Passkey: SignedIn, Portal: SignedIn, "": Guest, "word": Guest,
	} {
		if m.Level() != want {
			t.Errorf("%q gives %s", m, m.Level())
		}
	}
}
