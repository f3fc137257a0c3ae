package httpapi_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

func TestUpload(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	nurse.take(id)
	sealed := bytes.Repeat([]byte("sealed bytes "), 200_000) // 2.6 MB
	a, err := patient.NewAttachment(w.ctx, id, api.NewAttachment{Size: int64(len(sealed))})
	w.must(err)

	got, err := patient.Upload(w.ctx, a.ID, 0, sealed[:api.MaxUploadChunkBytes])
	w.must(err)
	_, err = patient.Upload(w.ctx, a.ID, got+1, sealed[got+1:got+100])
	if p := wantCode(t, err, api.CodeOffset); p.Status != http.StatusConflict {
		t.Errorf("%+v", p)
	}
	_, err = patient.Upload(w.ctx, a.ID, got, sealed[:api.MaxUploadChunkBytes+1])
	wantCode(t, err, api.CodeTooLarge)
	status, err := patient.AttachmentStatus(w.ctx, a.ID)
	w.must(err)
	if status.Received != got || status.Size != int64(len(sealed)) {
		t.Errorf("status %+v after %d", status, got)
	}
	if _, err := nurse.AttachmentStatus(w.ctx, a.ID); err == nil {
		t.Error("another knows of a part")
	}
	for got < int64(len(sealed)) {
		end := min(got+api.MaxUploadChunkBytes, int64(len(sealed)))
		got, err = patient.Upload(w.ctx, a.ID, got, sealed[got:end])
		w.must(err)
	}
	_, err = patient.Upload(w.ctx, a.ID, got, []byte("more"))
	wantCode(t, err, api.CodeOffset)

	for _, d := range []*device{patient, nurse, w.clinic.keeper} {
		var all []byte
		for {
			part, err := d.Download(w.ctx, a.ID, int64(len(all)), 1<<20)
			w.must(err)
			all = append(all, part...)
			if len(part) < 1<<20 {
				break
			}
		}
		if !bytes.Equal(all, sealed) {
			t.Errorf("%d bytes came back", len(all))
		}
	}
	resp, _ := w.raw("GET", "/v1/attachments/"+a.ID, "", "Authorization", "Bearer "+patient.Token())
	if resp.Header.Get("Content-Disposition") != "attachment" || resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", resp.Header)
	}
	wantCode(t, patient.DropAttachment(w.ctx, a.ID), api.CodeConflict)
}

func TestUploadIsBounded(t *testing.T) {
	w := newWorld(t)
	patient := w.patient()
	id := patient.open("nurse")
	_, err := patient.NewAttachment(w.ctx, id, api.NewAttachment{Size: api.MaxAttachmentBytes + 1})
	if err == nil {
		t.Error("an attachment past the limit was taken")
	}
	a, err := patient.NewAttachment(w.ctx, id, api.NewAttachment{Size: 3})
	w.must(err)
	_, err = patient.Upload(w.ctx, a.ID, 0, []byte("four"))
	wantCode(t, err, api.CodeTooLarge)
	b, err := patient.NewAttachment(w.ctx, id, api.NewAttachment{Size: 3})
	w.must(err)
	w.must(patient.DropAttachment(w.ctx, b.ID))
	_, err = patient.AttachmentStatus(w.ctx, b.ID)
	wantCode(t, err, api.CodeNotFound)
	for range 9 {
		_, err = patient.NewAttachment(w.ctx, id, api.NewAttachment{Size: api.MaxAttachmentBytes})
		w.must(err)
	}
	_, err = patient.NewAttachment(w.ctx, id, api.NewAttachment{Size: api.MaxAttachmentBytes})
	wantCode(t, err, api.CodeFull)
}

