package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/passkey"
)

// another adds a device of the same staff person, signed in anew; certified if
// the keeper is asked.
func (d *device) another(login string) *device {
	d.w.t.Helper()
	n := d.w.newDevice(d.practice)
	n.secret, n.person = d.secret, d.person
	_, err := n.SignIn(d.w.ctx, d.in(login))
	d.w.must(err)
	proof, err := n.Prove(d.w.ctx, n.signer, certificate.PurposeRegister, d.practice.ID)
	d.w.must(err)
	made, err := n.NewStaffDevice(d.w.ctx, api.NewStaffDevice{PublicKey: n.signer.Public(), Name: "Firefox", Proof: proof})
	d.w.must(err)
	n.id = made.ID
	n.signIn()
	return n
}

// TestT03EachDeviceIsShownToItsPerson: a person is told at once, and at the next
// sign-in until they have seen it, that another device speaks for them, and finds
// all that ever did, with the entries of the log that prove it. Nobody else does.
func TestT03EachDeviceIsShownToItsPerson(t *testing.T) {
	w := newWorld(t)
	dana, omar := w.staff("dana", "nurse"), w.staff("omar", "nurse")
	news := func(d *device) int {
		t.Helper()
		s, err := d.StaffSession(w.ctx)
		w.must(err)
		return s.NewDevices
	}
	if n := news(dana); n != 0 {
		t.Errorf("a person's first device is told as %d", n)
	}
	hears, theirs := dana.listen(), omar.listen()
	w.clock.advance(time.Minute)
	second := dana.another("dana")
	if n := news(dana); n != 0 {
		t.Errorf("%d before it is certified: it speaks for nobody", n)
	}
	w.clinic.keeper.certify()
	hears.next(api.EventDevices)
	w.patient().open("nurse")
	theirs.until("a chat", func(e api.Event) bool {
		if e.Type == api.EventDevices {
			t.Error("another is told")
		}
		return e.Type == api.EventConversation
	})
	for _, c := range []struct {
		who  *device
		want int
	}{{dana, 1}, {second, 0}, {omar, 0}} {
		if n := news(c.who); n != c.want {
			t.Errorf("%s is told of %d devices, want %d", c.who.id, n, c.want)
		}
	}
	for _, other := range []*device{omar, second} { // the new device might be somebody else's
		ask[struct{}](other, http.MethodPost, "/v1/staff/devices/seen")
		if n := news(dana); n != 1 {
			t.Errorf("%d once %s has seen them", n, other.id)
		}
	}

	log := ask[api.AuditPage](dana, http.MethodGet, "/v1/staff/devices/log")
	list := ask[struct{ Devices []api.DeviceInfo }](dana, http.MethodGet, "/v1/staff/devices").Devices
	issued, keys := make(map[string]int64), make(map[string]string)
	for _, e := range log.Events {
		if e.Subject != dana.person || e.Encoded == "" || len(e.Salt) == 0 {
			t.Errorf("entry %d of %s, which cannot be checked or is another's", e.Number, e.Subject)
		}
		issued[e.Object], keys[e.Object] = e.Number, e.Detail
	}
	for _, d := range []*device{dana, second} {
		if want := audit.Certified("nurse", certificate.KeyHash(d.signer.Public())); keys[d.id] != want {
			t.Errorf("of %s the log says %q, want %q", d.id, keys[d.id], want)
		}
	}
	if len(list) != 2 || len(issued) != 2 {
		t.Fatalf("%d devices, %d in the log", len(list), len(issued))
	}
	checkpoint := ask[api.AuditCheckpoint](dana, http.MethodGet, "/v1/audit/checkpoint")
	for _, d := range list {
		number, ok := issued[d.ID]
		if !ok || d.CertifiedAt == 0 || d.ExpiresAt <= d.CertifiedAt || !strings.HasSuffix(keys[d.ID], ",key="+d.Key) {
			t.Errorf("%+v: in the log: %v", d, ok)
		}
		if proof := ask[api.AuditProof](dana, http.MethodGet, fmt.Sprintf("/v1/audit/proof?number=%d&size=%d", number, checkpoint.Size)); proof.Number != number {
			t.Errorf("%+v", proof)
		}
	}
	if log := ask[api.AuditPage](omar, http.MethodGet, "/v1/staff/devices/log"); len(log.Events) != 1 || log.Events[0].Object != omar.id {
		t.Errorf("another's log: %v", log)
	}

	ask[struct{}](dana, http.MethodPost, "/v1/staff/devices/seen")
	if n := news(dana); n != 0 {
		t.Errorf("%d once they are seen", n)
	}
	for _, call := range []string{"GET /v1/staff/devices/log", "GET /v1/staff/devices", "POST /v1/staff/devices/seen"} {
		method, path, _ := strings.Cut(call, " ")
		if resp, _ := w.raw(method, path, ""); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s without a session: %s", call, resp.Status)
		}
	}
}

