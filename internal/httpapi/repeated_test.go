package httpapi_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
)

// A repeat is a call of a route that unlogged calls one: again leaves no event,
// because first has done it already.
type repeat struct {
	route  string
	first  func() error
	again  func() error // nil is first once more
	stores string       // what again stores all the same; empty if that is nothing
}

// repeats has one for each such route. Those about one chat follow each other.
func (w *world) repeats() []repeat {
	w.t.Helper()
	patient, dana, eli := w.patient(), w.staff("dana"), w.staffAs(w.clinic, "supervisor", "eli")
	begun, founding := patient.founding("nurse")
	chat, other := patient.open("nurse"), patient.open("nurse")
	frame := patient.seal(chat, "hello")
	stranger := w.newDevice(w.clinic)
	list, err := patient.Agreements(w.ctx)
	w.must(err)
	act := func(d *device, id, name string) func() error {
		return func() error { _, err := d.Act(w.ctx, id, name); return err }
	}
	enter := func(d *device, id, name string) func() error {
		return func() error { _, err := d.Client.Act(w.ctx, id, name, "asked"); return err }
	}
	return []repeat{
		{route: "put /v1/conversations/{id}", first: func() error {
			_, err := patient.CreateConversation(w.ctx, begun, founding)
			return err
		}},
		{route: "post /v1/guests", first: func() error {
			proof, err := stranger.Prove(w.ctx, stranger.signer, certificate.PurposeRegister, w.clinic.ID)
			w.must(err)
			_, err = stranger.NewGuest(w.ctx, api.NewGuest{Practice: w.clinic.Slug, PublicKey: stranger.signer.Public(), Proof: proof})
			return err
		}, stores: "that its proof is used"},
		{route: "post /v1/key-packages", first: func() error { dana.publish(1); return nil }, again: func() error {
			return dana.PublishKeyPackages(w.ctx, api.PublishKeyPackages{})
		}},
		{route: "post /v1/conversations/{id}/frames", first: func() error { _, err := patient.Send(w.ctx, chat, frame); return err }},
		{route: "post /v1/conversations/{id}/take", first: act(dana, chat, "take")},
		{route: "post /v1/conversations/{id}/join", first: enter(eli, chat, "join")},
		{route: "post /v1/conversations/{id}/leave", first: act(eli, chat, "leave")},
		{route: "post /v1/conversations/{id}/take-over", first: enter(eli, chat, "take-over")},
		{route: "post /v1/staff/conversations/{id}/colleagues", first: func() error {
			eli.asks("POST /v1/staff/conversations/"+chat+"/colleagues", api.BringColleague{Person: dana.person}, nil, http.StatusOK)
			return nil
		}},
		{route: "post /v1/conversations/{id}/withdraw", first: act(patient, chat, "withdraw")},
		{route: "post /v1/consents/{id}/withdraw", first: func() error {
			i := slices.IndexFunc(list.Agreements, func(a api.Agreement) bool { return a.Conversation == other })
			_, err := patient.WithdrawConsent(w.ctx, list.Agreements[i].ID)
			return err
		}},
	}
}

// TestT41RepeatsChangeNothing: a call that may leave no event because what it asks
// for is there already follows one that left its event, and stores nothing.
func TestT41RepeatsChangeNothing(t *testing.T) {
	w := newWorld(t)
	tried := make(map[string]bool)
	for _, r := range w.repeats() {
		tried[r.route] = true
		if !strings.HasPrefix(unlogged[r.route], repeated) {
			t.Errorf("%s is not said to be repeated", r.route)
		}
		before := w.kinds()
		if err := r.first(); err != nil {
			t.Fatalf("%s: %v", r.route, err)
		}
		first, disk := w.kinds(), w.disk()
		if !slices.ContainsFunc(strings.Fields(leaves[r.route]), func(kind string) bool { return first[kind] > before[kind] }) {
			t.Errorf("%s leaves none of %s: %v", r.route, leaves[r.route], first)
		}
		if r.again == nil {
			r.again = r.first
		}
		if err := r.again(); err != nil {
			t.Fatalf("%s, once more: %v", r.route, err)
		}
		if again := w.kinds(); !maps.Equal(again, first) {
			t.Errorf("%s, once more, leaves an event, and is no exception: %v", r.route, again)
		}
		if changed := w.disk() != disk; changed != (r.stores != "") {
			t.Errorf("%s, once more, leaves no event; it stores something: %v, want %q", r.route, changed, r.stores)
		}
	}
	for route, why := range unlogged {
		if strings.HasPrefix(why, repeated) && !tried[route] {
			t.Errorf("%s is said to be repeated, and nobody does so here", route)
		}
	}
}
