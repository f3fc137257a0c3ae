package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sotto-health/sotto/api"
)

// mostListed is how many events a page has at most, as in the API.
const mostListed = 200

type listAuditCommand struct {
	Practice string `help:"The practice's short name; needed only if there are several." placeholder:"SLUG"`
	auditSelection
	Limit  int    `help:"Events of a page, 1 to 200." default:"50"`
	Cursor string `help:"Where to go on, as the page before said."`
	JSON   bool   `name:"json" help:"Print JSON for programs, as the API gives it: with what proves each event."`
	UTC    bool   `name:"utc" help:"Print times in UTC and not in this machine's time zone."`
}

func (c listAuditCommand) Run(ctx context.Context, cli *commands, s streams) error {
	if c.Limit < 1 || c.Limit > mostListed {
		return fmt.Errorf("--limit is 1 to %d", mostListed)
	}
	h, err := cli.openInstalled(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	p, err := onlyPractice(ctx, h, c.Practice)
	if err != nil {
		return err
	}
	f := c.filter()
	f.Cursor, f.Limit = c.Cursor, c.Limit
	page, err := h.AuditEventsFor(ctx, p.ID, f)
	if err != nil {
		return wrongFlag(err)
	}
	if c.JSON {
		out := json.NewEncoder(s.out)
		out.SetIndent("", "  ")
		return out.Encode(page)
	}
	if len(page.Events) == 0 && page.Next != "" {
		_, err := fmt.Fprintf(s.err, "None among the newest that were looked at. Look further: --cursor %s\n", page.Next)
		return err
	}
	if len(page.Events) == 0 {
		_, err := fmt.Fprintln(s.err, "The log has no such event.")
		return err
	}
	zone := time.Local
	if c.UTC {
		zone = time.UTC
	}
	if err := auditTable(s.out, page.Events, zone); err != nil {
		return err
	}
	if page.Next != "" {
		_, err = fmt.Fprintf(s.err, "There are more: --cursor %s\n", page.Next)
	}
	return err
}

// auditTable prints events, one a line. What an event does not have is "-", so
// that each column can be cut out.
func auditTable(w io.Writer, events []api.AuditEvent, zone *time.Location) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NUMBER\tTIME\tKIND\tOUTCOME\tROLE\tPERSON\tOBJECT\tCONVERSATION\tPATIENT\tADDRESS\tMORE")
	for i := range events {
		e := &events[i]
		var more []string
		for _, said := range []string{e.Detail, named("subject", e.Subject), named("reason", e.Reason), named("rules", strings.Join(e.Rules, ",")), named("request", e.Request)} {
			if said != "" {
				more = append(more, said)
			}
		}
		row := []string{
			strconv.FormatInt(e.Number, 10), time.UnixMilli(e.At).In(zone).Format(time.RFC3339), e.Kind, e.Outcome, e.Role,
			e.Person, e.Object, e.Conversation, e.Patient, e.Address, strings.Join(more, " "),
		}
		for i := range row {
			row[i] = cmp.Or(row[i], "-")
		}
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}

// named is a value after its name, or nothing.
func named(name, value string) string {
	if value == "" {
		return ""
	}
	return name + "=" + value
}