// TestT03EachPatientsDeviceIsShownToThem: a patient's other devices are told at
// once that another speaks for them, and until each has shown it; the new one,
// which might be somebody else's, cannot say so for them. Each device finds all
// that ever spoke for its patient, with what proves that the log says so.
func TestT03EachPatientsDeviceIsShownToThem(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		ana, key := w.withPasskey()
		bo := w.patient()
		own := func(d *device) api.OwnDevices { return asDevice[api.OwnDevices](d, http.MethodGet, "/v1/devices") }
		wants := func(when string, each map[*device]int) {
			t.Helper()
			for d, want := range each {
				if got := own(d).New; got != want {
					t.Errorf("%s: %s is told of %d devices, want %d", when, d.id, got, want)
				}
			}
		}
		wants("alone", map[*device]int{ana: 0, bo: 0})
		hears, theirs := ana.listen(), bo.listen()
		w.clock.advance(time.Minute)
		second := w.newDevice(w.clinic)
		back := second.returns(key)
		back.Name = "Chrome on Android"
		made, err := second.ReturnPatient(w.ctx, back)
		w.must(err)
		second.id, second.person = made.ID, made.Person
		second.signIn()
		wants("before it is certified, when it speaks for nobody", map[*device]int{ana: 0, second: 0})
		itself := second.listen()
		w.clinic.keeper.certify()
		hears.next(api.EventDevices)
		bo.open("nurse")
		theirs.until("a chat", func(e api.Event) bool {
			if e.Type == api.EventDevices {
				t.Error("another patient is told")
			}
			return e.Type == api.EventConversation
		})
		wants("certified", map[*device]int{ana: 1, second: 0, bo: 0})
		asDevice[struct{}](second, http.MethodPost, "/v1/devices/seen")
		asDevice[struct{}](bo, http.MethodPost, "/v1/devices/seen")
		wants("shown elsewhere", map[*device]int{ana: 1, second: 0, bo: 0})

		log := asDevice[api.AuditPage](ana, http.MethodGet, "/v1/devices/log")
		checkpoint := asDevice[api.AuditCheckpoint](ana, http.MethodGet, "/v1/audit/checkpoint")
		head, err := auditlog.OpenCheckpoint([]byte(checkpoint.Signed), checkpoint.Verifier)
		w.must(err)
		issued, keys := make(map[string]int64), make(map[string]string)
		for _, e := range log.Events {
			if e.Subject != ana.person {
				t.Errorf("entry %d is of %s", e.Number, e.Subject)
			}
			var salt audit.Salt
			copy(salt[:], e.Salt)
			proof := asDevice[api.AuditProof](ana, http.MethodGet, fmt.Sprintf("/v1/audit/proof?number=%d&size=%d", e.Number, head.Size))
			hashes := make([]auditlog.Hash, len(proof.Hashes))
			for i, h := range proof.Hashes {
				copy(hashes[i][:], h)
			}
			if err := auditlog.CheckEntry(hashes, head.Size, head.Root, e.Number, audit.Commit(salt, []byte(e.Encoded))); err != nil {
				t.Errorf("entry %d: %v", e.Number, err)
			}
			issued[e.Object], keys[e.Object] = e.Number, e.Detail
		}
		list := own(ana).Devices
		if len(list) != 2 || len(issued) != 2 {
			t.Fatalf("%d devices, %d in the log", len(list), len(issued))
		}
		for i, want := range []struct {
			id, name string
			current  bool
			key      []byte
		}{{ana.id, "", true, ana.signer.Public()}, {second.id, "Chrome on Android", false, second.signer.Public()}} {
			got := list[i]
			if key := certificate.KeyHash(want.key); got.Key != key || keys[got.ID] != audit.Certified("patient", key) {
				t.Errorf("%s has the key %s, of which the list says %q and the log %q", got.ID, key, got.Key, keys[got.ID])
			}
			if _, logged := issued[got.ID]; !logged || got.ID != want.id || got.Name != want.name || got.Current != want.current || got.CertifiedAt == 0 {
				t.Errorf("%+v, in the log: %v", got, logged)
			}
		}
		if growth := asDevice[api.AuditProof](ana, http.MethodGet, fmt.Sprintf("/v1/audit/growth?earlier=1&later=%d", head.Size)); len(growth.Hashes) == 0 {
			t.Error("no proof that the log has only grown")
		}
		if log := asDevice[api.AuditPage](bo, http.MethodGet, "/v1/devices/log"); len(log.Events) != 1 || log.Events[0].Object != bo.id || len(own(bo).Devices) != 1 {
			t.Errorf("another's log: %v", log)
		}

		asDevice[struct{}](ana, http.MethodPost, "/v1/devices/seen")
		wants("shown", map[*device]int{ana: 0, second: 0})
		w.clock.advance(time.Minute)
		w.newDevice(w.clinic).comeBack(key)
		wants("a third", map[*device]int{ana: 1, second: 1})
		w.must(w.hub.RevokeDevice(w.ctx, w.clinic.ID, second.id))
		told := 0
		itself.until("its end", func(e api.Event) bool {
			if e.Type == api.EventDevices {
				told++
			}
			return e.Type == api.EventEnded
		})
		if told != 1 {
			t.Errorf("the second is told of %d devices, want 1: of the third and not of itself", told)
		}
		if list := own(ana).Devices; len(list) != 3 || list[1].RevokedAt == 0 {
			t.Errorf("one that speaks no more is %+v", list)
		}
		for _, call := range []string{"GET /v1/devices", "POST /v1/devices/seen", "GET /v1/devices/log", "GET /v1/audit/checkpoint"} {
			method, path, _ := strings.Cut(call, " ")
			if resp, _ := w.raw(method, path, ""); resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s without a session: %s", call, resp.Status)
			}
		}
	})
}

