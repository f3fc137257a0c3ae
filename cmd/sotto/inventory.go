package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/sotto-health/sotto/internal/inventory"
)

type inventoryCommand struct {
	Practice string `help:"The practice's short name; needed only if there are several." placeholder:"SLUG"`
	JSON     bool   `name:"json" help:"Print JSON for programs."`
	SVG      string `name:"svg" help:"Also draw where data flows into this file." placeholder:"FILE" type:"path"`
}

func (c inventoryCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, i, practice, err := controlsCommand{Practice: c.Practice}.open(ctx, cli)
	if err != nil {
		return err
	}
	defer h.Close()
	if err := h.NoteControlsRead(ctx, practice); err != nil {
		return err
	}
	facts, err := i.Facts(ctx)
	if err != nil {
		return err
	}
	all := inventory.Of(facts, facts.Practice(practice))
	if c.SVG != "" {
		f, err := os.Create(c.SVG)
		if err != nil {
			return err
		}
		if err := errors.Join(inventory.WriteSVG(f, all), f.Close()); err != nil {
			return err
		}
	}
	if c.JSON {
		return writeJSON(s.out, all)
	}
	names := make(map[string]string)
	for _, a := range all.Assets {
		names[a.ID] = a.Name
		fmt.Fprintf(s.out, "%-8s %-10s %-6s %s: %s; %s\n", a.Kind, a.Zone, a.Weight, a.Name, a.Holds, a.Guarded)
	}
	fmt.Fprintln(s.out)
	for _, f := range all.Flows {
		mark := ""
		if f.Open {
			mark = "  OPEN"
		}
		fmt.Fprintf(s.out, "%s -> %s: %s; %s%s\n", names[f.From], names[f.To], f.Carries, f.Guarded, mark)
	}
	return nil
}
