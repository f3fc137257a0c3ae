package storetest

import (
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

func testDevices(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newClinic(t, store), newClinic(t, store)
	phone := here.device(api.KindPatient)
	t.Run("read", func(t *testing.T) {
		for name, get := range map[string]func() (hub.Device, error){
			"by practice": func() (hub.Device, error) { return store.Device(ctx, here.id, phone.ID) },
			"by id alone": func() (hub.Device, error) { return store.DeviceByID(ctx, phone.ID) },
			"by key":      func() (hub.Device, error) { return store.DeviceByKey(ctx, here.id, phone.PublicKey) },
		} {
			got, err := get()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			same(t, got, phone)
		}
		p, err := store.Person(ctx, here.id, phone.Person)
		must(t, err)
		same(t, p.Kind, api.KindPatient)
	})
	t.Run("another practice does not see it", func(t *testing.T) {
		_, err := store.Device(ctx, elsewhere.id, phone.ID)
		wants(t, err, hub.ErrNotFound)
		_, err = store.DeviceByKey(ctx, elsewhere.id, phone.PublicKey)
		wants(t, err, hub.ErrNotFound)
		wants(t, store.RevokeDevice(ctx, elsewhere.id, phone.ID, 5), hub.ErrNotFound)
		wants(t, store.PutCertificate(ctx, elsewhere.id, phone.ID, []byte("c"), nil, 5), hub.ErrNotFound)
	})
	t.Run("a key is known once in a practice", func(t *testing.T) {
		twin := here.newDevice(newID("p"), api.KindPatient)
		twin.PublicKey = phone.PublicKey
		person := hub.Person{ID: twin.Person, Practice: here.id, Kind: api.KindPatient}
		wants(t, store.AddDevice(ctx, twin, &person), hub.ErrExists)
		_, err := store.Person(ctx, here.id, twin.Person)
		wants(t, err, hub.ErrNotFound) // nothing of it was stored
		twin.Practice, person.Practice = elsewhere.id, elsewhere.id
		must(t, store.AddDevice(ctx, twin, &person))
	})
	t.Run("certify, revoke", func(t *testing.T) {
		laptop := here.device(api.KindStaff)
		desktop := here.further(laptop)
		waiting, err := store.Uncertified(ctx, here.id, 100)
		must(t, err)
		if !contains(waiting, laptop) || !contains(waiting, desktop) {
			t.Error("a device does not wait for its certificate")
		}
		one, err := store.Uncertified(ctx, here.id, 1)
		must(t, err)
		same(t, len(one), 1)

		must(t, store.PutCertificate(ctx, here.id, laptop.ID, []byte("certificate"), []byte("card"), 30))
		got, err := store.Device(ctx, here.id, laptop.ID)
		must(t, err)
		laptop.Certificate, laptop.NameCard, laptop.CertifiedAt = []byte("certificate"), []byte("card"), 30
		same(t, got, laptop)

		for _, at := range []int64{40, 41} { // the first time stands
			must(t, store.RevokeDevice(ctx, here.id, desktop.ID, at))
		}
		wants(t, store.PutCertificate(ctx, here.id, desktop.ID, []byte("c"), nil, 50), hub.ErrConflict)
		waiting, err = store.Uncertified(ctx, here.id, 100)
		must(t, err)
		if contains(waiting, laptop) || contains(waiting, desktop) {
			t.Error("a certified or revoked device still waits")
		}
		theirs, err := store.DevicesOf(ctx, here.id, laptop.Person)
		must(t, err)
		desktop.RevokedAt = 40
		if len(theirs) != 2 || !contains(theirs, laptop) || !contains(theirs, desktop) {
			t.Errorf("the person has %d devices, want 2", len(theirs))
		}
	})
	t.Run("revoking drops what the device had", func(t *testing.T) {
		d, keeper := here.device(api.KindPatient), here.device(api.KindService)
		here.conversation(d, keeper)
		must(t, store.AddKeyPackages(ctx, []hub.KeyPackage{{Practice: here.id, Device: keeper.ID, Ref: []byte{1}, Data: []byte{1}}}, 10))
		session := hub.DeviceSession{Token: newToken(), Practice: here.id, Device: keeper.ID, ExpiresAt: 9e15}
		must(t, store.AddDeviceSession(ctx, session))
		must(t, store.RevokeDevice(ctx, here.id, keeper.ID, 60))
		_, _, err := store.DeviceSession(ctx, session.Token, 1)
		wants(t, err, hub.ErrNotFound)
		unused, _, err := store.CountKeyPackages(ctx, here.id, keeper.ID, 1)
		must(t, err)
		same(t, unused, 0)
		welcomes, err := store.Welcomes(ctx, here.id, keeper.ID)
		must(t, err)
		same(t, len(welcomes), 0)
		wants(t, store.AddKeyPackages(ctx, []hub.KeyPackage{{Practice: here.id, Device: keeper.ID, Ref: []byte{2}}}, 10), hub.ErrConflict)
	})
}

func contains(all []hub.Device, d hub.Device) bool {
	for _, one := range all {
		if one.ID == d.ID && one.RevokedAt == d.RevokedAt {
			return true
		}
	}
	return false
}

func testKeyPackages(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newClinic(t, store), newClinic(t, store)
	make := func(d hub.Device, n byte, notAfter int64) hub.KeyPackage {
		return hub.KeyPackage{Practice: here.id, Device: d.ID, Ref: []byte{n}, Data: []byte{n, n}, NotAfter: notAfter}
	}
	claim := func(t *testing.T, now int64, devices ...hub.Device) []hub.KeyPackage {
		t.Helper()
		all, err := store.ClaimKeyPackages(ctx, here.id, pick(devices, func(d hub.Device) string { return d.ID }), now)
		must(t, err)
		return all
	}
	count := func(t *testing.T, d hub.Device, now int64) int {
		t.Helper()
		n, _, err := store.CountKeyPackages(ctx, here.id, d.ID, now)
		must(t, err)
		return n
	}

	t.Run("oldest first, each once, then the last resort", func(t *testing.T) {
		d := here.device(api.KindStaff)
		last := make(d, 9, 500)
		last.LastResort = true
		must(t, store.AddKeyPackages(ctx, []hub.KeyPackage{make(d, 2, 0), last, make(d, 1, 900)}, 10))
		unused, hasLast, err := store.CountKeyPackages(ctx, here.id, d.ID, 100)
		must(t, err)
		if unused != 2 || !hasLast {
			t.Errorf("counted %d, %v", unused, hasLast)
		}
		same(t, claim(t, 100, d), []hub.KeyPackage{make(d, 2, 0)})
		same(t, claim(t, 100, d), []hub.KeyPackage{make(d, 1, 900)})
		for range 2 { // kept, and given even when past its time
			same(t, claim(t, 600, d), []hub.KeyPackage{last})
		}
	})
	t.Run("a package published again after its use stays used", func(t *testing.T) {
		d := here.device(api.KindStaff)
		ks := []hub.KeyPackage{make(d, 1, 0), make(d, 2, 0)}
		must(t, store.AddKeyPackages(ctx, ks, 10))
		same(t, claim(t, 1, d), ks[:1])
		must(t, store.AddKeyPackages(ctx, ks, 10))
		same(t, count(t, d, 1), 1)
		same(t, claim(t, 1, d), ks[1:])
		same(t, len(claim(t, 1, d)), 0)
	})
	t.Run("expired ones are passed over, then dropped", func(t *testing.T) {
		d := here.device(api.KindStaff)
		must(t, store.AddKeyPackages(ctx, []hub.KeyPackage{make(d, 1, 200), make(d, 2, 300)}, 10))
		same(t, count(t, d, 200), 1)
		same(t, claim(t, 200, d), []hub.KeyPackage{make(d, 2, 300)})
		must(t, store.DeleteExpired(ctx, 200))
		same(t, count(t, d, 100), 0)
	})
	t.Run("a new last resort replaces the former", func(t *testing.T) {
		d := here.device(api.KindStaff)
		for n := range byte(3) {
			last := make(d, n, 0)
			last.LastResort = true
			must(t, store.AddKeyPackages(ctx, []hub.KeyPackage{last}, 10))
			same(t, claim(t, 1, d), []hub.KeyPackage{last})
		}
	})
	t.Run("too many drop the oldest", func(t *testing.T) {
		d := here.device(api.KindStaff)
		must(t, store.AddKeyPackages(ctx, []hub.KeyPackage{make(d, 1, 0), make(d, 2, 0), make(d, 3, 0)}, 3))
		must(t, store.AddKeyPackages(ctx, []hub.KeyPackage{make(d, 4, 0), make(d, 5, 0)}, 3))
		same(t, count(t, d, 1), 3)
		same(t, claim(t, 1, d), []hub.KeyPackage{make(d, 3, 0)})
	})
	t.Run("several devices, one of them with none, one unknown", func(t *testing.T) {
		a, b, none := here.device(api.KindStaff), here.device(api.KindStaff), here.device(api.KindStaff)
		must(t, store.AddKeyPackages(ctx, []hub.KeyPackage{make(a, 1, 0)}, 10))
		must(t, store.AddKeyPackages(ctx, []hub.KeyPackage{make(b, 1, 0), make(b, 2, 0)}, 10))
		got := claim(t, 1, a, none, b, hub.Device{ID: newID("d")}, b)
		same(t, len(got), 2)
		same(t, count(t, b, 1), 1)
		all, err := store.ClaimKeyPackages(ctx, elsewhere.id, []string{b.ID}, 1)
		must(t, err)
		same(t, len(all), 0)
	})
	t.Run("for a device that is not there", func(t *testing.T) {
		wants(t, store.AddKeyPackages(ctx, []hub.KeyPackage{make(hub.Device{ID: newID("d")}, 1, 0)}, 10), hub.ErrNotFound)
	})
}

func testAttachments(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newClinic(t, store), newClinic(t, store)
	add := func(conversation string, size, at int64) hub.Attachment {
		a := hub.Attachment{ID: newID("a"), Practice: here.id, Conversation: conversation, Device: newID("d"), Size: size, CreatedAt: at}
		must(t, store.AddAttachment(ctx, a))
		return a
	}
	pending := func(t *testing.T, conversation string) int64 {
		t.Helper()
		n, err := store.PendingBytes(ctx, here.id, conversation)
		must(t, err)
		return n
	}
	c := newID("c")
	a, b := add(c, 1000, 50), add(c, 20, 60)
	same(t, pending(t, c), int64(1020))
	same(t, pending(t, newID("c")), int64(0))
	wants(t, store.AddAttachment(ctx, a), hub.ErrExists)

	must(t, store.CompleteAttachment(ctx, here.id, a.ID, 70))
	wants(t, store.CompleteAttachment(ctx, here.id, a.ID, 71), hub.ErrConflict) // the first time stands
	a.CompletedAt = 70
	got, err := store.Attachment(ctx, here.id, a.ID)
	must(t, err)
	same(t, got, a)
	same(t, pending(t, c), int64(20))
	wants(t, store.DeleteAttachment(ctx, here.id, a.ID), hub.ErrConflict)

	_, err = store.Attachment(ctx, elsewhere.id, a.ID)
	wants(t, err, hub.ErrNotFound)
	wants(t, store.CompleteAttachment(ctx, elsewhere.id, b.ID, 80), hub.ErrNotFound)
	wants(t, store.DeleteAttachment(ctx, elsewhere.id, b.ID), hub.ErrNotFound)
	must(t, store.DeleteAttachment(ctx, here.id, b.ID))
	wants(t, store.DeleteAttachment(ctx, here.id, b.ID), hub.ErrNotFound)

	old, young := add(c, 1, 100), add(c, 2, 101)
	for before, want := range map[int64][]hub.Attachment{100: nil, 101: {old}, 102: {old, young}} {
		unfinished, err := store.UnfinishedAttachments(ctx, before, 1000)
		must(t, err)
		var got []hub.Attachment
		for _, a := range unfinished {
			if a.Practice == here.id {
				got = append(got, a)
			}
		}
		same(t, got, want)
	}
}
