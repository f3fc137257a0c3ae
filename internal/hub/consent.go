package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/consent/form"
	"github.com/sotto-health/sotto/internal/policy"
)

// This file is what a patient's device does about consent, and what staff see
// of it. Who writes the forms is in formwork.go.

// consents checks the receipts that come with a new conversation: one for each
// form that stands before such a chat. The store checks again, at the moment when
// the conversation begins, that those are the forms.
func (h *Hub) consents(ctx context.Context, c *Caller, id string, n *api.CreateConversation, forMinor bool, now int64) ([]Receipt, error) {
	all, err := h.store.ConsentForms(ctx, c.Device.Practice)
	if err != nil {
		return nil, at("load consent forms", err)
	}
	needed, ok := forms(all).before(n.Queue, forMinor)
	given := append([]api.ConsentReceipt{n.Consent}, n.MoreConsents...)
	if !ok || len(given) != len(needed) {
		return nil, ErrConsentMissing
	}
	receipts := make([]Receipt, len(given))
	for i, r := range given {
		f := slices.IndexFunc(needed, func(f ConsentForm) bool { return f.Form == r.Form && f.Version == r.Version })
		if f < 0 {
			return nil, ErrConsentMissing
		}
		if err := needed[f].check(r, c.Device.Practice, id, &c.Device, now); err != nil {
			return nil, err
		}
		receipts[i] = c.receipt(r, id, now)
	}
	return receipts, nil
}

func (c *Caller) receipt(r api.ConsentReceipt, conversation string, now int64) Receipt {
	return Receipt{
		ConsentReceipt: r, ID: NewID("r"), Practice: c.Device.Practice, Conversation: conversation,
		Person: c.Device.Person, Device: c.Device.ID, ReceivedAt: now,
	}
}

// GiveConsent takes a patient's receipt of a form that is published now.
func (h *Hub) GiveConsent(ctx context.Context, c *Caller, g api.GiveConsent) (api.ConsentGiven, error) {
	queue, forMinor := "", false
	if g.Conversation != "" {
		v, err := h.conversation(ctx, c, g.Conversation)
		if err != nil {
			return api.ConsentGiven{}, err
		}
		if err := h.may(c, policy.AgreeForm, h.about(&v)); err != nil {
			return api.ConsentGiven{}, err
		}
		queue, forMinor = v.Queue, v.ForMinor
	} else if err := h.mayInPractice(c, policy.AgreeForm); err != nil {
		return api.ConsentGiven{}, err
	}
	if err := h.allowDevice("consent", c, h.limits.Uploads); err != nil {
		return api.ConsentGiven{}, err
	}
	now := h.millis()
	settle := func(all []ConsentForm, given []Receipt) (int64, error) {
		i, ok := forms(all).version(g.Receipt.Form, g.Receipt.Version)
		if !ok || all[i].State != FormPublished || form.Needed(all[i].Kind) != (g.Conversation != "") {
			return 0, ErrConsentMissing
		}
		if err := all[i].check(g.Receipt, c.Device.Practice, g.Conversation, &c.Device, now); err != nil {
			return 0, err
		}
		return stands(queue, forMinor, now, false)(all, given)
	}
	r := c.receipt(g.Receipt, g.Conversation, now)
	done := h.event(ctx, c, audit.ConsentGiven, r.Form).In(r.Conversation, r.Person).With(r.detail())
	stored, err := h.store.Recording(done).AddReceipt(ctx, r, settle)
	if err != nil {
		return api.ConsentGiven{}, err
	}
	h.log.InfoContext(ctx, "consent given", slog.String("receipt", stored.ID), slog.String("person", stored.Person))
	out := api.ConsentGiven{Agreement: stored.api(true)}
	if g.Conversation == "" {
		return out, nil
	}
	v, err := h.store.Conversation(ctx, stored.Practice, g.Conversation)
	if err != nil {
		return api.ConsentGiven{}, err
	}
	described, err := h.describe(ctx, v)
	if err != nil {
		h.log.WarnContext(ctx, "conversation not announced", slog.String("conversation", v.ID))
		return api.ConsentGiven{}, err
	}
	h.seat(ctx, &v)
	h.announceSummary(ctx, &v, described)
	out.Conversation = &described
	return out, nil
}

// detail is what the log keeps of a receipt besides its form.
func (r *Receipt) detail() string {
	return fmt.Sprintf("version=%d,language=%s,kind=%s", r.Version, r.Language, r.Kind)
}

func (r *Receipt) api(current bool) api.Agreement {
	return api.Agreement{
		ConsentReceipt: r.ConsentReceipt, ID: r.ID, Conversation: r.Conversation, Person: r.Person, Device: r.Device,
		Sequence: r.Sequence, ReceivedAt: r.ReceivedAt, WithdrawnAt: r.WithdrawnAt, Current: current && r.WithdrawnAt == 0,
	}
}

// current reports whether a receipt is of what is published now and counts.
func (fs forms) current(r *Receipt, now int64) bool {
	i, ok := fs.version(r.Form, r.Version)
	if !ok || fs[i].State != FormPublished || r.WithdrawnAt != 0 {
		return false
	}
	until := fs[i].until(r.ReceivedAt)
	return until == 0 || now < until
}

