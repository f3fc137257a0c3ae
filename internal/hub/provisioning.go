package hub

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/internal/scim"
)

// This file is how a practice's directory keeps its people here, by SCIM. Its
// token is good for one practice. It adds people and disables them, and what
// they are follows from the practice's rules for groups, never from what the
// directory says they are.

// MostDirectoryDays is how long a directory's token can last.
const MostDirectoryDays = 366

// A Directory is a practice's directory whose token has been checked. Only
// [Hub.AuthenticateDirectory] makes one.
type Directory struct {
	Practice string
	token    string // id
}

func (d *Directory) actor() audit.Actor { return provider(d.Practice).actor() }

// NewDirectoryToken makes a token for the practice's directory, for who runs the
// hub. It is shown once: only its hash is kept.
func (h *Hub) NewDirectoryToken(ctx context.Context, practice, name string, days int) (token string, made DirectoryToken, err error) {
	return h.newProgramToken(ctx, practice, ForDirectory, name, days)
}

func (h *Hub) newProgramToken(ctx context.Context, practice, purpose, name string, days int) (token string, made DirectoryToken, err error) {
	if days < 1 || days > MostDirectoryDays || name == "" || len(name) > 64 {
		return "", made, malformed("days")
	}
	now := h.now()
	token, _ = newToken()
	if purpose == ForWatch {
		token = watchToken + token
	}
	made = DirectoryToken{
		Token: hashProgramToken(token, purpose), ID: NewID("k"), Practice: practice, Name: name, Purpose: purpose,
		CreatedAt: now.UnixMilli(), ExpiresAt: now.Add(time.Duration(days) * 24 * time.Hour).UnixMilli(),
	}
	event := h.event(ctx, operator(practice), audit.DirectoryToken, made.ID).With("for=" + purpose)
	return token, made, h.store.Recording(event).AddDirectoryToken(ctx, made)
}

// DirectoryTokens lists a practice's.
func (h *Hub) DirectoryTokens(ctx context.Context, practice string) ([]DirectoryToken, error) {
	return h.store.DirectoryTokens(ctx, practice)
}

// RevokeDirectoryToken ends one at once.
func (h *Hub) RevokeDirectoryToken(ctx context.Context, practice, id string) error {
	event := h.event(ctx, operator(practice), audit.DirectoryRevoked, id)
	return h.store.Recording(event).DeleteDirectoryToken(ctx, practice, id)
}

// AuthenticateDirectory checks a directory's token, and counts the call.
func (h *Hub) AuthenticateDirectory(ctx context.Context, token string) (*Directory, error) {
	if token == "" || len(token) > 128 {
		return nil, ErrUnauthenticated
	}
	t, err := h.programToken(ctx, token, ForDirectory)
	if errors.Is(err, ErrNotFound) {
		return nil, h.refusedProgram(ctx, ForDirectory)
	} else if err != nil {
		return nil, at("load the directory's token", err)
	}
	return &Directory{Practice: t.Practice, token: t.ID}, h.rates.allow("directory", t.ID, h.limits.Directory)
}

func scimUser(p *Person) scim.User {
	return scim.User{
		Schemas: []string{scim.UserSchema}, ID: p.ID, ExternalID: p.ExternalID, UserName: p.Login,
		Name: scim.Name{Formatted: p.Name}, DisplayName: p.Name, Title: p.Title, Active: p.DisabledAt == 0,
	}
}

// DirectoryUsers lists the practice's staff.
func (h *Hub) DirectoryUsers(ctx context.Context, d *Directory, f scim.Filter) ([]scim.User, error) {
	if err := h.directory(d.Practice)(policy.ListPeople, &policy.Resource{Practice: d.Practice}); err != nil {
		return nil, err
	}
	if err := h.store.Record(ctx, h.event(ctx, d, audit.PeopleListed, "")); err != nil {
		return nil, at("record a read", err)
	}
	staff, err := h.store.PersonsOfKind(ctx, d.Practice, api.KindStaff)
	if err != nil {
		return nil, err
	}
	var all []scim.User
	for i := range staff {
		if u := scimUser(&staff[i]); f.User(&u) {
			all = append(all, u)
		}
	}
	return all, nil
}

// DirectoryUser returns one of them.
func (h *Hub) DirectoryUser(ctx context.Context, d *Directory, id string) (scim.User, error) {
	p, err := h.personOfKind(ctx, d.Practice, id, api.KindStaff)
	if err != nil {
		return scim.User{}, err
	}
	return scimUser(&p), h.directoryReads(ctx, d, p.ID, "person")
}

