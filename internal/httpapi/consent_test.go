package httpapi_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/consent"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/mls/wire"
)

// errorCode is what the API says of an error of the hub.
func errorCode(err error) api.Code {
	var forbidden *hub.ForbiddenError
	var unfinished *hub.UnfinishedError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &forbidden):
		return api.CodeForbidden
	case errors.As(err, &unfinished):
		return api.CodeFormUnfinished
	case errors.Is(err, hub.ErrFormState):
		return api.CodeFormState
	case errors.Is(err, hub.ErrConflict):
		return api.CodeConflict
	}
	return api.Code(err.Error())
}

// plainParts is a form's worth of easy words.
func plainParts() api.FormParts {
	return api.FormParts{
		Title: "Before we start", Points: []string{"Your care team reads this chat."}, Purpose: "We ask so that we can help you.",
		Collected: "We keep what you write.", Kept: "We keep it for ten years.", Risks: "Some one near you may see it.",
		Withdraw: "You can stop at any time.", Contact: "Call us.",
	}
}

func hardParts() api.FormParts {
	p := plainParts()
	p.Purpose = strings.Repeat("Notwithstanding institutional considerations, organizational representatives systematically disseminate "+
		"individually identifiable documentation regarding pharmacological interventions to interdisciplinary collaborators internationally. ", 6)
	return p
}

func draftOf(parts api.FormParts, base int) api.DraftForm {
	return api.DraftForm{Kind: "chat", Parts: map[string]api.FormParts{"en": parts}, Base: base}
}

// publish brings a form from a draft of one person, approved by another, to
// patients.
func (w *world) publish(author, approver *hub.StaffCaller, form string, d api.DraftForm) {
	w.t.Helper()
	v, err := w.hub.SaveDraft(w.ctx, author, form, d)
	w.must(err)
	for _, step := range []struct {
		who *hub.StaffCaller
		act string
	}{{author, "submit"}, {approver, "approve"}, {author, "publish"}} {
		_, err := w.hub.ActOnForm(w.ctx, step.who, form, v.Version, step.act, api.FormAct{})
		w.must(err)
	}
}

// agree signs the present form of the practice for a conversation.
func (d *device) agree(conversation, form string) error {
	d.w.t.Helper()
	f, err := d.ConsentForm(d.w.ctx, d.practice.Slug, form, 0)
	d.w.must(err)
	_, err = d.GiveConsent(d.w.ctx, api.GiveConsent{Conversation: conversation, Receipt: d.sign(f, conversation)})
	return err
}

func (d *device) sign(f *api.ConsentForm, conversation string) api.ConsentReceipt {
	d.w.t.Helper()
	r := api.ConsentReceipt{Form: f.ID, Kind: f.Kind, Version: f.Version, Language: "en", SHA256: f.Texts["en"].SHA256, Method: consent.Checkbox, At: d.w.clock.now().UnixMilli()}
	sig, err := d.signer.Sign(consent.Of(d.practice.ID, conversation, d.id, r).Signed())
	d.w.must(err)
	r.Signature = sig
	return r
}

