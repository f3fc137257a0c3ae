//go:build linux

package proof

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/sotto-health/sotto/internal/device"
)

// TestKeeperAway stops the keeper for a while. A conversation that is under way
// goes on. A new patient begins and types; what they typed waits on their device
// and goes out by itself once the keeper is back, which then has all of it.
func TestKeeperAway(t *testing.T) {
	c := newClinic(t, t.TempDir())
	nurse := c.staff(t, "dana.ortiz")
	before := newPatient(t, c.clients.url())
	old := before.open("Before")
	before.say(old, "one")
	nurse.take(old)
	nurse.sees(old, "one")

	c.keeper.stop()
	before.say(old, "two")
	nurse.sees(old, "two")
	nurse.say(old, "three")
	before.sees(old, "three")
	newcomer := newPatient(t, c.clients.url())
	fresh := newcomer.open("Newcomer")
	typed := []string{"is anybody there?", "I will wait"}
	for _, text := range typed {
		newcomer.say(fresh, text)
	}
	waiting := func() error {
		lines, err := newcomer.lines(fresh)
		if err != nil {
			return err
		}
		n := 0
		for _, l := range lines {
			if l.Message != nil && l.Message.State != nil && l.Message.State.Kind != device.StateFailed {
				n++
			}
		}
		if n != len(typed) {
			return fmt.Errorf("%d of %d messages wait", n, len(typed))
		}
		return nil
	}
	eventually(t, "the newcomer sees what waits", waiting)
	// It survives a reload of the page.
	newcomer.begins()
	eventually(t, "and sees it after a reload", waiting)
	if err := nurse.now().Act(t.Context(), fresh, "take"); err == nil {
		t.Error("a conversation was founded without a keeper")
	}

	c.keeper.start()
	nurse.take(fresh)
	nurse.sees(fresh, typed...)
	nurse.say(fresh, "here we are")
	newcomer.sees(fresh, "here we are")
	for id, want := range map[string][]string{old: {"one", "two", "three"}, fresh: append(typed, "here we are")} {
		eventually(t, "the record has caught up", func() error {
			texts, err := recorded(c.keepData, id, "--hub", "http://"+c.address)
			if err == nil && !slices.Equal(texts, want) {
				err = errors.New(fmt.Sprint("holds ", texts))
			}
			return err
		})
	}
}
