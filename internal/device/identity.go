package device

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/content/cbor"
	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// An identity is who this device is, and which practice it trusts. The
// practice's authority is pinned when it is first seen.
type identity struct {
	slug, practice string
	authority      []byte
	suite          suite.ID
	person, device string
	kind, role     string
	certificate    []byte
	card           []byte
	recallMinutes  int                   // how long an own message can be taken back, as the practice says
	verifier       *certificate.Verifier // made of practice and authority
}

func (id *identity) marshal() []byte {
	var w cbor.Writer
	w.Array(12)
	w.Uint(recordVersion)
	w.Text(id.slug)
	w.Text(id.practice)
	w.Bytes(id.authority)
	w.Uint(uint64(id.suite))
	w.Text(id.person)
	w.Text(id.device)
	w.Text(id.kind)
	w.Text(id.role)
	w.Bytes(id.certificate)
	w.Bytes(id.card)
	w.Uint(uint64(id.recallMinutes))
	return w.Written()
}

func (e *Engine) loadIdentity(ctx context.Context) (identity, error) {
	b, err := e.cfg.Store.Get(ctx, keyDevice)
	if err != nil {
		return identity{}, storeFailure(err)
	}
	if b == nil {
		return identity{}, nil
	}
	r := cbor.NewReader(b)
	fields := r.Array(12)
	version(r)
	id := identity{
		slug: r.Text(maxKept), practice: r.Text(maxKept), authority: r.Bytes(maxKept), suite: suite.ID(r.Uint(1<<16 - 1)),
		person: r.Text(maxKept), device: r.Text(maxKept), kind: r.Text(maxKept), role: r.Text(maxKept),
		certificate: r.Bytes(maxKept), card: r.Bytes(maxKept),
	}
	if fields == 12 { // 11 before messages could be taken back
		id.recallMinutes = int(r.Uint(1 << 31))
	}
	if err := finish(r); err != nil {
		return identity{}, err
	}
	if id.practice != "" {
		if id.verifier, err = certificate.NewVerifier(id.practice, id.authority); err != nil {
			return identity{}, err
		}
	}
	return id, nil
}

// learn changes the identity and keeps it.
func (e *Engine) learn(ctx context.Context, change func(*identity)) error {
	id := e.me()
	change(&id)
	if err := e.cfg.Store.Apply(ctx, map[string][]byte{keyDevice: id.marshal()}, nil); err != nil {
		return storeFailure(err)
	}
	e.mu.Lock()
	e.id = id
	e.mu.Unlock()
	return nil
}

// errUntrusted is matched by what a hub must not do.
var errUntrusted = errors.New("device: the hub is not to be trusted")

func untrusted(what string) error {
	return fail(FailureUntrusted, fmt.Errorf("%w: %s", errUntrusted, what))
}

// meetPractice pins the practice's authority, or checks that it is the pinned
// one, and picks the suite of new conversations.
func (e *Engine) meetPractice(ctx context.Context) error {
	practice, err := e.cfg.Hub.Practice(ctx, e.options.Practice)
	if err != nil {
		return err
	}
	id := e.me()
	if pin := e.options.Authority; len(pin) > 0 {
		if sum := sha256.Sum256(practice.AuthorityKey); !bytes.Equal(sum[:], pin) {
			return untrusted("the practice's authority is not the one that the page names")
		}
	}
	if id.practice != "" && (practice.ID != id.practice || !bytes.Equal(practice.AuthorityKey, id.authority)) {
		return untrusted("the practice's authority has changed")
	}
	if !slices.Contains(e.cfg.Suites, suite.ID(practice.Suite)) {
		return untrusted("a cipher suite that is not good enough")
	}
	e.mu.Lock()
	e.removal = practice.RemovalKey
	e.mu.Unlock()
	if id.practice != "" && id.suite == suite.ID(practice.Suite) && id.recallMinutes == practice.RecallMinutes {
		return nil
	}
	verifier, err := certificate.NewVerifier(practice.ID, practice.AuthorityKey)
	if err != nil {
		return untrusted("no authority key")
	}
	return e.learn(ctx, func(id *identity) {
		id.slug, id.practice, id.authority = practice.Slug, practice.ID, practice.AuthorityKey
		id.suite, id.verifier, id.recallMinutes = suite.ID(practice.Suite), verifier, practice.RecallMinutes
	})
}

