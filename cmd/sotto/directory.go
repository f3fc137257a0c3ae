package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sotto-health/sotto/internal/hub"
)

type directoryCommand struct {
	Practice string `help:"The practice's short name." required:"" placeholder:"SLUG"`

	Token  tokenDirectoryCommand  `cmd:"" help:"Make a token with which the practice's directory keeps its people here (SCIM 2.0), or a monitor follows its log, and print it."`
	Tokens tokensDirectoryCommand `cmd:"" help:"List the tokens."`
	Revoke revokeDirectoryCommand `cmd:"" help:"End a token at once."`
}

type tokenDirectoryCommand struct {
	Name string `arg:"" help:"What the token is for: Entra ID."`
	Days int    `default:"180" help:"Days until it ends, at most 366."`
	For  string `default:"directory" enum:"directory,watch" help:"What it opens: directory (SCIM), or watch, the signed heads of the audit log and nothing else."`
}

func (c tokenDirectoryCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, p, err := cli.openPractice(ctx, cli.Directory.Practice)
	if err != nil {
		return err
	}
	defer h.Close()
	newToken, where := h.NewDirectoryToken, "at /scim/v2"
	if c.For == hub.ForWatch {
		newToken, where = h.NewWatchToken, "for sotto audit watch --hub"
	}
	token, made, err := newToken(ctx, p.ID, c.Name, c.Days)
	if err != nil {
		return errors.New("a name of at most 64 bytes and 1 to 366 days are needed")
	}
	_, err = fmt.Fprintf(s.out, "%s\nGood until %s, %s. It is shown this once.\n", token, day(made.ExpiresAt), where)
	return err
}

func day(at int64) string { return time.UnixMilli(at).UTC().Format(time.DateOnly) }

type tokensDirectoryCommand struct{}

func (tokensDirectoryCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, p, err := cli.openPractice(ctx, cli.Directory.Practice)
	if err != nil {
		return err
	}
	defer h.Close()
	all, err := h.DirectoryTokens(ctx, p.ID)
	for _, t := range all {
		if _, err := fmt.Fprintf(s.out, "%-30s %-24s %-9s until %s\n", t.ID, t.Name, t.Purpose, day(t.ExpiresAt)); err != nil {
			return err
		}
	}
	return err
}

type revokeDirectoryCommand struct {
	ID string `arg:"" help:"The token's id, from tokens."`
}

func (c revokeDirectoryCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, p, err := cli.openPractice(ctx, cli.Directory.Practice)
	if err != nil {
		return err
	}
	defer h.Close()
	if err := h.RevokeDirectoryToken(ctx, p.ID, c.ID); errors.Is(err, hub.ErrNotFound) {
		return errors.New("there is no such token")
	} else if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, "The token is no longer good.")
	return err
}
