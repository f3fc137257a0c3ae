package device

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/attachment"
	"github.com/sotto-health/sotto/internal/content"
)

// Attachments are sealed as they are read, kept here piece by piece, and
// brought up from there: what has been attached survives a crash, and an upload
// goes on where it stopped.

// pieceSize is how many sealed bytes are kept under one key, and brought up in
// one call.
const pieceSize = 512 << 10

// urlPrefix begins the URL of an attachment inside a message; its id follows.
const urlPrefix = "sotto:attachment:"

// aes256gcm is AEAD_AES_256_GCM and sha256Hash SHA-256, as MIMI content numbers
// them (RFC 5116; IANA named information hash algorithms).
const (
	aes256gcm  = 2
	sha256Hash = 1
)

// SendFile seals the file, keeps it, and sends it when it can. It returns once
// all of file is read and kept.
func (e *Engine) SendFile(ctx context.Context, conversation string, info FileInfo, file io.Reader) (string, error) {
	return e.SendFileOnce(ctx, conversation, NewSalt(), info, file)
}

// SendFileOnce is to [Engine.SendFile] as [Engine.SendTextOnce] is to
// [Engine.SendText].
func (e *Engine) SendFileOnce(ctx context.Context, conversation string, salt []byte, info FileInfo, file io.Reader) (string, error) {
	c, err := e.find(conversation)
	if err != nil {
		return "", err
	}
	if info.Size <= 0 || info.Size > attachment.MaxSize {
		return "", fail(FailureTooLarge, nil)
	}
	o := &outRecord{kind: outFile, id: messageID(e.sender, salt), salt: salt, file: &fileRecord{info: info}}
	if _, err := content.NewFile(salt, o.describe("")); err != nil {
		return "", fail(FailureTooLarge, err)
	}
	e.sealing.Lock() // or the same file, handed in twice at once, would be sealed into the same place
	defer e.sealing.Unlock()
	c.mu.Lock()
	err = c.load(ctx)
	again := false
	if err == nil {
		again, err = c.begin().taken(o.id)
	}
	if err == nil && !again {
		err = c.writable()
	}
	c.mu.Unlock()
	if err != nil {
		return "", err
	}
	if again {
		return o.id, nil
	}
	if err := e.keepFile(ctx, o, file); err != nil {
		return "", err
	}
	if err := c.with(ctx, func(t *txn) error {
		t.queue(o)
		t.put(prefixMsg+o.id, []byte(outKey(c.id, o.number)))
		c.rec.last = lastLine(info.Name)
		t.showOut(o)
		t.told()
		return nil
	}); err != nil {
		return "", err
	}
	e.tellConnection()
	c.kickUpload(true)
	return o.id, nil
}

// keepFile seals a file into the store, under a new key.
func (e *Engine) keepFile(ctx context.Context, o *outRecord, file io.Reader) error {
	o.file.key = attachment.NewKey()
	w := &pieceWriter{e: e, ctx: ctx, message: o.id}
	hash, err := attachment.Seal(w, file, o.file.key, o.file.info.Size)
	if err == nil {
		err = w.flush()
	}
	if err != nil {
		var gone []string
		for n := range w.pieces {
			gone = append(gone, fileKey(o.id, n))
		}
		if err := e.cfg.Store.Apply(ctx, nil, gone); err != nil {
			e.cfg.Log("drop a file that was not kept", err)
		}
		if errors.Is(err, attachment.ErrSize) {
			return fail(FailureTooLarge, err)
		}
		return err
	}
	o.file.hash, o.file.pieces, o.file.sealed = hash, w.pieces, attachment.SealedSize(o.file.info.Size)
	return nil
}

// A pieceWriter keeps what is written to it in pieces.
type pieceWriter struct {
	e       *Engine
	ctx     context.Context
	message string
	buffer  []byte
	pieces  int
}

func (w *pieceWriter) Write(p []byte) (int, error) {
	w.buffer = append(w.buffer, p...)
	for len(w.buffer) >= pieceSize {
		if err := w.keep(w.buffer[:pieceSize]); err != nil {
			return 0, err
		}
		w.buffer = append(w.buffer[:0], w.buffer[pieceSize:]...)
	}
	return len(p), nil
}

func (w *pieceWriter) keep(piece []byte) error {
	if err := w.e.cfg.Store.Apply(w.ctx, map[string][]byte{fileKey(w.message, w.pieces): bytes.Clone(piece)}, nil); err != nil {
		return storeFailure(err)
	}
	w.pieces++
	return nil
}

func (w *pieceWriter) flush() error {
	if len(w.buffer) == 0 {
		return nil
	}
	return w.keep(w.buffer)
}

// describe returns what a message says of a file that the hub calls attachment.
func (o *outRecord) describe(attachmentID string) content.File {
	info := o.file.info
	return content.File{
		External: content.ExternalPart{
			URL: urlPrefix + attachmentID, Size: uint64(info.Size), EncAlg: aes256gcm, Key: o.file.key,
			HashAlg: sha256Hash, ContentHash: o.file.hash, Filename: info.Name,
		},
		MediaType: info.MediaType, Preview: info.Preview, PreviewType: "image/*", Width: info.Width, Height: info.Height,
	}
}

