package hub

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
)

// NewAttachment reserves room for a sealed file in a conversation. Asked again
// with the same id, it says how much of that file has come.
func (h *Hub) NewAttachment(ctx context.Context, c *Caller, conversation string, n api.NewAttachment) (api.Attachment, error) {
	v, err := h.conversation(ctx, c, conversation)
	if err != nil {
		return api.Attachment{}, err
	}
	if err := h.may(c, policy.Attach, h.about(&v)); errors.Is(err, ErrConsentWithdrawn) || errors.Is(err, ErrConsentDue) {
		return api.Attachment{}, err
	} else if err != nil {
		return api.Attachment{}, ErrNotAMember
	}
	switch {
	case !v.has(c.Device.ID):
		return api.Attachment{}, ErrNotAMember
	case n.Size < 1:
		return api.Attachment{}, malformed("size")
	case n.Size > api.MaxAttachmentBytes:
		return api.Attachment{}, ErrTooLarge
	case n.ID != "" && !validID("a", n.ID):
		return api.Attachment{}, malformed("id")
	}
	a := Attachment{
		ID: n.ID, Practice: v.Practice, Conversation: v.ID, Device: c.Device.ID,
		Size: n.Size, CreatedAt: h.millis(),
	}
	if a.ID == "" {
		a.ID = NewID("a")
	} else if begun, err := h.begunFile(ctx, c, a); !errors.Is(err, ErrNotFound) {
		return begun, err
	}
	if v.State == api.StateClosed && !c.Keeper() {
		return api.Attachment{}, ErrClosed
	}
	if err := h.allowDevice("upload", c, h.limits.Uploads); err != nil {
		return api.Attachment{}, err
	}
	pending, err := h.store.PendingBytes(ctx, v.Practice, v.ID)
	if err != nil {
		return api.Attachment{}, at("count unfinished uploads", err)
	}
	if pending+n.Size > h.limits.Pending {
		return api.Attachment{}, ErrFull
	}
	err = h.store.AddAttachment(ctx, a)
	if errors.Is(err, ErrExists) { // the same call, whose answer was lost, was on its way still
		return h.begunFile(ctx, c, a)
	}
	if err != nil {
		return api.Attachment{}, at("store attachment", err)
	}
	return api.Attachment{ID: a.ID, Size: a.Size}, nil
}

// begunFile says how much has come of a file for which room was reserved before, or
// [ErrNotFound].
func (h *Hub) begunFile(ctx context.Context, c *Caller, again Attachment) (api.Attachment, error) {
	a, err := h.store.Attachment(ctx, again.Practice, again.ID)
	if err != nil {
		return api.Attachment{}, err
	}
	if a.Conversation != again.Conversation || a.Device != again.Device || a.Size != again.Size {
		return api.Attachment{}, ErrConflict
	}
	return h.received(ctx, c, a)
}

// attachment loads one of a conversation whose group the caller is in, or
// was: what it may read, its keys decide.
func (h *Hub) attachment(ctx context.Context, c *Caller, id string) (Attachment, error) {
	if !validID("a", id) {
		return Attachment{}, ErrNotFound
	}
	a, err := h.store.Attachment(ctx, c.Device.Practice, id)
	if err != nil {
		return Attachment{}, err
	}
	m, err := h.store.Member(ctx, a.Practice, a.Conversation, c.Device.ID)
	if err != nil { // not found, or not known: a keeper gives up what is not found
		return Attachment{}, err
	}
	if m.Until != 0 {
		return Attachment{}, ErrNotFound
	}
	v, err := h.mayRead(ctx, c, a.Conversation)
	if err != nil { // as when they wrote for somebody else and may no longer
		return Attachment{}, err
	}
	if !v.wants(c.Device.Person) && a.Device != c.Device.ID { // and so will be in the group no longer
		return Attachment{}, ErrNotFound
	}
	if a.CompletedAt == 0 && a.Device != c.Device.ID {
		return Attachment{}, ErrNotFound // only its uploader knows of a part
	}
	return a, nil
}

