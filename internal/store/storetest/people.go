package storetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/consent/form"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/proofing"
)

func testPractices(t *testing.T, store hub.Store) {
	ctx := t.Context()
	p := hub.Practice{
		ID: newID("p"), Slug: newID("slug"),
		Settings: hub.Settings{
			Name: "Riverside", Languages: []string{"en", "ar"}, AuthorityKey: []byte{4, 0, 255}, Suite: 0xF001,
			Hours:  []hub.Hours{{Weekday: 1, FromMinute: 480, ToMinute: 1020}},
			Queues: []api.Queue{{ID: "general", Reason: map[string]string{"en": "Something else"}}},
			Consent: api.ConsentForm{
				ID: "chat", Version: 1, PublishedAt: 5,
			},
			ConsentParts: map[string]form.Parts{"en": consentParts("Consent"), "ar": consentParts("Consent")}, ConsentReason: "Read aloud.",
			Origins: []string{"https://www.clinic.example"},
		},
	}
	must(t, store.SavePractice(ctx, p))
	for name, get := range map[string]func() (hub.Practice, error){
		"by id":   func() (hub.Practice, error) { return store.Practice(ctx, p.ID) },
		"by slug": func() (hub.Practice, error) { return store.PracticeBySlug(ctx, p.Slug) },
	} {
		t.Run(name, func(t *testing.T) {
			got, err := get()
			must(t, err)
			same(t, got, p)
		})
	}
	t.Run("what is not there", func(t *testing.T) {
		_, err := store.Practice(ctx, newID("p"))
		wants(t, err, hub.ErrNotFound)
		_, err = store.PracticeBySlug(ctx, newID("slug"))
		wants(t, err, hub.ErrNotFound)
	})
	t.Run("save again with other settings", func(t *testing.T) {
		p.Name, p.Slug = "Riverside Family Clinic", newID("slug")
		must(t, store.SavePractice(ctx, p))
		got, err := store.PracticeBySlug(ctx, p.Slug)
		must(t, err)
		same(t, got, p)
	})
	t.Run("a slug in use", func(t *testing.T) {
		wants(t, store.SavePractice(ctx, hub.Practice{ID: newID("p"), Slug: p.Slug}), hub.ErrExists)
	})
	t.Run("a published form never changes", func(t *testing.T) {
		changed := p
		changed.ConsentParts = map[string]form.Parts{"en": consentParts("Consent to more"), "ar": consentParts("Consent to more")}
		changed.Name = "Other"
		wants(t, store.SavePractice(ctx, changed), hub.ErrConflict)
		got, err := store.Practice(ctx, p.ID)
		must(t, err)
		same(t, got, p)
		changed.Consent.Version = 2
		must(t, store.SavePractice(ctx, changed)) // which waits for somebody
		must(t, store.SavePractice(ctx, p))       // version 1 is still as it was
		all, err := store.ConsentForms(ctx, p.ID)
		must(t, err)
		if len(all) != 2 || all[0].State != hub.FormPublished || all[1].State != hub.FormSubmitted {
			t.Errorf("forms: %+v", all)
		}
	})
	t.Run("all by slug", func(t *testing.T) {
		all, err := store.Practices(ctx)
		must(t, err)
		before, found := "", false
		for _, one := range all {
			if one.Slug <= before {
				t.Errorf("%q after %q", one.Slug, before)
			}
			before, found = one.Slug, found || one.ID == p.ID
		}
		if !found {
			t.Error("a practice is missing")
		}
	})
}

