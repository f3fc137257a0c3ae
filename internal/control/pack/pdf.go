package pack

import (
	"fmt"
	"io"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"github.com/sotto-health/sotto/api"
)

// A report is a PDF in the making: A4, in millimetres.
type report struct {
	*fpdf.Fpdf
	words func(string) string // what the built-in fonts can show
}

const (
	margin = 18.0
	width  = 210 - 2*margin
	line   = 4.6
)

// stateNames are the states as words: never a colour alone.
var stateNames = map[string]string{
	api.ControlMet: "met", api.ControlDecision: "needs a decision", api.ControlShort: "falls short", api.ControlNotApplicable: "not applicable",
}

// ink is the colour of a state, dark enough on white (WCAG 1.4.3).
func ink(state string) (r, g, b int) {
	switch state {
	case api.ControlMet:
		return 11, 92, 56
	case api.ControlDecision:
		return 122, 77, 0
	case api.ControlShort:
		return 158, 27, 27
	}
	return 80, 88, 96
}

func writePDF(w io.Writer, e *Evidence, public string) error {
	pdf := fpdf.New("P", "mm", "A4", "")
	p := &report{Fpdf: pdf, words: pdf.UnicodeTranslatorFromDescriptor("")}
	p.SetTitle("Controls of "+e.Practice, true)
	p.SetCreator("Sotto "+e.Build.Version, true)
	p.SetLang("en-US")
	p.SetCreationDate(e.Made)
	p.SetModificationDate(e.Made)
	p.SetMargins(margin, margin, margin)
	p.SetAutoPageBreak(true, 20)
	p.AliasNbPages("")
	p.SetFooterFunc(func() {
		p.SetY(-14)
		p.style("", 8, 80, 88, 96)
		p.CellFormat(width/2, 5, p.words("Controls of "+e.Practice+", "+e.Made.UTC().Format(time.DateOnly)), "", 0, "L", false, 0, "")
		p.CellFormat(width/2, 5, fmt.Sprintf("%d / {nb}", p.PageNo()), "", 0, "R", false, 0, "")
	})
	p.AddPage()
	p.front(e, public)
	p.summary(e)
	family := ""
	for i, c := range e.Controls {
		if c.Family != family {
			family = c.Family
			p.heading(familyNames[family])
		}
		p.control(&c, resultOf(e, i, c.ID))
	}
	p.history(e)
	return p.Output(w)
}

var familyNames = map[string]string{
	"technical": "Technical safeguards, 45 CFR 164.312", "administrative": "Administrative safeguards, 45 CFR 164.308 and 164.314",
	"physical": "Physical safeguards and documents, 45 CFR 164.310 and 164.316", "privacy": "Privacy Rule, 45 CFR 164 subpart E",
	"breach": "Breach notification, 45 CFR 164.400 to 414",
}

func resultOf(e *Evidence, at int, id string) api.ControlResult {
	if at < len(e.Run.Results) && e.Run.Results[at].ID == id {
		return e.Run.Results[at]
	}
	for _, r := range e.Run.Results {
		if r.ID == id {
			return r
		}
	}
	return api.ControlResult{ID: id, State: api.ControlShort, Says: "This was not looked at."}
}

func (p *report) style(weight string, size float64, r, g, b int) {
	p.SetFont("Helvetica", weight, size)
	p.SetTextColor(r, g, b)
}

func (p *report) text(s string) { p.MultiCell(width, line, p.words(s), "", "L", false) }

func (p *report) front(e *Evidence, public string) {
	p.style("B", 20, 16, 24, 32)
	p.MultiCell(width, 9, p.words("Controls of "+e.Practice), "", "L", false)
	p.Ln(2)
	p.style("", 10, 16, 24, 32)
	p.text("What an installation of Sotto showed on " + e.Made.UTC().Format("2 January 2006 at 15:04 UTC") + ", about what the HIPAA rules ask of this practice. " +
		"It helps to judge how the rules are met. It certifies nothing: no software makes a practice compliant.")
	p.Ln(2)
	p.style("", 9, 80, 88, 96)
	p.text(fmt.Sprintf("Program: Sotto %s %s, %s, %s. Look: %s.", e.Build.Version, e.Build.Revision, e.Build.Go, e.Build.Platform, e.Run.ID))
	p.text("Signed with the key " + public + ". Ask the practice for its key by another way than this file.")
	p.Ln(3)
}

