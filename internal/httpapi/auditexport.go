package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sotto-health/sotto/internal/audit/export"
	"github.com/sotto-health/sotto/internal/hub"
)

// exportStall is how long the receiver of an export may take for a batch: one
// that takes nothing holds no memory and no connection of ours for longer.
const exportStall = time.Minute

type exportIn struct {
	Format string `query:"format" required:"true" enum:"csv,jsonl,ocsf,fhir"`
	AuditSelection
}

// exportRoutes let those who answer for the log take it out.
func (s *Server) exportRoutes() {
	staff(s, op(get, "/v1/admin/audit/export", tagAudit, "Events as a file, oldest first: CSV, JSON lines, OCSF or FHIR R4 AuditEvent, one a line",
		about("For auditors and compliance officers. Each call is logged itself, there is a limit on how many, and each person has one at a time (409 `export-runs`). Sotto-Events-At-Most says how many events there can be. An entry that was changed in the database or taken out of it is in each file, as that. The file is written as it is read: if the connection breaks before its end, it is not whole."),
		produces("application/octet-stream"), refusals(401, 403, 409, 422, 429)),
		func(ctx context.Context, c *hub.StaffCaller, i *exportIn) (*huma.StreamResponse, error) {
			x, err := s.hub.ExportAudit(ctx, c, i.filter(), export.Format(i.Format))
			if err != nil {
				return nil, err
			}
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				name := "audit-" + time.Now().UTC().Format("20060102T150405Z") + "." + x.Format.Extension()
				hc.SetHeader("Content-Type", x.Format.MediaType())
				hc.SetHeader("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
				hc.SetHeader("Sotto-Events-At-Most", strconv.FormatInt(x.Most, 10))
				s.stream(hc, x)
			}}, nil
		})
}

// stream writes an export. One that fails breaks the connection, so that a part
// does not pass for the whole.
func (s *Server) stream(hc huma.Context, x *hub.AuditExport) {
	w := hc.BodyWriter()
	var line *http.ResponseController
	if out, ok := w.(http.ResponseWriter); ok {
		line = http.NewResponseController(out)
	}
	more := func(int64) {
		if line != nil { // what cannot be flushed or timed is written all the same
			_ = line.Flush()
			_ = line.SetWriteDeadline(time.Now().Add(exportStall))
		}
	}
	more(0)
	err := x.Write(hc.Context(), w, more)
	if line != nil {
		_ = line.SetWriteDeadline(time.Time{})
	}
	if err != nil {
		s.log.WarnContext(hc.Context(), "an export broke off", slog.String("request", callOf(hc.Context()).id), slog.String("cause", causeOf(err)))
		panic(http.ErrAbortHandler)
	}
}
