// Package storetest is the contract of [hub.Store], as tests that every
// engine's store must pass. Whatever the interface's comments promise is
// tried here, and nothing that is not promised.
package storetest

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// Run tries a store. All tests share it, each in practices of its own, so that
// a store which mixes practices up is found out.
func Run(t *testing.T, store hub.Store) {
	for _, group := range []struct {
		name string
		run  func(*testing.T, hub.Store)
	}{
		{"practices", testPractices},
		{"consent forms", testForms},
		{"receipts", testReceipts},
		{"minors", testMinors},
		{"people", testPeople},
		{"change person", testChangePerson},
		{"sessions", testSessions},
		{"identities", testIdentities},
		{"directories", testDirectories},
		{"factors", testFactors},
		{"devices", testDevices},
		{"verifications", testVerifications},
		{"roster", testRoster},
		{"contact codes", testContactCodes},
		{"identity checks", testIdentityChecks},
		{"portal accounts", testPortalAccounts},
		{"key packages", testKeyPackages},
		{"conversations", testConversations},
		{"lists", testLists},
		{"frames", testFrames},
		{"handshakes", testHandshakes},
		{"work", testWork},
		{"attachments", testAttachments},
		{"shared", testShared},
		{"audit", testAudit},
		{"control runs", testControlRuns},
		{"relations", testRelations},
		{"links of persons", testPersonLinks},
		{"invitations", testInvitations},
		{"audit log", testAuditLog},
		{"log streams", testLogStreams},
		{"emergencies", testEmergencies},
		{"grant requests", testGrants},
		{"access reviews", testAccessReviews},
		{"activity reviews", testActivityReviews},
		{"alerts", testAlerts},
		{"patient watches", testPatientWatches},
		{"disclosures", testDisclosures},
		{"departments", testDepartments},
		{"request keys", testRequestKeys},
		{"concurrency", testConcurrency},
	} {
		t.Run(group.name, func(t *testing.T) { group.run(t, store) })
	}
}

// newID returns an id as the hub makes them.
func newID(prefix string) string { return prefix + "_" + strings.ToLower(rand.Text()) }

func newToken() (token [32]byte) {
	rand.Read(token[:])
	return token
}

// A clinic is a practice with what most tests need in it.
type clinic struct {
	t     *testing.T
	store hub.Store
	id    string
}

func newClinic(t *testing.T, store hub.Store) *clinic {
	t.Helper()
	c := &clinic{t: t, store: store, id: newID("p")}
	must(t, store.SavePractice(t.Context(), hub.Practice{ID: c.id, Slug: newID("slug")}))
	return c
}

// device adds a device of a new person.
func (c *clinic) device(kind string) hub.Device {
	c.t.Helper()
	p := hub.Person{ID: newID("p"), Practice: c.id, Kind: kind, Role: kind, CreatedAt: 1}
	if kind == api.KindStaff {
		p.Login = newID("login")
	}
	d := c.newDevice(p.ID, kind)
	must(c.t, c.store.AddDevice(c.t.Context(), d, &p))
	return d
}

// further adds another device of the same person.
func (c *clinic) further(d hub.Device) hub.Device {
	c.t.Helper()
	n := c.newDevice(d.Person, d.Kind)
	must(c.t, c.store.AddDevice(c.t.Context(), n, nil))
	return n
}

// disable disables a person.
func (c *clinic) disable(person string, at int64) {
	c.t.Helper()
	_, err := c.store.ChangePerson(c.t.Context(), c.id, person, at, func(p *hub.Person, _ bool) error { p.DisabledAt = at; return nil })
	must(c.t, err)
}

func (c *clinic) newDevice(person, kind string) hub.Device {
	key := newToken()
	return hub.Device{
		ID: newID("d"), Practice: c.id, Person: person, Kind: kind, Role: kind, Name: "Firefox",
		PublicKey: key[:], Proof: api.DeviceProof{Nonce: newID("n"), Signature: []byte{1, 2}}, CreatedAt: 10,
	}
}

func (c *clinic) certify(d hub.Device) {
	c.t.Helper()
	must(c.t, c.store.PutCertificate(c.t.Context(), c.id, d.ID, []byte("certificate"), nil, 20))
}

// conversation makes one of patient and keeper, whose devices are its members.
func (c *clinic) conversation(patient, keeper hub.Device) hub.Conversation {
	c.t.Helper()
	n := c.newConversation(patient, keeper)
	must(c.t, c.store.CreateConversation(c.t.Context(), n))
	return n.Conversation
}

func (c *clinic) newConversation(patient, keeper hub.Device) hub.NewConversation {
	id := newID("c")
	return hub.NewConversation{
		Conversation: hub.Conversation{
			ID: id, Practice: c.id, Queue: "general", Language: "en", Patient: patient.Person,
			State: api.StateWaiting, CreatedAt: 100, WaitingFrom: 100, LastAt: 100, Epoch: 1, Head: 1,
			Participants: []hub.Participant{
				{Person: patient.Person, Wanted: true, Since: 100},
				{Person: keeper.Person, Wanted: true, Since: 100},
			},
			Members: []hub.Member{
				{Device: patient.ID, Person: patient.Person, From: 1, Since: 100, Acked: 1},
				{Device: keeper.ID, Person: keeper.Person, From: 1, Since: 100},
			},
		},
		Receipts: []hub.Receipt{c.receipt(patient, id)},
		Group:    hub.Group{State: []byte("state 1"), Info: []byte("info 1"), Epoch: 1, Handshake: 1},
		First: hub.Frame{
			Position: 1, Kind: api.FrameCommit, Epoch: 0, Device: patient.ID, Person: patient.Person,
			ClientID: newID("m"), ReceivedAt: 100, Payload: []byte("commit"),
		},
		Welcomes: []hub.Welcome{{ID: newID("w"), Device: keeper.ID, Payload: []byte("welcome")}},
	}
}

// receipt makes one of a person's, for a conversation or for none.
func (c *clinic) receipt(from hub.Device, conversation string) hub.Receipt {
	return hub.Receipt{
		ConsentReceipt: api.ConsentReceipt{Form: "f", Kind: "chat", Version: 1, Language: "en", SHA256: []byte{1}, Method: "checkbox", At: 99, Signature: []byte{2}},
		ID:             newID("r"), Practice: c.id, Conversation: conversation, Person: from.Person, Device: from.ID, ReceivedAt: 100,
	}
}

// send makes an append of an application message.
func send(c hub.Conversation, from hub.Device, epoch uint64, text string) hub.Append {
	return hub.Append{
		Practice: c.Practice, Conversation: c.ID,
		Frame: hub.Frame{
			Kind: api.FrameApplication, Epoch: epoch, Device: from.ID, Person: from.Person,
			ClientID: newID("m"), ReceivedAt: 200, Payload: []byte(text),
		},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants reports an error that is not want.
func wants(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got error %v, want %v", got, want)
	}
}

// same reports a difference. A nil slice and an empty one are the same: the
// engines keep no such distinction.
func same(t testing.TB, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("not as stored (-want +got):\n%s", diff)
	}
}

// pick maps a list to one field of each.
func pick[T, F any](all []T, field func(T) F) []F {
	var picked []F
	for _, one := range all {
		picked = append(picked, field(one))
	}
	return picked
}

func load(t *testing.T, store hub.Store, c hub.Conversation) hub.Conversation {
	t.Helper()
	stored, err := store.Conversation(t.Context(), c.Practice, c.ID)
	must(t, err)
	return stored
}