func (p *report) summary(e *Evidence) {
	n := e.Run.Counts
	for _, c := range []struct {
		state string
		n     int
		says  string
	}{
		{api.ControlMet, n.Met, "The product enforces it, and a look at live data or configuration showed it."},
		{api.ControlDecision, n.Decision, "People have to decide or write down something that no program can see."},
		{api.ControlShort, n.Short, "Something is missing, wrong, or not shown by any look."},
		{api.ControlNotApplicable, n.NotApplicable, "It does not concern this practice; the reason is given."},
	} {
		r, g, b := ink(c.state)
		p.style("B", 11, r, g, b)
		p.CellFormat(12, 6, fmt.Sprint(c.n), "", 0, "R", false, 0, "")
		p.CellFormat(38, 6, "  "+stateNames[c.state], "", 0, "L", false, 0, "")
		p.style("", 9, 16, 24, 32)
		p.CellFormat(width-50, 6, p.words(c.says), "", 1, "L", false, 0, "")
	}
	p.Ln(2)
	p.style("", 9, 80, 88, 96)
	p.text("R: required. A: addressable, which means to implement it, or to write down why not and do what is equivalent (164.306(d)(3)). " +
		"\"Proposed\" is what the proposed Security Rule (90 FR 898) would change; it is not in force.")
}

func (p *report) heading(s string) {
	if p.GetY() > 240 {
		p.AddPage()
	}
	p.Ln(5)
	p.style("B", 13, 16, 24, 32)
	p.text(s)
	p.Ln(1)
	p.Bookmark(s, 0, -1)
}

func (p *report) control(c *api.Control, r api.ControlResult) {
	if p.GetY() > 225 { // most controls fit below that
		p.AddPage()
	}
	p.SetDrawColor(200, 206, 212)
	p.Line(margin, p.GetY()+1, margin+width, p.GetY()+1)
	p.Ln(2.5)
	p.style("B", 10, 16, 24, 32)
	p.CellFormat(width-40, line+0.6, p.words(c.ID+"  "+c.Title+kindMark(c.Kind)), "", 0, "L", false, 0, "")
	red, green, blue := ink(r.State)
	p.style("B", 10, red, green, blue)
	p.CellFormat(40, line+0.6, stateNames[r.State], "", 1, "R", false, 0, "")
	p.style("", 9, 16, 24, 32)
	p.text(c.Asks)
	if c.Missing != "" || len(r.Findings) == 0 {
		p.style("", 9, red, green, blue)
		p.text(r.Says)
	}
	for _, f := range r.Findings {
		red, green, blue = ink(f.State)
		p.style("", 9, red, green, blue)
		p.text("- " + f.Evidence + " (" + stateNames[f.State] + "): " + f.Says)
		if f.Fix != "" {
			p.style("", 8.5, 60, 68, 76)
			p.text("  To do: " + f.Fix)
		}
	}
	p.style("", 8.5, 60, 68, 76)
	for _, row := range []struct{ name, value string }{
		{"Held by", c.HeldBy},
		{"Tests", strings.Join(c.Tests, "; ")},
		{"Threats", strings.Join(c.Threats, ", ")},
		{"Proposed", c.Proposed},
		{"NIST", c.NIST},
		{"Source, owner", fmt.Sprintf("%s; %s; every %d months", c.Cite, c.Owner, c.Review)},
	} {
		if row.value != "" {
			p.text(row.name + ": " + row.value)
		}
	}
	p.Ln(0.8)
}

func kindMark(kind string) string {
	switch kind {
	case api.KindRequired:
		return " (R)"
	case api.KindAddressable:
		return " (A)"
	}
	return " (" + kind + ")"
}

func (p *report) history(e *Evidence) {
	p.heading("Earlier looks")
	if len(e.History) == 0 {
		p.style("", 9, 16, 24, 32)
		p.text("There are none.")
		return
	}
	columns := []float64{46, 22, 40, 28, 38}
	row := func(weight string, cells ...string) {
		p.style(weight, 9, 16, 24, 32)
		for i, c := range cells {
			align := "R"
			if i == 0 {
				align = "L"
			}
			p.CellFormat(columns[i], 5.4, p.words(c), "B", 0, align, false, 0, "")
		}
		p.Ln(5.4)
	}
	row("B", "Date (UTC)", "met", "needs a decision", "falls short", "not applicable")
	for _, r := range e.History {
		n := r.Counts
		row("", time.UnixMilli(r.At).UTC().Format("2006-01-02 15:04"), fmt.Sprint(n.Met), fmt.Sprint(n.Decision), fmt.Sprint(n.Short), fmt.Sprint(n.NotApplicable))
	}
}
