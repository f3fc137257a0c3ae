package storetest

import (
	"errors"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

func testRelations(t *testing.T, store hub.Store) {
	ctx := t.Context()
	c := newClinic(t, store)
	holder, subject := c.device(api.KindPatient), c.device(api.KindPatient)
	relation := func(ends int64) hub.Relation {
		return hub.Relation{
			ID: newID("r"), Practice: c.id, Holder: holder.Person, Subject: subject.Person, Kind: "parent", Minor: true, Queues: []string{"general"},
			Evidence: "birth-certificate", StartsAt: 10, EndsAt: ends, GrantedBy: "p_s", ApprovedBy: "p_t", GrantedAt: 10,
		}
	}
	t.Run("are kept with a new subject", func(t *testing.T) {
		r := relation(0)
		r.Subject = newID("p")
		must(t, store.AddRelation(ctx, r, &hub.Person{ID: r.Subject, Practice: c.id, Kind: api.KindPatient, Role: api.KindPatient, CreatedAt: 1}))
		got, err := store.Relation(ctx, c.id, r.ID)
		must(t, err)
		same(t, got, r)
		_, err = store.Person(ctx, c.id, r.Subject)
		must(t, err)
		_, err = store.Relation(ctx, newClinic(t, store).id, r.ID)
		wants(t, err, hub.ErrNotFound)
	})
	t.Run("are listed for both sides", func(t *testing.T) {
		r := relation(0)
		must(t, store.AddRelation(ctx, r, nil))
		for _, person := range []string{holder.Person, subject.Person} {
			all, err := store.RelationsOf(ctx, c.id, []string{person, "p_other"})
			must(t, err)
			if last := all[len(all)-1]; last.ID != r.ID && all[0].ID != r.ID {
				t.Errorf("not among %v", all)
			}
		}
	})
	t.Run("are shown to who is said to have agreed", func(t *testing.T) {
		stated, own := relation(0), relation(0)
		stated.ApprovedBy, own.ApprovedBy, own.GrantedBy = "p_named", "p_named", "p_named"
		must(t, store.AddRelation(ctx, stated, nil))
		must(t, store.AddRelation(ctx, own, nil))
		named := func(who string, since, now int64) int {
			all, err := store.RelationsStated(ctx, c.id, who, since, now)
			must(t, err)
			return len(all)
		}
		if named("p_named", 10, 20) != 1 || named("p_named", 11, 20) != 0 || named("p_s", 0, 20) != 0 {
			t.Error("others than those that another stated, since then")
		}
		_, err := store.EndRelation(ctx, c.id, stated.ID, "p_named", "error", 15)
		must(t, err)
		if named("p_named", 10, 14) != 1 || named("p_named", 10, 15) != 0 {
			t.Error("one that is over is still shown, or not until then")
		}
		must(t, store.SettleRelation(ctx, c.id, stated.ID))
	})
	t.Run("T22 end, and with them what may be sent and listed", func(t *testing.T) {
		r := relation(1000)
		must(t, store.AddRelation(ctx, r, nil))
		keeper := c.device(api.KindService)
		n := c.newConversation(holder, keeper)
		n.Conversation.WritesFor, n.Conversation.Relation, n.Conversation.ForMinor = "parent", r.ID, true
		must(t, store.CreateConversation(ctx, n))
		v := load(t, store, n.Conversation)
		if v.RelationEnds != 1000 || v.WritesFor != "parent" || !v.ForMinor {
			t.Fatalf("stored as %+v", v)
		}
		standing := func(at int64) int {
			_, _, total, err := store.ListConversations(ctx, hub.ConversationQuery{Practice: c.id, Relation: r.ID, Standing: at, Order: hub.ByCreated, Limit: 5})
			must(t, err)
			return total
		}
		at := func(from hub.Device, when int64) error {
			a := send(n.Conversation, from, 1, "x")
			a.Frame.ReceivedAt = when
			_, err := store.AppendFrame(ctx, a)
			return err
		}
		must(t, at(holder, 999))
		if standing(999) != 1 || standing(1000) != 0 || standing(0) != 1 {
			t.Error("the list does not follow the grant")
		}
		wants(t, at(holder, 1000), hub.ErrNotAMember)
		must(t, at(keeper, 1001))

		ended, err := store.EndedRelations(ctx, 1000, 10)
		must(t, err)
		if len(ended) != 1 || ended[0].ID != r.ID {
			t.Fatalf("ended: %v", ended)
		}
		c.unwritten("a grant is settled", func(s hub.Store) error { return s.SettleRelation(ctx, c.id, r.ID) })
		if ended, err = store.EndedRelations(ctx, 2000, 10); err != nil || len(ended) != 1 {
			t.Errorf("settled, and nothing says so: %v, %v", ended, err)
		}
		must(t, store.SettleRelation(ctx, c.id, r.ID))
		wants(t, store.SettleRelation(ctx, c.id, r.ID), hub.ErrNotFound)
		if ended, err = store.EndedRelations(ctx, 2000, 10); err != nil || len(ended) != 0 {
			t.Errorf("still: %v, %v", ended, err)
		}
		wants(t, store.SettleRelation(ctx, c.id, newID("r")), hub.ErrNotFound)
	})
	t.Run("T22 what is confidential is not for who writes for another", func(t *testing.T) {
		keeper := c.device(api.KindService)
		n := c.newConversation(holder, keeper)
		n.Conversation.WritesFor = "parent"
		must(t, store.CreateConversation(ctx, n))
		own := c.conversation(holder, keeper)
		for _, v := range []hub.Conversation{n.Conversation, own} {
			_, err := store.UpdateConversation(ctx, c.id, v.ID, func(v *hub.Conversation) error { v.Confidential = true; return nil })
			must(t, err)
		}
		_, err := store.AppendFrame(ctx, send(n.Conversation, holder, 1, "x"))
		wants(t, err, hub.ErrNotAMember)
		_, err = store.AppendFrame(ctx, send(own, holder, 1, "x"))
		must(t, err)
	})
	t.Run("are taken back once", func(t *testing.T) {
		r := relation(5000)
		must(t, store.AddRelation(ctx, r, nil))
		got, err := store.EndRelation(ctx, c.id, r.ID, "p_s", "safety", 20)
		must(t, err)
		r.EndsAt, r.EndedBy, r.EndReason = 20, "p_s", "safety"
		same(t, got, r)
		_, err = store.EndRelation(ctx, c.id, r.ID, "p_s", "safety", 30)
		wants(t, err, hub.ErrConflict)
		_, err = store.EndRelation(ctx, c.id, newID("r"), "p_s", "safety", 30)
		wants(t, err, hub.ErrNotFound)
	})
}

func testPersonLinks(t *testing.T, store hub.Store) {
	ctx := t.Context()
	c := newClinic(t, store)
	l := hub.PersonLink{ID: newID("l"), Practice: c.id, Person: "p_a", Other: "p_b", Reason: "duplicate", LinkedBy: "p_s", LinkedAt: 5}
	must(t, store.AddPersonLink(ctx, l))
	again := l
	again.ID = newID("l")
	wants(t, store.AddPersonLink(ctx, again), hub.ErrExists)
	for _, person := range []string{"p_a", "p_b"} {
		all, err := store.PersonLinksOf(ctx, c.id, []string{person})
		must(t, err)
		same(t, all, []hub.PersonLink{l})
	}
	undone, err := store.UndoPersonLink(ctx, c.id, l.ID, "p_t", "mistake", 9)
	must(t, err)
	l.UndoneBy, l.UndoneAt, l.UndoneFor = "p_t", 9, "mistake"
	same(t, undone, l)
	_, err = store.UndoPersonLink(ctx, c.id, l.ID, "p_t", "other", 10)
	wants(t, err, hub.ErrNotFound)
	again.LinkedAt = 7
	must(t, store.AddPersonLink(ctx, again)) // and can be made again
	twin := hub.PersonLink{ID: newID("l"), Practice: c.id, Person: "p_b", Other: "p_c", Reason: "other", LinkedBy: "p_s", LinkedAt: 7}
	must(t, store.AddPersonLink(ctx, twin))
	ring := hub.PersonLink{ID: newID("l"), Practice: c.id, Person: "p_a", Other: "p_c", Reason: "other", LinkedBy: "p_s", LinkedAt: 7}
	wants(t, store.AddPersonLink(ctx, ring), hub.ErrExists) // they are one by the two links
	newest := []hub.PersonLink{again, twin, l}
	if again.ID < twin.ID {
		newest[0], newest[1] = twin, again
	}
	list := func(q hub.PersonLinkQuery) []hub.PersonLink {
		t.Helper()
		if q.Practice == "" {
			q.Practice = c.id
		}
		all, err := store.ListPersonLinks(ctx, q)
		must(t, err)
		return all
	}
	same(t, list(hub.PersonLinkQuery{Limit: 9}), newest)
	same(t, list(hub.PersonLinkQuery{Limit: 2}), newest[:2])
	same(t, list(hub.PersonLinkQuery{Before: newest[0].LinkedAt, BeforeID: newest[0].ID, Limit: 9}), newest[1:])
	same(t, list(hub.PersonLinkQuery{Standing: "standing", Limit: 9}), newest[:2])
	same(t, list(hub.PersonLinkQuery{Standing: "undone", Limit: 9}), newest[2:])
	same(t, list(hub.PersonLinkQuery{Person: "p_c", Limit: 9}), []hub.PersonLink{twin})
	if all := list(hub.PersonLinkQuery{Practice: newClinic(t, store).id, Limit: 9}); len(all) != 0 {
		t.Errorf("another practice sees %v", all)
	}
	TestLinkRings(t, store, store, store)
}

// TestLinkRings: three links of three persons that three hubs make at once make
// no ring, though none sees the others.
func TestLinkRings(t *testing.T, stores ...hub.Store) {
	t.Helper()
	c := newClinic(t, stores[0])
	for range 5 {
		a, b, d := newID("p"), newID("p"), newID("p")
		made := make(chan error, 3)
		for i, pair := range [][2]string{{a, b}, {b, d}, {a, d}} {
			go func() {
				made <- stores[i].AddPersonLink(t.Context(), hub.PersonLink{ID: newID("l"), Practice: c.id, Person: pair[0], Other: pair[1], Reason: "other", LinkedBy: "p_s", LinkedAt: 7})
			}()
		}
		rings := 0
		for range 3 {
			if err := <-made; errors.Is(err, hub.ErrExists) {
				rings++
			} else if err != nil {
				t.Error(err)
			}
		}
		if rings != 1 {
			t.Errorf("of three links of three persons %d were refused", rings)
		}
	}
}

func testInvitations(t *testing.T, store hub.Store) {
	ctx := t.Context()
	c := newClinic(t, store)
	invite := func() hub.Invitation {
		t.Helper()
		i := hub.Invitation{
			ID: newID("i"), Practice: c.id, Token: newToken(), Queue: "general", Language: "en", Level: "contact", Staff: "p_s", Channel: "link",
			CreatedAt: 10, ExpiresAt: 100,
		}
		must(t, store.AddInvitation(ctx, i))
		return i
	}
	holder, other := newToken(), newToken()
	t.Run("T57 bound to the first who opens", func(t *testing.T) {
		i := invite()
		got, err := store.OpenInvitation(ctx, c.id, i.Token, holder, 20)
		must(t, err)
		i.OpenedAt = 20
		same(t, got, i)
		_, err = store.OpenInvitation(ctx, c.id, i.Token, other, 21)
		wants(t, err, hub.ErrNotFound)
		got, err = store.OpenInvitation(ctx, c.id, i.Token, holder, 30)
		must(t, err)
		same(t, got, i)
		_, err = store.OpenInvitation(ctx, c.id, i.Token, holder, 100)
		wants(t, err, hub.ErrNotFound)
		_, err = store.OpenInvitation(ctx, newClinic(t, store).id, i.Token, holder, 30)
		wants(t, err, hub.ErrNotFound)
	})
	t.Run("T57 spent once, by who holds it", func(t *testing.T) {
		i := invite()
		_, err := store.OpenInvitation(ctx, c.id, i.Token, holder, 20)
		must(t, err)
		patient, keeper := c.device(api.KindPatient), c.device(api.KindService)
		begin := func(holder [32]byte, at int64) (hub.NewConversation, error) {
			n := c.newConversation(patient, keeper)
			n.Invitation = &hub.SpentInvitation{Token: i.Token, Holder: holder, At: at}
			return n, store.CreateConversation(ctx, n)
		}
		n, err := begin(other, 21)
		wants(t, err, hub.ErrNotFound)
		_, err = store.Conversation(ctx, c.id, n.Conversation.ID)
		wants(t, err, hub.ErrNotFound)
		_, err = begin(holder, 100)
		wants(t, err, hub.ErrNotFound)
		n, err = begin(holder, 22)
		must(t, err)
		_, err = begin(holder, 23)
		wants(t, err, hub.ErrNotFound)
		i.OpenedAt, i.UsedAt, i.Conversation = 20, 22, n.Conversation.ID
		got, err := store.InvitationByToken(ctx, c.id, i.Token)
		must(t, err)
		same(t, got, i)
		to, err := store.InvitationsTo(ctx, c.id, []string{n.Conversation.ID})
		must(t, err)
		same(t, to, []hub.Invitation{i})
		_, err = store.RevokeInvitation(ctx, c.id, i.ID, "p_s", 30)
		wants(t, err, hub.ErrConflict)
	})
	t.Run("sent to a contact, or not", func(t *testing.T) {
		i := hub.Invitation{
			ID: newID("i"), Practice: c.id, Token: newToken(), Queue: "general", Language: "en", Level: "contact", Staff: "p_s", Channel: "email",
			Contact: []byte("sealed"), CreatedAt: 11, ExpiresAt: 100,
		}
		must(t, store.AddInvitation(ctx, i))
		must(t, store.FailInvitation(ctx, c.id, i.ID, 12))
		wants(t, store.FailInvitation(ctx, newClinic(t, store).id, i.ID, 13), hub.ErrNotFound)
		i.FailedAt = 12
		got, err := store.InvitationByToken(ctx, c.id, i.Token)
		must(t, err)
		same(t, got, i)
	})
	t.Run("T57 taken back by who made it", func(t *testing.T) {
		i := invite()
		_, err := store.RevokeInvitation(ctx, c.id, i.ID, "p_t", 30)
		wants(t, err, hub.ErrNotFound)
		got, err := store.RevokeInvitation(ctx, c.id, i.ID, "p_s", 30)
		must(t, err)
		i.RevokedAt = 30
		same(t, got, i)
		_, err = store.OpenInvitation(ctx, c.id, i.Token, holder, 31)
		wants(t, err, hub.ErrNotFound)
		all, err := store.InvitationsBy(ctx, c.id, "p_s", 2)
		must(t, err)
		if len(all) != 2 {
			t.Errorf("%d listed", len(all))
		}
	})
}
