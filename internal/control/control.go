// Package control is the control map: what the HIPAA rules ask of a practice,
// what of it this product holds, and whether an installation shows it. Each
// control names queries on live facts; a control without one falls short, and
// says what is missing.
//
// The map helps a practice to meet the rules and says so. It never says that
// anything is compliant: no software is.
package control

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/installation"
)

// A Subject is what the queries look at: one practice of an installation.
type Subject struct {
	Facts    *installation.Facts
	Practice *installation.Practice
}

// A Probe is one query: what it found and, if it found no good, the fix.
type Probe func(s *Subject) api.ControlFinding

// Catalogue returns all controls, in the order of the rules. Threats are the
// cases that the names of the tests carry.
func Catalogue() []api.Control {
	all := slices.Concat(technical(), administrative(), physical(), privacy(), breach())
	for i := range all {
		c := &all[i]
		if c.Cite == "" {
			c.Cite = "45 CFR 164." + c.ID
		}
		c.Evidence, c.Tests, c.Threats = filled(c.Evidence), filled(c.Tests), threats(c.Tests)
	}
	return all
}

func filled(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func threats(tests []string) []string {
	found := []string{}
	id := regexp.MustCompile(`T[0-9]{2}[a-h]?`)
	for _, test := range tests {
		for _, t := range id.FindAllString(test, -1) {
			if !slices.Contains(found, t) {
				found = append(found, t)
			}
		}
	}
	slices.Sort(found)
	return found
}

// Evaluate looks at all controls of one practice. It sets no id.
func Evaluate(f *installation.Facts, practice string) (*api.ControlRun, error) {
	p := f.Practice(practice)
	if p == nil {
		return nil, fmt.Errorf("control: nothing is known of the practice %q", practice)
	}
	s, queries := &Subject{Facts: f, Practice: p}, probes()
	run := &api.ControlRun{Practice: practice, At: f.At.UnixMilli(), Version: f.Build.Version, Results: []api.ControlResult{}}
	for _, c := range Catalogue() {
		r := evaluate(s, &c, queries)
		switch r.State {
		case api.ControlMet:
			run.Counts.Met++
		case api.ControlDecision:
			run.Counts.Decision++
		case api.ControlShort:
			run.Counts.Short++
		case api.ControlNotApplicable:
			run.Counts.NotApplicable++
		}
		run.Results = append(run.Results, r)
	}
	return run, nil
}

// evaluate gives a control the worst state of its findings. What the product
// lacks of it weighs as much as a finding.
func evaluate(s *Subject, c *api.Control, queries map[string]Probe) api.ControlResult {
	r := api.ControlResult{ID: c.ID, Findings: []api.ControlFinding{}}
	for _, name := range c.Evidence {
		f := queries[name](s)
		f.Evidence = name
		r.Findings = append(r.Findings, f)
	}
	var says []string
	for _, f := range r.Findings {
		switch {
		case f.State == r.State:
			says = append(says, f.Says)
		case worse(r.State, f.State) == f.State:
			r.State, says = f.State, []string{f.Says}
		}
	}
	switch {
	case c.Missing != "":
		r.State, says = api.ControlShort, []string{c.Missing}
	case len(r.Findings) == 0:
		r.State, says = api.ControlShort, []string{"Nothing in the product shows that this is met."}
	}
	r.Says = strings.Join(says, " ")
	return r
}

// worse is the worse of two states.
func worse(a, b string) string {
	order := []string{"", api.ControlNotApplicable, api.ControlMet, api.ControlDecision, api.ControlShort}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// Finding makers: what is well, what people must decide, what is not met.

func met(says ...api.ControlWords) api.ControlFinding { return found(api.ControlMet, says) }

func decide(fix api.ControlWords, says ...api.ControlWords) api.ControlFinding {
	return fixedBy(fix, found(api.ControlDecision, says))
}

func short(fix api.ControlWords, says ...api.ControlWords) api.ControlFinding {
	return fixedBy(fix, found(api.ControlShort, says))
}

// Owners, as a practice would name them.
const (
	securityOfficial = "security official"
	privacyOfficial  = "privacy official"
	administrator    = "administrator"
)
