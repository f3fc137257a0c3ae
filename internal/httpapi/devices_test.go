package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
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
	ask[struct{}](omar, http.MethodPost, "/v1/staff/devices/seen")
	if n := news(dana); n != 1 {
		t.Errorf("%d once another has seen theirs", n)
	}

	log := ask[api.AuditPage](dana, http.MethodGet, "/v1/staff/devices/log")
	list := ask[struct{ Devices []api.DeviceInfo }](dana, http.MethodGet, "/v1/staff/devices").Devices
	issued := make(map[string]int64)
	for _, e := range log.Events {
		if e.Subject != dana.person || e.Encoded == "" || len(e.Salt) == 0 {
			t.Errorf("entry %d of %s, which cannot be checked or is another's", e.Number, e.Subject)
		}
		issued[e.Object] = e.Number
	}
	if len(list) != 2 || len(issued) != 2 {
		t.Fatalf("%d devices, %d in the log", len(list), len(issued))
	}
	checkpoint := ask[api.AuditCheckpoint](dana, http.MethodGet, "/v1/audit/checkpoint")
	for _, d := range list {
		number, ok := issued[d.ID]
		if !ok || d.CertifiedAt == 0 || d.ExpiresAt <= d.CertifiedAt {
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

// ask makes a call with a staff person's session.
func ask[T any](d *device, method, path string) (reply T) {
	d.w.t.Helper()
	resp, body := d.w.raw(method, path, "", "Cookie", "__Host-sotto_staff="+d.Cookie())
	if resp.StatusCode >= 300 {
		d.w.t.Fatalf("%s %s: %s: %s", method, path, resp.Status, body)
	}
	if body != "" {
		d.w.must(json.Unmarshal([]byte(body), &reply))
	}
	return reply
}
