package main

import (
	"context"
	"fmt"
)

type settleAuditCommand struct {
	Which  string `arg:"" help:"checkpoints, archive, or the name of a witness, as sotto doctor prints it."`
	Reason string `help:"Why: backup-restored, moved (another log was put there), or investigated (write down by whom, and what was found)." enum:"backup-restored,moved,investigated" required:""`
}

func (c settleAuditCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, err := cli.openInstalled(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	settled, err := h.SettleWatcher(ctx, c.Which, c.Reason)
	if err != nil {
		return err
	}
	if settled == 0 {
		return fmt.Errorf("no log contradicts %s; sotto doctor names those that one does", c.Which)
	}
	_, err = fmt.Fprintf(s.out, "Settled in %d logs, and recorded there. If a log still contradicts %s, it is found again.\n", settled, c.Which)
	return err
}
