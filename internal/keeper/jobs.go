package keeper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/sotto-health/sotto/internal/attachment"
	"github.com/sotto-health/sotto/internal/content"
	"github.com/sotto-health/sotto/internal/device"
)

// Keys of the keeper's own in the device's store. The engine uses none that
// begin so.
const (
	prefixUsed  = "k/used/"  // + key package reference: it was used
	prefixShare = "k/share/" // + conversation / position: somebody came in there who lacks what was before
	prefixFile  = "k/file/"  // + conversation / attachment: its sealed size
)

// sink takes what the device has verified to the archive, and then keeps the
// jobs that come of it: who hands a transcript over finds all of it there. After
// a crash between the two the records come again, and so do the jobs.
type sink struct{ k *Keeper }

// Record implements device.Sink.
func (s sink) Record(ctx context.Context, conversation string, records []device.Record) error {
	jobs := map[string][]byte{}
	archived := make([]Record, 0, len(records))
	for _, r := range records {
		switch r.Kind {
		case device.NoticeJoined, device.NoticeDeviceAdded:
			// The first commit brings in the patient and the keeper, who miss
			// nothing.
			if r.Position > 1 && r.Person != s.k.cfg.Device.Person {
				jobs[fmt.Sprintf("%s%s/%016x", prefixShare, conversation, r.Position)] = []byte{1}
			}
		case device.RecordMessage:
			if id, size := fileOf(r.Content); id != "" {
				jobs[prefixFile+conversation+"/"+id] = []byte(strconv.FormatInt(size, 10))
			}
		}
		archived = append(archived, Record{
			Position: r.Position, Index: r.Index, Kind: r.Kind, At: r.At, Person: r.Person, Device: r.Device,
			Sender: r.Sender, Content: r.Content, Rule: r.Rule,
		})
	}
	if err := s.k.cfg.Archive.Append(ctx, conversation, archived); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	if len(jobs) == 0 {
		return nil
	}
	if err := s.k.cfg.Store.Apply(ctx, jobs, nil); err != nil {
		return fmt.Errorf("keep jobs: %w", err)
	}
	wake(s.k.jobs)
	return nil
}

// fileOf returns the attachment that a message names and its sealed size, or "".
func fileOf(encoded []byte) (id string, sealed int64) {
	m, err := content.Parse(encoded)
	if err != nil {
		return "", 0
	}
	body, err := m.Body()
	if err != nil || body.File == nil {
		return "", 0
	}
	size := body.File.External.Size
	id, err = device.AttachmentID(&body.File.External)
	if err != nil || size == 0 || size > attachment.MaxSize {
		return "", 0
	}
	return id, attachment.SealedSize(int64(size))
}

// doJobs does what is kept to be done: transcripts to hand over, attachments to
// archive.
func (k *Keeper) doJobs(ctx context.Context) error {
	var failed []error
	for prefix, do := range map[string]func(context.Context, string, []byte) error{prefixShare: k.share, prefixFile: k.archiveFile} {
		keys, err := k.cfg.Store.Keys(ctx, prefix)
		if err != nil {
			return err
		}
		for _, key := range keys {
			value, err := k.cfg.Store.Get(ctx, key)
			if err != nil {
				return err
			}
			if value == nil {
				continue
			}
			if err := do(ctx, strings.TrimPrefix(key, prefix), value); err != nil {
				failed = append(failed, err)
				if device.FailureOf(err) == device.FailureOffline {
					return errors.Join(failed...) // nor is there a way for the others
				}
				continue
			}
			if err := k.cfg.Store.Apply(ctx, nil, []string{key}); err != nil {
				return err
			}
		}
	}
	return errors.Join(failed...)
}

