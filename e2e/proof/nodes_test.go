//go:build linux

package proof

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/store/postgres/postgrestest"
)

// TestTwoHubsOnOneDatabase has a patient at one hub and a nurse at another, on
// one PostgreSQL: what is said, typed, read and who is there goes from one to
// the other. Then each hub is killed in turn: its people come to the other, and
// everything said is there once, in order.
func TestTwoHubsOnOneDatabase(t *testing.T) {
	t.Setenv("SOTTO_POSTGRES", postgrestest.NewDatabase(t))
	c := newClinic(t, t.TempDir())
	first, second := c.address, freeAddress(t)
	hubs := map[string]*process{
		first:  c.hub,
		second: start(t, "sotto-hub", "--data", c.hubData, "serve", "--listen", second),
	}
	awaitReady(t, second)
	c.keeperTap.route(first, second)
	toFirst, toSecond := newTap(t, first, second), newTap(t, second, first)

	nurse := c.staffAt(t, "dana.ortiz", toSecond.url())
	patient := newPatient(t, toFirst.url())
	id := patient.open("Sam")
	want := []string{"from the first hub"}
	patient.say(id, want[0])
	nurse.take(id) // the keeper, at the first hub, lets the nurse in
	nurse.sees(id, want...)
	exchange := func(when string) {
		t.Helper()
		for _, pair := range []struct {
			from, to *person
			who      string
		}{{patient, nurse, "patient"}, {nurse, patient, "nurse"}} {
			text := when + " by the " + pair.who
			message := pair.from.say(id, text)
			want = append(want, text)
			pair.to.sees(id, text)
			lines, err := pair.to.lines(id)
			if err != nil {
				t.Fatal(err)
			}
			if err := pair.to.now().MarkRead(t.Context(), id, positionOf(lines[len(lines)-1])); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the "+pair.who+" sees that it was read", func() error { return isRead(pair.from, id, message) })
		}
	}
	exchange("at first")
	eventually(t, "the patient sees the nurse type", func() error {
		if err := nurse.now().SetTyping(t.Context(), id, true); err != nil {
			return err
		}
		if v := view(patient, id); v == nil || len(v.Typing) == 0 {
			return errors.New("nobody types")
		}
		return nil
	})
	for _, p := range []*person{patient, nurse} {
		eventually(t, "each sees that the other is there", func() error { return allOnline(p, id) })
	}

	for round, down := range []string{first, second} {
		hubs[down].kill()
		exchange(fmt.Sprint("with hub ", round+1, " down"))
		hubs[down].start()
		awaitReady(t, down)
		// Those who came over stay; new connections go where they should.
		exchange(fmt.Sprint("with hub ", round+1, " up again"))
	}
	for _, p := range []*person{patient, nurse} {
		eventually(t, "each has everything once, in order", func() error {
			texts, err := p.texts(id)
			if err == nil && !slices.Equal(texts, want) {
				err = fmt.Errorf("sees %q, want %q", texts, want)
			}
			return err
		})
	}
	eventually(t, "the record has everything once, in order", func() error {
		texts, err := recorded(c.keepData, id, "--hub", "http://"+c.address)
		if err == nil && !slices.Equal(texts, want) {
			err = fmt.Errorf("holds %q", texts)
		}
		return err
	})
}

func view(p *person, id string) *device.Conversation {
	all, err := p.now().Conversations(p.t.Context())
	if err != nil {
		return nil
	}
	for i := range all {
		if all[i].ID == id {
			return &all[i]
		}
	}
	return nil
}

// allOnline says who of a conversation's people is not shown as there.
func allOnline(p *person, id string) error {
	v := view(p, id)
	if v == nil || len(v.Members) < 3 {
		return errors.New("not all are in")
	}
	for _, m := range v.Members {
		if !m.Online && !m.Me && m.Kind != "service" {
			return fmt.Errorf("the %s is away", m.Kind)
		}
	}
	return nil
}

func isRead(p *person, id, message string) error {
	lines, err := p.lines(id)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.Message != nil && l.Message.ID == message && l.Message.State != nil && l.Message.State.Kind == device.StateRead {
			return nil
		}
	}
	return errors.New("not yet")
}
