package storetest

import (
	"errors"
	"strconv"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// event returns one of a clinic's operator.
func (c *clinic) event(k audit.Kind, object string) audit.Event {
	return audit.New(c.t.Context(), 1234, audit.Actor{Practice: c.id, Role: audit.Operator}, k, object)
}

func (c *clinic) waiting() []audit.Event {
	c.t.Helper()
	all, err := c.store.WaitingEvents(c.t.Context(), c.id, 100)
	must(c.t, err)
	return all
}

// unwritten tries an act whose event cannot be written. It must not happen, which
// is for the caller to see.
func (c *clinic) unwritten(what string, act func(hub.Store) error) {
	c.t.Helper()
	before := c.waiting()
	if err := act(c.store.Recording(c.event(audit.DeviceVouched, ""), c.event(audit.DeviceVouched, "a name with blanks"))); !errors.Is(err, audit.ErrEvent) {
		c.t.Errorf("%s, and its event is not there: %v", what, err)
	}
	same(c.t, c.waiting(), before)
}

func testAudit(t *testing.T, store hub.Store) {
	ctx := t.Context()
	t.Run("an act and its events are written together", func(t *testing.T) {
		c := newClinic(t, store)
		d := c.device(api.KindStaff)
		ctx := audit.WithRequest(ctx, audit.Request{ID: "r1", Address: "2001:db8::1"})
		issued := audit.New(ctx, 5, audit.Actor{Practice: c.id, Role: audit.Service, Person: "p_k", Device: "d_k"}, audit.CertificateIssued, d.ID)
		issued = issued.With("role=nurse").By("keeper-certifies")
		must(t, store.Recording(issued).PutCertificate(ctx, c.id, d.ID, []byte("certificate"), nil, 20))
		must(t, store.Recording(c.event(audit.DeviceRevoked, d.ID), c.event(audit.PersonDisabled, d.Person)).RevokeDevice(ctx, c.id, d.ID, 30))
		same(t, c.waiting(), []audit.Event{issued, c.event(audit.DeviceRevoked, d.ID), c.event(audit.PersonDisabled, d.Person)})
	})
	t.Run("T41 an act that fails leaves no event", func(t *testing.T) {
		c := newClinic(t, store)
		d := c.device(api.KindStaff)
		must(t, store.RevokeDevice(ctx, c.id, d.ID, 30))
		recording := store.Recording(c.event(audit.CertificateIssued, d.ID))
		wants(t, recording.PutCertificate(ctx, c.id, d.ID, []byte("certificate"), nil, 20), hub.ErrConflict)
		wants(t, recording.PutCertificate(ctx, c.id, newID("d"), []byte("certificate"), nil, 20), hub.ErrNotFound)
		same(t, c.waiting(), []audit.Event(nil))
	})
	t.Run("T41 an event that cannot be written undoes its act", func(t *testing.T) {
		c := newClinic(t, store)
		d := c.device(api.KindStaff)
		bad := c.event(audit.CertificateIssued, "a name with blanks")
		wants(t, store.Recording(c.event(audit.DeviceVouched, d.ID), bad).PutCertificate(ctx, c.id, d.ID, []byte("certificate"), nil, 20), audit.ErrEvent)
		stored, err := store.Device(ctx, c.id, d.ID)
		must(t, err)
		if stored.CertifiedAt != 0 || len(c.waiting()) != 0 {
			t.Errorf("certified at %d, %v waits", stored.CertifiedAt, c.waiting())
		}
	})
	t.Run("reads and refusals are recorded alone", func(t *testing.T) {
		c := newClinic(t, store)
		read, refused := c.event(audit.PeopleListed, ""), c.event(audit.CallRefused, "c_1").AsRefused("forbidden", "one-practice")
		must(t, store.Record(ctx, read, refused))
		must(t, store.Record(ctx))
		same(t, c.waiting(), []audit.Event{read, refused})
		wants(t, store.Record(ctx, audit.Event{}), audit.ErrEvent)
	})
	t.Run("a frame's event has its position and its patient", func(t *testing.T) {
		c := newClinic(t, store)
		patient, keeper := c.device(api.KindPatient), c.device(api.KindService)
		v := c.conversation(patient, keeper)
		sent := c.event(audit.FrameSent, "").In(v.ID, "")
		shared := c.event(audit.HistoryShared, "").In(v.ID, "")
		a := send(v, patient, 1, "sealed")
		at, err := store.Recording(sent).AppendFrame(ctx, a)
		must(t, err)
		again, err := store.Recording(sent).AppendFrame(ctx, a)
		must(t, err)
		if !again.Duplicate {
			t.Errorf("%+v, want a duplicate", again)
		}
		stale := send(v, patient, 9, "sealed")
		if _, err := store.Recording(sent).AppendFrame(ctx, stale); !errors.As(err, new(*hub.StaleEpochError)) {
			t.Errorf("got %v", err)
		}
		want := sent.In(v.ID, patient.Person)
		want.Object = strconv.FormatUint(at.Position, 10)
		history, err := store.Recording(shared).AppendFrame(ctx, send(v, keeper, 1, "transcript"))
		must(t, err)
		handed := shared.In(v.ID, patient.Person)
		handed.Object = strconv.FormatUint(history.Position, 10)
		same(t, c.waiting(), []audit.Event{want, handed})
	})
}
