package httpapi_test

import (
	"testing"

	"github.com/sotto-health/sotto/api"
)

// begin founds a conversation in a queue for whom somebody writes, with the
// chat's form agreed to and others.
func (d *device) begin(queue, kind string, forms ...string) (string, error) {
	d.w.t.Helper()
	id, n := d.founding(queue)
	if kind != "" {
		n.For = &api.WritingFor{Kind: kind}
	}
	for _, form := range forms {
		f, err := d.ConsentForm(d.w.ctx, d.practice.Slug, form, 0)
		d.w.must(err)
		n.MoreConsents = append(n.MoreConsents, d.sign(f, id))
	}
	_, err := d.CreateConversation(d.w.ctx, id, n)
	if err == nil {
		d.practice.keeper.join()
	}
	return id, err
}

// TestT50FormForMinors: the form about minors stands before chats in which a
// parent or guardian writes, and before no other: those that begin, and those
// that go on when it is published.
func TestT50FormForMinors(t *testing.T) {
	w := newWorld(t)
	author, approver := w.proven("ana", "compliance"), w.proven("bo", "administrator")
	grown, parent := w.patient(), w.patient()
	own, err := grown.begin("nurse", "")
	w.must(err)
	child, err := parent.begin("nurse", "parent")
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

	for kind, needed := range map[string]bool{"": false, "carer": false, "representative": false, "parent": true, "guardian": true} {
		patient := w.patient()
		_, err := patient.begin("nurse", kind)
		if needed {
			wantCode(t, err, api.CodeConsentMissing)
			_, err = patient.begin("nurse", kind, "minors")
		}
		if err != nil {
			t.Errorf("who writes as %q: %v", kind, err)
		}
	}
}

// TestT50FormForPart2: the form about treatment for substance use (42 CFR 2.31)
// stands beside the chat's before the chats of its queue, new and old, and
// before no other; taken back, it takes the chat with it.
func TestT50FormForPart2(t *testing.T) {
	w := newWorld(t)
	author, approver := w.proven("ana", "compliance"), w.proven("bo", "administrator")
	patient, other := w.patient(), w.patient()
	chat, err := patient.begin("nurse", "")
	w.must(err)
	desk, err := other.begin("front-desk", "")
	w.must(err)

	d := draftOf(plainParts(), 0)
	d.Kind, d.Queues = "part2", []string{"nurse"}
	w.publish(author, approver, "recovery", d)
	other.say(desk, "goes on")
	_, err = w.patient().begin("front-desk", "")
	w.must(err)
	waits := patient.seal(chat, "waits")
	_, err = patient.Send(w.ctx, chat, waits)
	wantCode(t, err, api.CodeConsentDue)
	_, err = w.patient().begin("nurse", "")
	wantCode(t, err, api.CodeConsentMissing)

	w.must(patient.agree(chat, "recovery"))
	_, err = patient.Send(w.ctx, chat, waits)
	w.must(err)
	_, err = w.patient().begin("nurse", "", "recovery")
	w.must(err)

	mine, err := patient.Agreements(w.ctx)
	w.must(err)
	for _, a := range mine.Agreements {
		if a.Kind == "part2" {
			_, err = patient.WithdrawConsent(w.ctx, a.ID)
			w.must(err)
		}
	}
	_, err = patient.Send(w.ctx, chat, patient.seal(chat, "too late"))
	wantCode(t, err, api.CodeConsentWithdrawn)
}
