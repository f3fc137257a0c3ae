package device

import (
	"context"
	"errors"
	"slices"

	"github.com/sotto-health/sotto/mls/wire"
)

// holdBack keeps what has waited from who is less well known by now than when it
// was written, also what was sealed as the line went: that stays sealed, as it may
// come to the hub all the same; see atLarge. Its author says whether it goes: [Engine.Retry].
// It reports whether what is next has to be looked at again.
func (c *conversation) holdBack(ctx context.Context) (again bool, err error) {
	c.mu.Lock()
	next := c.nextOut()
	ask := next != nil && c.waited(next)
	c.mu.Unlock()
	if !ask {
		return false, nil
	}
	refused := c.askSummary(ctx)
	if refused != nil && !lasting(refused) {
		return false, refused
	}
	err = c.with(ctx, func(t *txn) error {
		if refused == nil && c.rec.head > c.rec.cursor { // it may be in the log
			again = true
			return errUnchanged
		}
		held := false
		for _, o := range c.out {
			switch {
			case o.position > 0 || o.failure != "":
				continue
			case refused != nil && o.number == next.number:
				t.notSent(o, refused)
				again = true
			case refused == nil && c.shown(o) < o.shown:
				o.failure = FailureCancelled
				again = again || c.atLarge(o)
				t.putOut(o)
				t.showOut(o)
			default:
				continue
			}
			held = true
		}
		if !held {
			return errUnchanged
		}
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return again, nil
	}
	c.e.tellConnection()
	return again, err
}

// waited reports whether the patient may be less well known by now than when o
// was written: they are, or the line went since, and the hub has yet to be asked.
func (c *conversation) waited(o *outRecord) bool {
	return o.shown > 0 && (c.shown(o) < o.shown || o.line == 0 || o.line != c.e.line())
}

// atLarge reports whether an item that is not to go is sealed in the group's
// present epoch: it may still come to the hub, from wherever it stuck on the way.
// So nothing else may have its number, until a commit, which this device makes
// for it, has begun an epoch in which the hub refuses it. It needs c.mu.
func (c *conversation) atLarge(o *outRecord) bool {
	if o.payload == nil || o.failure == "" || o.position > 0 || c.group == nil {
		return false
	}
	m, err := wire.ParseMessage(o.payload)
	return err == nil && m.Private != nil && m.Private.Epoch == c.group.Epoch()
}

// disown keeps of a cancelled item that is at large by what it is known if it
// comes after all.
func (t *txn) disown(o *outRecord) {
	o.kind, o.id, o.file = outControl, "", nil
	t.c.out = append(t.c.out, o)
	t.putOut(o)
}

// forgetDisowned drops what can not come any more.
func (t *txn) forgetDisowned() {
	for _, o := range slices.Clone(t.c.out) {
		if o.kind == outControl && o.failure != "" && !t.c.atLarge(o) {
			t.drop(o)
		}
	}
}
