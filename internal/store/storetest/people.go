package storetest

import (
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
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
				Texts: map[string]api.ConsentText{"en": {Title: "Consent", Points: []string{"one"}, SHA256: []byte{1}}},
			},
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
		changed.Consent.Texts = map[string]api.ConsentText{"en": {Title: "Consent to more"}}
		changed.Name = "Other"
		wants(t, store.SavePractice(ctx, changed), hub.ErrConflict)
		got, err := store.Practice(ctx, p.ID)
		must(t, err)
		same(t, got, p)
		changed.Consent.Version = 2
		must(t, store.SavePractice(ctx, changed))
		must(t, store.SavePractice(ctx, p)) // version 1 is still as it was
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
		wants(t, store.DisablePerson(ctx, elsewhere.id, dana.ID, 9), hub.ErrNotFound)
		wants(t, store.SetPassword(ctx, elsewhere.id, dana.ID, "x"), hub.ErrNotFound)
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
		must(t, store.SetPassword(ctx, here.id, dana.ID, "$argon2id$y"))
		got, err := store.Person(ctx, here.id, dana.ID)
		must(t, err)
		same(t, got.Password, "$argon2id$y")
		wants(t, store.SetPassword(ctx, here.id, newID("p"), "x"), hub.ErrNotFound)
	})
}

func testSessions(t *testing.T, store hub.Store) {
	ctx, here := t.Context(), newClinic(t, store)
	browser := here.device(api.KindStaff)
	link := hub.SetUpLink{Token: newToken(), Practice: here.id, Person: browser.Person, CreatedAt: 1000, ExpiresAt: 2000}
	must(t, store.AddSetUpLink(ctx, link))
	signIn := func(expires int64) hub.StaffSession {
		n := hub.StaffSession{Token: newToken(), Practice: here.id, Person: browser.Person, CreatedAt: 1000, ExpiresAt: expires}
		must(t, store.AddStaffSession(ctx, n))
		return n
	}
	connect := func(staff [32]byte, expires int64) hub.DeviceSession {
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
		device := connect(staff.Token, 2000)
		alone := connect([32]byte{}, 2000)
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
	t.Run("a staff session takes its device sessions with it", func(t *testing.T) {
		staff := signIn(2000)
		device, other := connect(staff.Token, 2000), connect([32]byte{}, 2000)
		for range 2 {
			must(t, store.DeleteStaffSession(ctx, staff.Token))
			gone(t, staff, device)
		}
		_, _, err := store.DeviceSession(ctx, other.Token, 1500)
		must(t, err)
		must(t, store.DeleteDeviceSession(ctx, other.Token))
		must(t, store.DeleteDeviceSession(ctx, other.Token))
		gone(t, staff, other)
	})
	t.Run("a set-up link works once and in time, and ends sessions", func(t *testing.T) {
		got, err := store.SetUpLink(ctx, link.Token, 1999)
		must(t, err)
		same(t, got, link)
		_, err = store.SetUpLink(ctx, link.Token, 2000)
		wants(t, err, hub.ErrNotFound)
		_, err = store.ClaimSetUpLink(ctx, link.Token, "late", 2000)
		wants(t, err, hub.ErrNotFound)
		_, err = store.ClaimSetUpLink(ctx, newToken(), "unknown", 1500)
		wants(t, err, hub.ErrNotFound)

		staff := signIn(2000)
		device := connect(staff.Token, 2000)
		claimed, err := store.ClaimSetUpLink(ctx, link.Token, "hash", 1500)
		must(t, err)
		same(t, claimed.Person, browser.Person)
		same(t, claimed.UsedAt, int64(1500))
		gone(t, staff, device)
		p, err := store.Person(ctx, here.id, browser.Person)
		must(t, err)
		same(t, p.Password, "hash")

		_, err = store.ClaimSetUpLink(ctx, link.Token, "again", 1501)
		wants(t, err, hub.ErrNotFound)
		_, err = store.SetUpLink(ctx, link.Token, 1501)
		wants(t, err, hub.ErrNotFound)
	})
	t.Run("what has ended is dropped", func(t *testing.T) {
		old, current := signIn(1200), signIn(2000)
		oldDevice, currentDevice := connect(current.Token, 1200), connect(current.Token, 2000)
		_, err := store.DeleteExpired(ctx, 1500, 0)
		must(t, err)
		_, err = store.StaffSession(ctx, old.Token, 1000)
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
		device, alone := connect(staff.Token, 2000), connect([32]byte{}, 2000)
		for _, at := range []int64{1600, 1700} { // the first time stands
			must(t, store.DisablePerson(ctx, here.id, browser.Person, at))
			gone(t, staff, device)
			gone(t, staff, alone)
			p, err := store.Person(ctx, here.id, browser.Person)
			must(t, err)
			same(t, p.DisabledAt, int64(1600))
			d, err := store.Device(ctx, here.id, browser.ID)
			must(t, err)
			same(t, d.RevokedAt, int64(1600))
		}
	})
}