// maxAgreements bounds the list of a patient's own.
const maxAgreements = 500

// Agreements lists what the calling patient agreed to, and could.
func (h *Hub) Agreements(ctx context.Context, c *Caller) (api.Agreements, error) {
	if err := h.mayInPractice(c, policy.ListOwn); err != nil {
		return api.Agreements{}, err
	}
	all, err := h.store.ConsentForms(ctx, c.Device.Practice)
	if err != nil {
		return api.Agreements{}, err
	}
	mine, err := h.store.Receipts(ctx, ReceiptQuery{Practice: c.Device.Practice, Person: c.Device.Person, Limit: maxAgreements})
	if err != nil {
		return api.Agreements{}, err
	}
	out, now := api.Agreements{Agreements: []api.Agreement{}, Offered: []api.FormHead{}}, h.millis()
	has := map[string]bool{}
	for _, r := range slices.Backward(mine) {
		current := forms(all).current(&r, now)
		has[r.Form] = has[r.Form] || current
		out.Agreements = append(out.Agreements, r.api(current))
	}
	for _, f := range forms(all).published() {
		if !form.Needed(f.Kind) && !has[f.Form] {
			out.Offered = append(out.Offered, f.head())
		}
	}
	return out, nil
}

// WithdrawConsent takes back one agreement of the caller's. What a conversation
// stands on takes the conversation with it, also one that is kept from the caller
// by now: the answer is of the agreement, and says nothing of the conversation.
func (h *Hub) WithdrawConsent(ctx context.Context, c *Caller, id string) (api.Agreement, error) {
	if !validID("r", id) {
		return api.Agreement{}, ErrNotFound
	}
	if err := h.mayInPractice(c, policy.ListOwn); err != nil {
		return api.Agreement{}, err
	}
	mine, err := h.store.Receipts(ctx, ReceiptQuery{Practice: c.Device.Practice, Person: c.Device.Person, ID: id, Limit: 1})
	if err != nil {
		return api.Agreement{}, err
	}
	if len(mine) == 0 {
		return api.Agreement{}, ErrNotFound
	}
	if mine[0].Conversation != "" {
		v, err := h.store.Conversation(ctx, c.Device.Practice, mine[0].Conversation)
		if err != nil {
			return api.Agreement{}, err
		}
		a, _ := actOf("withdraw")
		if _, err := h.carryOut(ctx, c, &v, "withdraw", a); err != nil {
			return api.Agreement{}, err
		}
	}
	store := h.store
	if mine[0].Conversation == "" { // else the act has left its event
		store = store.Recording(h.event(ctx, c, audit.ConsentWithdrawn, "").Of(c.Device.Person).With(mine[0].detail()))
	}
	r, err := store.WithdrawReceipt(ctx, c.Device.Practice, c.Device.Person, id, h.millis())
	if err != nil {
		return api.Agreement{}, err
	}
	h.log.InfoContext(ctx, "consent withdrawn", slog.String("receipt", r.ID), slog.String("person", r.Person))
	return r.api(false), nil
}

// Declined counts that somebody said no to a form.
func (h *Hub) Declined(ctx context.Context, slug string, d api.ConsentDeclined) error {
	p, err := h.store.PracticeBySlug(ctx, slug)
	if err != nil {
		return err
	}
	if !validForm(d.Form) {
		return ErrNotFound
	}
	done := h.event(ctx, nobody(p.ID), audit.ConsentDeclined, d.Form).With("version=" + strconv.Itoa(d.Version))
	return h.store.Recording(done).CountDeclined(ctx, p.ID, d.Form, d.Version)
}

// ConsentForm returns a published version of a form; version 0 is the present.
// Former ones stay, so that everybody can read again what they agreed to.
func (h *Hub) ConsentForm(ctx context.Context, slug, id string, version int) (api.ConsentForm, error) {
	p, err := h.store.PracticeBySlug(ctx, slug)
	if err != nil {
		return api.ConsentForm{}, err
	}
	all, err := h.store.ConsentForms(ctx, p.ID)
	if err != nil {
		return api.ConsentForm{}, err
	}
	for _, f := range all {
		if f.Form == id && f.Fixed() && (f.Version == version || version == 0 && f.State == FormPublished) {
			return f.api(), nil
		}
	}
	return api.ConsentForm{}, ErrNotFound
}

// publicForms fills in what anybody may know of a practice's forms and readers.
func (h *Hub) publicForms(ctx context.Context, practice string, to *api.Practice) error {
	all, err := h.store.ConsentForms(ctx, practice)
	if err != nil {
		return err
	}
	to.Consent, to.Forms = api.ConsentForm{Kind: form.Chat, Texts: map[string]api.ConsentText{}}, []api.FormHead{}
	if needed, ok := forms(all).before("", false); ok {
		to.Consent = needed[0].api()
	}
	for _, f := range forms(all).published() {
		to.Forms = append(to.Forms, f.head())
	}
	staff, err := h.store.PersonsOfKind(ctx, practice, api.KindStaff)
	if err != nil {
		return err
	}
	for i := range to.Queues {
		to.Queues[i].Readers = h.titles(to.Queues[i].ID, staff)
	}
	return nil
}