// TestUploadIsCompletedLater: the bytes of a file are stored and that it is
// complete is not, as when the hub is killed between the two or the database is
// full. Whoever hears that all of it came can rely on it: others get it.
func TestUploadIsCompletedLater(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	nurse.take(id)
	for by, ask := range map[string]func(a api.NewAttachment) (int64, error){
		"its length": func(a api.NewAttachment) (int64, error) {
			status, err := patient.AttachmentStatus(w.ctx, a.ID)
			if err != nil {
				return 0, err
			}
			return status.Received, nil
		},
		"the same call again": func(a api.NewAttachment) (int64, error) {
			again, err := patient.NewAttachment(w.ctx, id, a)
			if err != nil {
				return 0, err
			}
			return again.Received, nil
		},
		"an empty chunk": func(a api.NewAttachment) (int64, error) { return patient.Upload(w.ctx, a.ID, a.Size, nil) },
	} {
		t.Run(by, func(t *testing.T) {
			a := api.NewAttachment{ID: hub.NewID("a"), Size: 6}
			_, err := patient.NewAttachment(w.ctx, id, a)
			w.must(err)
			w.store.incomplete.Store(2)
			_, err = patient.Upload(w.ctx, a.ID, 0, []byte("sealed"))
			wantCode(t, err, api.CodeUnavailable)
			if got, err := ask(a); err == nil {
				t.Errorf("%d bytes are said to be there of a file that cannot be completed", got)
			}
			if got, err := ask(a); err != nil || got != a.Size {
				t.Errorf("asked again: %d bytes, %v", got, err)
			}
			if got, err := nurse.Download(w.ctx, a.ID, 0, 10); string(got) != "sealed" {
				t.Errorf("the nurse gets %q, %v", got, err)
			}
		})
	}
}

// TestUploadOutlastsItsConnection: who sent the last bytes of a file and hung up
// has sent it.
func TestUploadOutlastsItsConnection(t *testing.T) {
	w := newWorld(t)
	patient := w.patient()
	id := patient.open("nurse")
	a, err := patient.NewAttachment(w.ctx, id, api.NewAttachment{Size: 6})
	w.must(err)
	caller, err := w.hub.Authenticate(w.ctx, patient.Token())
	w.must(err)
	ctx, hangUp := context.WithCancel(w.ctx)
	_, err = w.hub.Upload(ctx, caller, a.ID, 0, &hangsUp{strings.NewReader("sealed"), hangUp})
	w.must(err)
	if got, err := patient.Download(w.ctx, a.ID, 0, 10); string(got) != "sealed" {
		t.Errorf("got %q, %v", got, err)
	}
}

// hangsUp is a body whose sender has gone once it is read.
type hangsUp struct {
	io.Reader
	hangUp func()
}

func (h *hangsUp) Read(p []byte) (int, error) {
	h.hangUp()
	return h.Reader.Read(p)
}

// TestRoomIsReservedOnce: a device that did not hear the answer asks again, and
// the room that it takes is that of one file; the id is no way to another's.
func TestRoomIsReservedOnce(t *testing.T) {
	w := newWorld(t)
	patient, other, nurse := w.patient(), w.patient(), w.staff("dana")
	id, elsewhere := patient.open("nurse"), other.open("nurse")
	nurse.take(id)
	a := api.NewAttachment{ID: hub.NewID("a"), Size: api.MaxAttachmentBytes}
	for range 20 {
		made, err := patient.NewAttachment(w.ctx, id, a)
		w.must(err)
		if made.ID != a.ID || made.Received != 0 {
			t.Fatalf("%+v", made)
		}
	}
	_, err := patient.NewAttachment(w.ctx, id, api.NewAttachment{ID: a.ID, Size: 1})
	wantCode(t, err, api.CodeConflict)
	_, err = nurse.NewAttachment(w.ctx, id, a)
	wantCode(t, err, api.CodeConflict)
	_, err = other.NewAttachment(w.ctx, elsewhere, a)
	wantCode(t, err, api.CodeConflict)
	_, err = patient.NewAttachment(w.ctx, id, api.NewAttachment{ID: "../../etc/passwd", Size: 1})
	wantCode(t, err, api.CodeMalformed)
	_, err = patient.Upload(w.ctx, a.ID, 0, []byte("some"))
	w.must(err)
	if begun, err := patient.NewAttachment(w.ctx, id, a); err != nil || begun.Received != 4 {
		t.Errorf("%+v, %v", begun, err)
	}
	w.must(patient.DropAttachment(w.ctx, a.ID))
	if anew, err := patient.NewAttachment(w.ctx, id, a); err != nil || anew.Received != 0 {
		t.Errorf("%+v, %v", anew, err)
	}
}