// asDevice makes a call with a device's session.
func asDevice[T any](d *device, method, path string) (reply T) {
	d.w.t.Helper()
	return asked[T](d, method, path, "Authorization", "Bearer "+d.Token())
}

// ask makes a call with a staff person's session.
func ask[T any](d *device, method, path string) (reply T) {
	d.w.t.Helper()
	return asked[T](d, method, path, "Cookie", "__Host-sotto_staff="+d.Cookie())
}

func asked[T any](d *device, method, path string, headers ...string) (reply T) {
	d.w.t.Helper()
	resp, body := d.w.raw(method, path, "", headers...)
	if resp.StatusCode >= 300 {
		d.w.t.Fatalf("%s %s: %s: %s", method, path, resp.Status, body)
	}
	if body != "" {
		d.w.must(json.Unmarshal([]byte(body), &reply))
	}
	return reply
}

// TestT03MembersSeeEachOthersCertificates: who shares a conversation with
// somebody finds each of their certificates in the log, with its key, as it is in
// the group's tree; who does not share one finds nothing.
func TestT03MembersSeeEachOthersCertificates(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		ana, bo := w.patient(), w.patient()
		dana, omar := w.staff("dana", "nurse"), w.staff("omar", "nurse")
		chat := ana.open("nurse")
		dana.take(chat)
		ana.catchUp(chat)
		others := bo.open("nurse")
		of := func(chat, person string) string {
			return "/v1/conversations/" + chat + "/certificates?person=" + person
		}
		certified := func(by *device, person string) map[string]string {
			t.Helper()
			found := make(map[string]string)
			for _, e := range asDevice[api.AuditPage](by, http.MethodGet, of(chat, person)).Events {
				if e.Kind != string(audit.CertificateIssued) || e.Subject != person {
					t.Errorf("%s is shown %s of %s", by.id, e.Kind, e.Subject)
				}
				var salt audit.Salt
				copy(salt[:], e.Salt)
				if c := audit.Commit(salt, []byte(e.Encoded)); string(c[:]) != string(e.Commitment) {
					t.Errorf("entry %d cannot be checked", e.Number)
				}
				_, found[e.Object], _ = strings.Cut(e.Detail, ",key=")
			}
			return found
		}
		for _, by := range []*device{ana, dana, w.clinic.keeper} {
			leaves := 0
			for _, m := range by.groups[chat].Members() {
				leaf, err := certificate.Parse(m.Credential.Identity)
				w.must(err)
				if got := certified(by, leaf.Person)[leaf.Device]; got != certificate.KeyHash(m.SignatureKey) {
					t.Errorf("%s finds %q in the log for the key of %s", by.id, got, leaf.Device)
				}
				leaves++
			}
			if leaves != 3 {
				t.Errorf("%d devices in the chat", leaves)
			}
		}
		if own := asDevice[api.AuditPage](ana, http.MethodGet, of(chat, "")).Events; len(own) != 1 || own[0].Subject != ana.person {
			t.Errorf("by no name: %v", own)
		}

		w.clock.advance(time.Minute)
		second := dana.another("dana")
		w.clinic.keeper.certify()
		w.must(w.hub.RevokeDevice(w.ctx, w.clinic.ID, second.id))
		if got := certified(ana, dana.person); len(got) != 2 || got[second.id] != certificate.KeyHash(second.signer.Public()) {
			t.Errorf("of each that ever spoke for Dana: %v", got)
		}

		for _, c := range []struct {
			who          *device
			chat, person string
			want         int
		}{
			{ana, chat, omar.person, http.StatusNotFound}, // not in it
			{ana, chat, bo.person, http.StatusNotFound},
			{ana, others, bo.person, http.StatusNotFound},
			{bo, chat, ana.person, http.StatusNotFound},
			{dana, others, bo.person, http.StatusForbidden}, // waits in her queue: she has not taken it
			{omar, chat, ana.person, http.StatusForbidden},  // a colleague's
		} {
			if resp, body := w.raw(http.MethodGet, of(c.chat, c.person), "", "Authorization", "Bearer "+c.who.Token()); resp.StatusCode != c.want {
				t.Errorf("%s asks for %s in %s: %s %s, want %d", c.who.id, c.person, c.chat, resp.Status, body, c.want)
			}
		}

		_, err := dana.Act(w.ctx, chat, "leave")
		w.must(err)
		ana.catchUp(chat)
		if got := certified(ana, dana.person); len(got) != 2 {
			t.Errorf("of Dana, who had the keys and left: %v", got)
		}

		log, err := w.hub.AuditEventsFor(w.ctx, w.clinic.ID, hub.AuditFilter{Kind: string(audit.MemberDevicesRead)})
		w.must(err)
		looks := 0
		for _, e := range log.Events {
			if e.Conversation != chat || e.Patient != ana.person || e.Object == "" {
				t.Errorf("recorded: %+v", e)
			}
			if e.Person == ana.person && e.Object == dana.person {
				looks++
			}
		}
		if looks != 1 {
			t.Errorf("that Ana looked at Dana's devices is recorded %d times in her session", looks)
		}
	})
}