// directoryReads records what a directory was shown. If it cannot, it is shown
// nothing.
func (h *Hub) directoryReads(ctx context.Context, d *Directory, object, what string) error {
	if err := h.store.Record(ctx, h.event(ctx, d, audit.DirectoryRead, object).With("what="+what)); err != nil {
		return at("record a read", err)
	}
	return nil
}

// AddDirectoryUser adds a person, who has no rights until a group of theirs
// gives some. A login or an id that is in use gives [ErrExists].
func (h *Hub) AddDirectoryUser(ctx context.Context, d *Directory, u scim.User) (scim.User, error) {
	if err := h.directory(d.Practice)(policy.AddPerson, &policy.Resource{Practice: d.Practice}); err != nil {
		return scim.User{}, err
	}
	p := Person{
		ID: NewID("p"), Practice: d.Practice, Kind: api.KindStaff, Name: u.Shown(), Title: u.Title, Login: foldLogin(u.UserName),
		ExternalID: u.ExternalID, CreatedAt: h.millis(), Queues: []string{},
	}
	if !u.Active {
		p.DisabledAt, p.DisabledByDirectory = p.CreatedAt, true
	}
	if err := h.store.Recording(h.event(ctx, d, audit.PersonAdded, p.ID)).AddPerson(ctx, p); err != nil {
		return scim.User{}, err
	}
	return scimUser(&p), nil
}

// A DisabledError reports that a person was disabled as the directory asked, and
// that what else it asked for in the same call was refused.
type DisabledError struct{ Err error }

func (e *DisabledError) Error() string { return "disabled, and the rest refused: " + e.Err.Error() }
func (e *DisabledError) Unwrap() error { return e.Err }

// ChangeDirectoryUser makes of a person what change makes of the user, as it is
// when it is stored: change may be called again. Who is to be disabled is so
// before anything else is tried: see [DisabledError].
func (h *Hub) ChangeDirectoryUser(ctx context.Context, d *Directory, id string, change func(*scim.User) error) (scim.User, error) {
	for try := 1; ; try++ {
		u, begun, err := h.changeDirectoryUser(ctx, d, id, change)
		if begun || try == mostDirectoryTries || !errors.Is(err, ErrConflict) {
			return u, err
		}
	}
}

// changeDirectoryUser gives [ErrConflict] if another changed the person
// meanwhile, and reports whether a part of the change is stored by then.
func (h *Hub) changeDirectoryUser(ctx context.Context, d *Directory, id string, change func(*scim.User) error) (u scim.User, begun bool, err error) {
	p, err := h.personOfKind(ctx, d.Practice, id, api.KindStaff)
	if err != nil {
		return scim.User{}, false, err
	}
	before := scimUser(&p)
	after := before
	if err := change(&after); err != nil {
		return scim.User{}, false, err
	}
	leaves, returns := before.Active && !after.Active, !before.Active && after.Active
	named := namingOf(&after)
	renamed := named != namingOf(&before)
	if !leaves && !returns && !renamed { // nothing is written, and the answer shows the person
		return before, false, h.directoryReads(ctx, d, p.ID, "person")
	}
	if returns {
		if err := p.returnable(); err != nil {
			return scim.User{}, false, err
		}
	}
	if leaves {
		if p, err = h.disableFor(ctx, d, &p); err != nil {
			return scim.User{}, false, err
		}
	}
	if renamed {
		if err := h.nameAgain(ctx, d, &p, named); leaves && err != nil {
			return scim.User{}, true, &DisabledError{err}
		} else if err != nil {
			return scim.User{}, false, err
		}
	}
	if returns {
		if p, err = h.enableFor(ctx, d, &p); err != nil {
			return scim.User{}, renamed, err
		}
	}
	return scimUser(&p), true, nil
}

// unchanged refuses to change a person who is not any more as the directory was
// told.
func (p *Person) unchanged(seen *Person) error {
	if scim.Version(scimUser(p)) != scim.Version(scimUser(seen)) {
		return ErrConflict
	}
	return nil
}

// naming is what a directory says that a person is called.
type naming struct{ login, name, title, external string }

func namingOf(u *scim.User) naming {
	return naming{foldLogin(u.UserName), u.Shown(), u.Title, u.ExternalID}
}

