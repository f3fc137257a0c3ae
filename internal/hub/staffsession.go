package hub

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/passkey"
)

// provedLife is how long after showing both factors a person may change what
// they sign in with.
const provedLife = 5 * time.Minute

// A StaffCaller is a staff person whose cookie has been checked. Only this
// package makes one.
type StaffCaller struct {
	Person  Person
	session StaffSession
	idleAt  int64
}

// ExpiresAt is when the session ends, whatever is done.
func (s *StaffCaller) ExpiresAt() int64 { return s.session.ExpiresAt }

// idleAt is when a session locks if nothing more is heard of its person. A
// session that is locked was so from the start of time.
func (s StaffSession) idleAt(p Settings) int64 {
	if s.LockedAt != 0 {
		return 1
	}
	return s.UsedAt + p.StaffIdle().Milliseconds()
}

// idled reports whether a session has locked by itself, as nothing was heard of
// its person, which is not on record yet.
func (s StaffSession) idled(p Settings, now int64) bool {
	at := s.idleAt(p)
	return s.LockedAt == 0 && at <= now && at < s.ExpiresAt
}

// NotLocked returns [ErrLocked] if the session is locked, or was idle for too
// long.
func (h *Hub) NotLocked(s *StaffCaller) error {
	if h.millis() >= s.idleAt {
		return ErrLocked
	}
	return nil
}

// PasswordGood returns [ErrPasswordExpired] if the practice wants another
// password first, whatever the person signed in with.
func (h *Hub) PasswordGood(ctx context.Context, s *StaffCaller) error {
	pr, err := h.practice(ctx, s.Person.Practice)
	if err == nil && h.passwordExpired(pr, s.Person) {
		err = ErrPasswordExpired
	}
	return err
}

// AuthenticateLocked checks the value of a staff cookie. The session may be
// locked, to unlock it, to sign out, and to say that it is locked: for all else
// see [Hub.NotLocked].
func (h *Hub) AuthenticateLocked(ctx context.Context, cookie string) (*StaffCaller, error) {
	if cookie == "" || len(cookie) > 128 {
		return nil, ErrUnauthenticated
	}
	hash := hashToken(cookie)
	s, err := h.store.StaffSession(ctx, hash, h.millis())
	if errors.Is(err, ErrNotFound) {
		return nil, ErrUnauthenticated
	} else if err != nil {
		return nil, at("load staff session", err)
	}
	p, err := h.store.Person(ctx, s.Practice, s.Person)
	if err != nil {
		return nil, at("load person of staff session", err)
	}
	if p.DisabledAt != 0 || p.Kind != api.KindStaff {
		return nil, ErrUnauthenticated
	}
	pr, err := h.practice(ctx, s.Practice)
	if err != nil {
		return nil, err
	}
	return &StaffCaller{Person: p, session: s, idleAt: s.idleAt(pr.Settings)}, nil
}

// staffIdle is when the staff session of a device session locks.
func (h *Hub) staffIdle(ctx context.Context, id string) (int64, error) {
	found, err := h.store.StaffSessionsByID(ctx, []string{id})
	if err != nil {
		return 0, at("load staff session", err)
	}
	if len(found) == 0 || h.millis() >= found[0].ExpiresAt {
		return 0, ErrUnauthenticated
	}
	s := found[0]
	pr, err := h.practice(ctx, s.Practice)
	if err != nil {
		return 0, err
	}
	idleAt := s.idleAt(pr.Settings)
	if h.millis() >= idleAt {
		return 0, ErrLocked
	}
	return idleAt, nil
}

// StaffSession describes the signed-in staff person.
func (h *Hub) StaffSession(ctx context.Context, s *StaffCaller) (api.StaffSession, error) {
	return h.describeSession(ctx, s.session)
}

// signInsShown is how far back new sign-ins are counted.
const signInsShown = 50

