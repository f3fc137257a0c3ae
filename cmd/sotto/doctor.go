package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/sotto-health/sotto/internal/doctor"
	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/installation"
)

type doctorCommand struct {
	JSON bool `name:"json" help:"Print JSON for programs."`
}

func (c doctorCommand) Run(ctx context.Context, cli *commands, s streams) error {
	facts, err := cli.inspect(ctx)
	if err != nil {
		return err
	}
	report := doctor.Check(facts)
	if c.JSON {
		err = writeJSON(s.out, report)
	} else {
		err = report.WriteText(s.out)
	}
	if err == nil && report.Failed() {
		return errors.New("something is wrong with this installation")
	}
	return err
}

// inspect looks at the installation in the data folder. It makes nothing.
func (c *commands) inspect(ctx context.Context) (*installation.Facts, error) {
	config, err := c.installed()
	if err != nil {
		return nil, err
	}
	h, err := host.Open(ctx, config)
	if err != nil {
		h = nil // that it cannot be opened is a finding
	} else {
		defer h.Close()
	}
	return host.Inspect(ctx, h, host.InspectConfig{Folder: config.Folder, PostgresURL: config.PostgresURL, Backups: config.Backups})
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
