package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

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

// Errors of a practice file's consent form. Nothing of the file is applied.
var (
	// ErrFormChanged: the practice has this version with another text.
	ErrFormChanged = errors.New("the consent text has changed: give it a new version")
	// ErrFormWaits: another version of the form is a draft, or is not approved.
	ErrFormWaits = errors.New("another version of the consent form waits in Consent forms, on the administrators' page: publish it, or take its text into the file, first")
)

// A WeakenError says which settings that protect a practice file would weaken,
// and nobody said that it should.
type WeakenError struct{ Changes []hub.ProtectionChange }

func (e *WeakenError) Error() string {
	var b strings.Builder
	b.WriteString("this would protect less than before, and changes nothing yet:")
	for _, c := range e.Changes {
		fmt.Fprintf(&b, "\n  %s: %s, was %s", c.ID, c.To, c.From)
	}
	fmt.Fprintf(&b, "\nif it is meant, say so: --weaken %s", strings.Join(e.IDs(), ","))
	return b.String()
}

// IDs are the names by which it would be allowed.
func (e *WeakenError) IDs() []string {
	ids := make([]string, len(e.Changes))
	for i, c := range e.Changes {
		ids[i] = c.ID
	}
	return ids
}

// weakens returns a [*WeakenError] if the settings protect less than those that
// the practice has, in what meant does not name.
func (h *OpenHub) weakens(ctx context.Context, id string, settings hub.Settings, meant []string) error {
	before, err := h.store.Practice(ctx, id)
	if errors.Is(err, hub.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	changes := slices.DeleteFunc(hub.ProtectionChanges(before.Settings, settings), func(c hub.ProtectionChange) bool {
		return !c.Weaker || slices.Contains(meant, c.ID)
	})
	if len(changes) > 0 {
		return &WeakenError{changes}
	}
	return nil
}

// ApplyPractice creates or changes a practice as its file says, enrols its
// keeper, and adds the staff who are not there yet. What the file weakens of the
// settings that protect must be named in weaken, or it is refused with a
// [*WeakenError].
func (h *OpenHub) ApplyPractice(ctx context.Context, file *practice.File, e *certificate.Enrolment, weaken []string) ([]SetUpLink, error) {
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
	if err := h.weakens(ctx, e.Practice, settings, weaken); err != nil {
		return nil, err
	}
	settings.AuthorityKey, settings.Suite = e.AuthorityKey, uint16(suite.MLKEM768P256)
	if _, err := h.SavePractice(ctx, hub.Practice{ID: e.Practice, Slug: e.Slug, Settings: settings}); err != nil {
		var unfinished *hub.UnfinishedError
		switch {
		case errors.As(err, &unfinished):
			return nil, fmt.Errorf("consent: %w", err)
		case errors.Is(err, hub.ErrConflict):
			return nil, ErrFormChanged
		case errors.Is(err, hub.ErrFormState):
			return nil, ErrFormWaits
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

// Report tells the administrator what ApplyPractice has done.
func (h *OpenHub) Report(ctx context.Context, w io.Writer, e *certificate.Enrolment, file *practice.File, links []SetUpLink) error {
	waits, err := h.FormWaits(ctx, e.Practice, file.Consent.Form, file.Consent.Version)
	if err != nil {
		return err
	}
	if err := writeLinks(w, file, links); err != nil || !waits {
		return err
	}
	_, err = fmt.Fprintf(w, "Version %d of the consent form waits: a compliance officer or administrator approves and publishes it in Consent forms, /admin/?practice=%s#/consents. Until then patients see the one before.\n",
		file.Consent.Version, file.Slug)
	return err
}

func writeLinks(w io.Writer, file *practice.File, links []SetUpLink) error {
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
