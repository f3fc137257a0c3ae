package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/practice"
	"github.com/sotto-health/sotto/mls/suite"
)

// A SetUpLink lets a new staff person choose a password.
type SetUpLink struct {
	Login string
	Token string // the fragment of /staff/#setup=TOKEN
}

// ApplyPractice creates or changes a practice as its file says, enrols its
// keeper, and adds the staff who are not there yet.
func (h *OpenHub) ApplyPractice(ctx context.Context, file *practice.File, e *certificate.Enrolment) ([]SetUpLink, error) {
	if e.Slug != file.Slug {
		return nil, fmt.Errorf("the keeper is for the practice %q and the file for %q", e.Slug, file.Slug)
	}
	settings := file.Settings()
	if sso := settings.Access.SSO; sso != nil {
		secret, err := file.ClientSecret(os.Getenv, os.ReadFile)
		if err != nil {
			return nil, err
		}
		if secret != "" {
			sso.Secret = h.SealSecret(e.Practice, secret)
		}
	}
	if portal := settings.Identity.Portal; portal != nil {
		secret, err := file.PortalSecret(os.Getenv, os.ReadFile)
		if err != nil {
			return nil, err
		}
		if secret != "" {
			portal.Secret = h.SealPortalSecret(e.Practice, secret)
		}
	}
	settings.AuthorityKey, settings.Suite = e.AuthorityKey, uint16(suite.MLKEM768P256)
	if _, err := h.SavePractice(ctx, hub.Practice{ID: e.Practice, Slug: e.Slug, Settings: settings}); err != nil {
		if errors.Is(err, hub.ErrConflict) {
			return nil, errors.New("the consent text has changed: give it a new version")
		}
		return nil, err
	}
	err := h.EnrolService(ctx, hub.Service{
		Practice: e.Practice, Person: e.Person, Device: e.Device, Role: certificate.RoleKeeper, Name: e.Name, Title: e.Title,
		PublicKey: e.PublicKey, Certificate: e.Certificate, NameCard: e.NameCard,
	})
	if err != nil {
		return nil, fmt.Errorf("enrol the keeper: %w", err)
	}
	return h.addStaff(ctx, e.Practice, file.Staff)
}

func (h *OpenHub) addStaff(ctx context.Context, practiceID string, staff []practice.Staff) ([]SetUpLink, error) {
	var links []SetUpLink
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
		links = append(links, SetUpLink{person.Login, token})
	}
	return links, nil
}

// WriteLinks tells the administrator what ApplyPractice has done.
func WriteLinks(w io.Writer, file *practice.File, links []SetUpLink) error {
	if _, err := fmt.Fprintf(w, "%s is set up: /c/%s\n", file.Name, file.Slug); err != nil {
		return err
	}
	for _, l := range links {
		if _, err := fmt.Fprintf(w, "  %-20s /staff/#setup=%s\n", l.Login, l.Token); err != nil {
			return err
		}
	}
	if len(links) == 0 {
		return nil
	}
	_, err := fmt.Fprintln(w, "Give each person their link by a safe way. It works once, for 72 hours.")
	return err
}
