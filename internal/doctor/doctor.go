// Package doctor looks at a running installation for what makes it unsafe or
// unsound, and says for each finding what to do about it (threat T54).
//
// It judges facts that others have gathered and touches nothing. It finds
// mistakes; that it finds none proves no security.
package doctor

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/internal/installation"
)

// Levels of a finding, the worst first.
const (
	Fail = "fail" // unsafe, or about to stop
	Warn = "warn" // to be looked at
	OK   = "ok"
)

// A Finding is what one check found.
type Finding struct {
	Check string `json:"check"` // stable name: tls-expiry
	Level string `json:"level"`
	Says  string `json:"says"`
	Fix   string `json:"fix,omitempty"` // what to do; empty if nothing
}

// A Report is what all checks found, the worst first.
type Report struct {
	Findings []Finding `json:"findings"`
}

// Failed reports whether any check failed.
func (r *Report) Failed() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Level == Fail })
}

// Check judges the facts.
func Check(f *installation.Facts) *Report {
	x := &examination{facts: f}
	x.program()
	x.server()
	x.clock()
	x.files()
	x.database()
	x.backup()
	x.logParts()
	for i := range f.Practices {
		x.practice(&f.Practices[i])
	}
	order := []string{Fail, Warn, OK}
	slices.SortStableFunc(x.report.Findings, func(a, b Finding) int {
		return cmp.Compare(slices.Index(order, a.Level), slices.Index(order, b.Level))
	})
	return &x.report
}

// WriteText prints a report for people.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	counts := map[string]int{}
	for _, f := range r.Findings {
		counts[f.Level]++
		fmt.Fprintf(&b, "%-4s  %-22s %s\n", f.Level, f.Check, f.Says)
		if f.Fix != "" {
			fmt.Fprintf(&b, "      %-22s   %s\n", "", f.Fix)
		}
	}
	fmt.Fprintf(&b, "%d failed, %d to be looked at, %d well\n", counts[Fail], counts[Warn], counts[OK])
	_, err := io.WriteString(w, b.String())
	return err
}

type examination struct {
	facts  *installation.Facts
	report Report
}

// expect notes that a check is well, or else its level, what is wrong and the fix.
func (x *examination) expect(check string, well bool, says, level, wrong, fix string) {
	f := Finding{Check: check, Level: OK, Says: says}
	if !well {
		f = Finding{Check: check, Level: level, Says: wrong, Fix: fix}
	}
	x.report.Findings = append(x.report.Findings, f)
}
