package hub

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMessagesHaveAReason: what leaves the house goes through message.go, where
// each reason asks for what it needs.
func TestMessagesHaveAReason(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	calls := regexp.MustCompile(`\.messengers\[|Messenger\b.*\.Send\(`)
	for _, name := range files {
		if name == "message.go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if at := calls.Find(source); at != nil {
			t.Errorf("%s: %s", name, at)
		}
	}
}

// TestT57MessagesSayLittle: whoever else reads a message learns that the
// practice wrote, and neither who wanted it nor what about; in each language.
func TestT57MessagesSayLittle(t *testing.T) {
	const link = "https://chat.clinic.example/c/riverside#i=token"
	for _, language := range []string{"en", "es", "es-MX", "ar", "tlh", ""} {
		m := linkMessage("Riverside", link, "72", language)
		if !strings.Contains(m.Text, link+"\n") || !strings.Contains(m.Text, "72") || !strings.Contains(m.Subject, "Riverside") {
			t.Errorf("%q: %+v", language, m)
		}
		if strings.ContainsAny(m.Text+m.Subject, "{}") || strings.ContainsAny(m.Subject, "\r\n") {
			t.Errorf("%q: %+v", language, m)
		}
	}
	if m := linkMessage("Riverside", link, "72", "tlh"); m != linkMessage("Riverside", link, "72", "en") {
		t.Error("an unknown language is not English")
	}
}