// TestFormsTakeTwoPeople walks a form from its draft to its patients, and tries
// every step that is not the next.
func TestFormsTakeTwoPeople(t *testing.T) {
	w := newWorld(t)
	author, other, nurse := w.proven("ana", "compliance"), w.proven("bo", "administrator"), w.member("cy", "nurse")
	patient := w.patient()
	w.staff("dana")
	var v api.FormVersion
	save := func(who *hub.StaffCaller, d api.DraftForm, want api.Code) {
		t.Helper()
		got, err := w.hub.SaveDraft(w.ctx, who, "chat", d)
		if errorCode(err) != want {
			t.Fatalf("save: got %v, want %q", err, want)
		}
		if err == nil {
			v = got
		}
	}
	step := func(who *hub.StaffCaller, act, reason string, want api.Code) {
		t.Helper()
		got, err := w.hub.ActOnForm(w.ctx, who, "chat", 2, act, api.FormAct{Reason: reason})
		if errorCode(err) != want {
			t.Fatalf("%s: got %v, want %q", act, err, want)
		}
		if err == nil {
			v = got
		}
	}
	save(nurse, draftOf(plainParts(), 0), api.CodeForbidden)
	incomplete := plainParts()
	incomplete.Withdraw = ""
	save(author, draftOf(incomplete, 0), "")
	if v.Version != 2 || v.State != "draft" {
		t.Fatalf("draft %+v", v)
	}
	step(author, "submit", "", api.CodeFormUnfinished) // a core element lacks (45 CFR 164.508(c))
	save(other, draftOf(hardParts(), 0), api.CodeConflict)
	save(author, draftOf(hardParts(), v.Revision), "")
	if g := v.Languages[0].Reading; !g.Measured || !g.Above || len(g.Hard) == 0 {
		t.Errorf("hard words read as %+v", g)
	}
	step(author, "publish", "", api.CodeFormState)
	step(author, "submit", "", api.CodeFormUnfinished)
	step(author, "submit", "The law's own words.", "")
	save(author, draftOf(plainParts(), v.Revision), api.CodeFormState)
	step(author, "approve", "I say so myself.", api.CodeForbidden)
	step(other, "approve", "", api.CodeFormUnfinished)
	step(other, "approve", "Agreed.", "")
	step(other, "return", "Say it in plain words.", "")
	save(author, draftOf(plainParts(), v.Revision), "")
	step(author, "submit", "", "")
	step(other, "approve", "", "")
	if again, err := w.hub.FormAgain(w.ctx, author, "chat", 2); err != nil || again.Open != 0 {
		t.Errorf("who is asked again: %+v, %v", again, err)
	}
	step(author, "publish", "", "")
	step(author, "publish", "", api.CodeFormState)

	p, err := patient.Practice(w.ctx, "riverside")
	w.must(err)
	if full := p.Consent.Texts["en"].Full; p.Consent.Version != 2 || !strings.Contains(full, "the staff of Riverside Family Clinic") || !strings.Contains(full, "record keeper") {
		t.Errorf("patients see version %d: %s", p.Consent.Version, full)
	}
	if !slices.Contains(p.Queues[0].Readers, "RN") {
		t.Errorf("who can read: %v", p.Queues[0].Readers)
	}
	old, err := patient.ConsentForm(w.ctx, "riverside", "chat", 1)
	if err != nil || !strings.Contains(old.Texts["en"].Full, "All of it.") {
		t.Errorf("version 1 is gone: %+v, %v", old, err)
	}
}

// TestUnmeasuredFormsAreVouchedFor: where no figure says that a text reads
// plainly, both people say why patients will understand it.
func TestUnmeasuredFormsAreVouchedFor(t *testing.T) {
	w := newWorld(t)
	author, approver := w.proven("ana", "compliance"), w.proven("bo", "administrator")
	step := func(who *hub.StaffCaller, act, reason string, want api.Code) {
		t.Helper()
		if _, err := w.hub.ActOnForm(w.ctx, who, "chat", 2, act, api.FormAct{Reason: reason}); errorCode(err) != want {
			t.Fatalf("%s, %q: got %v, want %q", act, reason, err, want)
		}
	}
	d := draftOf(plainParts(), 0)
	d.Parts["ar"] = plainParts()
	v, err := w.hub.SaveDraft(w.ctx, author, "chat", d)
	w.must(err)
	for _, l := range v.Languages {
		if l.Reading.Vouched != (l.Language == "ar") {
			t.Errorf("%s: %+v", l.Language, l.Reading)
		}
	}
	step(author, "submit", "", api.CodeFormUnfinished)
	step(author, "submit", "I speak Arabic and read it aloud to two patients.", "")
	step(approver, "approve", "", api.CodeFormUnfinished)
	step(approver, "approve", "A colleague read it to me.", "")
	step(author, "publish", "", "")
}

// TestFormsTakeBothFactors: what decides what patients are asked to agree to
// takes both factors, shown a moment ago, from each of the two people.
func TestFormsTakeBothFactors(t *testing.T) {
	w := newWorld(t)
	author, approver := w.proven("ana", "compliance"), w.proven("bo", "administrator")
	_, err := w.hub.SaveDraft(w.ctx, author, "chat", draftOf(plainParts(), 0))
	w.must(err)
	step := func(who *hub.StaffCaller, act string) error {
		_, err := w.hub.ActOnForm(w.ctx, who, "chat", 2, act, api.FormAct{Reason: "It is as it should be."})
		return err
	}
	w.must(step(author, "submit"))
	for _, s := range []struct {
		who *hub.StaffCaller
		act string
	}{{approver, "approve"}, {author, "publish"}, {author, "retire"}} {
		w.clock.advance(6 * time.Minute)
		if err := step(s.who, s.act); !errors.Is(err, hub.ErrStepUp) {
			t.Errorf("%s, long after both factors: %v", s.act, err)
		}
		w.clock.advance(-6 * time.Minute)
		if s.act != "retire" {
			w.must(step(s.who, s.act))
		}
	}
	w.clock.advance(6 * time.Minute)
	if _, err := w.hub.AttachForm(w.ctx, author, "chat", 2, api.FormQueues{Queues: []string{"nurse"}}); !errors.Is(err, hub.ErrStepUp) {
		t.Errorf("queues, long after both factors: %v", err)
	}
}

