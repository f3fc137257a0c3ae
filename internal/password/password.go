// Package password says which passwords are good enough, and keeps them as
// hashes that are slow to guess at.
//
// The rules are those of NIST SP 800-63B-4, section 3.1.1: length counts, what
// is common or to be expected is refused, everything else is allowed. Character
// classes and expiry are there for practices that are told to have them.
package password

import (
	_ "embed"
	"math"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Lengths in characters. Eight is NIST's least for a password that a second
// factor goes with, as all of ours do; 15 for one that stands alone.
const (
	LeastWithFactor = 8
	LeastAlone      = 15
	MaxLength       = 256
	// MostRequired is the longest that a practice may require.
	MostRequired = 64
)

// A Fault says what is wrong with a password. The words are the API's.
type Fault string

// The faults.
const (
	FaultNone    Fault = ""
	FaultShort   Fault = "short"
	FaultLong    Fault = "long"
	FaultCommon  Fault = "common"  // among the first that are tried, or nearly
	FaultContext Fault = "context" // made of the person's or the practice's names
	FaultClasses Fault = "classes" // lacks a class of characters that the practice asks for
)

// A Policy is what a practice asks of passwords. Its zero value is NIST's.
type Policy struct {
	// MinLength is the least number of characters. Less than
	// [LeastWithFactor] means that.
	MinLength int `json:"min_length,omitempty"`
	// Classes is how many of the four classes (lower case, upper case, digits,
	// others) must be there. 0 asks for none, as NIST advises.
	Classes int `json:"classes,omitempty"`
	// ExpiryDays is after how many days a password must be changed. 0 is
	// never, as NIST advises.
	ExpiryDays int `json:"expiry_days,omitempty"`
}

// Least is the shortest length that the policy allows.
func (p Policy) Least() int { return min(max(p.MinLength, LeastWithFactor), MostRequired) }

// Expired reports whether a password that was set then must be changed now.
func (p Policy) Expired(set, now time.Time) bool {
	return p.ExpiryDays > 0 && now.Sub(set) >= time.Duration(p.ExpiryDays)*24*time.Hour
}

// weakBits is where "common" ends: a password that a good list of guesses
// finds within about a thousand million tries.
const weakBits = 30

// A Strength is what there is to say about a password.
type Strength struct {
	Bits  int   // of guessing it takes, by an attacker who knows people
	Fault Fault // why it is refused, or none
}

// Check says how strong a password is and whether the policy takes it.
// context are words that an attacker would try first: the person's login and
// name, the practice's.
func (p Policy) Check(password string, context ...string) Strength {
	s := Strength{Bits: guessBits(password, context)}
	switch n := utf8.RuneCountInString(password); {
	case n < p.Least():
		s.Fault = FaultShort
	case n > MaxLength:
		s.Fault = FaultLong
	case s.Bits >= weakBits && classes(password) < min(p.Classes, 4):
		s.Fault = FaultClasses
	case s.Bits < weakBits && guessBits(password, nil) >= weakBits:
		s.Fault = FaultContext
	case s.Bits < weakBits:
		s.Fault = FaultCommon
	}
	return s
}

func classes(password string) int {
	var lower, upper, digit, other int
	for _, r := range password {
		switch {
		case unicode.IsLower(r):
			lower = 1
		case unicode.IsUpper(r):
			upper = 1
		case unicode.IsDigit(r):
			digit = 1
		default:
			other = 1
		}
	}
	return lower + upper + digit + other
}

// The 30,000 passwords that were found most often in what was stolen
// elsewhere, from the package zxcvbn (MIT License, Dan Wheeler and Dropbox).
//
//go:embed common.txt
var commonList string

// ranks maps each word to its place in the list, the most used being 1.
var ranks = sync.OnceValue(func() map[string]int {
	m := make(map[string]int, 30_000)
	for word := range strings.Lines(commonList) {
		m[strings.TrimSuffix(word, "\n")] = len(m) + 1
	}
	return m
})

// keyboard are runs of keys that people take for random.
const keyboard = "qwertyuiop asdfghjkl zxcvbnm 1234567890 abcdefghijklmnopqrstuvwxyz qwertzuiop azertyuiop 1qaz2wsx3edc4rfv5tgb6yhn7ujm"

// runs are parts of keyboard, forwards and backwards.
var runs = sync.OnceValue(func() [2]string {
	r := []rune(keyboard)
	back := make([]rune, len(r))
	for i := range r {
		back[len(r)-1-i] = r[i]
	}
	return [2]string{keyboard, string(back)}
})

const longestWord = 24

// unleet takes the usual disguises off a letter.
var unleet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "8", "b", "@", "a", "$", "s", "!", "i")