// Attachment says how much of a sealed file has been received.
func (h *Hub) Attachment(ctx context.Context, c *Caller, id string) (api.Attachment, error) {
	a, err := h.attachment(ctx, c, id)
	if err != nil {
		return api.Attachment{}, err
	}
	return h.received(ctx, c, a)
}

// received says how much of a sealed file there is. It is all only of one that is
// complete, so that whoever hears so can rely on it: one of which all bytes came,
// and whose row was not told, as after a crash between the two, is completed now.
func (h *Hub) received(ctx context.Context, c *Caller, a Attachment) (api.Attachment, error) {
	if a.CompletedAt != 0 {
		return api.Attachment{ID: a.ID, Size: a.Size, Received: a.Size}, nil
	}
	got, err := h.blobs.Length(ctx, a.Practice, a.ID)
	if err != nil {
		return api.Attachment{}, at("measure upload", err)
	}
	if got == a.Size {
		return h.addChunk(ctx, c, a, got, strings.NewReader(""))
	}
	return api.Attachment{ID: a.ID, Size: a.Size, Received: got}, nil
}

// Upload appends a chunk at offset and returns how much has been received.
// What came before r failed is kept, so that the upload resumes from there.
func (h *Hub) Upload(ctx context.Context, c *Caller, id string, offset int64, r io.Reader) (api.Attachment, error) {
	a, err := h.attachment(ctx, c, id)
	if err != nil {
		return api.Attachment{}, err
	}
	if a.Device != c.Device.ID {
		return api.Attachment{}, ErrNotFound
	}
	if a.CompletedAt != 0 {
		if err := h.mayStillAttach(ctx, c, a.Conversation); err != nil {
			return api.Attachment{}, err
		}
		return api.Attachment{}, &OffsetError{Length: a.Size}
	}
	if offset < 0 || offset > a.Size {
		return api.Attachment{}, malformed("Upload-Offset")
	}
	got, err := h.addChunk(ctx, c, a, offset, r)
	if err != nil {
		return api.Attachment{}, err
	}
	// More than was announced is refused; the announced part stands.
	var extra [1]byte
	if n, _ := r.Read(extra[:]); n > 0 {
		return api.Attachment{}, ErrTooLarge
	}
	return got, nil
}

// addChunk adds a chunk to a file, and completes the file once all of it is there.
func (h *Hub) addChunk(ctx context.Context, c *Caller, a Attachment, offset int64, r io.Reader) (api.Attachment, error) {
	if err := h.mayStillAttach(ctx, c, a.Conversation); err != nil {
		return api.Attachment{}, err
	}
	length, err := h.blobs.Append(ctx, a.Practice, a.ID, offset, min(a.Size-offset, api.MaxUploadChunkBytes), r)
	if err == nil && length == a.Size {
		// The bytes are durable: whether their sender still waits is no matter.
		err = h.completeFile(context.WithoutCancel(ctx), c, a)
	}
	if err != nil {
		return api.Attachment{}, at("store chunk", err)
	}
	return api.Attachment{ID: a.ID, Size: a.Size, Received: length}, nil
}

func (h *Hub) completeFile(ctx context.Context, c *Caller, a Attachment) error {
	patient, err := h.patientOf(ctx, a.Practice, a.Conversation)
	if err != nil {
		return err
	}
	added := h.event(ctx, c, audit.FileAdded, a.ID).In(a.Conversation, patient)
	err = h.store.Recording(added).CompleteAttachment(ctx, a.Practice, a.ID, h.millis())
	if errors.Is(err, ErrConflict) { // by another call of the same device, which recorded it
		return nil
	}
	return err
}

// mayStillAttach refuses the rest of a file once consent was taken back: it was
// begun with consent, and that is not enough.
func (h *Hub) mayStillAttach(ctx context.Context, c *Caller, conversation string) error {
	v, err := h.store.Conversation(ctx, c.Device.Practice, conversation)
	if err != nil {
		return at("load conversation", err)
	}
	if err := h.may(c, policy.Attach, h.about(&v)); errors.Is(err, ErrConsentWithdrawn) || errors.Is(err, ErrConsentDue) {
		return err
	}
	return nil
}

