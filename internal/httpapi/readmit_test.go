package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/devicetest"
	"github.com/sotto-health/sotto/internal/hubclient"
	"github.com/sotto-health/sotto/internal/keeper"
	"github.com/sotto-health/sotto/internal/passkey"
	"github.com/sotto-health/sotto/internal/passkey/passkeytest"
)

// A keeperLine is a real keeper's line to the hub, which can be cut where
// certificates pass.
type keeperLine struct {
	*hubclient.Client
	cut             atomic.Bool
	leave           atomic.Bool // the operator lets the next person begin anew
	refused, failed atomic.Int64
}

var errCut = errors.New("the line is cut")

func (l *keeperLine) PutCertificate(ctx context.Context, device string, put api.PutCertificate) (*api.Device, error) {
	if l.cut.Load() {
		return nil, errCut
	}
	return l.Client.PutCertificate(ctx, device, put)
}

// keeps has a real keeper at work in place of the test's own.
func (w *world) keeps() *keeperLine {
	w.t.Helper()
	line := &keeperLine{Client: w.client()}
	practice, err := line.Practice(w.ctx, "riverside")
	w.must(err)
	of := w.clinic.keeper
	self, err := of.Self(w.ctx)
	w.must(err)
	k, err := keeper.New(keeper.Config{
		Hub: line, Store: devicetest.NewStore(), Signer: of.signer, Authority: w.clinic.authority, Archive: devicetest.NewArchive(),
		Practice: *practice, Device: *self, Reconcile: 20 * time.Millisecond, Retry: 20 * time.Millisecond,
		Now: w.clock.now, Readmit: func(string) bool { return line.leave.CompareAndSwap(true, false) },
		Log: func(_ string, err error) {
			switch {
			case errors.Is(err, errCut):
				line.failed.Add(1)
			case errors.Is(err, keeper.ErrRefused):
				line.refused.Add(1)
			}
		},
	})
	w.must(err)
	w.must(k.Start(w.ctx))
	w.t.Cleanup(k.Close)
	return line
}

// vouchedDevice registers the device of a person who is signed in, with a
// passkey's voucher.
func (d *device) vouchedDevice(a *passkeytest.Authenticator, person string) {
	d.w.t.Helper()
	proof, err := d.Prove(d.w.ctx, d.signer, certificate.PurposeRegister, d.w.clinic.ID)
	d.w.must(err)
	made, err := d.NewStaffDevice(d.w.ctx, api.NewStaffDevice{PublicKey: d.signer.Public(), Proof: proof})
	d.w.must(err)
	d.id, d.person = made.ID, person
	v := api.Voucher{Passkey: *d.w.asks(a, passkey.Challenge{Purpose: passkey.PurposeDevice, Person: person, Key: d.signer.Public()})}
	if resp, body := d.w.raw(http.MethodPost, "/v1/staff/devices/"+d.id+"/voucher", mustJSON(v), "Cookie", "__Host-sotto_staff="+d.Cookie()); resp.StatusCode != http.StatusNoContent {
		d.w.t.Fatal(resp.StatusCode, body)
	}
	d.signIn()
}

func (d *device) certified() bool {
	d.w.t.Helper()
	self, err := d.Self(d.w.ctx)
	d.w.must(err)
	return len(self.Certificate) > 0
}

// eventually waits for what a keeper does by itself.
func (w *world) eventually(what string, is func() bool) {
	w.t.Helper()
	for late := time.Now().Add(30 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(late) {
			w.t.Fatal("it never came that ", what)
		}
	}
}

// TestT03ReadmissionIsOnRecord: a keeper that was told, on a machine without the
// hub, to forget a person's passkeys says so with the certificate, and the hub
// writes that down with it. As long as it cannot there is no certificate, and
// what the keeper has to say is not forgotten. Of the next device there is
// nothing to say, and of a leave that overruled nothing neither.
func TestT03ReadmissionIsOnRecord(t *testing.T) {
	w := newWorld(t)
	line := w.keeps()
	p, laptop, lost := w.passkeyStaff("omar")
	line.leave.Store(true) // as with a first set-up link: there is nothing to overrule
	laptop.vouchedDevice(lost, p.ID)
	w.eventually("the first device is certified", laptop.certified)

	token, err := w.hub.NewSetUpLink(w.ctx, w.clinic.ID, p.ID)
	w.must(err)
	again, found := w.newDevice(w.clinic), w.authenticator()
	w.usePasskey(again, found, token, p.ID)
	again.vouchedDevice(found, p.ID)
	w.eventually("a passkey out of nowhere is refused", func() bool { return line.refused.Load() > 0 })
	line.cut.Store(true)
	line.leave.Store(true)
	w.eventually("the keeper cannot tell the hub, twice", func() bool { return line.failed.Load() > 1 })
	if line.leave.Load() || again.certified() || len(w.events("person.readmitted")) != 0 {
		t.Error("passkeys were overruled, and it is not on record")
	}
	line.cut.Store(false)
	w.eventually("the person has begun anew", again.certified)

	tablet := w.newDevice(w.clinic)
	_, err = tablet.SignIn(w.ctx, api.SignIn{Practice: "riverside", Authentication: api.Authentication{
		Passkey: w.asks(found, passkey.Challenge{Purpose: passkey.PurposeSignIn}),
	}})
	w.must(err)
	tablet.vouchedDevice(found, p.ID)
	w.eventually("the next device is certified", tablet.certified)

	by := w.clinic.keeper.person
	if got, want := w.events("person.readmitted"), by+"  device="+again.id+"  "+p.ID; !slices.Equal(got, []string{want}) {
		t.Errorf("the log says %q, want %q", got, want)
	}
	reasons := map[string]string{}
	log := ask[api.AuditPage](tablet, http.MethodGet, "/v1/staff/devices/log")
	for _, e := range log.Events {
		reasons[e.Object] = e.Reason
	}
	if len(reasons) != 3 || reasons[laptop.id] != "" || reasons[again.id] != "readmitted" || reasons[tablet.id] != "" {
		t.Errorf("%s, %s and %s are certified with the reasons %q", laptop.id, again.id, tablet.id, reasons)
	}
}

// TestT03NoPatientIsReadmitted: only of staff does the keeper know passkeys that
// an operator can have it forget.
func TestT03NoPatientIsReadmitted(t *testing.T) {
	w := newWorld(t)
	ana := w.patient()
	_, err := w.clinic.keeper.PutCertificate(w.ctx, ana.id, api.PutCertificate{Certificate: ana.certificate, Readmitted: true})
	wantCode(t, err, api.CodeMalformed)
}
