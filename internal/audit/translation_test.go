package audit_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/sotto-health/sotto/internal/audit"
)

// TestKindsInEveryLanguage: what the log's page says of a kind, it says in every
// language that the page has; English is the vocabulary's own.
func TestKindsInEveryLanguage(t *testing.T) {
	for _, language := range []string{"es", "ar"} {
		b, err := os.ReadFile(filepath.Join("../../web/locales/kinds", language+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var says map[string]string
		if err := json.Unmarshal(b, &says); err != nil {
			t.Fatal(err)
		}
		for _, s := range audit.Vocabulary() {
			if says[string(s.Kind)] == "" {
				t.Errorf("%s has no words in %s", s.Kind, language)
			}
			delete(says, string(s.Kind))
		}
		for kind := range says {
			t.Errorf("%s has words for %s, which is no kind", language, kind)
		}
	}
}
