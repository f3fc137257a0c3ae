package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/control"
	"github.com/sotto-health/sotto/internal/control/pack"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/host"
)

type controlsCommand struct {
	Practice string `help:"The practice's short name; needed only if there are several." placeholder:"SLUG"`

	Show    showControlsCommand    `cmd:"" default:"withargs" help:"Look at every HIPAA safeguard: what enforces it, what the live installation shows of it, what is missing."`
	History historyControlsCommand `cmd:"" help:"List earlier looks."`
	Pack    packControlsCommand    `cmd:"" help:"Write a signed evidence pack (PDF and JSON in a zip file) for an auditor."`
	Key     keyControlsCommand     `cmd:"" help:"Print the key that evidence packs are verified with."`
	Verify  verifyControlsCommand  `cmd:"" help:"Check that an evidence pack was not changed. Needs no installation."`
}

// open opens the installation and finds the practice.
func (c controlsCommand) open(ctx context.Context, cli *commands) (*host.OpenHub, *host.Inspector, string, error) {
	h, err := cli.openInstalled(ctx)
	if err != nil {
		return nil, nil, "", err
	}
	p, err := onlyPractice(ctx, h, c.Practice)
	if err != nil {
		return nil, nil, "", errors.Join(err, h.Close())
	}
	return h, h.Inspector(), p.ID, nil
}

type showControlsCommand struct {
	JSON bool `name:"json" help:"Print JSON for programs."`
	All  bool `help:"Print what was found of each control, not only of those that need something."`
}

func (c showControlsCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, i, practice, err := cli.Controls.open(ctx, cli)
	if err != nil {
		return err
	}
	defer h.Close()
	if err := h.NoteControlsLooked(ctx, practice); err != nil {
		return err
	}
	run, err := i.Look(ctx, practice)
	if err != nil {
		return err
	}
	if c.JSON {
		err = writeJSON(s.out, struct {
			Controls []api.Control  `json:"controls"`
			Run      api.ControlRun `json:"run"`
		}{control.Catalogue(), run})
	} else {
		err = control.WriteText(s.out, &run, c.All)
	}
	if err == nil && run.Counts.Short > 0 {
		return fmt.Errorf("%d controls fall short", run.Counts.Short)
	}
	return err
}

type historyControlsCommand struct {
	Days int `default:"365" help:"How many days back."`
}

func (c historyControlsCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, i, practice, err := cli.Controls.open(ctx, cli)
	if err != nil {
		return err
	}
	defer h.Close()
	if err := h.NoteControlsRead(ctx, practice); err != nil {
		return err
	}
	all, err := i.ControlHistory(ctx, practice, time.Now().AddDate(0, 0, -c.Days), 10_000)
	if err != nil {
		return err
	}
	for _, r := range all {
		fmt.Fprintf(s.out, "%s  %3d met  %3d need a decision  %3d fall short  %3d not applicable  %s\n",
			time.UnixMilli(r.At).UTC().Format(time.DateTime), r.Counts.Met, r.Counts.Decision, r.Counts.Short, r.Counts.NotApplicable, r.Version)
	}
	return nil
}

type packControlsCommand struct {
	File string `arg:"" help:"Where to write the pack: evidence.zip." type:"path"`
}

func (c packControlsCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, i, practice, err := cli.Controls.open(ctx, cli)
	if err != nil {
		return err
	}
	defer h.Close()
	if err := h.NoteEvidence(ctx, practice); err != nil {
		return err
	}
	made, err := i.Evidence(ctx, practice)
	if err != nil {
		return err
	}
	if err := durable.CreateFile(c.File, made.Bytes(), 0o600); err != nil {
		return err
	}
	key, err := i.EvidenceKey(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s is written. It holds nothing about patients.\nVerify it with:\n  sotto controls verify %s --key '%s'\n", c.File, c.File, key.Public())
	return err
}

type keyControlsCommand struct{}

func (keyControlsCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, i, _, err := cli.Controls.open(ctx, cli)
	if err != nil {
		return err
	}
	defer h.Close()
	key, err := i.EvidenceKey(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, key.Public())
	return err
}

type verifyControlsCommand struct {
	File string `arg:"" help:"The pack." type:"existingfile"`
	Key  string `required:"" help:"The practice's key, as sotto controls key prints it."`
}

func (c verifyControlsCommand) Run(s streams) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	e, err := pack.Verify(f, info.Size(), c.Key)
	if err != nil {
		return err
	}
	n := e.Run.Counts
	_, err = fmt.Fprintf(s.out, "The pack is as it was made for %s on %s: %d met, %d need a decision, %d fall short, %d not applicable.\n",
		e.Practice, e.Made.UTC().Format(time.DateTime), n.Met, n.Decision, n.Short, n.NotApplicable)
	return err
}
