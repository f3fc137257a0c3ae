package device

import (
	"fmt"

	"github.com/sotto-health/sotto/internal/content"
)

// Dump describes where the engine's conversations are, for a test that waits in
// vain.
func Dump(e *Engine) string {
	out := fmt.Sprintf("connection %s certificate %d device %s\n", e.connection, len(e.id.certificate), e.id.device)
	for _, c := range e.all() {
		c.mu.Lock()
		if c.loaded {
			out += fmt.Sprintf("%s stage %d cursor %d head %d own %v ownAt %d broken %v out %d send %v/%v receive %v/%v\n", c.id, c.rec.stage, c.rec.cursor, c.rec.head, c.own != nil, c.ownAt, c.broken, len(c.out),
				c.sending.running, c.sending.again, c.receiving.running, c.receiving.again)
			for _, o := range c.out {
				out += fmt.Sprintf("  out %d kind %d payload %d position %d failure %q content %d\n", o.number, o.kind, len(o.payload), o.position, o.failure, len(o.content))
			}
		} else {
			out += c.id + " not loaded\n"
		}
		c.mu.Unlock()
	}
	return out
}

// Unload makes the engine let go of what it has in memory, as after a long idle
// time.
func Unload(e *Engine) {
	for _, c := range e.all() {
		c.unload(e.cfg.Now().Add(2 * idleAfter))
	}
}

// Loaded returns how many conversations the engine has in memory.
func Loaded(e *Engine) (n int) {
	for _, c := range e.all() {
		c.mu.Lock()
		if c.loaded {
			n++
		}
		c.mu.Unlock()
	}
	return n
}

// ForgeRecall sends word that takes another person's message back, as only a
// device with other code would.
func ForgeRecall(e *Engine, conversation, message string) error {
	c, key, err := e.locate(e.ctx, message)
	if err != nil {
		return err
	}
	if err := c.with(e.ctx, func(t *txn) error {
		l, err := c.line(e.ctx, key)
		if err != nil {
			return err
		}
		t.control(outControl, content.NewRecall(randomBytes(content.SaltSize), mimiID(conversation, l), content.RecallOther))
		return nil
	}); err != nil {
		return err
	}
	c.kickSend(true)
	return nil
}