// TestT29dANewVersionAsksAgain: a patient writes no more until they agree; staff
// go on; the message that waited goes out then.
func TestT29dANewVersionAsksAgain(t *testing.T) {
	w := newWorld(t)
	author, approver := w.proven("ana", "compliance"), w.proven("bo", "administrator")
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	nurse.take(id)
	patient.catchUp(id)
	waits := patient.seal(id, "waits")
	old := patient.receipt(id)
	w.publish(author, approver, "chat", draftOf(plainParts(), 0))

	_, err := patient.Send(w.ctx, id, waits)
	wantCode(t, err, api.CodeConsentDue)
	_, err = patient.NewAttachment(w.ctx, id, api.NewAttachment{Size: 1})
	wantCode(t, err, api.CodeConsentDue)
	w.must(patient.Typing(w.ctx, id, true)) // says nothing yet
	wantCode(t, w.clinic.keeper.Typing(w.ctx, id, true), api.CodeForbidden)
	nurse.say(id, "go on")
	_, err = patient.GiveConsent(w.ctx, api.GiveConsent{Conversation: id, Receipt: old})
	wantCode(t, err, api.CodeConsentMissing) // of the version before
	if v, err := nurse.Conversation(w.ctx, id); err != nil || v.Consent != "due" {
		t.Errorf("staff see %q, %v", v.Consent, err)
	}
	stranger := w.patient()
	wantCode(t, stranger.agree(id, "chat"), api.CodeNotFound)
	w.must(patient.agree(id, "chat"))
	_, err = patient.Send(w.ctx, id, waits)
	w.must(err)
	v, err := nurse.Conversation(w.ctx, id)
	w.must(err)
	if v.Consent != "given" || len(v.Consents) != 1 || v.Consents[0].Version != 2 {
		t.Errorf("after agreeing: %q %+v", v.Consent, v.Consents)
	}
	list, err := patient.Agreements(w.ctx)
	w.must(err)
	if len(list.Agreements) != 2 || !list.Agreements[0].Current || list.Agreements[1].Current || list.Agreements[0].Sequence <= list.Agreements[1].Sequence {
		t.Errorf("my agreements: %+v", list.Agreements)
	}
}

// TestT50Receipts: a receipt is good for one purpose, one text, one time, once.
func TestT50Receipts(t *testing.T) {
	w := newWorld(t)
	author, approver := w.proven("ana", "compliance"), w.proven("bo", "administrator")
	mail := draftOf(plainParts(), 0)
	mail.Kind = "email"
	w.publish(author, approver, "mail", mail)
	patient := w.patient()
	id := patient.open("nurse")
	form, err := patient.ConsentForm(w.ctx, "riverside", "mail", 0)
	w.must(err)
	chat, err := patient.ConsentForm(w.ctx, "riverside", "chat", 0)
	w.must(err)
	give := func(conversation string, r api.ConsentReceipt) error {
		_, err := patient.GiveConsent(w.ctx, api.GiveConsent{Conversation: conversation, Receipt: r})
		return err
	}
	resign := func(change func(*api.ConsentReceipt)) api.ConsentReceipt {
		r := patient.sign(form, "")
		change(&r)
		r.Signature, err = patient.signer.Sign(consent.Of(patient.practice.ID, "", patient.id, r).Signed())
		w.must(err)
		return r
	}
	for name, r := range map[string]api.ConsentReceipt{
		"for another purpose":        resign(func(r *api.ConsentReceipt) { r.Kind = "assistant" }),
		"the chat's, for mail":       resign(func(r *api.ConsentReceipt) { r.Kind, r.SHA256 = "email", chat.Texts["en"].SHA256 }),
		"dated back":                 resign(func(r *api.ConsentReceipt) { r.At -= (26 * time.Hour).Milliseconds() }),
		"dated ahead":                resign(func(r *api.ConsentReceipt) { r.At += (26 * time.Hour).Milliseconds() }),
		"by no act that there is":    resign(func(r *api.ConsentReceipt) { r.Method = "assumed" }),
		"of the form without method": resign(func(r *api.ConsentReceipt) { r.Method = "" }),
		"not published":              resign(func(r *api.ConsentReceipt) { r.Version = 9 }),
		"a chat's beyond a chat":     patient.sign(chat, ""),
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, give("", r), api.CodeConsentMissing) })
	}
	wantCode(t, give(id, patient.sign(form, id)), api.CodeConsentMissing) // and no mail's for a chat
	agreed := func() bool {
		list, err := patient.Agreements(w.ctx)
		w.must(err)
		return slices.ContainsFunc(list.Agreements, func(a api.Agreement) bool { return a.Kind == "email" && a.Current })
	}
	if agreed() {
		t.Error("a chat's consent counts for mail")
	}
	r := resign(func(r *api.ConsentReceipt) { r.At -= (24 * time.Hour).Milliseconds() }) // a clock may be off (T29)
	w.must(give("", r))
	w.must(give("", r))
	list, err := patient.Agreements(w.ctx)
	w.must(err)
	if !agreed() || len(list.Agreements) != 2 {
		t.Fatalf("agreed %v: %+v", agreed(), list.Agreements)
	}
	if _, err := patient.WithdrawConsent(w.ctx, list.Agreements[0].ID); err != nil || agreed() {
		t.Errorf("taken back, and still counts: %v", err)
	}
	wantCode(t, give("", r), api.CodeConsentWithdrawn)
	if _, err := w.patient().WithdrawConsent(w.ctx, list.Agreements[1].ID); err == nil {
		t.Error("a stranger took it back")
	}
	patient.say(id, "the chat goes on") // one kind is not the other
}

