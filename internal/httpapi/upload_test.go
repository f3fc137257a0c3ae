package httpapi_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/sotto-health/sotto/api"
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
