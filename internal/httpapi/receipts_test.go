package httpapi

import (
	"bytes"
	"encoding/csv"
	"testing"

	"github.com/sotto-health/sotto/api"
)

// TestT29cNoFormulasInReceipts: no cell of the table of who agreed is one that
// a spreadsheet runs, and its lines end as RFC 4180 says.
func TestT29cNoFormulasInReceipts(t *testing.T) {
	var r api.Agreement
	r.Person, r.Form, r.Device = "=1+1", "-1", `@SUM(A1),"b"`
	b, err := table([]api.Agreement{r})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[1]) != 15 {
		t.Fatalf("%q, %v", rows, err)
	}
	if got := rows[1]; got[2] != "'=1+1" || got[5] != "'-1" || got[14] != `'@SUM(A1),"b"` {
		t.Errorf("came out as %q", got)
	}
	if bytes.Count(b, []byte("\r\n")) != 2 || bytes.Count(b, []byte("\n")) != 2 {
		t.Errorf("lines end otherwise: %q", b)
	}
}