// TestT50OfferedKinds: a text message and a helper program are agreed to and taken
// back each by itself.
func TestT50OfferedKinds(t *testing.T) {
	w := newWorld(t)
	author, approver := w.proven("ana", "compliance"), w.proven("bo", "administrator")
	patient := w.patient()
	kinds := []string{"text", "assistant"}
	for _, kind := range kinds {
		draft := draftOf(plainParts(), 0)
		draft.Kind = kind
		w.publish(author, approver, "for-"+kind, draft)
		form, err := patient.ConsentForm(w.ctx, "riverside", "for-"+kind, 0)
		w.must(err)
		_, err = patient.GiveConsent(w.ctx, api.GiveConsent{Receipt: patient.sign(form, "")})
		w.must(err)
	}
	current := func() (of []string) {
		list, err := patient.Agreements(w.ctx)
		w.must(err)
		for _, a := range list.Agreements {
			if a.Current && slices.Contains(kinds, a.Kind) {
				of = append(of, a.Kind)
			}
		}
		return of
	}
	for len(kinds) > 0 {
		list, err := patient.Agreements(w.ctx)
		w.must(err)
		if got := current(); len(got) != len(kinds) {
			t.Fatalf("agreed to %v, want %v", got, kinds)
		}
		i := slices.IndexFunc(list.Agreements, func(a api.Agreement) bool { return a.Kind == kinds[0] })
		_, err = patient.WithdrawConsent(w.ctx, list.Agreements[i].ID)
		w.must(err)
		if got := current(); slices.Contains(got, kinds[0]) {
			t.Errorf("%s is taken back, and counts", kinds[0])
		}
		kinds = kinds[1:]
	}
}

