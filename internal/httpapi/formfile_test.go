package httpapi_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/consent/form"
	"github.com/sotto-health/sotto/internal/hub"
)

// TestT50TheFileWaitsForSomebody: once a practice has a form, whoever has the
// server publishes no other by themselves: what the practice's file brings waits
// until somebody in the practice approves it, and what two people approved stays
// until then.
func TestT50TheFileWaitsForSomebody(t *testing.T) {
	w := newWorld(t)
	author, approver := w.proven("ana", "compliance"), w.proven("bo", "administrator")
	patient := w.patient()
	id := patient.open("nurse")
	w.publish(author, approver, "chat", draftOf(plainParts(), 0)) // version 2
	w.must(patient.agree(id, "chat"))

	stored, err := w.hub.PracticeBySlug(w.ctx, "riverside")
	w.must(err)
	apply := func(version int, parts api.FormParts, reason string) error {
		p := stored
		p.Consent.Version, p.ConsentParts, p.ConsentReason = version, map[string]form.Parts{"en": form.Parts(parts)}, reason
		_, err := w.hub.SavePractice(w.ctx, p)
		return err
	}
	if err := apply(2, plainParts(), ""); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("the file's version 2, which people wrote: %v", err)
	}
	lacks := plainParts()
	lacks.Kept = ""
	var unfinished *hub.UnfinishedError
	if err := apply(3, lacks, ""); !errors.As(err, &unfinished) {
		t.Errorf("a core element lacks: %v", err)
	}
	if err := apply(3, hardParts(), ""); !errors.As(err, &unfinished) {
		t.Errorf("hard words without a reason: %v", err)
	}
	other := plainParts()
	other.Purpose = "We ask once more."
	w.must(apply(3, other, ""))
	w.must(apply(3, other, "")) // the same again
	if err := apply(3, plainParts(), ""); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("another text of a version that waits: %v", err)
	}
	if err := apply(4, plainParts(), ""); !errors.Is(err, hub.ErrFormState) {
		t.Errorf("another version while one waits: %v", err)
	}

	published, err := patient.ConsentForm(w.ctx, "riverside", "chat", 0)
	w.must(err)
	if published.Version != 2 {
		t.Fatalf("patients see version %d, which nobody approved", published.Version)
	}
	patient.say(id, "goes on")
	_, err = patient.ConsentForm(w.ctx, "riverside", "chat", 3)
	wantCode(t, err, api.CodeNotFound)

	step := func(who *hub.StaffCaller, act string) error {
		_, err := w.hub.ActOnForm(w.ctx, who, "chat", 3, act, api.FormAct{})
		return err
	}
	if err := step(author, "publish"); errorCode(err) != api.CodeFormState {
		t.Errorf("published before anybody approved: %v", err)
	}
	w.must(step(author, "approve"))
	w.must(step(author, "publish"))
	waits := patient.seal(id, "waits")
	_, err = patient.Send(w.ctx, id, waits)
	wantCode(t, err, api.CodeConsentDue)
	w.must(apply(3, other, "")) // and the file can be applied as before

	for kind, want := range map[audit.Kind]string{audit.FormPublished: "version=1", audit.FormSubmitted: "version=3"} {
		if !slices.ContainsFunc(w.events(string(kind)), func(e string) bool { return strings.HasPrefix(e, " ") && strings.Contains(e, want) }) {
			t.Errorf("the log does not say that the operator's file %s of %s", kind, want)
		}
	}
}

// TestT50TheFirstFormIsWhole: the very first form is published with the
// practice, as nobody is there to approve it, and lacks no core element either
// (45 CFR 164.508(c)), nor reads above grade 6 without a reason.
func TestT50TheFirstFormIsWhole(t *testing.T) {
	w := newWorld(t)
	settings := w.clinic.Settings
	try := func(slug string, parts api.FormParts, reason string) error {
		s := settings
		s.Consent = api.ConsentForm{ID: "chat", Version: 1}
		s.ConsentParts, s.ConsentReason = map[string]form.Parts{"en": form.Parts(parts)}, reason
		_, err := w.hub.SavePractice(w.ctx, hub.Practice{ID: hub.NewID("t"), Slug: slug, Settings: s})
		return err
	}
	lacks := plainParts()
	lacks.Contact = ""
	var unfinished *hub.UnfinishedError
	for name, err := range map[string]error{"a part lacks": try("lacks", lacks, ""), "it reads hard": try("hard", hardParts(), "")} {
		if !errors.As(err, &unfinished) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, slug := range []string{"lacks", "hard"} {
		if _, err := w.hub.PracticeBySlug(w.ctx, slug); !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("the practice %q is there: %v", slug, err)
		}
	}
	w.must(try("plain", plainParts(), ""))
	w.must(try("reason", hardParts(), "The law's own words."))
	if f, err := w.hub.ConsentForm(w.ctx, "plain", "chat", 0); err != nil || f.Version != 1 {
		t.Errorf("the first form: %+v, %v", f, err)
	}
}