// share hands the transcript so far to those who came late. Who has it already
// takes nothing from it. It waits while the keeper is not in the group.
func (k *Keeper) share(ctx context.Context, name string, _ []byte) error {
	conversation, _, _ := strings.Cut(name, "/")
	if known, err := k.engine.Knows(ctx, conversation); !known || err != nil {
		return err // it is dropped only where the keeper was removed
	}
	gone, err := k.recalled(ctx, conversation)
	if err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	var parts [][]content.Entry
	var part []content.Entry
	size := 0
	err = k.cfg.Archive.Records(ctx, conversation, func(r Record) error {
		if r.Kind == KindRefused || r.Kind == KindGap || gone.is(&r) {
			return nil
		}
		gone.mask(&r, conversation)
		if len(part) > 0 && (len(part) == content.MaxEntries || size+len(r.Content)+1024 > content.MaxHistory) {
			parts, part, size = append(parts, part), nil, 0
		}
		size += len(r.Content) + 1024
		part = append(part, content.Entry{
			Position: r.Position, Index: uint32(r.Index), Kind: r.Kind, At: r.At, Person: r.Person, Device: r.Device,
			Sender: slices.Clone(r.Sender), Content: slices.Clone(r.Content),
		})
		return nil
	})
	if err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	for _, entries := range append(parts, part) {
		if len(entries) == 0 {
			continue
		}
		if err := k.engine.ShareHistory(ctx, conversation, entries); err != nil {
			return fmt.Errorf("share history: %w", err)
		}
	}
	return nil
}

// recalls are the messages that take others back, by the MIMI id of those.
type recalls map[string]Record

// recalled reads what was taken back. Who comes late must not be shown it: the
// record keeps it, and reading the record is another right.
func (k *Keeper) recalled(ctx context.Context, conversation string) (recalls, error) {
	gone := recalls{}
	err := k.cfg.Archive.Records(ctx, conversation, func(r Record) error {
		if id := recalledBy(&r); id != nil {
			r.Content = slices.Clone(r.Content)
			gone[string(id)] = r
		}
		return nil
	})
	return gone, err
}

// recalledBy returns the id of the message that r takes back, or nil.
func recalledBy(r *Record) []byte {
	if r.Kind != KindMessage {
		return nil
	}
	m, err := content.Parse(r.Content)
	if err != nil {
		return nil
	}
	if body, err := m.Body(); err != nil || body.Recall == nil {
		return nil
	}
	return m.Replaces
}

// is reports whether r takes another message back.
func (g recalls) is(r *Record) bool {
	id := recalledBy(r)
	_, known := g[string(id)]
	return id != nil && known
}

// mask puts the word of taking it back in the place of what was said, if its
// own sender has given it.
func (g recalls) mask(r *Record, conversation string) {
	if len(g) == 0 || r.Kind != KindMessage {
		return
	}
	m, err := content.Parse(r.Content)
	if err != nil {
		return
	}
	id := content.ID(content.SenderURI(r.Sender), content.RoomURI(conversation), r.Content, m.Salt)
	if by, ok := g[string(id)]; ok && by.Person == r.Person {
		r.Content, r.At = by.Content, by.At
	}
}

// archiveFile takes a sealed attachment to the archive.
func (k *Keeper) archiveFile(ctx context.Context, name string, value []byte) error {
	conversation, id, ok := strings.Cut(name, "/")
	size, err := strconv.ParseInt(string(value), 10, 64)
	if !ok || err != nil {
		return nil
	}
	if have, err := k.cfg.Archive.HasAttachment(ctx, conversation, id); err != nil || have {
		return err
	}
	r, w := io.Pipe()
	downloaded := make(chan error, 1)
	k.background.Go(func() {
		err := k.engine.DownloadSealed(ctx, id, size, w, nil)
		w.CloseWithError(err)
		downloaded <- err
	})
	err = k.cfg.Archive.PutAttachment(ctx, conversation, id, r)
	r.CloseWithError(errors.New("keeper: the archive takes no more"))
	if failed := <-downloaded; failed != nil {
		if code := device.FailureOf(failed); code == device.FailureNotFound || code == device.FailureUntrusted {
			if _, err := k.engine.Knows(ctx, conversation); err != nil {
				return err // who is not in it is told of no file
			}
			k.cfg.Log("an attachment is not at the hub", failed)
			return nil // it will not come: the record stays, and verify names what is missing
		}
		return failed
	}
	if err != nil {
		return fmt.Errorf("archive attachment: %w", err)
	}
	return nil
}
