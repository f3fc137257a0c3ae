package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/hub"
)

type settleAuditCommand struct {
	Which  string `arg:"" help:"checkpoints, archive, the name of a witness, last-check (the head that the last whole check kept), or row:NUMBER of an event that cannot be read, as sotto doctor prints it."`
	Reason string `help:"Why: backup-restored, moved (another log was put there), or investigated (write down by whom, and what was found); of a row, investigated." enum:"backup-restored,moved,investigated" required:""`
}

func (c settleAuditCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, err := cli.openInstalled(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	if row, ok := strings.CutPrefix(c.Which, "row:"); ok {
		return c.row(ctx, h, row, s)
	}
	settle := h.SettleWatcher
	if c.Which == hub.LastCheck {
		settle = func(ctx context.Context, _, reason string) (int, error) { return h.SettleLastCheck(ctx, reason) }
	}
	settled, err := settle(ctx, c.Which, c.Reason)
	if err != nil {
		return err
	}
	if settled == 0 {
		return fmt.Errorf("no log contradicts %s; sotto doctor names those that one does", c.Which)
	}
	_, err = fmt.Fprintf(s.out, "Settled in %d logs, and recorded there. If a log still contradicts %s, it is found again.\n", settled, c.Which)
	return err
}

func (c settleAuditCommand) row(ctx context.Context, h *host.OpenHub, number string, s streams) error {
	row, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return fmt.Errorf("row:%s is no number of a row", number)
	}
	if c.Reason != "investigated" {
		return errors.New("a row that cannot be read is set aside once it was looked into: --reason investigated")
	}
	u, err := h.SetAside(ctx, row, c.Reason)
	if errors.Is(err, hub.ErrNotFound) {
		return fmt.Errorf("no event waits in row %d, or it can be read; sotto doctor names those that cannot", row)
	} else if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "The event of row %d is kept as %s (SHA-256 %s), and the log says so. sotto audit export writes it beside the log, into %s.\n",
		row, u.ID, u.Hash(), unreadableFile("SLUG"))
	return err
}

// unreadableFile is where, beside the folder of an exported log, the events are
// that are not in it because they could not be read.
func unreadableFile(logFolder string) string { return logFolder + ".unreadable.jsonl" }

// exportSetAside writes what was taken out of the way of a practice's log, byte
// for byte, one a line.
func exportSetAside(ctx context.Context, h *host.OpenHub, log *auditlog.Log, logFolder string) error {
	all, err := h.EventsSetAside(ctx, log.Practice)
	if err != nil || len(all) == 0 {
		return err
	}
	var b bytes.Buffer
	for i := range all {
		u := &all[i]
		line, err := json.Marshal(struct {
			ID         string `json:"id"`
			Row        int64  `json:"row"`
			At         int64  `json:"at"`
			SetAsideAt int64  `json:"set_aside_at"`
			Salt       []byte `json:"salt"`
			Event      []byte `json:"event"`
			SHA256     string `json:"sha256"`
		}{u.ID, u.Row, u.At, u.SetAsideAt, u.Salt, u.Event, u.Hash()})
		if err != nil {
			return err
		}
		b.Write(append(line, '\n'))
	}
	return durable.WriteFile(unreadableFile(logFolder), b.Bytes(), 0o600)
}
