package device

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/content"
)

// upload brings up the files that wait, the oldest first. A message goes into
// the group once its file is up; text does not wait for it.
func (c *conversation) upload(ctx context.Context) error {
	return errors.Join(c.giveBack(ctx), c.uploadAll(ctx))
}

func (c *conversation) uploadAll(ctx context.Context) error {
	for {
		c.mu.Lock()
		err := c.load(ctx)
		var o outRecord
		if err == nil && c.rec.stage == stageOpen {
			if i := slices.IndexFunc(c.out, c.mustGoUp); i >= 0 {
				o = *c.out[i]
			}
		}
		c.mu.Unlock()
		if err != nil || o.file == nil {
			return err
		}
		if err := c.uploadOne(ctx, &o); err != nil {
			if !lasting(err) {
				return err
			}
			if err := c.alter(ctx, o.number, func(t *txn, o *outRecord) error {
				o.failure = FailureOf(err)
				t.putOut(o)
				t.showOut(o)
				return nil
			}); err != nil {
				return err
			}
		}
	}
}

// fileIsUp reports whether an item has no file, or the hub said on this line
// that it has all of it. It needs c.mu.
func (c *conversation) fileIsUp(o *outRecord) bool {
	return o.file == nil || o.file.up != 0 && o.file.up == c.e.line()
}

// mustGoUp reports whether a file has to be brought up, or looked for where it
// was brought: a hub that came back from a backup lost it, and its message would
// name what nobody can have. It needs c.mu.
func (c *conversation) mustGoUp(o *outRecord) bool {
	if o.file == nil || o.failure != "" || o.position > 0 {
		return false
	}
	return len(o.content) == 0 || c.e.line() != 0 && !c.fileIsUp(o)
}

// numbered returns an outbox item, or nil if it is not there any more. It needs
// c.mu.
func (c *conversation) numbered(number uint64) *outRecord {
	if i := slices.IndexFunc(c.out, func(o *outRecord) bool { return o.number == number }); i >= 0 {
		return c.out[i]
	}
	return nil
}

// alter calls f with an outbox item, if it is there still.
func (c *conversation) alter(ctx context.Context, number uint64, f func(*txn, *outRecord) error) error {
	err := c.with(ctx, func(t *txn) error {
		o := c.numbered(number)
		if o == nil {
			return errUnchanged
		}
		return f(t, o)
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

func (c *conversation) uploadOne(ctx context.Context, o *outRecord) error {
	hub, line := c.e.cfg.Hub, c.e.line()
	if gone, err := c.nameFile(ctx, o); gone || err != nil {
		return err
	}
	var begun *api.Attachment
	if err := c.e.call(ctx, func(ctx context.Context) (err error) {
		begun, err = hub.NewAttachment(ctx, c.id, api.NewAttachment{ID: o.file.attachment, Size: o.file.sealed})
		return err
	}); err != nil {
		c.noRoom(ctx, o.number, codeOf(err) == api.CodeFull)
		return err
	}
	c.noRoom(ctx, o.number, false)
	if begun.ID != o.file.attachment {
		return errors.New("device: the hub keeps the file under another id")
	}
	for offset := begun.Received; offset < o.file.sealed; {
		piece, err := c.e.cfg.Store.Get(ctx, fileKey(o.id, int(offset/pieceSize)))
		if err != nil {
			return storeFailure(err)
		}
		at := int(offset % pieceSize)
		if at >= len(piece) {
			return fail(FailureStorageBlocked, errors.New("a kept file is incomplete"))
		}
		var received int64
		if err := c.e.call(ctx, func(ctx context.Context) (err error) {
			received, err = hub.Upload(ctx, o.file.attachment, offset, piece[at:])
			return err
		}); err != nil {
			if code := codeOf(err); code == api.CodeOffset || code == api.CodeNotFound { // the latter after too long
				return errors.New("device: upload lost its place")
			}
			c.noRoom(ctx, o.number, codeOf(err) == api.CodeFull)
			return err
		}
		if received <= offset {
			return errors.New("device: upload does not move")
		}
		offset = received
		gone, err := c.progress(ctx, o.number, offset)
		if err != nil || gone {
			return err
		}
	}
	return c.uploaded(ctx, o, line)
}

// nameFile gives a file its id at the hub, and keeps it before the hub hears of
// it: however often room is asked for, it is for one file, and can be given back.
func (c *conversation) nameFile(ctx context.Context, o *outRecord) (gone bool, err error) {
	if o.file.attachment != "" {
		return false, nil
	}
	gone = true
	err = c.alter(ctx, o.number, func(t *txn, kept *outRecord) error {
		gone = false
		kept.file.attachment = newID("a_")
		o.file.attachment = kept.file.attachment
		t.putOut(kept)
		return nil
	})
	return gone, err
}

// giveBack tells the hub of the files that were cancelled, until it has heard:
// it keeps room for what has begun.
func (c *conversation) giveBack(ctx context.Context) error {
	prefix := prefixDrop + c.id + "/"
	keys, err := c.e.cfg.Store.Keys(ctx, prefix)
	if err != nil {
		return storeFailure(err)
	}
	for _, key := range keys {
		err := c.e.call(ctx, func(ctx context.Context) error {
			return c.e.cfg.Hub.DropAttachment(ctx, strings.TrimPrefix(key, prefix))
		})
		if err != nil && !lasting(err) {
			return err
		}
		if err := c.e.cfg.Store.Apply(ctx, nil, []string{key}); err != nil {
			return storeFailure(err)
		}
	}
	return nil
}

// progress tells how much of a file is up, and whether it was cancelled.
func (c *conversation) progress(ctx context.Context, number uint64, uploaded int64) (gone bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(ctx); err != nil {
		return false, err
	}
	o := c.numbered(number)
	if o == nil {
		return true, nil
	}
	o.file.uploaded = uploaded
	if line := c.showOut(o); line != nil {
		c.e.events.add(Event{Kind: EventLine, ConversationID: c.id, Line: line})
	}
	return false, nil
}

// noRoom shows whether the hub has no room for something that waits.
func (c *conversation) noRoom(ctx context.Context, number uint64, full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.load(ctx) != nil {
		return
	}
	o := c.numbered(number)
	if o == nil || o.full == full {
		return
	}
	o.full = full
	if line := c.showOut(o); line != nil {
		c.e.events.add(Event{Kind: EventLine, ConversationID: c.id, Line: line})
	}
}

// uploaded makes the message of a file that is up since that line, ready to go.
func (c *conversation) uploaded(ctx context.Context, o *outRecord, line uint64) error {
	defer c.kickSend(true)
	if len(o.content) > 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		if kept := c.numbered(o.number); kept != nil {
			kept.file.up = line
		}
		return nil
	}
	var m *content.Message
	if o.kind == outHistory {
		d := o.describe(o.file.attachment)
		d.External.Description = fmt.Sprint(o.count)
		m = content.NewHistory(o.salt, d.External)
	} else {
		var err error
		if m, err = content.NewFile(o.salt, o.describe(o.file.attachment)); err != nil {
			return fail(FailureTooLarge, err)
		}
	}
	return c.alter(ctx, o.number, func(t *txn, kept *outRecord) error {
		kept.content, kept.file.up = m.Marshal(), line
		t.putOut(kept)
		t.showOut(kept)
		return nil
	})
}
