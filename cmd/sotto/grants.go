package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sotto-health/sotto/internal/hub"
)

type requestsStaffCommand struct{}

func (requestsStaffCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, p, err := cli.openPractice(ctx, cli.Staff.Practice)
	if err != nil {
		return err
	}
	defer h.Close()
	staff, err := h.ListStaff(ctx, p.ID)
	if err != nil {
		return err
	}
	login := map[string]string{"": "the directory"}
	for _, person := range staff {
		login[person.ID] = person.Login
	}
	open, err := h.OpenGrants(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, r := range open {
		what := "to be " + r.Role
		if r.Kind == hub.GrantLink {
			what = "a new sign-in"
		}
		if _, err := fmt.Fprintf(s.out, "%s  %s: %s, asked by %s until %s\n", r.ID, login[r.Person], what, login[r.Requester], time.UnixMilli(r.ExpiresAt).UTC().Format(time.DateTime+" MST")); err != nil {
			return err
		}
	}
	return nil
}

type approveStaffCommand struct {
	Request string `arg:"" help:"As sotto staff requests prints it."`
	Note    string `help:"Why; kept with the request."`
}

func (c approveStaffCommand) Run(ctx context.Context, cli *commands, s streams) error {
	return answerGrant(ctx, cli, s, c.Request, hub.GrantApproved, c.Note, "approved")
}

type refuseStaffCommand struct {
	Request string `arg:"" help:"As sotto staff requests prints it."`
	Note    string `help:"Why; kept with the request."`
}

func (c refuseStaffCommand) Run(ctx context.Context, cli *commands, s streams) error {
	return answerGrant(ctx, cli, s, c.Request, hub.GrantRefused, c.Note, "refused")
}

func answerGrant(ctx context.Context, cli *commands, s streams, request, decision, note, said string) error {
	h, p, err := cli.openPractice(ctx, cli.Staff.Practice)
	if err != nil {
		return err
	}
	defer h.Close()
	_, err = h.AnswerGrant(ctx, p.ID, request, decision, note)
	switch {
	case errors.Is(err, hub.ErrNotFound):
		return errors.New("there is no such request: see sotto staff requests")
	case errors.Is(err, hub.ErrConflict):
		return errors.New("it was answered, it has lapsed, or the person is disabled")
	case errors.Is(err, hub.ErrForbidden):
		return errors.New("that would leave the practice without an administrator")
	case err != nil:
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s is %s, and that is in the audit log.\n", request, said)
	return err
}
