package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/keeperhost"
)

type staffCommand struct {
	Practice string `help:"The practice's short name." required:"" placeholder:"SLUG"`

	List     listStaffCommand     `cmd:"" help:"List the practice's staff."`
	Add      addStaffCommand      `cmd:"" help:"Add a staff person and print a one-time set-up link."`
	Link     linkStaffCommand     `cmd:"" help:"Print a new one-time set-up link, as after a forgotten password."`
	Identity identityStaffCommand `cmd:"" help:"Say who a staff person is at the practice's OpenID provider."`
	Requests requestsStaffCommand `cmd:"" help:"List what waits for a second person: roles with much power, new sign-ins of who has one."`
	Approve  approveStaffCommand  `cmd:"" help:"Approve a request, where nobody else can."`
	Refuse   refuseStaffCommand   `cmd:"" help:"Refuse a request."`
	Disable  disableStaffCommand  `cmd:"" help:"End all access of a staff person at once."`
	Enable   enableStaffCommand   `cmd:"" help:"Give somebody who was disabled access again; a role with much power takes two people."`
}

type listStaffCommand struct{}

func (listStaffCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, practice, err := cli.openPractice(ctx, cli.Staff.Practice)
	if err != nil {
		return err
	}
	defer h.Close()
	staff, err := h.ListStaff(ctx, practice.ID)
	for _, p := range staff {
		state := "enabled"
		if p.DisabledByDirectory {
			state = "disabled by the directory"
		} else if p.DisabledAt != 0 {
			state = "disabled"
		}
		if _, err := fmt.Fprintf(s.out, "%-20s %-24s %-16s %s\n", p.Login, p.Name, p.Title, state); err != nil {
			return err
		}
	}
	return err
}

type addStaffCommand struct {
	Login string `arg:"" help:"What the person signs in as."`
	Name  string `required:"" help:"First and last name, as patients see it."`
	Title string `required:"" help:"As patients see it: Nurse, Physician ..."`
	Role  string `default:"agent" help:"Role."`
}

func (c addStaffCommand) Run(ctx context.Context, cli *commands, s streams) error {
	h, p, err := cli.openPractice(ctx, cli.Staff.Practice)
	if err != nil {
		return err
	}
	defer h.Close()
	person, err := h.AddStaff(ctx, hub.Person{Practice: p.ID, Login: c.Login, Name: c.Name, Title: c.Title, Role: c.Role})
	if errors.Is(err, hub.ErrExists) {
		return errors.New("somebody has that login")
	} else if err != nil {
		return err
	}
	return printLink(ctx, h, person, s)
}

type linkStaffCommand struct {
	Login string `arg:"" help:"What the person signs in as."`
}

func (c linkStaffCommand) Run(ctx context.Context, cli *commands, s streams) error {
	return cli.Staff.find(ctx, cli, c.Login, func(h *host.OpenHub, p hub.Person) error {
		// Whoever has the keeper's folder too decides for the keeper as well.
		folder := keeperFolder(host.Folder(cli.Data), cli.Staff.Practice)
		if _, err := os.Stat(folder); err == nil {
			if err := h.NoteReadmitted(ctx, p.Practice, p.ID); err != nil {
				return err
			}
			if err := keeperhost.Readmit(folder, p.ID); err != nil {
				return err
			}
		} else {
			fmt.Fprintf(s.out, "If all passkeys are lost, run where the keeper is: sotto-keeper --practice %s readmit %s\n", cli.Staff.Practice, p.ID)
		}
		return printLink(ctx, h, p, s)
	})
}

type identityStaffCommand struct {
	Login   string `arg:"" help:"What the person signs in as here."`
	Subject string `arg:"" help:"The person's subject (the claim sub) at the provider."`
}

func (c identityStaffCommand) Run(ctx context.Context, cli *commands, s streams) error {
	return cli.Staff.find(ctx, cli, c.Login, func(h *host.OpenHub, p hub.Person) error {
		err := h.LinkIdentity(ctx, p.Practice, p.ID, c.Subject)
		switch {
		case errors.Is(err, hub.ErrNotFound):
			return errors.New("the practice has no OpenID provider: see access.sso in its file")
		case errors.Is(err, hub.ErrConflict):
			return errors.New("the person is disabled or linked already, or the subject is somebody else's")
		case err != nil:
			return err
		}
		_, err = fmt.Fprintf(s.out, "%s can sign in at the practice's provider.\n", p.Login)
		return err
	})
}

type disableStaffCommand struct {
	Login string `arg:"" help:"What the person signs in as."`
	Last  bool   `help:"The person is the last administrator, without whom nobody runs the practice, and is meant."`
}

func (c disableStaffCommand) Run(ctx context.Context, cli *commands, s streams) error {
	return cli.Staff.find(ctx, cli, c.Login, func(h *host.OpenHub, p hub.Person) error {
		disable := h.DisablePerson
		if c.Last {
			disable = h.DisableLastAdministrator
		}
		err := disable(ctx, p.Practice, p.ID)
		switch {
		case errors.Is(err, hub.ErrForbidden):
			return fmt.Errorf("%s is the last administrator: make somebody else one first, or say --last", p.Login)
		case errors.Is(err, hub.ErrConflict):
			return fmt.Errorf("%s is not the last administrator: leave out --last", p.Login)
		case err != nil:
			return err
		}
		_, err = fmt.Fprintf(s.out, "%s is disabled; the keeper removes the devices from every conversation.\n", p.Login)
		return err
	})
}

func printLink(ctx context.Context, h *host.OpenHub, p hub.Person, s streams) error {
	token, err := h.NewSetUpLink(ctx, p.Practice, p.ID)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "/staff/#setup=%s\nIt works once, for 72 hours. Give it to %s by a safe way.\n", token, p.Name)
	return err
}

func (c staffCommand) find(ctx context.Context, cli *commands, login string, do func(*host.OpenHub, hub.Person) error) error {
	h, p, err := cli.openPractice(ctx, c.Practice)
	if err != nil {
		return err
	}
	defer h.Close()
	staff, err := h.Staff(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, person := range staff {
		if strings.EqualFold(person.Login, strings.TrimSpace(login)) {
			return do(h, person)
		}
	}
	return errors.New("nobody has that login")
}

type enableStaffCommand struct {
	Login string `arg:"" help:"What the person signed in as."`
}

func (c enableStaffCommand) Run(ctx context.Context, cli *commands, s streams) error {
	return cli.Staff.find(ctx, cli, c.Login, func(h *host.OpenHub, p hub.Person) error {
		after, err := h.EnablePerson(ctx, p.Practice, p.ID)
		if errors.Is(err, hub.ErrConflict) {
			return fmt.Errorf("%s is not disabled", p.Login)
		} else if err != nil {
			return err
		}
		role := "with the role " + after.Role
		if after.Role == "" {
			role = "without a role: give it on the page People"
		}
		_, err = fmt.Fprintf(s.out, "%s has access again, %s. They sign in as before, and each device anew.\n", p.Login, role)
		return err
	})
}
