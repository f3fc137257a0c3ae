package reading_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sotto-health/sotto/internal/consent/reading"
)

// The figures of known texts, within half a grade of what a dictionary gives.
func TestKnownTexts(t *testing.T) {
	for _, tt := range []struct {
		language, text string
		least, most    float64
	}{
		{"en", "The cat sat on the mat. The dog ran to the park.", 0, 1},
		{"en-US", "Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in Liberty, and dedicated to the proposition that all men are created equal.", 13, 16},
		{"en", "You can stop at any time. Press the dots at the top. What was said stays in your health record.", 0, 3},
		{"es", "El perro come pan. La niña va al parque.", 1, 5},
		{"es", "La responsabilidad institucional correspondiente determina inequívocamente la administración farmacológica interdisciplinaria.", 10, 60},
	} {
		m := reading.Of(tt.language, tt.text)
		if !m.Measured || m.Grade < tt.least || m.Grade > tt.most {
			t.Errorf("%s %.40q: %+v, want %v to %v", tt.language, tt.text, m, tt.least, tt.most)
		}
	}
	// Below grade 7 is grade 6; a form above it needs a reason.
	for text, above := range map[string]bool{
		"You can ask us to remove your messages. Your doctor keeps a copy of everything that you wrote in the health record of our practice.":     false,
		"You can ask us to remove your messages. Your physician keeps a copy of everything that you wrote in the medical record of our practice.": true,
	} {
		if m := reading.Of("en", text); m.Above() != above || m.Grade <= 5 || m.Grade >= 7 {
			t.Errorf("above %v: %+v", above, m)
		}
	}
	long := strings.TrimSpace(strings.Repeat("كلمة ", 21)) + "."
	if m := reading.Of("ar", "أنت من يقرر. "+long); m.Measured || m.Grade != 0 || m.Above() || !m.Vouched() || len(m.Hard) != 1 || m.Hard[0] != long {
		t.Errorf("Arabic is given a grade, or nobody vouches for it: %+v", m)
	}
	if m := reading.Of("en", "The cat sat on the mat."); m.Vouched() {
		t.Errorf("people vouch for what is measured: %+v", m)
	}
}

func TestHardSentencesAreNamed(t *testing.T) {
	m := reading.Of("en", "We can help. Notwithstanding organizational considerations representatives disseminate individually identifiable documentation.\nCall us.")
	if len(m.Hard) != 1 || !strings.HasPrefix(m.Hard[0], "Notwith") || m.Sentences != 3 {
		t.Errorf("%+v", m)
	}
}

func FuzzOf(f *testing.F) {
	f.Add("en", "A b c. D? E!\n\nf’g")
	f.Add("es", "¿Qué güe guía y ley? Sí.")
	f.Fuzz(func(t *testing.T, language, text string) {
		m := reading.Of(language, text)
		if m.Grade < 0 || m.Grade != m.Grade || !m.Measured && m.Grade != 0 {
			t.Errorf("%+v", m)
		}
		for _, s := range m.Hard {
			if utf8.ValidString(text) && !strings.Contains(text, s) {
				t.Errorf("%q is no sentence of the text", s)
			}
		}
	})
}
