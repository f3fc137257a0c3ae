package hub

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/sotto-health/sotto/api"
)

// Shortest and longest password, in characters (NIST SP 800-63B-4: 15 where a
// password is the only factor).
const (
	minPassword = 15
	maxPassword = 256
)

// foldLogin is how logins are compared: without case and outer spaces.
func foldLogin(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

// InspectSetUp says whom an unused set-up link is for.
func (h *Hub) InspectSetUp(ctx context.Context, token string) (api.StaffSession, error) {
	l, err := h.store.SetUpLink(ctx, hashToken(token), h.millis())
	if err != nil {
		return api.StaffSession{}, err
	}
	return h.staffSession(ctx, l.Practice, l.Person, l.ExpiresAt)
}

// SetUp uses a set-up link to choose a password, and signs the person in. All
// their former sessions end.
func (h *Hub) SetUp(ctx context.Context, s api.SetUp) (cookie string, session api.StaffSession, err error) {
	if n := utf8.RuneCountInString(s.Password); n < minPassword || n > maxPassword {
		return "", api.StaffSession{}, malformed("password")
	}
	hash := hashToken(s.Token)
	if _, err := h.store.SetUpLink(ctx, hash, h.millis()); err != nil {
		return "", api.StaffSession{}, err // before the costly part
	}
	encoded, err := h.passwords.hash(ctx, s.Password)
	if err != nil {
		return "", api.StaffSession{}, at("hash password", err)
	}
	l, err := h.store.ClaimSetUpLink(ctx, hash, encoded, h.millis())
	if err != nil {
		return "", api.StaffSession{}, err
	}
	h.endSessions(ctx, l.Practice, Ending{Person: l.Person})
	return h.openStaffSession(ctx, l.Practice, l.Person)
}

// SignIn checks a password and opens a session. Whatever is wrong, the answer
// and the work are the same.
func (h *Hub) SignIn(ctx context.Context, address string, s api.SignIn) (cookie string, session api.StaffSession, err error) {
	login := foldLogin(s.Login)
	if err := h.rates.allow("sign-in", address, h.limits.SignIns); err != nil {
		return "", api.StaffSession{}, err
	}
	if err := h.rates.allow("login", s.Practice+"/"+login, h.limits.Logins); err != nil {
		return "", api.StaffSession{}, err
	}
	p, err := h.findStaff(ctx, s.Practice, login)
	if err != nil {
		return "", api.StaffSession{}, err
	}
	good, err := h.passwords.check(ctx, p.Password, s.Password)
	if err != nil {
		return "", api.StaffSession{}, at("check password", err)
	}
	if !good || p.DisabledAt != 0 {
		return "", api.StaffSession{}, ErrUnauthenticated
	}
	return h.openStaffSession(ctx, p.Practice, p.ID)
}

// findStaff returns the staff person, or an empty one if there is none.
func (h *Hub) findStaff(ctx context.Context, slug, login string) (Person, error) {
	practice, err := h.store.PracticeBySlug(ctx, slug)
	if errors.Is(err, ErrNotFound) {
		return Person{}, nil
	} else if err != nil {
		return Person{}, at("load practice", err)
	}
	p, err := h.store.PersonByLogin(ctx, practice.ID, login)
	if errors.Is(err, ErrNotFound) || err == nil && p.Kind != api.KindStaff {
		return Person{}, nil
	} else if err != nil {
		return Person{}, at("load staff person", err)
	}
	return p, nil
}

func (h *Hub) openStaffSession(ctx context.Context, practice, person string) (string, api.StaffSession, error) {
	now := h.now()
	token, hash := newToken()
	s := StaffSession{
		Token: hash, Practice: practice, Person: person,
		CreatedAt: now.UnixMilli(), ExpiresAt: now.Add(h.sessions.Staff).UnixMilli(),
	}
	if err := h.store.AddStaffSession(ctx, s); err != nil {
		return "", api.StaffSession{}, at("store staff session", err)
	}
	session, err := h.staffSession(ctx, practice, person, s.ExpiresAt)
	return token, session, err
}

func (h *Hub) staffSession(ctx context.Context, practice, person string, expires int64) (api.StaffSession, error) {
	pr, err := h.practice(ctx, practice)
	if err != nil {
		return api.StaffSession{}, err
	}
	p, err := h.store.Person(ctx, practice, person)
	if err != nil {
		return api.StaffSession{}, at("load staff person", err)
	}
	return api.StaffSession{Practice: pr.Slug, Person: h.person(p), Login: p.Login, ExpiresAt: expires}, nil
}

// StaffSession describes the signed-in staff person.
func (h *Hub) StaffSession(ctx context.Context, s *StaffCaller) (api.StaffSession, error) {
	return h.staffSession(ctx, s.Person.Practice, s.Person.ID, s.ExpiresAt)
}

// SignOut ends a staff session, the device sessions opened with it, and their
// connections.
func (h *Hub) SignOut(ctx context.Context, s *StaffCaller) error {
	if err := h.store.DeleteStaffSession(ctx, s.token); err != nil {
		return err
	}
	h.endSessions(ctx, s.Person.Practice, Ending{Staff: s.token})
	return nil
}

// person is what staff and services may see of one.
func (h *Hub) person(p Person) api.Person {
	return api.Person{ID: p.ID, Kind: p.Kind, Role: p.Role, Name: p.Name, Online: h.online(p.ID)}
}
