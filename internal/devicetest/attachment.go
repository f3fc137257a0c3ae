package devicetest

import (
	"bytes"
	"context"

	"github.com/sotto-health/sotto/api"
)

// NewAttachment implements device.Hub.
func (c *Client) NewAttachment(_ context.Context, id string, n api.NewAttachment) (out *api.Attachment, err error) {
	err = c.in(id, func(*station, *conversation) error {
		name := c.hub.id("a_")
		c.hub.attachments[name] = &file{size: n.Size}
		out = &api.Attachment{ID: name, Size: n.Size}
		return nil
	})
	return out, err
}

// Upload implements device.Hub.
func (c *Client) Upload(_ context.Context, id string, offset int64, data []byte) (received int64, err error) {
	err = c.call("upload", func(*station) error {
		f := c.hub.attachments[id]
		if f == nil {
			return problem(api.CodeNotFound)
		}
		if offset != int64(len(f.data)) {
			return problem(api.CodeOffset)
		}
		f.data = append(f.data, data...)
		received = int64(len(f.data))
		return nil
	})
	return received, err
}

// AttachmentStatus implements device.Hub.
func (c *Client) AttachmentStatus(_ context.Context, id string) (out *api.Attachment, err error) {
	err = c.call("attachment status", func(*station) error {
		f := c.hub.attachments[id]
		if f == nil {
			return problem(api.CodeNotFound)
		}
		out = &api.Attachment{ID: id, Size: f.size, Received: int64(len(f.data))}
		return nil
	})
	return out, err
}

// Download implements device.Hub.
func (c *Client) Download(_ context.Context, id string, offset int64, length int) (out []byte, err error) {
	err = c.call("download", func(*station) error {
		f := c.hub.attachments[id]
		if f == nil || offset > int64(len(f.data)) || int64(len(f.data)) < f.size {
			return problem(api.CodeNotFound)
		}
		out = bytes.Clone(f.data[offset:min(int64(len(f.data)), offset+int64(length))])
		return nil
	})
	return out, err
}

// DropAttachment implements device.Hub.
func (c *Client) DropAttachment(_ context.Context, id string) error {
	return c.call("drop", func(*station) error { delete(c.hub.attachments, id); return nil })
}