// Download opens a complete sealed file. The caller closes it.
func (h *Hub) Download(ctx context.Context, c *Caller, id string) (io.ReadSeekCloser, api.Attachment, error) {
	a, err := h.attachment(ctx, c, id)
	if err != nil {
		return nil, api.Attachment{}, err
	}
	if a.CompletedAt == 0 {
		return nil, api.Attachment{}, ErrNotFound
	}
	if err := h.recordOpening(ctx, c, h.event(ctx, c, audit.FileDownloaded, id), a.Conversation); err != nil {
		return nil, api.Attachment{}, err
	}
	f, err := h.blobs.Open(ctx, a.Practice, id)
	if err != nil {
		return nil, api.Attachment{}, at("open attachment", err)
	}
	return f, api.Attachment{ID: id, Size: a.Size, Received: a.Size}, nil
}

// DropAttachment drops an upload that is not finished. One that is gone is no
// error to its uploader.
func (h *Hub) DropAttachment(ctx context.Context, c *Caller, id string) error {
	a, err := h.attachment(ctx, c, id)
	if err != nil {
		return err
	}
	if a.Device != c.Device.ID {
		return ErrNotFound
	}
	patient, err := h.patientOf(ctx, a.Practice, a.Conversation)
	if err != nil {
		return err
	}
	dropped := h.event(ctx, c, audit.FileDropped, id).In(a.Conversation, patient)
	if err := h.store.Recording(dropped).DeleteAttachment(ctx, a.Practice, id); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return h.blobs.Delete(ctx, a.Practice, id)
}

const (
	// unfinishedAge is how long an upload may take.
	unfinishedAge = 24 * time.Hour
	// mostUnfinished is how many are dropped at once; what is left waits for the
	// next sweep.
	mostUnfinished = 1000
)

// dropUnfinished drops uploads that were begun before a time and never ended.
func (h *Hub) dropUnfinished(ctx context.Context, before time.Time) error {
	all, err := h.store.UnfinishedAttachments(ctx, before.UnixMilli(), mostUnfinished)
	if err != nil {
		return at("list unfinished uploads", err)
	}
	for _, a := range all {
		patient, err := h.patientOf(ctx, a.Practice, a.Conversation)
		if err != nil {
			return at("load whose upload it was", err)
		}
		dropped := h.event(ctx, itself(a.Practice), audit.FileDropped, a.ID).In(a.Conversation, patient)
		err = h.store.Recording(dropped).DeleteAttachment(ctx, a.Practice, a.ID)
		if errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
			continue // it was completed meanwhile, or dropped by another hub
		} else if err != nil {
			return at("drop an unfinished upload", err)
		}
		if err := h.blobs.Delete(ctx, a.Practice, a.ID); err != nil {
			return at("drop the file of an unfinished upload", err)
		}
	}
	return nil
}

// orphanAge is how long a file that no row names is left alone. It is far more
// than an upload may take, so that nothing young is ever lost.
const orphanAge = 7 * 24 * time.Hour

// SweepOrphans deletes files that no row names, which a crash between the
// store and the blobs can leave. Call it about every hour: it looks at every
// file. The files of a practice that the store does not know stay: it may be
// the store that is the wrong one.
func (h *Hub) SweepOrphans(ctx context.Context) error {
	blobs, ok := h.blobs.(Sweeper)
	if !ok {
		return nil
	}
	deleted, err := blobs.Sweep(ctx, h.now().Add(-orphanAge), func(ctx context.Context, practice, id string) (bool, error) {
		if _, err := h.practice(ctx, practice); err != nil {
			return errors.Is(err, ErrNotFound), known(err)
		}
		_, err := h.store.Attachment(ctx, practice, id)
		return err == nil, known(err)
	})
	h.counters.orphans.Add(uint64(deleted))
	if err != nil {
		return at("drop orphaned files", err)
	}
	if deleted > 0 {
		h.log.InfoContext(ctx, "orphaned files dropped", slog.Int("files", deleted))
	}
	return nil
}

// known is nil for an error that says whether something is there.
func known(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