func testPeople(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newClinic(t, store), newClinic(t, store)
	dana := hub.Person{
		ID: newID("p"), Practice: here.id, Kind: api.KindStaff, Role: "nurse", Name: "Dana Ortiz", Title: "RN",
		Login: "dana", Password: "$argon2id$x", Queues: []string{"general", "refills"}, CreatedAt: 7,
	}
	must(t, store.AddPerson(ctx, dana))
	keeper := hub.Person{ID: newID("p"), Practice: here.id, Kind: api.KindService, Role: "keeper", Name: "Archive", CreatedAt: 7}
	must(t, store.AddPerson(ctx, keeper))
	patient := hub.Person{ID: newID("p"), Practice: here.id, Kind: api.KindPatient, Role: "patient", CreatedAt: 8}
	must(t, store.AddPerson(ctx, patient))
	abel := dana
	abel.ID, abel.Login, abel.Name = newID("p"), "abel", "Abel Young"
	must(t, store.AddPerson(ctx, abel))

	t.Run("read", func(t *testing.T) {
		got, err := store.Person(ctx, here.id, dana.ID)
		must(t, err)
		same(t, got, dana)
		got, err = store.PersonByLogin(ctx, here.id, "dana")
		must(t, err)
		same(t, got, dana)
	})
	t.Run("another practice does not see them", func(t *testing.T) {
		_, err := store.Person(ctx, elsewhere.id, dana.ID)
		wants(t, err, hub.ErrNotFound)
		_, err = store.PersonByLogin(ctx, elsewhere.id, "dana")
		wants(t, err, hub.ErrNotFound)
		all, err := store.PersonsByID(ctx, elsewhere.id, []string{dana.ID})
		must(t, err)
		same(t, all, []hub.Person(nil))
		wants(t, store.SetPassword(ctx, elsewhere.id, dana.ID, "x", 9), hub.ErrNotFound)
	})
	t.Run("ids and logins are used once", func(t *testing.T) {
		twin := dana
		twin.Login = "other"
		wants(t, store.AddPerson(ctx, twin), hub.ErrExists)
		twin.ID, twin.Login = newID("p"), "dana"
		wants(t, store.AddPerson(ctx, twin), hub.ErrExists)
		twin.Practice = elsewhere.id
		must(t, store.AddPerson(ctx, twin))
	})
	t.Run("somebody is invited whole or not at all", func(t *testing.T) {
		kim := dana
		kim.Practice, kim.ID, kim.Login = elsewhere.id, newID("p"), "kim"
		l := hub.SetUpLink{Token: newToken(), Practice: elsewhere.id, Person: kim.ID, CreatedAt: 7, ExpiresAt: 100}
		ask := hub.GrantRequest{ID: newID("q"), Practice: elsewhere.id, Kind: hub.GrantRole, Person: kim.ID, Role: "supervisor", RequestedAt: 7, ExpiresAt: 100}
		must(t, store.AddInvited(ctx, kim, l, &ask))
		link, err := store.SetUpLink(ctx, l.Token, 8)
		must(t, err)
		same(t, link, l)
		asked, err := store.GrantRequestsFor(ctx, elsewhere.id, kim.ID)
		must(t, err)
		same(t, asked, []hub.GrantRequest{ask})

		lee := kim
		lee.ID, lee.Login = newID("p"), "lee"
		ask.ID, ask.Person, l.Person = newID("q"), lee.ID, lee.ID
		invite := func(s hub.Store) error { return s.AddInvited(ctx, lee, l, &ask) }
		remains := func() {
			t.Helper()
			_, err := store.Person(ctx, elsewhere.id, lee.ID)
			wants(t, err, hub.ErrNotFound)
			asked, err := store.GrantRequestsFor(ctx, elsewhere.id, lee.ID)
			must(t, err)
			same(t, asked, []hub.GrantRequest(nil))
		}
		wants(t, invite(store), hub.ErrExists) // there is such a link
		remains()
		l.Token = newToken()
		elsewhere.unwritten("somebody is invited", invite)
		remains()
		_, err = store.SetUpLink(ctx, l.Token, 8)
		wants(t, err, hub.ErrNotFound)
		must(t, invite(store))
	})
	t.Run("several by id", func(t *testing.T) {
		all, err := store.PersonsByID(ctx, here.id, []string{dana.ID, newID("p"), keeper.ID, `"'`})
		must(t, err)
		if len(all) != 2 {
			t.Errorf("got %d persons, want 2", len(all))
		}
		all, err = store.PersonsByID(ctx, here.id, nil)
		must(t, err)
		same(t, all, []hub.Person(nil))
	})
	t.Run("by kind, by name", func(t *testing.T) {
		staff, err := store.PersonsOfKind(ctx, here.id, api.KindStaff)
		must(t, err)
		same(t, pick(staff, func(p hub.Person) string { return p.Name }), []string{"Abel Young", "Dana Ortiz"})
		services, err := store.PersonsOfKind(ctx, here.id, api.KindService)
		must(t, err)
		same(t, services, []hub.Person{keeper})
	})
	t.Run("set password", func(t *testing.T) {
		const when = 1_795_396_756_365            // milliseconds take more than 32 bits
		for _, chosen := range []int64{when, 0} { // hashed anew, it is as old as it was
			must(t, store.SetPassword(ctx, here.id, dana.ID, "$argon2id$y", chosen))
			got, err := store.Person(ctx, here.id, dana.ID)
			must(t, err)
			same(t, got.Password, "$argon2id$y")
			same(t, got.PasswordAt, int64(when))
		}
		wants(t, store.SetPassword(ctx, here.id, newID("p"), "x", 9), hub.ErrNotFound)
	})
	t.Run("wrong guesses are counted", func(t *testing.T) {
		at := int64(0)
		refused := func(person string, stranger bool) hub.SignIn {
			at++
			return hub.SignIn{ID: newID("n"), Practice: here.id, Person: person, At: at, Method: hub.MethodApp, Outcome: hub.OutcomeCodeRefused, Browser: "Chrome", Address: "::1", New: stranger}
		}
		for _, want := range [][2]int{{1, 0}, {1, 1}, {1, 2}} {
			must(t, store.RefuseSignIn(ctx, refused(abel.ID, want[1] == 0), true))
			got, err := store.Person(ctx, here.id, abel.ID)
			must(t, err)
			same(t, [2]int{got.Failures, got.KnownFailures}, want)
		}
		must(t, store.ClearFailures(ctx, here.id, abel.ID))
		must(t, store.RefuseSignIn(ctx, refused(abel.ID, true), false))
		must(t, store.RefuseSignIn(ctx, refused("", true), true))
		last := refused(abel.ID, true)
		here.unwritten("a sign-in is refused", func(s hub.Store) error { return s.RefuseSignIn(ctx, last, true) })
		got, err := store.Person(ctx, here.id, abel.ID)
		must(t, err)
		same(t, [2]int{got.Failures, got.KnownFailures}, [2]int{})
		all, err := store.SignIns(ctx, here.id, abel.ID, 10)
		must(t, err)
		same(t, len(all), 4)
		must(t, store.RefuseSignIn(ctx, last, true))
		all, err = store.SignIns(ctx, here.id, abel.ID, 1)
		must(t, err)
		same(t, all, []hub.SignIn{last})
	})
	t.Run("sign-ins, newest first", func(t *testing.T) {
		first := hub.SignIn{ID: newID("n"), Practice: here.id, Person: dana.ID, At: 5, Method: hub.MethodApp, Outcome: hub.OutcomeSignedIn, Browser: "Chrome", Address: "::1", New: true}
		second := first
		second.ID, second.At, second.New, second.Seen = newID("n"), 6, false, true
		must(t, store.AddSignIn(ctx, first))
		must(t, store.AddSignIn(ctx, second))
		all, err := store.SignIns(ctx, here.id, dana.ID, 10)
		must(t, err)
		same(t, all, []hub.SignIn{second, first})
		must(t, store.SeeSignIns(ctx, here.id, abel.ID, ""))
		must(t, store.SeeSignIns(ctx, here.id, dana.ID, first.ID))
		all, err = store.SignIns(ctx, here.id, dana.ID, 10)
		must(t, err)
		same(t, all, []hub.SignIn{second, first})
		must(t, store.SeeSignIns(ctx, here.id, dana.ID, second.ID))
		for _, at := range []int64{5, 9, 7} {
			must(t, store.SeeDevices(ctx, here.id, dana.ID, at))
		}
		for person, want := range map[string]int64{dana.ID: 9, abel.ID: 0} {
			got, err := store.DevicesSeen(ctx, here.id, person)
			must(t, err)
			same(t, got, want)
		}
		first.Seen = true
		all, err = store.SignIns(ctx, here.id, dana.ID, 10)
		must(t, err)
		same(t, all, []hub.SignIn{second, first})
		must(t, store.DeleteExpired(ctx, 5+hub.SignInsKept.Milliseconds()))
		all, err = store.SignIns(ctx, here.id, dana.ID, 10)
		must(t, err)
		same(t, all, []hub.SignIn{second})
	})
}

