package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/practice"
	"github.com/sotto-health/sotto/internal/vault"
	"github.com/sotto-health/sotto/mls/suite"
)

type practiceCommand struct {
	Apply applyCommand `cmd:"" help:"Create or change a practice as its file says. New staff in the file get a one-time set-up link each."`
	Pin   pinCommand   `cmd:"" help:"Print what a web page can pin the practice's authority by (data-authority)."`
}

type applyCommand struct {
	File string `arg:"" help:"Practice file (JSON)." type:"existingfile"`
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
	links, err := applyPractice(ctx, h, host.Folder(cli.Data), file)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s is set up: /c/%s\n", file.Name, file.Slug)
	for _, l := range links {
		fmt.Fprintf(s.out, "  %-20s /staff/#setup=%s\n", l.person.Login, l.token)
	}
	if len(links) > 0 {
		fmt.Fprintln(s.out, "Give each person their link by a safe way. It works once, for 72 hours.")
	}
	return nil
}

// A setUpLink lets a new staff person choose a password.
type setUpLink struct {
	person hub.Person
	token  string
}

// applyPractice creates or changes a practice, its keeper and its staff.
func applyPractice(ctx context.Context, h *host.OpenHub, folder host.Folder, file *practice.File) ([]setUpLink, error) {
	v, err := vault.Create(keeperFolder(folder, file.Slug), file.Slug, file.Name, hub.NewID)
	if err != nil {
		return nil, err
	}
	enrolment, err := v.Enrolment()
	if err != nil {
		return nil, err
	}
	settings := file.Settings()
	settings.AuthorityKey, settings.Suite = enrolment.AuthorityKey, uint16(suite.MLKEM768P256)
	if _, err := h.SavePractice(ctx, hub.Practice{ID: v.Practice, Slug: v.Slug, Settings: settings}); err != nil {
		if errors.Is(err, hub.ErrConflict) {
			return nil, errors.New("the consent text has changed: give it a new version")
		}
		return nil, err
	}
	if err := h.EnrolService(ctx, serviceOf(enrolment)); err != nil {
		return nil, fmt.Errorf("enrol the keeper: %w", err)
	}
	return addStaff(ctx, h, v.Practice, file.Staff)
}

func serviceOf(e *vault.Enrolment) hub.Service {
	return hub.Service{
		Practice: e.Practice, Person: e.Person, Device: e.Device, Role: "keeper", Name: e.Name, Title: e.Title,
		PublicKey: e.PublicKey, Certificate: e.Certificate, NameCard: e.NameCard,
	}
}

// addStaff adds those who are not there yet.
func addStaff(ctx context.Context, h *host.OpenHub, practiceID string, staff []practice.Staff) ([]setUpLink, error) {
	var links []setUpLink
	for _, member := range staff {
		person, err := h.AddStaff(ctx, hub.Person{
			Practice: practiceID, Login: member.Login, Name: member.Name, Title: member.Title, Role: member.Role,
		})
		if errors.Is(err, hub.ErrExists) {
			continue
		} else if err != nil {
			return links, fmt.Errorf("add a staff person: %w", err)
		}
		token, err := h.NewSetUpLink(ctx, practiceID, person.ID)
		if err != nil {
			return links, fmt.Errorf("make a set-up link: %w", err)
		}
		links = append(links, setUpLink{person, token})
	}
	return links, nil
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