func (h *Hub) describeSession(ctx context.Context, s StaffSession) (api.StaffSession, error) {
	pr, err := h.practice(ctx, s.Practice)
	if err != nil {
		return api.StaffSession{}, err
	}
	p, err := h.store.Person(ctx, s.Practice, s.Person)
	if err != nil {
		return api.StaffSession{}, at("load staff person", err)
	}
	factors, err := h.store.FactorsOf(ctx, s.Practice, s.Person)
	if err != nil {
		return api.StaffSession{}, at("load factors", err)
	}
	ins, err := h.store.SignIns(ctx, s.Practice, s.Person, signInsShown)
	if err != nil {
		return api.StaffSession{}, at("load sign-ins", err)
	}
	described := api.StaffSession{
		ID: s.ID, Practice: pr.Slug, Person: h.person(p), Login: p.Login, ExpiresAt: s.ExpiresAt,
		IdleSeconds: int(pr.StaffIdle() / time.Second), IdleAt: s.idleAt(pr.Settings), Locked: h.millis() >= s.idleAt(pr.Settings),
		PasswordExpired: h.passwordExpired(pr, p),
		HasPasskey:      slices.ContainsFunc(factors, func(f Factor) bool { return f.Kind == FactorPasskey }),
		May:             h.mayAnywhere(p.principal()),
	}
	identity, err := h.identityOf(ctx, &pr, s.Person)
	if err != nil {
		return api.StaffSession{}, err
	}
	if identity != nil && identity.Linked {
		described.SSO = identity.Provider
	}
	if described.Emergencies, err = h.toReview(ctx, &p); err != nil {
		return api.StaffSession{}, err
	}
	if described.Alerts, err = h.alertsFor(ctx, &p); err != nil {
		return api.StaffSession{}, err
	}
	if described.Approvals, err = h.toApprove(ctx, &p); err != nil {
		return api.StaffSession{}, err
	}
	if described.StatedGrants, err = h.statedGrants(ctx, &p); err != nil {
		return api.StaffSession{}, err
	}
	if described.Reviews, err = h.toConfirm(ctx, &pr.Practice, &p); err != nil {
		return api.StaffSession{}, err
	}
	toSign, err := h.toSign(ctx, &pr.Practice, &p)
	if err != nil {
		return api.StaffSession{}, err
	}
	described.Reviews += toSign
	if _, described.NewDevices, err = h.devicesAndNew(ctx, s.Practice, s.Person, s.Device); err != nil {
		return api.StaffSession{}, err
	}
	for _, in := range ins {
		if !in.Seen && in.ID != signInOf(s.ID) {
			described.NewSignIns++
		}
	}
	return described, nil
}

func (h *Hub) passwordExpired(pr cachedPractice, p Person) bool {
	return p.Password != "" && pr.Access.Password.Expired(time.UnixMilli(p.PasswordAt), h.now())
}

// Active is a person's sign of life: the session does not lock for now.
func (h *Hub) Active(ctx context.Context, s *StaffCaller) (api.StaffSession, error) {
	now := h.millis()
	err := h.store.UseStaffSession(ctx, s.session.ID, now)
	if errors.Is(err, ErrNotFound) {
		return api.StaffSession{}, ErrUnauthenticated
	} else if err != nil {
		return api.StaffSession{}, at("use staff session", err)
	}
	s.session.UsedAt = now
	return h.describeSession(ctx, s.session)
}

// Lock locks the session: what it opened is closed until its owner shows both
// factors.
func (h *Hub) Lock(ctx context.Context, s *StaffCaller) error {
	locked := h.event(ctx, s, audit.SessionLocked, s.session.ID)
	if err := h.store.Recording(locked).LockStaffSession(ctx, s.session.ID, h.millis()); err != nil {
		return err
	}
	h.endSessions(ctx, s.Person.Practice, Ending{Staff: s.session.ID})
	return nil
}