// nameAgain changes what a person is called. Who is an administrator here is
// not the directory's to rename, for by a new id it could name another who
// signs in as them, unless the practice has groups make administrators.
func (h *Hub) nameAgain(ctx context.Context, d *Directory, p *Person, n naming) error {
	pr, err := h.practice(ctx, d.Practice)
	if err != nil {
		return err
	}
	if roleOf(p.Kind, p.Role) == policy.Administrator && !pr.Access.Groups.Administrators {
		return &ForbiddenError{Says: "Administrators are not kept by the directory."}
	}
	if err := h.directory(d.Practice)(policy.Grant, p.resource(false)); err != nil {
		return err
	}
	before := *p
	p.Login, p.Name, p.Title, p.ExternalID = n.login, n.name, n.title, n.external
	return h.store.Recording(h.event(ctx, d, audit.PersonChanged, p.ID)).NamePerson(ctx, before, *p)
}

// disableFor disables a person as the directory asks.
func (h *Hub) disableFor(ctx context.Context, d *Directory, seen *Person) (Person, error) {
	n, now := api.ChangeStaffMember{Disable: true}, h.millis()
	after, err := h.store.Recording(h.changed(ctx, d, seen, n)).ChangePerson(ctx, d.Practice, seen.ID, now, func(p *Person, last bool) error {
		if err := p.unchanged(seen); err != nil {
			return err
		}
		err := changeStaff(h.directory(d.Practice), p, last, n, now)
		p.DisabledByDirectory = err == nil
		return err
	})
	if err == nil {
		h.accessEnded(ctx, after)
	}
	return after, err
}

// returnable refuses to have the directory enable whom the practice disabled.
func (p *Person) returnable() error {
	if p.DisabledAt != 0 && !p.DisabledByDirectory {
		return &ForbiddenError{Says: "The practice has disabled this person, and the directory cannot undo that."}
	}
	return nil
}

// enableFor gives a person access again, as the directory asks: with the role and
// queues of their groups as these are now, where the practice has rules for
// groups. Who comes back has no devices and is in no conversation.
func (h *Hub) enableFor(ctx context.Context, d *Directory, seen *Person) (Person, error) {
	defer h.locks.lock("directory " + d.Practice)()
	id := seen.ID
	known, err := h.store.Person(ctx, d.Practice, id)
	if err != nil {
		return Person{}, err
	}
	m, err := h.memberships(ctx, d.Practice)
	if err != nil {
		return Person{}, err
	}
	role, queues := known.Role, known.Queues
	if r, q := m.of(&known); m.decide(&known, r, false) {
		if err := h.checkQueues(ctx, d.Practice, q); err != nil {
			return Person{}, err
		}
		role, queues = r, q
	}
	given := role
	if privileged(role) {
		given = "" // until somebody approves it
	}
	event := h.event(ctx, d, audit.PersonEnabled, id)
	if given != known.Role {
		event = event.With("role=" + given + ",was=" + known.Role)
	}
	after, err := h.store.Recording(event).ChangePerson(ctx, d.Practice, id, h.millis(), func(p *Person, _ bool) error {
		if err := h.directory(d.Practice)(policy.Grant, p.resource(false)); err != nil {
			return err
		}
		if err := cmp.Or(p.returnable(), p.unchanged(seen)); err != nil {
			return err
		}
		p.DisabledAt, p.DisabledByDirectory, p.Role, p.Queues = 0, false, given, queues
		return nil
	})
	if err == nil && given != role {
		err = h.askByGroups(ctx, &after, role)
	}
	return after, err
}

func scimGroup(g *DirectoryGroup) scim.Group {
	out := scim.Group{Schemas: []string{scim.GroupSchema}, ID: g.ID, ExternalID: g.ExternalID, DisplayName: g.Name}
	for _, id := range g.Members {
		out.Members = append(out.Members, scim.Member{Value: id})
	}
	return out
}

// DirectoryGroups lists the groups that the directory keeps here.
func (h *Hub) DirectoryGroups(ctx context.Context, d *Directory, f scim.Filter) ([]scim.Group, error) {
	groups, err := h.store.DirectoryGroups(ctx, d.Practice)
	if err != nil {
		return nil, err
	}
	if err := h.directoryReads(ctx, d, "", "groups"); err != nil {
		return nil, err
	}
	var all []scim.Group
	for i := range groups {
		if g := scimGroup(&groups[i]); f.Group(&g) {
			all = append(all, g)
		}
	}
	return all, nil
}

