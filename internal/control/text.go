package control

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/api"
)

// WriteText prints a run for people; all says to print what is met, too.
func WriteText(w io.Writer, run *api.ControlRun, all bool) error {
	var b strings.Builder
	controls := Catalogue()
	for _, r := range run.Results {
		i := slices.IndexFunc(controls, func(c api.Control) bool { return c.ID == r.ID })
		if i < 0 || !all && (r.State == api.ControlMet || r.State == api.ControlNotApplicable) {
			continue
		}
		c := controls[i]
		fmt.Fprintf(&b, "%-15s %s  %s\n", r.State, c.Cite, c.Title)
		fmt.Fprintf(&b, "%-15s %s\n", "", r.Says)
		for _, f := range r.Findings {
			if f.Fix != "" {
				fmt.Fprintf(&b, "%-15s   %s\n", "", f.Fix)
			}
		}
		if all {
			for _, test := range c.Tests {
				fmt.Fprintf(&b, "%-15s   proved by %s\n", "", test)
			}
		}
	}
	n := run.Counts
	fmt.Fprintf(&b, "%d met, %d need a decision, %d fall short, %d not applicable. This helps you meet the rules; it certifies nothing.\n",
		n.Met, n.Decision, n.Short, n.NotApplicable)
	_, err := io.WriteString(w, b.String())
	return err
}
