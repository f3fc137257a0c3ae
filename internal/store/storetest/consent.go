package storetest

import (
	"errors"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

func formOf(practice, form string, version int, state string) hub.ConsentForm {
	return hub.ConsentForm{
		Practice: practice, Form: form, Version: version, Kind: "chat", State: state, PublishedAt: 50,
		Texts:      map[string]api.ConsentText{"en": {Title: "Consent", Points: []string{"one"}, Full: "All.", SHA256: []byte{1}}},
		FormRecord: hub.FormRecord{Queues: []string{"general"}, Authors: []string{"p_1"}, Revision: 2, History: []hub.FormEvent{{At: 1, Person: "p_1", Act: "save"}}},
	}
}

func testForms(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newClinic(t, store), newClinic(t, store)
	put := func(fs ...hub.ConsentForm) error {
		return store.ChangeConsentForms(ctx, here.id, func([]hub.ConsentForm) (hub.FormChange, error) { return hub.FormChange{Put: fs}, nil })
	}
	one, two := formOf(here.id, "chat", 1, hub.FormPublished), formOf(here.id, "chat", 2, hub.FormDraft)
	must(t, put(two, one))
	all, err := store.ConsentForms(ctx, here.id)
	must(t, err)
	same(t, all, []hub.ConsentForm{one, two})
	all, err = store.ConsentForms(ctx, elsewhere.id)
	must(t, err)
	same(t, all, []hub.ConsentForm(nil))

	t.Run("what was published keeps its text (T50)", func(t *testing.T) {
		other := one
		other.Texts = map[string]api.ConsentText{"en": {Title: "More"}}
		wants(t, put(other), hub.ErrConflict)
		other = one
		other.Kind = "email"
		wants(t, put(other), hub.ErrConflict)
		one.State = hub.FormSuperseded
		must(t, put(one))
	})
	t.Run("a draft changes", func(t *testing.T) {
		two.Texts = map[string]api.ConsentText{"en": {Title: "Two"}}
		must(t, put(two))
	})
	t.Run("a change that fails stores nothing", func(t *testing.T) {
		no := errors.New("no")
		wants(t, store.ChangeConsentForms(ctx, here.id, func(all []hub.ConsentForm) (hub.FormChange, error) {
			if len(all) != 2 {
				t.Errorf("%d forms", len(all))
			}
			return hub.FormChange{Put: []hub.ConsentForm{formOf(here.id, "other", 1, hub.FormPublished)}}, no
		}), no)
		wants(t, store.ChangeConsentForms(ctx, newID("t"), func([]hub.ConsentForm) (hub.FormChange, error) { return hub.FormChange{}, nil }), hub.ErrNotFound)
	})
	t.Run("declined", func(t *testing.T) {
		wants(t, store.CountDeclined(ctx, here.id, "chat", 2), hub.ErrNotFound)
		two.State, two.Declined = hub.FormPublished, 2
		must(t, put(two))
		must(t, store.CountDeclined(ctx, here.id, "chat", 2))
		must(t, store.CountDeclined(ctx, here.id, "chat", 2))
		all, err := store.ConsentForms(ctx, here.id)
		must(t, err)
		same(t, all, []hub.ConsentForm{one, two})
	})
}

func settled(due int64) hub.Settle {
	return func([]hub.ConsentForm, []hub.Receipt) (int64, error) { return due, nil }
}

// testMinors holds that a form about minors is asked of who writes for one,
// whatever they are to the child.
func testMinors(t *testing.T, store hub.Store) {
	ctx, here := t.Context(), newClinic(t, store)
	patient, keeper := here.device(api.KindPatient), here.device(api.KindService)
	chats := map[bool]hub.Conversation{}
	for kind, minor := range map[string]bool{"carer": true, "guardian": false} {
		n := here.newConversation(patient, keeper)
		n.Conversation.WritesFor, n.Conversation.ForMinor = kind, minor
		must(t, store.CreateConversation(ctx, n))
		chats[minor] = n.Conversation
	}
	for i, minor := range []bool{true, false} {
		at := int64(120 + i)
		due := hub.FormChange{Due: []hub.Due{{Queue: "general", ForMinor: minor, At: at}}}
		must(t, store.ChangeConsentForms(ctx, here.id, func([]hub.ConsentForm) (hub.FormChange, error) { return due, nil }))
		if got := load(t, store, chats[minor]).ConsentDue; got != at {
			t.Errorf("for a minor %v: due at %d, want %d", minor, got, at)
		}
		if got := load(t, store, chats[!minor]).ConsentDue; got == at {
			t.Errorf("for a minor %v: the other is asked", minor)
		}
	}
}

func testReceipts(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newClinic(t, store), newClinic(t, store)
	patient, keeper := here.device(api.KindPatient), here.device(api.KindService)
	c := here.conversation(patient, keeper)
	list := func(q hub.ReceiptQuery) []hub.Receipt {
		t.Helper()
		q.Practice, q.Limit = here.id, 10
		all, err := store.Receipts(ctx, q)
		must(t, err)
		return all
	}
	first := list(hub.ReceiptQuery{})
	if len(first) != 1 || first[0].Sequence != 1 || first[0].Conversation != c.ID {
		t.Fatalf("with the conversation came %+v", first)
	}
	again := here.receipt(patient, c.ID)
	again.Version, again.ReceivedAt = 2, 150
	beyond := here.receipt(patient, "")
	beyond.Kind, beyond.Form = "email", "mail"

	t.Run("due", func(t *testing.T) {
		ask := func(d hub.Due) {
			must(t, store.ChangeConsentForms(ctx, here.id, func([]hub.ConsentForm) (hub.FormChange, error) { return hub.FormChange{Due: []hub.Due{d}}, nil }))
		}
		isDue := func(want int64) {
			t.Helper()
			if got := load(t, store, c).ConsentDue; got != want {
				t.Errorf("due at %d, want %d", got, want)
			}
		}
		ask(hub.Due{Queue: "general", At: 120, Needs: []hub.Need{{Form: "f", Version: 1}}})
		isDue(0) // it was agreed to
		ask(hub.Due{Queue: "other", At: 120})
		isDue(0)
		ask(hub.Due{Others: []string{"general"}, At: 120})
		isDue(0)
		ask(hub.Due{Queue: "general", ForMinor: true, At: 120})
		isDue(0) // nobody writes for a minor here
		ask(hub.Due{Queue: "general", At: 130, Needs: []hub.Need{{Form: "f", Version: 1, Since: 101}}})
		isDue(130) // too long ago
		ask(hub.Due{Queue: "general", At: 140, Needs: []hub.Need{{Form: "f", Version: 1}}})
		isDue(0)
		ask(hub.Due{Others: []string{"other"}, At: 140, Needs: []hub.Need{{Form: "f", Version: 2}}})
		isDue(140)
		ask(hub.Due{Queue: "general", At: 160})
		isDue(140) // nobody is put off
		open, closed, err := store.CountDue(ctx, here.id, nil, 140)
		must(t, err)
		same(t, [2]int{open, closed}, [2]int{1, 0})
		open, _, err = store.CountDue(ctx, here.id, []string{"other"}, 0)
		must(t, err)
		same(t, open, 0)

		// The patient waits and nobody else does (T29d).
		_, err = store.AppendFrame(ctx, send(c, patient, 1, "too soon"))
		wants(t, err, hub.ErrConsentDue)
		_, err = store.AppendFrame(ctx, send(c, keeper, 1, "goes on"))
		must(t, err)
		early := send(c, patient, 1, "before")
		early.Frame.ReceivedAt = 139
		_, err = store.AppendFrame(ctx, early)
		must(t, err)
	})
	t.Run("agree", func(t *testing.T) {
		no := errors.New("no")
		_, err := store.AddReceipt(ctx, again, func(_ []hub.ConsentForm, given []hub.Receipt) (int64, error) {
			if len(given) != 2 || given[1].Version != 2 {
				t.Errorf("settled by %+v", given)
			}
			return 0, no
		})
		wants(t, err, no)
		if n := len(list(hub.ReceiptQuery{})); n != 1 {
			t.Fatalf("%d receipts after a refusal", n)
		}
		got, err := store.AddReceipt(ctx, again, settled(900))
		must(t, err)
		again.Sequence = 2
		same(t, got, again)
		same(t, load(t, store, c).ConsentDue, int64(900))
		_, err = store.AppendFrame(ctx, send(c, patient, 1, "goes on"))
		must(t, err)
		twice := again
		twice.ID, twice.Signature = newID("r"), []byte("another of the same")
		got, err = store.AddReceipt(ctx, twice, settled(1))
		must(t, err)
		same(t, got, again)
		same(t, load(t, store, c).ConsentDue, int64(900))
		got, err = store.AddReceipt(ctx, beyond, settled(1))
		must(t, err)
		beyond.Sequence = 3
		same(t, got, beyond)
	})
	t.Run("move", func(t *testing.T) {
		to := func(queue string) func(*hub.Conversation) error {
			return func(v *hub.Conversation) error { v.Queue, v.Epoch = queue, 77; return nil }
		}
		no := errors.New("no")
		_, err := store.MoveConversation(ctx, here.id, c.ID, to("other"), func(forms []hub.ConsentForm, given []hub.Receipt) (int64, error) {
			if len(forms) != 0 || len(given) != 2 || given[1].ID != again.ID {
				t.Errorf("settled by %+v, %+v", forms, given)
			}
			return 0, no
		})
		wants(t, err, no)
		want := load(t, store, c)
		same(t, want.Queue, "general")
		want.Queue, want.ConsentDue, want.Revision = "other", 170, want.Revision+1
		got, err := store.MoveConversation(ctx, here.id, c.ID, to("other"), settled(170))
		must(t, err)
		same(t, got, want)
		same(t, load(t, store, c), want)
		late := send(c, patient, 1, "in the other")
		late.Frame.ReceivedAt = 171
		_, err = store.AppendFrame(ctx, late)
		wants(t, err, hub.ErrConsentDue)
		_, err = store.MoveConversation(ctx, elsewhere.id, c.ID, to("general"), settled(0))
		wants(t, err, hub.ErrNotFound)
		_, err = store.MoveConversation(ctx, here.id, c.ID, to("general"), settled(0))
		must(t, err)
		_, err = store.AppendFrame(ctx, late)
		must(t, err)
	})
	t.Run("lists", func(t *testing.T) {
		same(t, list(hub.ReceiptQuery{After: 1}), []hub.Receipt{again, beyond})
		same(t, list(hub.ReceiptQuery{Form: "f", Version: 2}), []hub.Receipt{again})
		same(t, list(hub.ReceiptQuery{Person: patient.Person, Conversations: []string{""}}), []hub.Receipt{beyond})
		same(t, list(hub.ReceiptQuery{ID: beyond.ID}), []hub.Receipt{beyond})
		same(t, list(hub.ReceiptQuery{Person: keeper.Person}), []hub.Receipt(nil))
		none, err := store.Receipts(ctx, hub.ReceiptQuery{Practice: elsewhere.id, Limit: 10})
		must(t, err)
		same(t, none, []hub.Receipt(nil))
	})
	t.Run("take one back", func(t *testing.T) {
		_, err := store.WithdrawReceipt(ctx, here.id, keeper.Person, beyond.ID, 300)
		wants(t, err, hub.ErrNotFound)
		for range 2 {
			got, err := store.WithdrawReceipt(ctx, here.id, patient.Person, beyond.ID, 300)
			must(t, err)
			same(t, got.WithdrawnAt, int64(300))
		}
		// It does not come to life by being shown again (T50).
		_, err = store.AddReceipt(ctx, beyond, settled(0))
		wants(t, err, hub.ErrConsentWithdrawn)
	})
	t.Run("the conversation takes its own with it", func(t *testing.T) {
		_, err := store.UpdateConversation(ctx, here.id, c.ID, func(v *hub.Conversation) error { v.WithdrawnAt = 400; return nil })
		must(t, err)
		for _, r := range list(hub.ReceiptQuery{Conversations: []string{c.ID}}) {
			same(t, r.WithdrawnAt, int64(400))
		}
		late := here.receipt(patient, c.ID)
		late.Version = 3
		_, err = store.AddReceipt(ctx, late, settled(0))
		wants(t, err, hub.ErrConsentWithdrawn)
		counts, err := store.CountReceipts(ctx, here.id)
		must(t, err)
		same(t, counts, []hub.ReceiptCount{
			{Form: "f", Version: 1, Withdrawn: 1}, {Form: "f", Version: 2, Withdrawn: 1}, {Form: "mail", Version: 1, Withdrawn: 1},
		})
		must(t, store.AddDevice(ctx, here.newDevice(patient.Person, api.KindPatient), nil))
	})
	t.Run("a conversation that may not begin", func(t *testing.T) {
		n := here.newConversation(patient, keeper)
		n.Settle = func([]hub.ConsentForm, []hub.Receipt) (int64, error) { return 0, hub.ErrConsentMissing }
		wants(t, store.CreateConversation(ctx, n), hub.ErrConsentMissing)
		_, err := store.Conversation(ctx, here.id, n.Conversation.ID)
		wants(t, err, hub.ErrNotFound)
	})
}