func testSessions(t *testing.T, store hub.Store) {
	ctx, here := t.Context(), newClinic(t, store)
	browser := here.device(api.KindStaff)
	link := hub.SetUpLink{Token: newToken(), Practice: here.id, Person: browser.Person, CreatedAt: 1000, ExpiresAt: 2000}
	must(t, store.AddSetUpLink(ctx, link, nil))
	signIn := func(expires int64) hub.StaffSession {
		n := hub.StaffSession{Token: newToken(), ID: newID("s"), Practice: here.id, Person: browser.Person, Method: hub.MethodPasskey, Browser: "Chrome", Address: "::1", CreatedAt: 1000, ExpiresAt: expires, UsedAt: 1000, ProvedAt: 1000}
		must(t, store.AddStaffSession(ctx, n))
		return n
	}
	connect := func(staff string, expires int64) hub.DeviceSession {
		n := hub.DeviceSession{Token: newToken(), Practice: here.id, Device: browser.ID, Staff: staff, CreatedAt: 1000, ExpiresAt: expires}
		must(t, store.AddDeviceSession(ctx, n))
		return n
	}
	gone := func(t *testing.T, staff hub.StaffSession, device hub.DeviceSession) {
		t.Helper()
		_, err := store.StaffSession(ctx, staff.Token, 1500)
		wants(t, err, hub.ErrNotFound)
		_, _, err = store.DeviceSession(ctx, device.Token, 1500)
		wants(t, err, hub.ErrNotFound)
	}

	t.Run("read, until they expire", func(t *testing.T) {
		staff := signIn(2000)
		device := connect(staff.ID, 2000)
		alone := connect("", 2000)
		got, err := store.StaffSession(ctx, staff.Token, 1999)
		must(t, err)
		same(t, got, staff)
		gotSession, gotDevice, err := store.DeviceSession(ctx, device.Token, 1999)
		must(t, err)
		same(t, gotSession, device)
		same(t, gotDevice, browser)
		gotSession, _, err = store.DeviceSession(ctx, alone.Token, 1999)
		must(t, err)
		same(t, gotSession, alone)
		_, err = store.StaffSession(ctx, staff.Token, 2000)
		wants(t, err, hub.ErrNotFound)
		_, _, err = store.DeviceSession(ctx, device.Token, 2000)
		wants(t, err, hub.ErrNotFound)
		wants(t, store.AddStaffSession(ctx, staff), hub.ErrExists)
		wants(t, store.AddDeviceSession(ctx, device), hub.ErrExists)
	})
	t.Run("renewed, used, locked and bound", func(t *testing.T) {
		staff, other := signIn(2000), signIn(2000)
		must(t, store.UseStaffSession(ctx, staff.ID, 1200))
		must(t, store.UseStaffSession(ctx, staff.ID, 1100)) // never back
		quiet := func(since int64) bool {
			all, err := store.QuietStaffSessions(ctx, since)
			must(t, err)
			return slices.ContainsFunc(all, func(s hub.StaffSession) bool { return s.ID == staff.ID })
		}
		same(t, []bool{quiet(1199), quiet(1200)}, []bool{false, true})
		wants(t, store.LockQuietStaffSession(ctx, staff.ID, 1100, 1300), hub.ErrNotFound) // it was used since
		must(t, store.LockQuietStaffSession(ctx, staff.ID, 1200, 1300))
		wants(t, store.LockQuietStaffSession(ctx, staff.ID, 1200, 1350), hub.ErrNotFound)
		same(t, quiet(1200), false)
		must(t, store.LockStaffSession(ctx, staff.ID, 1400))
		want := staff
		want.UsedAt, want.LockedAt = 1200, 1300
		all, err := store.StaffSessionsByID(ctx, []string{staff.ID, newID("s")})
		must(t, err)
		same(t, all, []hub.StaffSession{want})

		want.Token, want.UsedAt, want.ProvedAt, want.LockedAt = newToken(), 1500, 1500, 0
		must(t, store.RenewStaffSession(ctx, staff.ID, want.Token, 1500))
		_, err = store.StaffSession(ctx, staff.Token, 1500)
		wants(t, err, hub.ErrNotFound)
		got, err := store.StaffSession(ctx, want.Token, 1500)
		must(t, err)
		same(t, got, want)

		second := here.device(api.KindStaff)
		must(t, store.BindStaffSession(ctx, staff.ID, browser.ID))
		must(t, store.BindStaffSession(ctx, staff.ID, browser.ID))
		wants(t, store.BindStaffSession(ctx, staff.ID, second.ID), hub.ErrConflict)
		must(t, store.BindStaffSession(ctx, other.ID, second.ID))
		must(t, store.RevokeDevice(ctx, here.id, second.ID, 1500))
		must(t, store.BindStaffSession(ctx, other.ID, browser.ID))

		for _, err := range []error{
			store.UseStaffSession(ctx, newID("s"), 1), store.LockStaffSession(ctx, newID("s"), 1),
			store.RenewStaffSession(ctx, newID("s"), newToken(), 1), store.BindStaffSession(ctx, newID("s"), browser.ID),
		} {
			wants(t, err, hub.ErrNotFound)
		}
		all, err = store.StaffSessionsOf(ctx, here.id, browser.Person, 2000)
		must(t, err)
		same(t, len(all), 0)
		must(t, store.DeleteStaffSession(ctx, staff.ID))
		must(t, store.DeleteStaffSession(ctx, other.ID))
	})
	t.Run("known browsers, until they expire", func(t *testing.T) {
		known := hub.KnownBrowser{Token: newToken(), Practice: here.id, Person: browser.Person, ExpiresAt: 2000}
		must(t, store.AddKnownBrowser(ctx, known))
		got, err := store.KnownBrowser(ctx, known.Token, 1999)
		must(t, err)
		same(t, got, known)
		_, err = store.KnownBrowser(ctx, known.Token, 2000)
		wants(t, err, hub.ErrNotFound)
	})
	t.Run("a staff session takes its device sessions with it", func(t *testing.T) {
		staff := signIn(2000)
		device, other, former := connect(staff.ID, 2000), connect("", 2000), connect("", 2000)
		for range 2 {
			must(t, store.DeleteStaffSession(ctx, staff.ID))
			gone(t, staff, device)
		}
		_, _, err := store.DeviceSession(ctx, other.Token, 1500)
		must(t, err)
		for range 2 {
			must(t, store.DeleteDeviceSessions(ctx, here.id, browser.ID))
			gone(t, staff, other)
			gone(t, staff, former)
		}
	})
	t.Run("a set-up link works once and in time, and ends sessions", func(t *testing.T) {
		got, err := store.SetUpLink(ctx, link.Token, 1999)
		must(t, err)
		same(t, got, link)
		_, err = store.SetUpLink(ctx, link.Token, 2000)
		wants(t, err, hub.ErrNotFound)
		_, err = store.ClaimSetUpLink(ctx, link.Token, enrolment("late"), 2000)
		wants(t, err, hub.ErrNotFound)
		_, err = store.ClaimSetUpLink(ctx, newToken(), enrolment("unknown"), 1500)
		wants(t, err, hub.ErrNotFound)

		staff := signIn(2000)
		device := connect(staff.ID, 2000)
		known := hub.KnownBrowser{Token: newToken(), Practice: here.id, Person: browser.Person, ExpiresAt: 2000}
		must(t, store.AddKnownBrowser(ctx, known))
		must(t, store.AddFactor(ctx, hub.Factor{ID: newID("f"), Practice: here.id, Person: browser.Person, Kind: hub.FactorPasskey, Credential: []byte("old"), Key: []byte("k")}))
		must(t, store.ReplaceRecoveryCodes(ctx, here.id, browser.Person, []hub.RecoveryCode{{Salt: []byte("s"), Hash: []byte("old")}}))
		must(t, store.RefuseSignIn(ctx, hub.SignIn{ID: newID("n"), Practice: here.id, Person: browser.Person, New: true}, true))
		claimed, err := store.ClaimSetUpLink(ctx, link.Token, enrolment("hash"), 1500)
		must(t, err)
		same(t, claimed.Person, browser.Person)
		same(t, claimed.UsedAt, int64(1500))
		gone(t, staff, device)
		p, err := store.Person(ctx, here.id, browser.Person)
		must(t, err)
		same(t, p.Password, "hash")
		same(t, p.PasswordAt, int64(1500))
		same(t, p.Failures, 0)
		factors, err := store.FactorsOf(ctx, here.id, browser.Person)
		must(t, err)
		same(t, pick(factors, func(f hub.Factor) string { return string(f.Secret) }), []string{"hash"})
		codes, err := store.RecoveryCodes(ctx, here.id, browser.Person)
		must(t, err)
		same(t, codes, []hub.RecoveryCode{{Salt: []byte("salt"), Hash: []byte("hash")}})
		_, err = store.KnownBrowser(ctx, known.Token, 1500)
		wants(t, err, hub.ErrNotFound)

		_, err = store.ClaimSetUpLink(ctx, link.Token, enrolment("again"), 1501)
		wants(t, err, hub.ErrNotFound)
		_, err = store.SetUpLink(ctx, link.Token, 1501)
		wants(t, err, hub.ErrNotFound)
	})
	t.Run("of a person's links the last is good, and none that was made for who they were", func(t *testing.T) {
		who, other := here.device(api.KindStaff), here.device(api.KindStaff)
		add := func(person string) [32]byte {
			l := hub.SetUpLink{Token: newToken(), Practice: here.id, Person: person, CreatedAt: 1000, ExpiresAt: 2000}
			must(t, store.AddSetUpLink(ctx, l, nil))
			return l.Token
		}
		good := func(what string, token [32]byte, want error) {
			t.Helper()
			if _, err := store.SetUpLink(ctx, token, 1500); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", what, err, want)
			}
		}
		becomes := func(change func(*hub.Person)) {
			t.Helper()
			_, err := store.ChangePerson(ctx, here.id, who.Person, 1500, func(p *hub.Person, _ bool) error { change(p); return nil })
			must(t, err)
		}
		others := add(other.Person)
		first := add(who.Person)
		becomes(func(p *hub.Person) { p.Role = "physician" })
		good("a new role of who has never signed in", first, nil)
		second := add(who.Person)
		good("one is made", first, hub.ErrNotFound)
		_, err := store.ClaimSetUpLink(ctx, first, enrolment("first"), 1500)
		wants(t, err, hub.ErrNotFound)
		_, err = store.ClaimSetUpLink(ctx, second, enrolment("second"), 1500)
		must(t, err)
		third := add(who.Person)
		becomes(func(p *hub.Person) { p.Queues = []string{"nurse"} })
		good("other queues", third, nil)
		becomes(func(p *hub.Person) { p.Role = "compliance" })
		good("a new role", third, hub.ErrNotFound)
		fourth := add(who.Person)
		becomes(func(p *hub.Person) { p.DisabledAt = 1500 })
		becomes(func(p *hub.Person) { p.DisabledAt = 0 })
		good("disabled in between", fourth, hub.ErrNotFound)
		linked := here.device(api.KindStaff)
		must(t, store.LinkIdentity(ctx, hub.IdentityLink{Practice: here.id, Issuer: "https://login.example", Subject: newID("s"), Person: linked.Person, Way: hub.LinkedByOwner, CreatedAt: 1}, nil))
		fifth := add(linked.Person)
		_, err = store.ChangePerson(ctx, here.id, linked.Person, 1500, func(p *hub.Person, _ bool) error { p.Role = "compliance"; return nil })
		must(t, err)
		good("a new role of who signs in elsewhere", fifth, hub.ErrNotFound)
		good("another's", others, nil)
	})
	t.Run("what has ended is dropped", func(t *testing.T) {
		old, current := signIn(1200), signIn(2000)
		oldDevice, currentDevice := connect(current.ID, 1200), connect(current.ID, 2000)
		must(t, store.DeleteExpired(ctx, 1500))
		_, err := store.StaffSession(ctx, old.Token, 1000)
		wants(t, err, hub.ErrNotFound)
		_, _, err = store.DeviceSession(ctx, oldDevice.Token, 1000)
		wants(t, err, hub.ErrNotFound)
		_, err = store.StaffSession(ctx, current.Token, 1500)
		must(t, err)
		_, _, err = store.DeviceSession(ctx, currentDevice.Token, 1500)
		must(t, err)
	})
	t.Run("disabling a person ends all", func(t *testing.T) {
		staff := signIn(2000)
		device, alone := connect(staff.ID, 2000), connect("", 2000)
		here.disable(browser.Person, 1600)
		gone(t, staff, device)
		gone(t, staff, alone)
		p, err := store.Person(ctx, here.id, browser.Person)
		must(t, err)
		same(t, p.DisabledAt, int64(1600))
		d, err := store.Device(ctx, here.id, browser.ID)
		must(t, err)
		same(t, d.RevokedAt, int64(1600))
	})
}

