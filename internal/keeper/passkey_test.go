package keeper

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/certificate/authority"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/passkey"
	"github.com/sotto-health/sotto/internal/passkey/passkeytest"
	"github.com/sotto-health/sotto/mls/suite"
)

// memory is a device.Store that forgets.
type memory struct {
	mu   sync.Mutex // guards kept
	kept map[string][]byte
}

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept[key], nil
}

func (m *memory) Apply(_ context.Context, puts map[string][]byte, deletes []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, v := range puts {
		m.kept[k] = v
	}
	for _, k := range deletes {
		delete(m.kept, k)
	}
	return nil
}

func (m *memory) Keys(_ context.Context, prefix string) (keys []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k := range m.kept {
		if strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

const person = "p_dana"

func newKeeper() *Keeper {
	return &Keeper{cfg: Config{Store: &memory{kept: map[string][]byte{}}, Practice: api.Practice{ID: "t_1", Slug: "riverside"}}}
}

func known(a *passkeytest.Authenticator) api.KnownPasskey {
	return api.KnownPasskey{Credential: a.ID, Key: a.Key()}
}

func sign(a *passkeytest.Authenticator, purpose string, key []byte) *api.PasskeyAssertion {
	c := passkey.Challenge{Purpose: purpose, Practice: "riverside", Person: person, Nonce: "n", Key: key}
	got := a.Get(c)
	return &api.PasskeyAssertion{Nonce: "n", Credential: got.Credential, ClientData: got.ClientData, AuthenticatorData: got.Data, Signature: got.Signature}
}

func request(key string, voucher *api.PasskeyAssertion, passkeys ...api.KnownPasskey) api.CertificateRequest {
	return api.CertificateRequest{Device: api.Device{Person: person}, PublicKey: []byte(key), Passkeys: passkeys, Voucher: voucher}
}

// TestT03PasskeysVouchForDevices: once the keeper knows a passkey of a person,
// a hub that lies about the device, the passkey, or that there is none, gets no
// certificate.
func TestT03PasskeysVouchForDevices(t *testing.T) {
	ctx := t.Context()
	mine, second, ghost := passkeytest.New("h", "https://h"), passkeytest.New("h", "https://h"), passkeytest.New("h", "https://h")
	laptop := sign(mine, passkey.PurposeDevice, []byte("laptop"))
	k := newKeeper()
	if err := k.vouched(ctx, request("laptop", nil)); err != nil {
		t.Fatalf("somebody without a passkey: %v", err)
	}
	if err := k.vouched(ctx, request("laptop", nil, known(mine))); !errors.Is(err, errWaits) {
		t.Fatalf("no voucher yet: %v", err)
	}
	if err := k.vouched(ctx, request("laptop", laptop, known(mine))); err != nil {
		t.Fatalf("the first device: %v", err)
	}

	unverified := *mine
	unverified.Unverified = true
	introduced := known(second)
	introduced.Introduction = sign(mine, passkey.PurposeIntroduce, second.Key())
	selfMade := known(ghost)
	selfMade.Introduction = sign(ghost, passkey.PurposeIntroduce, ghost.Key())
	stolen := known(ghost)
	stolen.Introduction = introduced.Introduction
	renamed := known(mine)
	renamed.Key = ghost.Key()
	for name, r := range map[string]api.CertificateRequest{
		"no passkeys any more":                request("ghost", nil),
		"the voucher of another device":       request("ghost", laptop, known(mine)),
		"a passkey out of nowhere":            request("ghost", sign(ghost, passkey.PurposeDevice, []byte("ghost")), known(mine), known(ghost)),
		"only a passkey out of nowhere":       request("ghost", sign(ghost, passkey.PurposeDevice, []byte("ghost")), known(ghost)),
		"a passkey that introduced itself":    request("ghost", sign(ghost, passkey.PurposeDevice, []byte("ghost")), known(mine), selfMade),
		"the introduction of another passkey": request("ghost", sign(ghost, passkey.PurposeDevice, []byte("ghost")), known(mine), stolen),
		"another key under a known name":      request("ghost", sign(ghost, passkey.PurposeDevice, []byte("ghost")), renamed),
		"a sign-in in place of a voucher":     request("ghost", sign(mine, passkey.PurposeSignIn, []byte("ghost")), known(mine)),
		"nobody was verified":                 request("ghost", sign(&unverified, passkey.PurposeDevice, []byte("ghost")), known(mine)),
	} {
		if err := k.vouched(ctx, r); err == nil {
			t.Errorf("%s: certified", name)
		} else if r.Voucher != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}

	if err := k.vouched(ctx, request("phone", sign(second, passkey.PurposeDevice, []byte("phone")), known(mine), introduced)); err != nil {
		t.Errorf("a second passkey, introduced: %v", err)
	}
	if err := k.vouched(ctx, request("tablet", sign(second, passkey.PurposeDevice, []byte("tablet")), known(second))); err != nil {
		t.Errorf("a second passkey, remembered: %v", err)
	}
}

// TestReadmitted: who has lost every passkey begins anew if the operator says
// so, once.
func TestReadmitted(t *testing.T) {
	ctx := t.Context()
	lost, found, ghost := passkeytest.New("h", "https://h"), passkeytest.New("h", "https://h"), passkeytest.New("h", "https://h")
	k := newKeeper()
	if err := k.vouched(ctx, request("laptop", sign(lost, passkey.PurposeDevice, []byte("laptop")), known(lost))); err != nil {
		t.Fatal(err)
	}
	again := request("new", sign(found, passkey.PurposeDevice, []byte("new")), known(found))
	if err := k.vouched(ctx, again); !errors.Is(err, ErrRefused) {
		t.Fatalf("before: %v", err)
	}
	once := true
	k.cfg.Readmit = func(who string) bool {
		yes := once && who == person
		once = false
		return yes
	}
	if err := k.vouched(ctx, again); err != nil {
		t.Fatalf("after: %v", err)
	}
	if err := k.vouched(ctx, request("ghost", sign(ghost, passkey.PurposeDevice, []byte("ghost")), known(ghost))); !errors.Is(err, ErrRefused) {
		t.Errorf("a second time: %v", err)
	}
}

// A patient is one with a first device, whose key signs.
type patient struct {
	t      *testing.T
	k      *Keeper
	signer *suite.SoftwareSigner
	cert   []byte
}

func newPatient(t *testing.T, k *Keeper, person string) *patient {
	t.Helper()
	s, err := suite.Lookup(suite.P256AES128)
	if err != nil {
		t.Fatal(err)
	}
	p := &patient{t: t, k: k}
	if p.signer, err = s.NewSigner(); err != nil {
		t.Fatal(err)
	}
	p.cert, err = k.cfg.Authority.Issue(&certificate.Certificate{
		Person: person, Device: "d_" + person, Kind: certificate.KindPatient, Role: certificate.KindPatient, PublicKey: p.signer.Public(),
	}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// introduces is what the patient's device says of a passkey, of its owner or of
// somebody else.
func (p *patient) introduces(a *passkeytest.Authenticator, of string) api.KnownPasskey {
	p.t.Helper()
	signature, err := p.signer.Sign(certificate.Introduction{Practice: p.k.cfg.Practice.ID, Person: of, Key: a.Key()}.Signed())
	if err != nil {
		p.t.Fatal(err)
	}
	return api.KnownPasskey{Credential: a.ID, Key: a.Key(), Device: &api.DeviceIntroduction{Certificate: p.cert, Signature: signature}}
}

func comeBack(a *passkeytest.Authenticator, key string) *api.PasskeyAssertion {
	got := a.Get(passkey.Challenge{Purpose: passkey.PurposeReturn, Practice: "riverside", Nonce: "n", Key: []byte(key)})
	return &api.PasskeyAssertion{Nonce: "n", Credential: got.Credential, ClientData: got.ClientData, AuthenticatorData: got.Data, Signature: got.Signature}
}

// TestT11PasskeysVouchForPatientsDevices: the first device of a patient is
// taken on the hub's word. Any other needs a passkey that a device of the
// patient introduced, whatever the hub says.
func TestT11PasskeysVouchForPatientsDevices(t *testing.T) {
	ctx := t.Context()
	k := newKeeper()
	a, err := authority.New(k.cfg.Practice.ID)
	if err != nil {
		t.Fatal(err)
	}
	k.cfg.Authority = a
	mine, ghost := passkeytest.New("h", "https://h"), passkeytest.New("h", "https://h")
	ana, eve := newPatient(t, k, person), newPatient(t, k, "p_eve")
	if err := k.patientVouched(ctx, request("phone", nil)); err != nil {
		t.Fatalf("the first device: %v", err)
	}
	if err := k.patientVouched(ctx, request("phone", nil)); err != nil {
		t.Fatalf("the first device, asked for again: %v", err)
	}
	framed, unverified := *mine, *mine
	framed.CrossSite, unverified.Unverified = true, true
	good := ana.introduces(mine, person)
	if err := k.patientVouched(ctx, request("laptop", comeBack(mine, "laptop"), good)); err != nil {
		t.Fatalf("a second device, by passkey: %v", err)
	}
	if err := k.patientVouched(ctx, request("tablet", comeBack(&framed, "tablet"), good)); err != nil {
		t.Fatalf("a device in a clinic's page: %v", err)
	}
	unsigned, foreign := good, good
	unsigned.Device = nil
	foreign.Device = &api.DeviceIntroduction{Certificate: eve.cert, Signature: good.Device.Signature}
	renamed := ana.introduces(ghost, person)
	renamed.Device = good.Device
	for name, r := range map[string]api.CertificateRequest{
		"no passkey at all":                       request("ghost", nil),
		"no voucher, though there is a passkey":   request("ghost", nil, good),
		"the voucher of another device":           request("ghost", comeBack(mine, "laptop"), good),
		"a passkey that nobody introduced":        request("ghost", comeBack(mine, "ghost"), unsigned),
		"a passkey under another's introduction":  request("ghost", comeBack(ghost, "ghost"), renamed),
		"introduced by somebody else's device":    request("ghost", comeBack(ghost, "ghost"), eve.introduces(ghost, person)),
		"a certificate that did not sign":         request("ghost", comeBack(mine, "ghost"), foreign),
		"introduced for somebody else":            request("ghost", comeBack(ghost, "ghost"), ana.introduces(ghost, "p_eve")),
		"nobody was verified":                     request("ghost", comeBack(&unverified, "ghost"), good),
		"a staff sign-in in place of a return":    request("ghost", sign(mine, passkey.PurposeSignIn, []byte("ghost")), good),
		"a staff voucher in place of a patient's": request("ghost", sign(mine, passkey.PurposeDevice, []byte("ghost")), good),
	} {
		if err := k.patientVouched(ctx, r); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestT11PatientsOfBeforeHaveHadTheirFirst: a hub has no second device certified
// as the first of a patient whose chats are older than the keeper's notes.
func TestT11PatientsOfBeforeHaveHadTheirFirst(t *testing.T) {
	ctx := t.Context()
	k := newKeeper()
	old := []device.Conversation{
		{ID: "c_1", Patient: person, Members: []device.Member{{Person: "p_former", Kind: certificate.KindPatient}, {Person: "p_nurse", Kind: certificate.KindStaff}}},
		{ID: "c_2"}, // of which the keeper knows no more than the name
	}
	for range 2 { // at each start
		if err := k.meetPatients(ctx, old); err != nil {
			t.Fatal(err)
		}
	}
	for _, who := range []string{person, "p_former"} {
		r := request("ghost", nil)
		r.Device.Person = who
		if err := k.patientVouched(ctx, r); !errors.Is(err, ErrRefused) {
			t.Errorf("a second device of %s: %v", who, err)
		}
	}
	first := request("phone", nil)
	first.Device.Person = "p_new"
	if err := k.patientVouched(ctx, first); err != nil {
		t.Errorf("the first device of somebody new: %v", err)
	}
	if err := k.meetPatients(ctx, []device.Conversation{{ID: "c_3", Patient: "p_new"}}); err != nil {
		t.Fatal(err)
	}
	if err := k.patientVouched(ctx, first); err != nil {
		t.Errorf("the same device, asked for again: %v", err)
	}
}
