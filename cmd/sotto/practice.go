package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/practice"
	"github.com/sotto-health/sotto/internal/vault"
)

type practiceCommand struct {
	Apply applyCommand `cmd:"" help:"Create or change a practice as its file says. New staff in the file get a one-time set-up link each."`
	Pin   pinCommand   `cmd:"" help:"Print what a web page can pin the practice's authority by (data-authority)."`
}

type applyCommand struct {
	File   string   `arg:"" help:"Practice file (JSON)." type:"existingfile"`
	Weaken []string `help:"Settings that may protect less than before, by name." placeholder:"NAME"`
}

func (c applyCommand) Run(ctx context.Context, cli *commands, s streams) error {
	b, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	file, err := practice.Parse(b)
	if err != nil {
		return err
	}
	h, err := cli.openHub(ctx, hub.Limits{})
	if err != nil {
		return err
	}
	defer h.Close()
	return applyPractice(ctx, h, host.Folder(cli.Data), file, c.Weaken, s.out)
}

// applyPractice creates or changes a practice, its keeper and its staff, and
// says so on out.
func applyPractice(ctx context.Context, h *host.OpenHub, folder host.Folder, file *practice.File, weaken []string, out io.Writer) error {
	v, err := vault.Create(keeperFolder(folder, file.Slug), file.Slug, file.Name, hub.NewID)
	if err != nil {
		return err
	}
	enrolment, err := v.Enrolment()
	if err != nil {
		return err
	}
	links, err := h.ApplyPractice(ctx, file, enrolment, weaken)
	if err != nil {
		return err
	}
	return h.Report(ctx, out, enrolment, file, links)
}

type pinCommand struct {
	Slug string `arg:"" help:"The practice's short name, as in /c/SLUG."`
}

func (c pinCommand) Run(cli *commands, s streams) error {
	v, err := vault.Open(keeperFolder(host.Folder(cli.Data), c.Slug))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, pin(v.Authority.Public()))
	return err
}

// keeperFolder is where a practice's keeper keeps its keys and archive.
func keeperFolder(f host.Folder, slug string) string { return filepath.Join(f.KeeperPart(), slug) }