// TestT29dOrderOfSteps is a model of one conversation: whatever the order of
// begin, publish, agree and withdraw, a frame is taken when the model says so
// and at no other time.
func TestT29dOrderOfSteps(t *testing.T) {
	w := newWorld(t, func(c *hub.Config, _ *httpapi.Config) {
		c.Limits.OpenChats, c.Limits.Guests, c.Limits.Anonymous = 1000, hub.Rate{PerSecond: 1e6, Burst: 1e6}, hub.Rate{PerSecond: 1e6, Burst: 1e6}
	})
	w.must(flag.Set("rapid.checks", "25"))
	author, approver := w.proven("ana", "compliance"), w.proven("bo", "administrator")
	published := 1
	rapid.Check(t, func(rt *rapid.T) {
		patient, id := w.patient(), ""
		agreed, withdrawn := 0, false
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{"begin", "publish", "agree", "withdraw", "send", "send"}), 2, 7).Draw(rt, "steps")
		for _, step := range steps {
			var got, want api.Code
			switch step {
			case "begin":
				if id != "" {
					continue
				}
				made, n := patient.founding("nurse")
				f, err := patient.ConsentForm(w.ctx, "riverside", "chat", 0)
				w.must(err)
				n.Consent = patient.sign(f, made)
				_, err = patient.CreateConversation(w.ctx, made, n)
				w.must(err)
				w.clinic.keeper.join()
				id, agreed = made, published
				continue
			case "publish":
				w.publish(author, approver, "chat", draftOf(plainParts(), 0))
				published++
				continue
			case "agree":
				if id == "" {
					continue
				}
				got = codeIn(patient.agree(id, "chat"))
				if withdrawn {
					want = api.CodeConsentWithdrawn
				} else {
					agreed = published
				}
			case "withdraw":
				if id == "" {
					continue
				}
				_, err := patient.Act(w.ctx, id, "withdraw")
				got, withdrawn = codeIn(err), true
			case "send":
				if id == "" {
					got, want = codeIn(patient.trySend(hub.NewID("c"))), api.CodeNotFound
					break
				}
				got = codeIn(patient.trySend(id))
				switch {
				case withdrawn:
					want = api.CodeConsentWithdrawn
				case agreed != published:
					want = api.CodeConsentDue
				}
			}
			if got != want {
				rt.Fatalf("%s of %v: got %q, want %q", step, steps, got, want)
			}
		}
	})
}

func codeIn(err error) api.Code {
	if err == nil {
		return ""
	}
	p, ok := err.(*api.Problem)
	if !ok {
		return api.Code(err.Error())
	}
	return p.Code
}

// trySend sends a frame that could be, to a conversation that may not be.
func (d *device) trySend(id string) error {
	frame := api.SendFrame{ClientID: d.clientID(), Kind: api.FrameApplication}
	if d.groups[id] != nil {
		frame = d.seal(id, "hello")
	} else {
		frame.Payload = (&wire.Message{Private: &wire.PrivateMessage{GroupID: []byte(id), Epoch: 1, Type: wire.ContentApplication}}).Marshal()
	}
	_, err := d.Send(d.w.ctx, id, frame)
	return err
}