// Prove shows both factors again, which unlocks a locked session and lets the
// person change what they sign in with for some minutes. The session gets a
// new token (T23).
func (h *Hub) Prove(ctx context.Context, from Source, s *StaffCaller, a api.Authentication) (Cookies, api.StaffSession, error) {
	pr, err := h.practice(ctx, s.Person.Practice)
	if err != nil {
		return Cookies{}, api.StaffSession{}, err
	}
	var by shown
	if a.Passkey != nil {
		c := passkey.Challenge{Purpose: passkey.PurposeConfirm, Practice: pr.Slug, Person: s.Person.ID}
		_, use, wrong := h.checkPasskey(ctx, from.Site, s.Person.Practice, s.Person.ID, c, a.Passkey)
		by = h.shownPasskey(ctx, from, pr.Slug, s.Person.ID, use)
		if err = wrong; errors.Is(err, ErrUnauthenticated) {
			err = by.lost()
		}
	} else {
		// Whoever has the session is known by it.
		by, err = h.checkPassword(ctx, from, attempt{pr.Slug, s.Person.Login, s.Person, true}, a)
	}
	if err != nil {
		return Cookies{}, api.StaffSession{}, h.noteThrottled(ctx, from, pr.Slug, s.Person.ID, err)
	}
	cookies, session, err := h.renew(ctx, s, by.use)
	if err = h.settleFactors(ctx, from, pr.Slug, &s.Person, by, err); err != nil {
		return Cookies{}, api.StaffSession{}, err
	}
	return cookies, session, nil
}

// renew gives a session whose owner has shown both factors a new token. What was
// used already gives [ErrFactorUsed].
func (h *Hub) renew(ctx context.Context, s *StaffCaller, use FactorUse) (Cookies, api.StaffSession, error) {
	if err := h.lockIdle(ctx, []StaffSession{s.session}); err != nil { // they may be back before the sweep
		return Cookies{}, api.StaffSession{}, err
	}
	now := h.millis()
	token, hash := newToken()
	unlocked := h.event(ctx, s, audit.SessionUnlocked, s.session.ID)
	if err := h.store.Using(use).Recording(unlocked).RenewStaffSession(ctx, s.session.ID, hash, now); errors.Is(err, ErrNotFound) {
		return Cookies{}, api.StaffSession{}, ErrUnauthenticated
	} else if err != nil {
		return Cookies{}, api.StaffSession{}, at("renew staff session", err)
	}
	renewed := s.session
	renewed.Token, renewed.UsedAt, renewed.ProvedAt, renewed.LockedAt = hash, now, now, 0
	session, err := h.describeSession(ctx, renewed)
	return Cookies{Session: token}, session, err
}

// proved refuses unless both factors were shown a moment ago, and the session
// has not been locked since: see [Hub.NotLocked].
func (h *Hub) proved(s *StaffCaller) error {
	if h.millis() >= s.session.ProvedAt+provedLife.Milliseconds() {
		return ErrStepUp
	}
	return h.NotLocked(s)
}

// SignOut ends a staff session, the device sessions opened with it, and their
// connections.
func (h *Hub) SignOut(ctx context.Context, s *StaffCaller) error {
	return h.endStaff(ctx, s.session, h.event(ctx, s, audit.SignedOut, s.session.ID))
}

func (h *Hub) endStaff(ctx context.Context, s StaffSession, ended audit.Event) error {
	if err := h.store.Recording(ended).DeleteStaffSession(ctx, s.ID); err != nil {
		return err
	}
	h.endSessions(ctx, s.Practice, Ending{Staff: s.ID})
	return nil
}

// Sessions lists the person's sessions, newest first.
func (h *Hub) Sessions(ctx context.Context, s *StaffCaller) ([]api.SessionInfo, error) {
	return h.sessionsOf(ctx, s, s.Person.ID)
}

