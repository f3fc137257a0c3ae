package devicetest

import (
	"bytes"
	"context"

	"github.com/sotto-health/sotto/api"
)

// A file is complete once the hub has noted that all of it came: having its
// bytes is not enough, and nobody but who sends it gets it before.
type file struct {
	conversation string
	size         int64
	data         []byte
	complete     bool
}

// SetRoom sets how many bytes the unfinished files of a conversation may take
// up. 0 is no limit.
func (h *Hub) SetRoom(n int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.room = n
}

// Unfinished returns how many files have been begun and are not complete.
func (h *Hub) Unfinished() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.attachments {
		if !f.complete {
			n++
		}
	}
	return n
}

// LoseFiles makes the hub forget every file, as one that came back from a backup
// forgets what came after.
func (h *Hub) LoseFiles() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.attachments)
}

// NewAttachment implements device.Hub.
func (c *Client) NewAttachment(_ context.Context, id string, n api.NewAttachment) (out *api.Attachment, err error) {
	err = c.call("new attachment", func(*station) error {
		f := c.hub.attachments[n.ID]
		if f == nil {
			taken := n.Size
			for _, other := range c.hub.attachments {
				if other.conversation == id && !other.complete {
					taken += other.size
				}
			}
			if c.hub.room > 0 && taken > c.hub.room {
				return problem(api.CodeFull)
			}
			f = &file{conversation: id, size: n.Size}
			c.hub.attachments[n.ID] = f
		}
		if f.conversation != id || f.size != n.Size {
			return problem(api.CodeConflict)
		}
		if err := c.finish(f); err != nil {
			return err
		}
		out = &api.Attachment{ID: n.ID, Size: f.size, Received: int64(len(f.data))}
		return nil
	})
	return out, err
}

// finish completes a file of which all is there. It needs hub.mu.
func (c *Client) finish(f *file) error {
	if f.complete || int64(len(f.data)) < f.size {
		return nil
	}
	if c.hub.incomplete > 0 {
		c.hub.incomplete--
		return problem(api.CodeUnavailable)
	}
	f.complete = true
	return nil
}

// FailToComplete makes the hub fail to note that a file is complete, n times.
func (h *Hub) FailToComplete(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.incomplete = n
}

// Upload implements device.Hub.
func (c *Client) Upload(_ context.Context, id string, offset int64, data []byte) (received int64, err error) {
	err = c.call("upload", func(*station) error {
		f := c.hub.attachments[id]
		if f == nil {
			return problem(api.CodeNotFound)
		}
		if f.complete || offset != int64(len(f.data)) {
			return problem(api.CodeOffset)
		}
		f.data = append(f.data, data...)
		received = int64(len(f.data))
		return c.finish(f)
	})
	return received, err
}

// Download implements device.Hub.
func (c *Client) Download(_ context.Context, id string, offset int64, length int) (out []byte, err error) {
	err = c.call("download", func(*station) error {
		f := c.hub.attachments[id]
		if f == nil || !f.complete || offset > f.size {
			return problem(api.CodeNotFound)
		}
		out = bytes.Clone(f.data[offset:min(f.size, offset+int64(length))])
		return nil
	})
	return out, err
}

// DropAttachment implements device.Hub.
func (c *Client) DropAttachment(_ context.Context, id string) error {
	return c.call("drop", func(*station) error {
		f := c.hub.attachments[id]
		if f == nil {
			return problem(api.CodeNotFound)
		}
		if f.complete {
			return problem(api.CodeConflict)
		}
		delete(c.hub.attachments, id)
		return nil
	})
}
