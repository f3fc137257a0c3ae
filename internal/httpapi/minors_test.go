package httpapi_test

import (
	"testing"

	"github.com/sotto-health/sotto/api"
)

// TestT50FormForMinors: the form about minors stands before chats in which a
// parent or guardian writes, and before no other: those that begin, and those
// that go on when it is published.
func TestT50FormForMinors(t *testing.T) {
	w := newWorld(t)
	author, approver := w.proven("ana", "compliance"), w.proven("bo", "administrator")
	begin := func(d *device, kind string, more ...api.ConsentReceipt) (string, error) {
		id, n := d.founding("nurse")
		if kind != "" {
			n.For = &api.WritingFor{Kind: kind}
		}
		for _, r := range more {
			f, err := d.ConsentForm(w.ctx, d.practice.Slug, r.Form, 0)
			w.must(err)
			n.MoreConsents = append(n.MoreConsents, d.sign(f, id))
		}
		_, err := d.CreateConversation(w.ctx, id, n)
		if err == nil {
			d.practice.keeper.join()
		}
		return id, err
	}
	grown, parent := w.patient(), w.patient()
	own, err := begin(grown, "")
	w.must(err)
	child, err := begin(parent, "parent")
	w.must(err)

	d := draftOf(plainParts(), 0)
	d.Kind = "minor"
	w.publish(author, approver, "minors", d)
	grown.say(own, "goes on")
	waits := parent.seal(child, "waits")
	_, err = parent.Send(w.ctx, child, waits)
	wantCode(t, err, api.CodeConsentDue)
	w.must(parent.agree(child, "minors"))
	_, err = parent.Send(w.ctx, child, waits)
	w.must(err)

	asked := api.ConsentReceipt{Form: "minors"}
	for kind, needed := range map[string]bool{"": false, "carer": false, "representative": false, "parent": true, "guardian": true} {
		patient := w.patient()
		_, err := begin(patient, kind)
		if needed {
			wantCode(t, err, api.CodeConsentMissing)
			_, err = begin(patient, kind, asked)
		}
		if err != nil {
			t.Errorf("who writes as %q: %v", kind, err)
		}
	}
}
