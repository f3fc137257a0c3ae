package device

import (
	"strings"
	"testing"
)

func TestLastLine(t *testing.T) {
	long := strings.Repeat("ä", 119)
	for text, want := range map[string]string{
		"":                   "",
		" one\n\ttwo  ":      "one two",
		long + "b":           long + "b",
		long + "bc":          long + "b",
		long + " bc":         long + " ",
		long + "b cc":        long + "b",
		"a " + long + "rest": "a " + strings.Repeat("ä", 118),
	} {
		if got := lastLine(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