// guessBits estimates by how many bits of guessing a password is found: the
// cheapest way to put it together from words, runs, repeats and single
// characters.
func guessBits(password string, context []string) int {
	typed := []rune(password)
	if len(typed) > MaxLength {
		typed = typed[:MaxLength]
	}
	lower := make([]rune, len(typed))
	for i, r := range typed {
		lower[i] = unicode.ToLower(r)
	}
	known := contextWords(context)
	cheapest := make([]float64, len(typed)+1) // to make the first i characters
	for end := 1; end <= len(typed); end++ {
		cheapest[end] = cheapest[end-1] + charBits(typed[end-1])
		for start := max(0, end-longestWord); start <= end-3; start++ {
			if cost, ok := partBits(typed[start:end], string(lower[start:end]), known); ok {
				cheapest[end] = min(cheapest[end], cheapest[start]+cost)
			}
		}
		for start := end - 2; start >= 0 && lower[start] == lower[end-1]; start-- {
			cheapest[end] = min(cheapest[end], cheapest[start]+charBits(typed[end-1])+math.Log2(float64(end-start)))
		}
	}
	return int(repeated(lower, cheapest[len(typed)]))
}

// repeated is the cost if the whole is one part said several times.
func repeated(lower []rune, cost float64) float64 {
	for size := 1; size <= len(lower)/2; size++ {
		if len(lower)%size == 0 && strings.Repeat(string(lower[:size]), len(lower)/size) == string(lower) {
			return cost*float64(size)/float64(len(lower)) + math.Log2(float64(len(lower)/size)) + 1
		}
	}
	return cost
}

func charBits(r rune) float64 {
	switch {
	case r >= 'a' && r <= 'z':
		return 4.7
	case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return 5
	case r < 128:
		return 6
	default:
		return 7
	}
}

// partBits is what a word, a run of keys or a year costs, if it is one.
func partBits(typed []rune, lower string, known map[string]bool) (float64, bool) {
	disguise := 0.0
	if string(typed) != lower {
		disguise = 1 // capitals where people put them
	}
	best, found := math.Inf(1), false
	for i, word := range []string{lower, unleet.Replace(lower)} {
		extra := disguise + 2*float64(i)
		if known[word] {
			best, found = min(best, 2+extra), true
		}
		if rank := ranks()[word]; rank > 0 {
			best, found = min(best, math.Log2(float64(rank)+1)+1+extra), true
		}
	}
	for _, keys := range runs() {
		if len(typed) >= 4 && !strings.Contains(lower, " ") && strings.Contains(keys, lower) {
			best, found = min(best, 5+math.Log2(float64(len(typed)))+disguise), true
		}
	}
	if len(typed) == 4 && (strings.HasPrefix(lower, "19") || strings.HasPrefix(lower, "20")) && strings.Trim(lower, "0123456789") == "" {
		best, found = min(best, 6.5), true
	}
	return best, found
}

// contextWords are the words of three letters and more in what is known of a
// person, each also as it was given.
func contextWords(context []string) map[string]bool {
	known := make(map[string]bool)
	add := func(word string) {
		if n := utf8.RuneCountInString(word); n >= 3 && n <= longestWord {
			known[word] = true
		}
	}
	for _, c := range context {
		c = strings.ToLower(c)
		add(c)
		for _, word := range strings.FieldsFunc(c, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			add(word)
		}
	}
	return known
}
