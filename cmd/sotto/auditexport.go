package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	form "github.com/sotto-health/sotto/internal/audit/export"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/hub"
)

// auditSelection says which events, by flags.
type auditSelection struct {
	From         time.Time `help:"First day, by this machine's time zone." placeholder:"YYYY-MM-DD" format:"2006-01-02"`
	Until        time.Time `help:"Last day." placeholder:"YYYY-MM-DD" format:"2006-01-02"`
	Kind         string    `help:"One kind of event, such as conversation.opened."`
	Category     string    `help:"security, access, consent, membership, keys, policy, export or system."`
	Outcome      string    `help:"done, refused or failed." enum:",done,refused,failed" default:""`
	Person       string    `help:"Who acted." placeholder:"ID"`
	Subject      string    `help:"Whom it was about." placeholder:"ID"`
	Object       string    `help:"What was acted upon." placeholder:"ID"`
	Patient      string    `help:"Whose affairs it touched." placeholder:"ID"`
	Conversation string    `placeholder:"ID"`
}

// filter is the selection as the hub knows it. Days are whole.
func (a *auditSelection) filter() hub.AuditFilter {
	f := hub.AuditFilter{
		Kind: a.Kind, Category: a.Category, Outcome: a.Outcome, Person: a.Person, Subject: a.Subject, Object: a.Object,
		Patient: a.Patient, Conversation: a.Conversation,
	}
	day := func(t time.Time, later int) int64 {
		if t.IsZero() {
			return 0
		}
		return time.Date(t.Year(), t.Month(), t.Day()+later, 0, 0, 0, 0, time.Local).UnixMilli()
	}
	f.From, f.Until = day(a.From, 0), day(a.Until, 1)
	return f
}

// wrongFlag is err in the words of the command line.
func wrongFlag(err error) error {
	var wrong *hub.MalformedError
	if errors.As(err, &wrong) {
		return fmt.Errorf("--%s is none", wrong.Field)
	}
	return err
}

// events writes the selected events of each practice in the format: into a
// file of the folder each, or, if that is empty, of one practice to out.
func (c exportAuditCommand) events(ctx context.Context, h *host.OpenHub, s streams) error {
	practices, err := practicesOf(ctx, h, c.Practice)
	if err != nil {
		return err
	}
	if c.Folder == "" && len(practices) != 1 {
		return fmt.Errorf("there are %d practices: name a folder, or one with --practice", len(practices))
	}
	for i := range practices {
		p := &practices[i]
		x, err := h.ExportAuditFor(ctx, p.ID, c.filter(), form.Format(c.Format))
		if err != nil {
			return wrongFlag(err)
		}
		if c.Folder == "" {
			if err := x.Write(ctx, s.out, nil); err != nil {
				return fmt.Errorf("the export broke off: %w", err)
			}
			sayUnlike(x, p.Slug, s.err)
			continue
		}
		if err := exportFile(ctx, x, filepath.Join(c.Folder, p.Slug+"."+x.Format.Extension()), s.err); err != nil {
			return err
		}
	}
	return nil
}

// exportFile writes an export whole or not at all, for the owner alone, and says
// how far it is.
func exportFile(ctx context.Context, x *hub.AuditExport, path string, say io.Writer) error {
	if err := durable.MakeFolder(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	var all, told int64
	err := durable.WriteWith(path, 0o600, func(w io.Writer) error {
		return x.Write(ctx, w, func(written int64) {
			all = written
			if all-told >= 100_000 {
				told = all
				fmt.Fprintf(say, "%s: %d events so far\n", path, all)
			}
		})
	})
	if err != nil {
		return fmt.Errorf("export to %s: %w", path, err)
	}
	fmt.Fprintf(say, "%s: %d events\n", path, all)
	sayUnlike(x, path, say)
	return nil
}

// sayUnlike says of an export what must not be overlooked in it.
func sayUnlike(x *hub.AuditExport, name string, say io.Writer) {
	if x.Unlike > 0 {
		fmt.Fprintf(say, "%s: %d of them are not what was logged: sotto audit verify names them\n", name, x.Unlike)
	}
}