// enrolment is one whose parts can be told by a word.
func enrolment(word string) hub.Enrolment {
	return hub.Enrolment{
		Password: word,
		Factor:   hub.Factor{ID: newID("f"), Kind: hub.FactorApp, Secret: []byte(word), Counter: 3},
		Codes:    []hub.RecoveryCode{{Salt: []byte("salt"), Hash: []byte(word)}},
	}
}

func testFactors(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newClinic(t, store), newClinic(t, store)
	dana := hub.Person{ID: newID("p"), Practice: here.id, Kind: api.KindStaff, Role: "nurse", Name: "Dana", Login: "dana"}
	must(t, store.AddPerson(ctx, dana))
	passkey := hub.Factor{
		ID: newID("f"), Practice: here.id, Person: dana.ID, Kind: hub.FactorPasskey, Name: "my phone", Credential: []byte(newID("k")),
		Key: []byte("key"), Secret: []byte{}, Synced: true, CreatedAt: 5,
		Introduction: &api.PasskeyAssertion{Nonce: "n", Credential: []byte("older")},
	}
	app := hub.Factor{ID: newID("f"), Practice: here.id, Person: dana.ID, Kind: hub.FactorApp, Name: "app", Key: []byte{}, Secret: []byte("sealed"), Counter: 10, CreatedAt: 6}
	must(t, store.AddFactor(ctx, passkey))
	must(t, store.AddFactor(ctx, app))

	t.Run("read", func(t *testing.T) {
		all, err := store.FactorsOf(ctx, here.id, dana.ID)
		must(t, err)
		same(t, all, []hub.Factor{passkey, app})
		got, err := store.FactorByCredential(ctx, here.id, passkey.Credential)
		must(t, err)
		same(t, got, passkey)
		_, err = store.FactorByCredential(ctx, elsewhere.id, passkey.Credential)
		wants(t, err, hub.ErrNotFound)
		_, err = store.FactorByCredential(ctx, here.id, nil) // an app has none
		wants(t, err, hub.ErrNotFound)
	})
	t.Run("a passkey is one person's", func(t *testing.T) {
		twin := passkey
		twin.ID, twin.Person = newID("f"), newID("p")
		wants(t, store.AddFactor(ctx, twin), hub.ErrExists)
	})
	t.Run("T29: a counter does not stand still, but at 0", func(t *testing.T) {
		use := func(practice, person, id string, counter, at int64) error {
			return store.UseFactor(ctx, hub.FactorUse{Practice: practice, Person: person, Factor: id, Counter: counter, At: at})
		}
		must(t, use(here.id, dana.ID, passkey.ID, 0, 20))
		must(t, use(here.id, dana.ID, passkey.ID, 0, 21))
		must(t, use(here.id, dana.ID, app.ID, 11, 22))
		for _, used := range []int64{11, 10, 0} {
			wants(t, use(here.id, dana.ID, app.ID, used, 23), hub.ErrFactorUsed)
		}
		wants(t, use(here.id, newID("p"), app.ID, 12, 23), hub.ErrFactorUsed)
		wants(t, use(elsewhere.id, dana.ID, app.ID, 12, 23), hub.ErrFactorUsed)
		wants(t, use(elsewhere.id, dana.ID, app.ID, 1<<40, 23), hub.ErrFactorUsed)
		all, err := store.FactorsOf(ctx, here.id, dana.ID)
		must(t, err)
		same(t, all[0].UsedAt, int64(21))
		same(t, all[1].Counter, int64(11))
	})
	t.Run("the last way to sign in stays", func(t *testing.T) {
		must(t, store.RenameFactor(ctx, here.id, dana.ID, passkey.ID, "my key"))
		wants(t, store.RenameFactor(ctx, here.id, newID("p"), passkey.ID, "x"), hub.ErrNotFound)
		wants(t, store.DeleteFactor(ctx, here.id, newID("p"), passkey.ID), hub.ErrNotFound)
		wants(t, store.DeleteFactor(ctx, here.id, dana.ID, newID("f")), hub.ErrNotFound)
		wants(t, store.DeleteFactor(ctx, here.id, dana.ID, passkey.ID), hub.ErrLastFactor) // an app without a password is nothing
		must(t, store.SetPassword(ctx, here.id, dana.ID, "hash", 1))
		must(t, store.DeleteFactor(ctx, here.id, dana.ID, passkey.ID))
		wants(t, store.DeleteFactor(ctx, here.id, dana.ID, app.ID), hub.ErrLastFactor)
		all, err := store.FactorsOf(ctx, here.id, dana.ID)
		must(t, err)
		same(t, len(all), 1)
	})
	t.Run("a patient's passkeys", func(t *testing.T) {
		ana, device := newID("p"), newID("d")
		first := hub.Factor{
			ID: newID("f"), Practice: here.id, Person: ana, Kind: hub.FactorPasskey, Name: "phone", Credential: []byte("ana 1"), Key: []byte("k"), Secret: []byte{},
			IntroducedBy: &api.DeviceIntroduction{Certificate: []byte("c"), Signature: []byte("s")}, Record: "r_1", CreatedAt: 1,
		}
		second := first
		second.ID, second.Credential, second.CreatedAt = newID("f"), []byte("ana 2"), 2
		must(t, store.AddFactor(ctx, first))
		must(t, store.AddFactor(ctx, second))
		all, err := store.FactorsOf(ctx, here.id, ana)
		must(t, err)
		same(t, all, []hub.Factor{first, second})
		wants(t, store.DeletePasskey(ctx, here.id, newID("p"), first.ID), hub.ErrNotFound)
		wants(t, store.DeletePasskey(ctx, elsewhere.id, ana, first.ID), hub.ErrNotFound)
		wants(t, store.DeletePasskey(ctx, here.id, dana.ID, app.ID), hub.ErrNotFound) // not a passkey
		must(t, store.DeletePasskey(ctx, here.id, ana, first.ID))
		for _, by := range []proofing.Method{proofing.Passkey, proofing.PIN} {
			must(t, store.PutVerification(ctx, hub.Verification{Practice: here.id, Person: ana, Device: device, Proof: proofing.Proof{Level: by.Level(), Method: by, Until: 9}}))
		}
		came := here.device(api.KindPatient)
		wants(t, store.ForgetPasskeys(ctx, elsewhere.id, ana, nil, 5), hub.ErrNotFound)
		wants(t, store.ForgetPasskeys(ctx, here.id, ana, []string{came.ID, newID("d")}, 5), hub.ErrNotFound)
		if all, err := store.FactorsOf(ctx, here.id, ana); err != nil || len(all) != 1 {
			t.Errorf("half of it was done: %v, %v", all, err)
		}
		must(t, store.ForgetPasskeys(ctx, here.id, ana, []string{came.ID}, 5))
		if d, err := store.Device(ctx, here.id, came.ID); err != nil || d.RevokedAt != 5 {
			t.Errorf("the device that came by it: %+v, %v", d, err)
		}
		wants(t, store.ForgetPasskeys(ctx, here.id, ana, nil, 5), hub.ErrNotFound)
		left, err := store.VerificationsOf(ctx, here.id, []string{ana})
		must(t, err)
		same(t, pick(left, func(v hub.Verification) proofing.Method { return v.Method }), []proofing.Method{proofing.PIN})
	})
	t.Run("T29: a recovery code is used once", func(t *testing.T) {
		codes := []hub.RecoveryCode{{Salt: []byte("s"), Hash: []byte("a")}, {Salt: []byte("s"), Hash: []byte("b")}}
		must(t, store.ReplaceRecoveryCodes(ctx, here.id, dana.ID, codes))
		use := hub.FactorUse{Practice: here.id, Person: dana.ID, Recovery: []byte("a")}
		session := hub.StaffSession{Token: newToken(), ID: newID("s"), Practice: here.id, Person: dana.ID, Method: hub.MethodRecovery, ExpiresAt: 2000}
		wants(t, store.Using(use).RenewStaffSession(ctx, newID("s"), newToken(), 1), hub.ErrNotFound) // and it stays
		must(t, store.Using(use).AddStaffSession(ctx, session))
		wants(t, store.Using(use).RenewStaffSession(ctx, session.ID, newToken(), 1), hub.ErrFactorUsed)
		_, err := store.StaffSession(ctx, session.Token, 1)
		must(t, err) // under its own token still
		twin := session
		twin.Token, twin.ID = newToken(), newID("s")
		wants(t, store.Using(use).AddStaffSession(ctx, twin), hub.ErrFactorUsed)
		_, err = store.StaffSession(ctx, twin.Token, 1)
		wants(t, err, hub.ErrNotFound)
		left, err := store.RecoveryCodes(ctx, here.id, dana.ID)
		must(t, err)
		same(t, left, codes[1:])
		use.Recovery = []byte("b")
		wants(t, store.Using(use).AddStaffSession(ctx, session), hub.ErrExists) // and it stays
		left, err = store.RecoveryCodes(ctx, here.id, dana.ID)
		must(t, err)
		same(t, left, codes[1:])
		must(t, store.ReplaceRecoveryCodes(ctx, here.id, dana.ID, codes[:1]))
		left, err = store.RecoveryCodes(ctx, here.id, dana.ID)
		must(t, err)
		same(t, left, codes[:1])
	})
	t.Run("T29: a factor is used with what it was shown for, or neither is", func(t *testing.T) {
		d := here.device(api.KindStaff)
		shown := store.Using(hub.FactorUse{Practice: here.id, Person: dana.ID, Factor: app.ID, Counter: 50})
		wants(t, shown.AddFactor(ctx, app), hub.ErrExists) // and it stays
		introduced, n := passkey, here.newDevice(d.Person, api.KindStaff)
		introduced.ID, introduced.Credential = newID("f"), []byte(newID("k"))
		must(t, shown.AddFactor(ctx, introduced))
		wants(t, shown.PutVoucher(ctx, here.id, d.Person, d.ID, api.PasskeyAssertion{}), hub.ErrFactorUsed)
		wants(t, shown.AddDevice(ctx, n, nil), hub.ErrFactorUsed)
		wants(t, shown.PutVerification(ctx, hub.Verification{Practice: here.id, Person: d.Person, Device: d.ID}), hub.ErrFactorUsed)
		got, err := store.Device(ctx, here.id, d.ID)
		must(t, err)
		_, none := store.Device(ctx, here.id, n.ID)
		wants(t, none, hub.ErrNotFound)
		proofs, err := store.VerificationsOf(ctx, here.id, []string{d.Person})
		must(t, err)
		if got.Voucher != nil || len(proofs) != 0 {
			t.Errorf("what was shown before gave %v and %v", got.Voucher, proofs)
		}
	})
	t.Run("a voucher, until there is a certificate", func(t *testing.T) {
		d := here.device(api.KindStaff)
		voucher := api.PasskeyAssertion{Nonce: "n", Signature: []byte("s")}
		wants(t, store.PutVoucher(ctx, here.id, newID("p"), d.ID, voucher), hub.ErrNotFound)
		must(t, store.PutVoucher(ctx, here.id, d.Person, d.ID, voucher))
		got, err := store.Device(ctx, here.id, d.ID)
		must(t, err)
		same(t, got.Voucher, &voucher)
		must(t, store.PutCertificate(ctx, here.id, d.ID, []byte("c"), nil, 3))
		wants(t, store.PutVoucher(ctx, here.id, d.Person, d.ID, voucher), hub.ErrNotFound)
	})
}

func consentParts(title string) form.Parts {
	return form.Parts{Title: title, Points: []string{"one"}, Purpose: "a", Collected: "b", Kept: "c", Risks: "d", Withdraw: "e", Contact: "f"}
}
