package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog/stream"
)

type streamAuditCommand struct {
	Status streamStatusCommand `cmd:"" help:"Print how far the audit log of each practice has come to the receivers outside."`
	Test   streamTestCommand   `cmd:"" help:"Connect to each receiver that is set up, send nothing, and say whether it is as it should be. Run it with the environment of the server."`
}

type streamStatusCommand struct{}

func (streamStatusCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, err := cli.openInstalled(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	practices, err := h.Practices(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "practice\tstream\tto\tarrived\twaits\tlast\tproblem")
	for _, p := range practices {
		size, err := h.LogSize(ctx, p.ID)
		if err != nil {
			return err
		}
		all, err := h.LogStreams(ctx, p.ID)
		if err != nil {
			return err
		}
		for _, one := range all {
			last, problem := "never", one.Problem
			if one.SentAt != 0 {
				last = time.UnixMilli(one.SentAt).UTC().Format(time.RFC3339)
			}
			if one.StoppedAt != 0 {
				problem = "stopped"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\t%s\n", p.Slug, one.Name, one.Target, one.Position, max(0, size-one.Position), last, problem)
		}
	}
	return table.Flush()
}

type streamTestCommand struct{}

func (streamTestCommand) Run(ctx context.Context, _ *commands, s streams) error {
	settings, err := stream.FromEnvironment(os.Getenv)
	if err != nil {
		return err
	}
	if len(settings) == 0 {
		return errors.New("no stream is set up here: SOTTO_SYSLOG and SOTTO_OTLP are empty; run this with the environment of the server")
	}
	bad := 0
	for i := range settings {
		one := &settings[i]
		shown, problem := one.Reach(ctx)
		switch {
		case problem != "":
			bad++
			fmt.Fprintf(s.out, "%s %s: %s\n", one.Name, one.Target, problem)
		case one.Plain():
			fmt.Fprintf(s.out, "%s %s: reached, without TLS\n", one.Name, one.Target)
		default:
			fmt.Fprintf(s.out, "%s %s: reached by %s; its certificate is good until %s\n", one.Name, one.Target, shown.TLS, shown.NotAfter.UTC().Format(time.DateOnly))
		}
	}
	if bad > 0 {
		return errors.New("not every receiver is as it should be: docs/operate.md says what to do about each problem")
	}
	return nil
}