// titles are those of the staff who may let themselves into a chat of the
// queue, by policy, each once.
func (h *Hub) titles(queue string, staff []Person) []string {
	titles := []string{}
	for _, p := range staff {
		if p.Title != "" && !slices.Contains(titles, p.Title) && h.takes(&p, queue) {
			titles = append(titles, p.Title)
		}
	}
	slices.Sort(titles)
	return titles
}

// takes reports whether a staff person may let themselves into a chat of the queue.
func (h *Hub) takes(p *Person, queue string) bool {
	return p.DisabledAt == 0 && h.policy.May(p.principal(), policy.Take, &policy.Resource{Practice: p.Practice, ID: "any", Queue: queue})
}

// readers lists the classes that read a practice's chats by its configuration.
func (h *Hub) readers(ctx context.Context, practice string) ([]string, error) {
	services, err := h.store.PersonsOfKind(ctx, practice, api.KindService)
	if err != nil {
		return nil, at("load services", err)
	}
	classes := []string{form.ReadStaff, form.ReadArchive}
	for _, s := range services {
		if roleOf(s.Kind, s.Role) == policy.Service && s.DisabledAt == 0 && !slices.Contains(classes, form.ReadAssistant) {
			classes = append(classes, form.ReadAssistant)
		}
	}
	return classes, nil
}

// due reports whether the patient has to agree again, at now, before they write.
func (v *Conversation) due(now int64) bool { return v.ConsentDue != 0 && v.ConsentDue <= now }

// consentState is how a conversation's consent stands at now.
func (v *Conversation) consentState(now int64) string {
	switch {
	case v.WithdrawnAt != 0:
		return "withdrawn"
	case v.due(now):
		return "due"
	}
	return "given"
}

// consentsOf lists what conversations stand on, the newest of each form, by
// conversation.
func (h *Hub) consentsOf(ctx context.Context, practice string, vs []Conversation) (map[string][]api.ConversationConsent, error) {
	ids := make([]string, len(vs))
	for i := range vs {
		ids[i] = vs[i].ID
	}
	if len(ids) == 0 {
		return nil, nil
	}
	given, err := h.store.Receipts(ctx, ReceiptQuery{Practice: practice, Conversations: ids, Limit: 20 * len(ids)})
	if err != nil {
		return nil, at("load receipts", err)
	}
	by := make(map[string][]api.ConversationConsent)
	for _, r := range given {
		by[r.Conversation] = newest(by[r.Conversation], r)
	}
	return by, nil
}

func newest(list []api.ConversationConsent, r Receipt) []api.ConversationConsent {
	kind := r.Kind
	if kind == "" { // of before there were kinds
		kind = form.Chat
	}
	list = slices.DeleteFunc(list, func(c api.ConversationConsent) bool { return c.Form == r.Form })
	return append(list, api.ConversationConsent{Kind: kind, Form: r.Form, Version: r.Version, At: r.ReceivedAt, Until: r.WithdrawnAt})
}

// ConversationConsents tells a staff person what a conversation that they may
// know of stands on.
func (h *Hub) ConversationConsents(ctx context.Context, s *StaffCaller, id string) (api.ConversationConsents, error) {
	v, err := h.staffConversation(ctx, s, id, policy.Know, policy.Explain)
	if err != nil {
		return api.ConversationConsents{}, err
	}
	given, err := h.store.Receipts(ctx, ReceiptQuery{Practice: v.Practice, Person: v.Patient, Conversations: []string{"", v.ID}, Limit: maxAgreements})
	if err != nil {
		return api.ConversationConsents{}, err
	}
	out := api.ConversationConsents{Consent: v.consentState(h.millis()), Consents: []api.ConversationConsent{}}
	for _, r := range given {
		out.Consents = newest(out.Consents, r)
	}
	return out, h.store.Record(ctx, h.event(ctx, s, audit.ConversationSeen, "").In(v.ID, v.Patient).With("what=consents"))
}

// askAgain tells those whom a change of forms concerns, once it is stored.
func (h *Hub) askAgain(ctx context.Context, practice string) {
	ctx = context.WithoutCancel(ctx)
	h.background.Go(func() {
		for _, state := range []string{api.StateOpen, api.StateWaiting} {
			for cursor := ""; ; {
				vs, next, _, err := h.store.ListConversations(ctx, ConversationQuery{
					Practice: practice, State: state, Order: ByCreated, Cursor: cursor, Limit: api.MaxConversationsPage,
				})
				if err != nil {
					h.log.WarnContext(ctx, "patients not told of a new form", slog.String("practice", practice))
					return
				}
				for i := range vs {
					err = errors.Join(err, h.summariseIt(ctx, vs[i]))
				}
				if cursor = next; cursor == "" || err != nil {
					break
				}
			}
		}
	})
}
