package httpapi

import (
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

const (
	tusVersion   = "1.0.0"
	chunkType    = "application/offset+octet-stream"
	chunkTimeout = 2 * time.Minute // for 1 MiB: a line of 9 kB/s is served
)

// uploadRoutes move sealed bytes. They stream, so they are not huma's.
func (s *Server) uploadRoutes(mux *router) {
	const path = "/v1/attachments/{id}"
	for _, u := range []struct {
		method, summary string
		serve           func(http.ResponseWriter, *http.Request, *hub.Caller)
		status          string
	}{
		{http.MethodPatch, "Append a chunk of at most 1 MiB at Upload-Offset (tus 1.0)", s.appendChunk, "204"},
		{http.MethodHead, "How much has been received: Upload-Offset", s.uploadOffset, "200"},
		{http.MethodGet, "Download a complete sealed file; Range is understood", s.download, "200"},
		{http.MethodDelete, "Drop an unfinished upload", s.dropUpload, "204"},
	} {
		mux.HandleFunc(u.method+" "+path, func(w http.ResponseWriter, r *http.Request) {
			c, err := s.authenticate(r.Context())
			if err != nil {
				s.refuse(w, r, err)
				return
			}
			u.serve(w, r, c)
		})
		s.describe(uploadOperation(u.method, path, u.summary, u.status))
	}
}

func uploadOperation(method, path, summary, status string) huma.Operation {
	longest := 64
	id, bytes := &huma.Schema{Type: huma.TypeString, MaxLength: &longest}, &huma.Schema{Type: huma.TypeString, Format: "binary"}
	o := huma.Operation{
		OperationID: operationID(method, path), Method: method, Path: path, Tags: []string{tagAttachments}, Summary: summary,
		Parameters: []*huma.Param{{Name: "id", In: "path", Required: true, Schema: id}},
		Responses:  map[string]*huma.Response{status: {Description: "Done"}, "default": {Description: "A Problem"}},
	}
	switch method {
	case http.MethodPatch:
		o.Parameters = append(o.Parameters, &huma.Param{Name: "Upload-Offset", In: "header", Required: true, Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: new(0.0), Maximum: new(float64(api.MaxAttachmentBytes))}})
		o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{chunkType: {Schema: bytes}}}
	case http.MethodGet:
		o.Responses[status].Content = map[string]*huma.MediaType{"application/octet-stream": {Schema: bytes}}
	}
	return o
}

func (s *Server) appendChunk(w http.ResponseWriter, r *http.Request, c *hub.Caller) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != chunkType {
		s.refuse(w, r, errPatch)
		return
	}
	offset, err := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || offset < 0 || offset > api.MaxAttachmentBytes {
		s.refuse(w, r, &hub.MalformedError{Field: "Upload-Offset"})
		return
	}
	if r.ContentLength > api.MaxUploadChunkBytes {
		s.refuse(w, r, hub.ErrTooLarge)
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(chunkTimeout))
	a, err := s.hub.Upload(r.Context(), c, r.PathValue("id"), offset, r.Body)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	setOffset(w.Header(), a)
	w.WriteHeader(http.StatusNoContent)
}

func setOffset(h http.Header, a api.Attachment) {
	h.Set("Tus-Resumable", tusVersion)
	h.Set("Upload-Offset", strconv.FormatInt(a.Received, 10))
	h.Set("Upload-Length", strconv.FormatInt(a.Size, 10))
}

func (s *Server) uploadOffset(w http.ResponseWriter, r *http.Request, c *hub.Caller) {
	a, err := s.hub.Attachment(r.Context(), c, r.PathValue("id"))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	setOffset(w.Header(), a)
}

func (s *Server) download(w http.ResponseWriter, r *http.Request, c *hub.Caller) {
	f, a, err := s.hub.Download(r.Context(), c, r.PathValue("id"))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer func() { _ = f.Close() }()
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", "attachment")
	h.Set("ETag", `"`+a.ID+`"`) // sealed bytes never change
	http.ServeContent(w, r, "", time.Time{}, f)
}

func (s *Server) dropUpload(w http.ResponseWriter, r *http.Request, c *hub.Caller) {
	if err := s.hub.DropAttachment(r.Context(), c, r.PathValue("id")); err != nil {
		s.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