// DirectoryGroup returns one of them.
func (h *Hub) DirectoryGroup(ctx context.Context, d *Directory, id string) (scim.Group, error) {
	g, err := h.store.DirectoryGroup(ctx, d.Practice, id)
	if err != nil {
		return scim.Group{}, err
	}
	return scimGroup(&g), h.directoryReads(ctx, d, g.ID, "group")
}

// mostDirectoryGroups bounds how many groups a directory may keep.
const mostDirectoryGroups = 1000

// AddDirectoryGroup adds a group, whose members get what its rule gives.
func (h *Hub) AddDirectoryGroup(ctx context.Context, d *Directory, g scim.Group) (scim.Group, error) {
	defer h.locks.lock("directory " + d.Practice)()
	known, err := h.store.DirectoryGroups(ctx, d.Practice)
	if err != nil {
		return scim.Group{}, err
	}
	if len(known) >= mostDirectoryGroups {
		return scim.Group{}, ErrTooLarge
	}
	saved, err := h.saveGroup(ctx, d, DirectoryGroup{ID: NewID("g"), Practice: d.Practice, CreatedAt: h.millis()}, g)
	if err != nil {
		return scim.Group{}, err
	}
	return saved, h.followGroups(ctx, d.Practice, memberIDs(&saved))
}

// mostDirectoryTries bounds how often a change is made anew of who, or of a group
// that, another was faster to change.
const mostDirectoryTries = 10

// ChangeDirectoryGroup makes of a group what change makes of it, as it is when it
// is stored: change may be called again.
func (h *Hub) ChangeDirectoryGroup(ctx context.Context, d *Directory, id string, change func(*scim.Group) error) (scim.Group, error) {
	defer h.locks.lock("directory " + d.Practice)()
	for try := 1; ; try++ {
		stored, err := h.store.DirectoryGroup(ctx, d.Practice, id)
		if err != nil {
			return scim.Group{}, err
		}
		g := scimGroup(&stored)
		if err := change(&g); err != nil {
			return scim.Group{}, err
		}
		saved, err := h.saveGroup(ctx, d, stored, g)
		if errors.Is(err, ErrConflict) && try < mostDirectoryTries {
			continue
		} else if err != nil {
			return scim.Group{}, err
		}
		return saved, h.followGroups(ctx, d.Practice, append(memberIDs(&saved), stored.Members...))
	}
}

func memberIDs(g *scim.Group) []string {
	ids := make([]string, len(g.Members))
	for i, m := range g.Members {
		ids[i] = m.Value
	}
	return ids
}

func (h *Hub) saveGroup(ctx context.Context, d *Directory, stored DirectoryGroup, g scim.Group) (scim.Group, error) {
	before := stored
	stored.Name, stored.ExternalID, stored.Members = g.DisplayName, g.ExternalID, memberIDs(&g)
	found, err := h.persons(ctx, d.Practice, stored.Members)
	if err != nil {
		return scim.Group{}, err
	}
	for _, id := range stored.Members {
		if p, ok := found[id]; !ok || p.Kind != api.KindStaff {
			return scim.Group{}, malformed("members")
		}
	}
	changed := h.event(ctx, d, audit.GroupChanged, stored.ID).With("members=" + strconv.Itoa(len(stored.Members)))
	if err := h.store.Recording(changed).SaveDirectoryGroup(ctx, before, stored); err != nil {
		return scim.Group{}, err
	}
	return scimGroup(&stored), nil
}

// DeleteDirectoryGroup removes a group, and with it what it gave.
func (h *Hub) DeleteDirectoryGroup(ctx context.Context, d *Directory, id string) error {
	defer h.locks.lock("directory " + d.Practice)()
	stored, err := h.store.DirectoryGroup(ctx, d.Practice, id)
	if err != nil {
		return err
	}
	deleted := h.event(ctx, d, audit.GroupDeleted, id)
	if err := h.store.Recording(deleted).DeleteDirectoryGroup(ctx, d.Practice, id); err != nil {
		return err
	}
	return h.followGroups(ctx, d.Practice, stored.Members)
}

// memberships say what a practice's groups make of its people.
type memberships struct {
	rules  GroupRules
	groups []DirectoryGroup
}