// register makes this device known to the hub, if it is not.
func (e *Engine) register(ctx context.Context) error {
	if e.me().device != "" {
		return nil
	}
	proof, err := e.prove(ctx, certificate.PurposeRegister, e.me().practice)
	if err != nil {
		return err
	}
	var device *api.Device
	public := e.cfg.Signer.Public()
	switch e.options.Surface {
	case SurfacePatient:
		device, err = e.cfg.Hub.NewGuest(ctx, api.NewGuest{Practice: e.options.Practice, PublicKey: public, Name: e.options.DeviceName, Proof: *proof})
	case SurfaceStaff:
		device, err = e.cfg.Hub.NewStaffDevice(ctx, api.NewStaffDevice{PublicKey: public, Name: e.options.DeviceName, Proof: *proof})
	default:
		return fmt.Errorf("device: a %s device must be set up by its host", e.options.Surface)
	}
	if err != nil {
		return err
	}
	return e.learn(ctx, func(id *identity) {
		id.person, id.device, id.kind, id.role = device.Person, device.ID, device.Kind, device.Role
	})
}

// Adopt tells a service's engine, before Start, who it is and whom it trusts:
// its host has set it up and holds its certificate. To adopt the same again
// does no harm.
func (e *Engine) Adopt(ctx context.Context, practice *api.Practice, device api.Device) error {
	verifier, err := certificate.NewVerifier(practice.ID, practice.AuthorityKey)
	if err != nil {
		return err
	}
	if _, err := verifier.VerifyFor(device.Certificate, e.cfg.Signer.Public(), e.cfg.Now()); err != nil {
		return err
	}
	return e.learn(ctx, func(id *identity) {
		*id = identity{
			slug: practice.Slug, practice: practice.ID, authority: practice.AuthorityKey, suite: suite.ID(practice.Suite), verifier: verifier,
			person: device.Person, device: device.ID, kind: device.Kind, role: device.Role, certificate: device.Certificate, card: device.NameCard,
		}
	})
}

func (e *Engine) prove(ctx context.Context, purpose, subject string) (*api.DeviceProof, error) {
	challenge, err := e.cfg.Hub.Challenge(ctx)
	if err != nil {
		return nil, err
	}
	proof := certificate.Proof{Purpose: purpose, Subject: subject, PublicKey: e.cfg.Signer.Public(), Nonce: challenge.Nonce}
	signature, err := e.cfg.Signer.Sign(proof.Signed())
	if err != nil {
		return nil, fmt.Errorf("device: sign proof: %w", err)
	}
	return &api.DeviceProof{Nonce: challenge.Nonce, Signature: signature}, nil
}

// openSession signs the device in. If another call has done so meanwhile, once
// is enough.
func (e *Engine) openSession(ctx context.Context, renew bool) error {
	e.sessionMu.Lock()
	defer e.sessionMu.Unlock()
	e.mu.Lock()
	open := e.session
	e.mu.Unlock()
	if open && !renew {
		return nil
	}
	session, err := e.signIn(ctx, e.me().device)
	if codeOf(err) == api.CodeUnauthenticated {
		// A hub that was started anew in between does not know the challenge
		// that it gave before. Who believes it at once waits for ever.
		session, err = e.signIn(ctx, e.me().device)
	}
	if err != nil {
		return err
	}
	e.mu.Lock()
	e.session, e.opened = true, time.Now()
	e.mu.Unlock()
	return e.certified(ctx, &session.Device)
}

func (e *Engine) signIn(ctx context.Context, device string) (*api.DeviceSession, error) {
	proof, err := e.prove(ctx, certificate.PurposeSession, device)
	if err != nil {
		return nil, err
	}
	return e.cfg.Hub.OpenSession(ctx, api.OpenDeviceSession{Device: device, Proof: *proof})
}