// TestT03APasskeyVouchesForADevice: for the key that it signed for, and no other.
func TestT03APasskeyVouchesForADevice(t *testing.T) {
	w := newWorld(t)
	omar, d, a := w.passkeyStaff("omar")
	proof, err := d.Prove(w.ctx, d.signer, certificate.PurposeRegister, w.clinic.ID)
	w.must(err)
	made, err := d.NewStaffDevice(w.ctx, api.NewStaffDevice{PublicKey: d.signer.Public(), Proof: proof})
	w.must(err)
	vouch := func(key []byte) int {
		v := api.Voucher{Passkey: *w.asks(a, passkey.Challenge{Purpose: passkey.PurposeDevice, Person: omar.ID, Key: key})}
		resp, _ := w.raw("POST", "/v1/staff/devices/"+made.ID+"/voucher", mustJSON(v), "Cookie", "__Host-sotto_staff="+d.Cookie())
		return resp.StatusCode
	}
	if status := vouch(w.newDevice(w.clinic).signer.Public()); status != http.StatusUnprocessableEntity {
		t.Errorf("for another key: %d", status)
	}
	if status := vouch(d.signer.Public()); status != http.StatusNoContent {
		t.Errorf("for its own key: %d", status)
	}
}

// TestT44AdministratorsRevokeDevices: a device that an administrator revokes is
// refused at once, and only with the name of the person whose it is.
func TestT44AdministratorsRevokeDevices(t *testing.T) {
	w := newWorld(t)
	robin, dana, omar := w.staffAs(w.clinic, "administrator", "robin"), w.staff("dana"), w.staff("omar")
	route := func(person, device *device) string {
		return "DELETE /v1/admin/people/" + person.person + "/devices/" + device.id
	}
	omar.asks(route(dana, dana), nil, nil, http.StatusForbidden)
	robin.asks(route(omar, dana), nil, nil, http.StatusNotFound)
	_, err := dana.Self(w.ctx)
	w.must(err)
	robin.asks(route(dana, dana), nil, nil, http.StatusNoContent)
	_, err = dana.Self(w.ctx)
	wantCode(t, err, api.CodeUnauthenticated)
	if all := ask[api.OwnDevices](dana, http.MethodGet, "/v1/staff/devices").Devices; len(all) != 1 || all[0].RevokedAt == 0 {
		t.Errorf("the person is shown %+v", all)
	}
	_, err = omar.Self(w.ctx)
	w.must(err)
}
