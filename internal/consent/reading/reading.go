// Package reading measures how hard a text reads: for English by
// Flesch-Kincaid (Kincaid et al. 1975), for Spanish by Fernández-Huerta (1959,
// as corrected) with the words of INFLESZ (Barrio-Cantalejo 2008). For other
// languages it gives no grade, which is better than a wrong one, and marks long
// sentences alone: people must say that it reads plainly.
//
// Syllables are counted by rules, not by a dictionary, so a figure is good to
// about half a grade. It measures length of words and sentences; whether a text
// makes sense, people must say.
package reading

import (
	"math"
	"strings"
	"unicode"
)

// Aim is the grade that no patient text should be above.
const Aim = 6

// A Measure is what was found.
type Measure struct {
	Measured bool
	// Grade is the school grade in the United States, to a tenth. For Spanish it
	// is read off Fernández-Huerta's table.
	Grade float64
	// Score is Fernández-Huerta's, 0 to 100 and more is easier; English has none.
	Score float64
	// Sentences and Words are how many.
	Sentences, Words int
	// Hard are the sentences that make it hard, as they are written.
	Hard []string
}

// Above reports whether the text is measured and above [Aim].
func (m Measure) Above() bool { return m.Measured && m.Grade > Aim }

// Vouched reports whether people must say why the text is given to patients: it
// is above [Aim], or no figure says that it is not.
func (m Measure) Vouched() bool { return !m.Measured || m.Above() }

const (
	longSentence = 20 // words
	hardGrade    = 8
)

// Of measures a text in a language (BCP 47).
func Of(language, text string) Measure {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	grade, syllables, measured := ungraded, func(string) int { return 0 }, true
	switch base {
	case "en":
		grade, syllables = fleschKincaid, englishSyllables
	case "es":
		grade, syllables = fernandezHuerta, spanishSyllables
	default:
		measured = false
	}
	m := Measure{Measured: measured}
	heard := 0
	for _, s := range Sentences(text) {
		words := wordsOf(s)
		if len(words) == 0 {
			continue
		}
		here := 0
		for _, w := range words {
			here += syllables(w)
		}
		m.Sentences++
		m.Words += len(words)
		heard += here
		if own, _ := grade(1, len(words), here); len(words) > longSentence || len(words) > 7 && own > hardGrade {
			m.Hard = append(m.Hard, s)
		}
	}
	if m.Words == 0 {
		return m
	}
	m.Grade, m.Score = grade(m.Sentences, m.Words, heard)
	m.Grade, m.Score = tenth(max(m.Grade, 0)), tenth(m.Score)
	return m
}

func tenth(f float64) float64 { return math.Round(f*10) / 10 }

func ungraded(_, _, _ int) (grade, score float64) { return 0, 0 }

func fleschKincaid(sentences, words, syllables int) (grade, score float64) {
	s, w, y := float64(sentences), float64(words), float64(syllables)
	return 0.39*w/s + 11.8*y/w - 15.59, 0
}

// fernandezHuerta's table gives schooling by tens of the score: 90 is the
// fourth grade, 80 the fifth, 70 the sixth, 60 the seventh and eighth. Between,
// the grade is read off a line.
func fernandezHuerta(sentences, words, syllables int) (grade, score float64) {
	s, w, y := float64(sentences), float64(words), float64(syllables)
	score = 206.84 - 60*y/w - 1.02*w/s
	if score >= 70 {
		return max(1, 4+(90-score)/10), score
	}
	return 6 + (70-score)/5, score
}

// Sentences parts a text where a sentence ends: at ., !, ? and at a line's end.
func Sentences(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		runes := []rune(strings.TrimSpace(line))
		from := 0
		for i, r := range runes {
			end := i == len(runes)-1
			if !end && (!strings.ContainsRune(".!?؟", r) || !unicode.IsSpace(runes[i+1])) {
				continue
			}
			if s := strings.TrimSpace(string(runes[from : i+1])); s != "" {
				all = append(all, s)
			}
			from = i + 1
		}
	}
	return all
}

func wordsOf(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' && r != '’' })
}

// englishSyllables counts runs of vowels, less a silent end.
func englishSyllables(word string) int {
	w := strings.ToLower(strings.Trim(word, "'’"))
	silent := func(end string) bool {
		before, found := strings.CutSuffix(w, end)
		return found && before != "" && !strings.ContainsRune("laeiouy", rune(before[len(before)-1]))
	}
	switch {
	case silent("es"):
		w = w[:len(w)-2]
	case silent("e"):
		w = w[:len(w)-1]
	case strings.HasSuffix(w, "ed") && !strings.HasSuffix(w, "ted") && !strings.HasSuffix(w, "ded"):
		w = w[:len(w)-2]
	}
	w = strings.TrimPrefix(w, "y")
	n, run := 0, 0
	for _, r := range w {
		if !strings.ContainsRune("aeiouy", r) {
			run = 0
			continue
		}
		if run%2 == 0 { // at most two letters sound as one
			n++
		}
		run++
	}
	return max(1, n)
}

// spanishSyllables counts vowels; a weak one beside another sounds with it,
// unless it bears an accent, and a silent u after q or g is none.
func spanishSyllables(word string) int {
	w := strings.NewReplacer("qu", "q", "gue", "ge", "gui", "gi", "gué", "gé", "guí", "gí").Replace(strings.ToLower(word))
	n := 0
	var before rune
	for _, r := range w {
		strong, weak := strings.ContainsRune("aeoáéíóú", r), strings.ContainsRune("iuü", r)
		if r == 'y' && before != 0 {
			weak = true
		}
		switch {
		case strong && strings.ContainsRune("iuü", before), weak && strings.ContainsRune("aeoáéóiu", before):
			// sounds with the one before
			if strings.ContainsRune("íú", r) {
				n++
			}
		case strong, weak:
			n++
		}
		before = r
	}
	return max(1, n)
}

// Word says how a Spanish score reads, by the scale of INFLESZ.
func (m Measure) Word() string {
	switch {
	case m.Score > 80:
		return "very-easy"
	case m.Score > 65:
		return "fairly-easy"
	case m.Score > 55:
		return "normal"
	case m.Score > 40:
		return "somewhat-hard"
	}
	return "very-hard"
}