// certified takes over the certificate that the keeper has issued, if it is
// good.
func (e *Engine) certified(ctx context.Context, device *api.Device) error {
	id := e.me()
	if len(device.Certificate) == 0 || bytes.Equal(device.Certificate, id.certificate) {
		return nil
	}
	c, err := id.verifier.VerifyFor(device.Certificate, e.cfg.Signer.Public(), e.cfg.Now())
	if err != nil {
		return untrusted("a certificate that the practice's authority did not issue to this device")
	}
	if c.Device != id.device || c.Person != id.person {
		return untrusted("a certificate of another device")
	}
	card := device.NameCard
	if len(card) > 0 {
		if _, err := id.verifier.VerifyCard(card, id.person); err != nil {
			card = nil
		}
	}
	if err := e.learn(ctx, func(id *identity) {
		id.certificate, id.card, id.kind, id.role = device.Certificate, card, c.Kind, c.Role
	}); err != nil {
		return err
	}
	e.packages.kick(e, e.refill, true)
	for _, conversation := range e.all() {
		conversation.kickSend(true)
	}
	return nil
}

// fetchSelf asks for this device's certificate.
func (e *Engine) fetchSelf(ctx context.Context) error {
	var device *api.Device
	if err := e.call(ctx, func(ctx context.Context) (err error) {
		device, err = e.cfg.Hub.Self(ctx)
		return err
	}); err != nil {
		return err
	}
	return e.certified(ctx, device)
}

func (e *Engine) credential() wire.Credential { return wire.BasicCredential(e.me().certificate) }

func (e *Engine) groupConfig() mls.Config {
	return mls.Config{Credentials: validator{e}, Now: e.cfg.Now}
}

// wantedPackages is how many unused key packages the hub should hold.
func (e *Engine) wantedPackages() int {
	switch {
	case e.cfg.KeyPackages > 0:
		return min(e.cfg.KeyPackages, api.MaxKeyPackagesPerCall)
	case e.me().kind == api.KindPatient:
		return 4
	default:
		return 30
	}
}

// refill publishes key packages if few are left. Their private halves are kept
// first.
func (e *Engine) refill(ctx context.Context) error {
	if len(e.me().certificate) == 0 {
		return nil
	}
	var count *api.KeyPackageCount
	if err := e.call(ctx, func(ctx context.Context) (err error) {
		count, err = e.cfg.Hub.CountKeyPackages(ctx)
		return err
	}); err != nil {
		return err
	}
	want := e.wantedPackages()
	if count.Unused > want/2 && count.HasLastResort {
		return nil
	}
	e.kpMu.Lock()
	defer e.kpMu.Unlock()
	s, err := suite.Lookup(e.me().suite)
	if err != nil {
		return err
	}
	puts := map[string][]byte{}
	var publish api.PublishKeyPackages
	add := func(last bool) ([]byte, error) {
		secret, err := mls.NewKeyPackage(e.groupConfig(), s, e.cfg.Signer, e.credential(), mls.KeyPackageOptions{LastResort: last})
		if err != nil {
			return nil, fmt.Errorf("device: make key package: %w", err)
		}
		puts[prefixKP+hex.EncodeToString(secret.Ref())] = secret.Marshal()
		return secret.Message(), nil
	}
	for range max(0, want-count.Unused) {
		b, err := add(false)
		if err != nil {
			return err
		}
		publish.Packages = append(publish.Packages, b)
	}
	if !count.HasLastResort {
		if publish.LastResort, err = add(true); err != nil {
			return err
		}
	}
	if len(puts) == 0 {
		return nil
	}
	old, err := e.lapsedPackages(ctx)
	if err != nil {
		return err
	}
	if err := e.cfg.Store.Apply(ctx, puts, old); err != nil {
		return storeFailure(err)
	}
	return e.call(ctx, func(ctx context.Context) error { return e.cfg.Hub.PublishKeyPackages(ctx, publish) })
}

// lapsedPackages lists the key packages whose time is long over.
func (e *Engine) lapsedPackages(ctx context.Context) ([]string, error) {
	keys, err := e.cfg.Store.Keys(ctx, prefixKP)
	if err != nil {
		return nil, storeFailure(err)
	}
	var lapsed []string
	for _, key := range keys {
		b, err := e.cfg.Store.Get(ctx, key)
		if err != nil {
			return nil, storeFailure(err)
		}
		secret, err := mls.ParseKeyPackageSecret(b)
		if err != nil || uint64(e.cfg.Now().Add(-7*24*time.Hour).Unix()) > secret.Package().Leaf.Lifetime.NotAfter {
			lapsed = append(lapsed, key)
		}
	}
	return lapsed, nil
}