// OpenFile writes a message's file to w as it comes and is checked. Only after a
// nil error is it whole.
func (e *Engine) OpenFile(ctx context.Context, message string, w io.Writer, progress func(done, total int64)) (*FileInfo, error) {
	c, key, err := e.locate(ctx, message)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(key, prefixOut) {
		return e.openKept(ctx, key, w)
	}
	l, err := c.line(ctx, key)
	if err != nil {
		return nil, err
	}
	m, err := content.Parse(l.content)
	if err != nil {
		return nil, fail(FailureWrongType, err)
	}
	body, err := m.Body()
	if err != nil || body.File == nil {
		return nil, fail(FailureWrongType, err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	o := &opening{message, stop}
	e.mu.Lock()
	e.openings[o] = true
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.openings, o)
		e.mu.Unlock()
	}()
	if err := e.Download(ctx, &body.File.External, w, progress); err != nil {
		return nil, err
	}
	return bodyOf(body).File, nil
}

// An opening is a file that is being brought down because somebody opens it.
type opening struct {
	message string
	stop    context.CancelFunc
}

// stopOpening ends the download of a message's file, and reports whether there
// was one.
func (e *Engine) stopOpening(message string) (stopped bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for o := range e.openings {
		if o.message == message {
			o.stop()
			stopped = true
		}
	}
	return stopped
}

// openKept opens an own file that is not in the log yet.
func (e *Engine) openKept(ctx context.Context, key string, w io.Writer) (*FileInfo, error) {
	b, err := e.cfg.Store.Get(ctx, key)
	if err != nil {
		return nil, storeFailure(err)
	}
	if b == nil {
		return nil, fail(FailureNotFound, nil)
	}
	o, err := parseOutRecord(b)
	if err != nil {
		return nil, err
	}
	if o.file == nil {
		return nil, fail(FailureWrongType, nil)
	}
	opener, err := attachment.NewOpener(w, o.file.key, o.file.info.Size, o.file.hash)
	if err != nil {
		return nil, err
	}
	for n := range o.file.pieces {
		piece, err := e.cfg.Store.Get(ctx, fileKey(o.id, n))
		if err != nil {
			return nil, storeFailure(err)
		}
		if _, err := opener.Write(piece); err != nil {
			return nil, err
		}
	}
	return &o.file.info, opener.Close()
}

// AttachmentID returns what the hub calls the file of an external part.
func AttachmentID(part *content.ExternalPart) (string, error) {
	id, ok := strings.CutPrefix(part.URL, urlPrefix)
	if !ok || id == "" || len(id) > 64 || strings.ContainsAny(id, "/?#%. ") {
		return "", fail(FailureUntrusted, errors.New("a file that is not at the hub"))
	}
	return id, nil
}

// Download opens the file of an external part into w, as it comes and is
// checked.
func (e *Engine) Download(ctx context.Context, part *content.ExternalPart, w io.Writer, progress func(done, total int64)) error {
	id, err := AttachmentID(part)
	if err != nil {
		return err
	}
	if part.EncAlg != aes256gcm || part.HashAlg != sha256Hash || part.Size > attachment.MaxSize {
		return fail(FailureWrongType, nil)
	}
	opener, err := attachment.NewOpener(w, part.Key, int64(part.Size), part.ContentHash)
	if err != nil {
		return fail(FailureWrongType, err)
	}
	if err := e.DownloadSealed(ctx, id, attachment.SealedSize(int64(part.Size)), opener, progress); err != nil {
		if errors.Is(err, attachment.ErrAltered) {
			return fail(FailureUntrusted, err)
		}
		return err
	}
	if err := opener.Close(); err != nil {
		return fail(FailureUntrusted, err)
	}
	return nil
}

// DownloadSealed copies a sealed file of size bytes to w as it is, for the
// keeper's archive. A part that does not come is asked for again a few times: a
// large file over a poor line need not begin anew.
func (e *Engine) DownloadSealed(ctx context.Context, id string, size int64, w io.Writer, progress func(done, total int64)) error {
	for offset := int64(0); offset < size; {
		b, err := e.part(ctx, id, offset, int(min(pieceSize, size-offset)))
		if err != nil {
			return err
		}
		if len(b) == 0 || int64(len(b)) > size-offset {
			return fail(FailureUntrusted, errors.New("a file of another size"))
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		offset += int64(len(b))
		if progress != nil {
			progress(offset, size)
		}
	}
	return nil
}

// partTries is how often a part of a file is asked for before the download fails.
const partTries = 5

// part brings down a part of a sealed file.
func (e *Engine) part(ctx context.Context, id string, offset int64, length int) (b []byte, err error) {
	pause := e.cfg.Retry
	for try := 1; ctx.Err() == nil; try++ {
		err := e.call(ctx, func(ctx context.Context) (err error) {
			b, err = e.cfg.Hub.Download(ctx, id, offset, length)
			return err
		})
		switch {
		case err == nil:
			return b, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case lasting(err) || codeOf(err) == api.CodeUnauthenticated:
			return nil, err
		case try == partTries && codeOf(err) == "":
			return nil, fail(FailureOffline, err)
		case try == partTries:
			return nil, err
		}
		e.mu.Lock()
		wake := e.wake
		e.mu.Unlock()
		select {
		case <-time.After(pause):
		case <-wake: // the network is back
		case <-ctx.Done():
		case <-e.ctx.Done():
			return nil, err
		}
		pause = min(2*pause, e.cfg.RetryMost)
	}
	return nil, ctx.Err()
}
