package form_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/consent"
	"github.com/sotto-health/sotto/internal/consent/form"
	"github.com/sotto-health/sotto/internal/consent/reading"
)

func parts() form.Parts {
	return form.Parts{
		Title: "T", Points: []string{"a"}, Purpose: "p", Collected: "c", Kept: "k", Risks: "r", Withdraw: "w", Contact: "x",
	}
}

// TestCoreElements: each part stands for one that the law asks for (45 CFR
// 164.508(c)(1)), and is missed by name.
func TestCoreElements(t *testing.T) {
	for name, empty := range map[string]func(*form.Parts){
		"title": func(p *form.Parts) { p.Title = " " }, "points": func(p *form.Parts) { p.Points = nil },
		"purpose": func(p *form.Parts) { p.Purpose = "" }, "collected": func(p *form.Parts) { p.Collected = "\n" },
		"kept": func(p *form.Parts) { p.Kept = "" }, "risks": func(p *form.Parts) { p.Risks = "" },
		"withdraw": func(p *form.Parts) { p.Withdraw = "" }, "contact": func(p *form.Parts) { p.Contact = "" },
	} {
		p := parts()
		if empty(&p); !slices.Equal(p.Missing(), []string{name}) {
			t.Errorf("without %s: %v", name, p.Missing())
		}
	}
}

// TestWhoReads: the text says who reads by the configuration, whatever an
// author wrote, and it changes with it (T50).
func TestWhoReads(t *testing.T) {
	p := parts()
	for _, language := range form.Languages() {
		two, _ := p.Render(language, form.Facts{Practice: "Riverside", Readers: []string{form.ReadStaff, form.ReadArchive}})
		three, ok := p.Render(language, form.Facts{Practice: "Riverside", Readers: []string{form.ReadStaff, form.ReadArchive, form.ReadAssistant}})
		if !ok || strings.Count(two.Full, "Riverside") != 2 || strings.Count(three.Full, "Riverside") != 3 || bytes.Equal(two.SHA256, three.SHA256) {
			t.Errorf("%s: %s", language, three.Full)
		}
		own, _ := p.Render(language, form.Facts{Practice: "Riverside", Readers: []string{form.ReadStaff, form.ReadArchive}, Departments: []string{"Recovery", "Family"}})
		if !strings.Contains(own.Full, "Recovery, Family") || strings.Contains(two.Full, "{") || strings.Contains(own.Full, "{") {
			t.Errorf("%s: %s", language, own.Full)
		}
		if m := reading.Of(language, own.Full); m.Above() {
			t.Errorf("%s: our own words read at %v", language, m.Grade)
		}
		facts := form.Facts{Practice: "Riverside", Readers: []string{form.ReadStaff, form.ReadArchive}, Departments: []string{"Recovery", "Family"}, Others: true}
		more, _ := p.Render(language, facts)
		if len(more.Full) <= len(own.Full) || strings.Contains(more.Full, "{") || reading.Of(language, more.Full).Above() {
			t.Errorf("%s: others are not told of: %s", language, more.Full)
		}
		if !bytes.Equal(two.SHA256, consent.Hash(two)) || strings.Count(two.Full, "\n\n") != 6 {
			t.Errorf("%s: %q", language, two.Full)
		}
		if m := reading.Of(language, two.Full); m.Above() {
			t.Errorf("%s: our own words read at %v", language, m.Grade)
		}
	}
	for _, language := range form.Languages() {
		text, _ := p.Render(language, form.Facts{Practice: "Riverside"})
		if kept := form.Kept(language, text.Full); !strings.HasSuffix(kept, ": k") || !strings.Contains(text.Full, kept) {
			t.Errorf("%s: how long it is kept: %q", language, kept)
		}
	}
	if _, ok := p.Render("fr", form.Facts{}); ok {
		t.Error("a language without words was rendered")
	}
}

func FuzzRender(f *testing.F) {
	f.Add("en", "title\nof", "one\n\ntwo")
	f.Fuzz(func(t *testing.T, language, title, body string) {
		p := form.Parts{Title: title, Points: []string{title, body}, Purpose: body, Contact: body}
		text, ok := p.Render(language, form.Facts{Practice: title, Readers: []string{form.ReadStaff, body}})
		if !ok {
			return
		}
		if strings.Contains(text.Title, "\n") || slices.ContainsFunc(text.Points, func(s string) bool { return strings.Contains(s, "\n") }) {
			t.Errorf("a line holds a line feed: %q", text)
		}
		if strings.Count(text.Full, "\n\n") > 6 || !bytes.Equal(text.SHA256, consent.Hash(text)) {
			t.Errorf("%q", text)
		}
	})
}