// sessionsOf lists a person's sessions, newest first, to s.
func (h *Hub) sessionsOf(ctx context.Context, s *StaffCaller, person string) ([]api.SessionInfo, error) {
	all, err := h.store.StaffSessionsOf(ctx, s.Person.Practice, person, h.millis())
	if err != nil {
		return nil, at("load staff sessions", err)
	}
	pr, err := h.practice(ctx, s.Person.Practice)
	if err != nil {
		return nil, err
	}
	infos := make([]api.SessionInfo, len(all))
	for i, o := range all {
		infos[i] = api.SessionInfo{
			ID: o.ID, Current: o.ID == s.session.ID, Method: o.Method, Browser: o.Browser, Address: o.Address,
			CreatedAt: o.CreatedAt, UsedAt: o.UsedAt, ExpiresAt: o.ExpiresAt, Locked: h.millis() >= o.idleAt(pr.Settings),
		}
	}
	return infos, nil
}

// EndSession ends one of the person's sessions.
func (h *Hub) EndSession(ctx context.Context, s *StaffCaller, id string) error {
	all, err := h.store.StaffSessionsOf(ctx, s.Person.Practice, s.Person.ID, h.millis())
	if err != nil {
		return at("load staff sessions", err)
	}
	for _, o := range all {
		if o.ID == id {
			return h.endStaff(ctx, o, h.event(ctx, s, audit.SessionEnded, o.ID))
		}
	}
	return ErrNotFound
}

// person is what staff and services may see of one.
func (h *Hub) person(p Person) api.Person {
	return api.Person{ID: p.ID, Kind: p.Kind, Role: p.Role, Name: p.Name, Online: h.online(p.ID)}
}

// CheckSessions ends what was opened with staff sessions that are over, locked
// or idle: calls and open connections. That one has locked by itself is recorded,
// here if something was open, else by [Hub.Sweep]. Call it every second: a session may
// have been ended through another hub of the same store, or by the command
// line.
func (h *Hub) CheckSessions(ctx context.Context) error {
	if err := h.checkNetworks(ctx); err != nil {
		return err
	}
	open := h.board.staffSessions()
	h.callers.staffSessions(open)
	if len(open) == 0 {
		return nil
	}
	found, err := h.store.StaffSessionsByID(ctx, slices.Collect(maps.Keys(open)))
	if err != nil {
		return at("load staff sessions", err)
	}
	now := h.millis()
	for _, s := range found {
		pr, err := h.practice(ctx, s.Practice)
		if err != nil {
			return err
		}
		if now < s.ExpiresAt && now < s.idleAt(pr.Settings) {
			delete(open, s.ID)
		}
	}
	for id := range open {
		e := &Ending{Staff: id}
		h.callers.drop(e.matches)
		h.board.end(e)
	}
	return h.lockIdle(ctx, found)
}

// lockQuiet locks the sessions that have locked by themselves while nothing was
// open.
func (h *Hub) lockQuiet(ctx context.Context) error {
	quiet, err := h.store.QuietStaffSessions(ctx, h.now().Add(-LeastIdleMinutes*time.Minute).UnixMilli())
	if err != nil {
		return at("load quiet staff sessions", err)
	}
	return h.lockIdle(ctx, quiet)
}

// lockIdle locks those of some sessions that have locked by themselves, and
// records it: once, whichever hub finds it.
func (h *Hub) lockIdle(ctx context.Context, some []StaffSession) error {
	now := h.millis()
	for i := range some {
		s := &some[i]
		pr, err := h.practice(ctx, s.Practice)
		if err != nil {
			return err
		}
		if !s.idled(pr.Settings, now) {
			continue
		}
		locked := h.event(ctx, itself(s.Practice), audit.SessionLocked, s.ID).About(s.Person).
			With(fmt.Sprintf("minutes=%d", pr.StaffIdle()/time.Minute)).Because("idle", "")
		err = h.store.Recording(locked).LockQuietStaffSession(ctx, s.ID, s.UsedAt, now)
		if err != nil && !errors.Is(err, ErrNotFound) { // it was used, or locked, meanwhile
			return at("lock an idle staff session", err)
		}
	}
	return nil
}

// staffSessions adds those that calls were made with lately.
func (c *callers) staffSessions(to map[string]struct{}) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, e := range c.byToken {
		if e.Staff() {
			to[e.staff] = struct{}{}
		}
	}
}