func (h *Hub) memberships(ctx context.Context, practice string) (m memberships, err error) {
	pr, err := h.practice(ctx, practice)
	if err != nil || len(pr.Access.Groups.Rules) == 0 {
		return m, err
	}
	m.rules = pr.Access.Groups
	m.groups, err = h.store.DirectoryGroups(ctx, practice)
	return m, err
}

// of returns what the person's groups give; no role means no rights.
func (m *memberships) of(p *Person) (role string, queues []string) {
	var in []string
	for _, g := range m.groups {
		if slices.Contains(g.Members, p.ID) {
			in = append(in, g.Name, g.ExternalID)
		}
	}
	role, queues, _ = m.rules.role(in)
	if queues == nil {
		queues = []string{}
	}
	return role, queues
}

// decide reports whether role, which the person's groups give, is theirs. Whom
// the directory neither named by its id nor had in the group has their role from
// here, and a group that says nothing leaves it, as it leaves an administrator
// who is one here. Where the practice has no rules for groups, roles are given
// here, and groups mean nothing.
func (m *memberships) decide(p *Person, role string, had bool) bool {
	if len(m.rules.Rules) == 0 || roleOf(p.Kind, p.Role) == policy.Administrator && !m.rules.Administrators {
		return false
	}
	return role != "" || p.ExternalID != "" || had
}

// followGroups makes people what their groups say, where these or the rules for
// them have changed. Who is disabled is it when they come back, and loses at once
// what no group gives any more. Nobody is left out because the caller hung up or
// another could not be changed: of whom that is true, the next try makes good.
// It fails for those it is asked of: a directory cannot mend what is wrong with
// others, and would end up disabling nobody.
func (h *Hub) followGroups(ctx context.Context, practice string, of []string) error {
	ctx = context.WithoutCancel(ctx)
	followers, err := h.store.Followers(ctx, practice)
	if err != nil || len(followers) == 0 {
		return err
	}
	h.practices.forget(practice) // the rules may be new
	m, err := h.memberships(ctx, practice)
	if err != nil {
		return err
	}
	ids := make([]string, len(followers))
	for i, f := range followers {
		ids[i] = f.Person
	}
	found, err := h.persons(ctx, practice, ids)
	if err != nil {
		return err
	}
	var failed error
	done := slices.DeleteFunc(followers, func(f Follower) bool {
		p, ok := found[f.Person]
		if !ok {
			return false
		}
		err := h.followOne(ctx, &m, &p, f.Had)
		if err != nil && slices.Contains(of, p.ID) {
			failed = cmp.Or(failed, err)
		} else if err != nil {
			h.log.WarnContext(ctx, "who a directory's group changed could not be made what it says", slog.String("person", p.ID))
		}
		return err != nil
	})
	return cmp.Or(failed, h.store.Followed(ctx, practice, done))
}

func (h *Hub) followOne(ctx context.Context, m *memberships, p *Person, had bool) error {
	role, queues := m.of(p)
	if !m.decide(p, role, had) {
		return nil
	}
	var err error
	if p.DisabledAt == 0 {
		_, err = h.assignRole(ctx, *p, role, queues)
	} else if role == "" && p.Role != "" {
		err = h.takeRole(ctx, p)
	}
	if errors.Is(err, ErrNoRole) || errors.Is(err, ErrForbidden) {
		return nil // an administrator who is one here, or the last
	}
	return err
}

// settleGroups follows what could not be followed when it changed, and rules
// that the command line changed.
func (h *Hub) settleGroups(ctx context.Context) error {
	practices, err := h.PracticeIDs(ctx)
	if err != nil {
		return err
	}
	for _, practice := range practices {
		release := h.locks.lock("directory " + practice)
		err := h.followGroups(ctx, practice, nil)
		release()
		if err != nil {
			h.log.WarnContext(ctx, "people could not be made what their groups say", slog.String("practice", practice))
		}
	}
	return nil
}

// takeRole takes the role and queues of who is disabled.
func (h *Hub) takeRole(ctx context.Context, p *Person) error {
	event := h.changed(ctx, provider(p.Practice), p, api.ChangeStaffMember{Role: new(string), Queues: &[]string{}})
	_, err := h.store.Recording(event).ChangePerson(ctx, p.Practice, p.ID, h.millis(), func(p *Person, _ bool) error {
		if p.DisabledAt == 0 {
			return ErrConflict
		}
		p.Role, p.Queues = "", []string{}
		return h.directory(p.Practice)(policy.Grant, p.resource(false))
	})
	return err
}