// TestT50CopyOfAnAgreement: what a patient keeps of an agreement can be checked,
// its text and the signature of their device, and another cannot pass for it.
func TestT50CopyOfAnAgreement(t *testing.T) {
	w := newWorld(t)
	patient, stranger := w.patient(), w.patient()
	id := patient.open("nurse")
	stranger.open("nurse")
	mine, err := patient.Agreements(w.ctx)
	w.must(err)
	form, err := patient.ConsentForm(w.ctx, "riverside", "chat", 1)
	w.must(err)
	a, text := mine.Agreements[0], form.Texts["en"]
	file := func(change func(map[string]any)) []byte { // as receiptData of web/src/patient/receipt.ts
		f := map[string]any{
			"id": a.ID, "form": a.Form, "kind": a.Kind, "version": a.Version, "language": a.Language, "method": a.Method, "deviceAt": a.At, "at": a.ReceivedAt,
			"sha256": hex.EncodeToString(a.SHA256), "signature": base64.StdEncoding.EncodeToString(a.Signature), "device": a.Device, "person": a.Person, "conversation": id,
			"text": map[string]any{"title": text.Title, "points": text.Points, "full": text.Full, "kept": text.Kept},
		}
		if change != nil {
			change(f)
		}
		return []byte(mustJSON(f))
	}
	check := func(b []byte) error {
		c, err := consent.ReadCopy(b)
		if err != nil {
			return err
		}
		r, err := w.hub.VerifyCopy(w.ctx, w.clinic.ID, c)
		if err == nil && r.ID != a.ID {
			t.Errorf("it is the receipt %s", r.ID)
		}
		return err
	}
	w.must(check(file(nil)))
	if looked := w.events(string(audit.ConsentsListed)); len(looked) != 1 || !strings.Contains(looked[0], patient.person) {
		t.Errorf("the log says %q", looked)
	}
	for name, change := range map[string]func(map[string]any){
		"another text":      func(f map[string]any) { f["text"].(map[string]any)["full"] = "None of it." },
		"another time":      func(f map[string]any) { f["deviceAt"] = a.At + 1 },
		"another chat":      func(f map[string]any) { f["conversation"] = hub.NewID("c") },
		"another device":    func(f map[string]any) { f["device"] = stranger.id },
		"no device at all":  func(f map[string]any) { f["device"] = hub.NewID("d") },
		"another receipt":   func(f map[string]any) { f["id"] = hub.NewID("r") },
		"another person":    func(f map[string]any) { f["person"] = stranger.person },
		"nobody":            func(f map[string]any) { delete(f, "person") },
		"another moment":    func(f map[string]any) { f["at"] = a.ReceivedAt + 1 },
		"no moment":         func(f map[string]any) { delete(f, "at") },
		"another signature": func(f map[string]any) { f["signature"] = "AAAA" },
		"a text that was not published": func(f map[string]any) {
			other := api.ConsentText{Title: "T", Full: "None of it."}
			r := a.ConsentReceipt
			r.SHA256 = consent.Hash(other)
			sig, err := patient.signer.Sign(consent.Of(w.clinic.ID, id, patient.id, r).Signed())
			w.must(err)
			f["sha256"], f["signature"] = hex.EncodeToString(r.SHA256), base64.StdEncoding.EncodeToString(sig)
			f["text"] = map[string]any{"title": other.Title, "full": other.Full}
		},
	} {
		if err := check(file(change)); !errors.Is(err, consent.ErrCopy) && !errors.Is(err, consent.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestExportOfReceipts: who answers for it gets the receipts as FHIR, each
// checked anew; who does not, does not.
func TestExportOfReceipts(t *testing.T) {
	w := newWorld(t)
	officer, nurse, patient := w.member("ana", "compliance"), w.member("cy", "nurse"), w.patient()
	id := patient.open("nurse")
	_, err := w.hub.ConsentReceipts(w.ctx, nurse, hub.ReceiptQuery{}, false)
	if errorCode(err) != api.CodeForbidden {
		t.Errorf("a nurse sees who agreed: %v", err)
	}
	page, err := w.hub.ConsentReceipts(w.ctx, officer, hub.ReceiptQuery{Form: "chat", Version: 1, Limit: 10}, false)
	if err != nil || len(page.Receipts) != 1 || page.Receipts[0].Conversation != id || page.Receipts[0].Person != patient.person {
		t.Fatalf("%+v, %v", page, err)
	}
	export := func() (status string, verified bool) {
		made, _, err := w.hub.ExportReceipts(w.ctx, officer, hub.ReceiptQuery{}, "")
		w.must(err)
		var bundle struct {
			Entry []struct {
				Resource struct {
					Status       string
					Verification []struct{ Verified bool }
				}
			}
		}
		w.must(json.Unmarshal([]byte(mustJSON(made)), &bundle))
		return bundle.Entry[0].Resource.Status, bundle.Entry[0].Resource.Verification[0].Verified
	}
	if status, verified := export(); status != "active" || !verified {
		t.Errorf("exported as %s, verified %v", status, verified)
	}
	_, err = patient.Act(w.ctx, id, "withdraw")
	w.must(err)
	if status, _ := export(); status != "inactive" {
		t.Errorf("after withdrawal exported as %s", status)
	}
}

// TestExportNamesTheChild: what a mother agrees to for her child is exported as
// the child's by the practice's grant, and as nobody's by her word alone.
func TestExportNamesTheChild(t *testing.T) {
	w := newWorld(t)
	officer, super := w.member("ana", "compliance"), w.member("sam", "supervisor")
	mother, child, stranger := w.patient(), w.patient(), w.patient()
	_, err := w.hub.GrantRelation(w.ctx, super, api.NewRelation{Holder: mother.person, Subject: child.person, Kind: "parent", Born: "2015-06-01", Evidence: "birth-certificate"})
	w.must(err)
	mother.beginFor("nurse", "parent")
	mother.open("nurse")
	stranger.beginFor("nurse", "parent")
	made, _, err := w.hub.ExportReceipts(w.ctx, officer, hub.ReceiptQuery{}, "")
	w.must(err)
	type reference struct{ Identifier struct{ Value string } }
	var bundle struct {
		Entry []struct {
			Resource struct {
				Patient   reference
				Performer []reference
			}
		}
	}
	w.must(json.Unmarshal([]byte(mustJSON(made)), &bundle))
	want := [][2]string{{child.person, mother.person}, {mother.person, mother.person}, {"", stranger.person}}
	if len(bundle.Entry) != len(want) {
		t.Fatalf("%d receipts", len(bundle.Entry))
	}
	for i, e := range bundle.Entry {
		if got := [2]string{e.Resource.Patient.Identifier.Value, e.Resource.Performer[0].Identifier.Value}; got != want[i] {
			t.Errorf("receipt %d is of %q by %q", i, got[0], got[1])
		}
	}
}
