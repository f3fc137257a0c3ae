package device

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/content"
	"github.com/sotto-health/sotto/internal/content/cbor"
	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// A foundingRecord is what it takes to create a conversation at the hub: what
// the patient agreed to and, once the group is made, the very bytes that are
// sent again until the hub confirms them.
type foundingRecord struct {
	consents                             []api.ConsentReceipt
	founding, commit, welcome, groupInfo []byte
	invitation                           api.UseInvitation // no token: none
	writingFor                           api.WritingFor    // no kind: for themselves
}

const foundingFields = 11

func (f *foundingRecord) marshal() []byte {
	var w cbor.Writer
	w.Array(foundingFields)
	w.Uint(recordVersion)
	w.Array(len(f.consents))
	for _, r := range f.consents {
		w.Array(8)
		w.Text(r.Form)
		w.Text(r.Kind)
		w.Uint(uint64(r.Version))
		w.Text(r.Language)
		w.Bytes(r.SHA256)
		w.Text(r.Method)
		w.Int(r.At)
		w.Bytes(r.Signature)
	}
	w.Bytes(f.founding)
	w.Bytes(f.commit)
	w.Bytes(f.welcome)
	w.Bytes(f.groupInfo)
	w.Text(f.invitation.Token)
	w.Text(f.invitation.Holder)
	w.Text(f.writingFor.Kind)
	w.Text(f.writingFor.Relation)
	w.Text(f.writingFor.Age)
	return w.Written()
}

// maxConsents is how many forms can stand before one conversation.
const maxConsents = 9

var errNoConsent = errors.New("device: a conversation was kept without a consent")

func parseFoundingRecord(b []byte) (*foundingRecord, error) {
	r := cbor.NewReader(b)
	fields := r.Array(foundingFields)
	version(r)
	f := &foundingRecord{}
	for range r.Array(maxConsents) {
		r.Tuple(8)
		f.consents = append(f.consents, api.ConsentReceipt{
			Form: r.Text(maxKept), Kind: r.Text(maxKept), Version: int(r.Uint(1 << 31)), Language: r.Text(maxKept),
			SHA256: r.Bytes(maxKept), Method: r.Text(maxKept), At: r.Int(), Signature: r.Bytes(maxKept),
		})
	}
	f.founding, f.commit, f.welcome, f.groupInfo = r.Bytes(maxKept), r.Bytes(maxKept), r.Bytes(maxKept), r.Bytes(maxKept)
	f.invitation = api.UseInvitation{Token: r.Text(maxKept), Holder: r.Text(maxKept)}
	f.writingFor = api.WritingFor{Kind: r.Text(maxKept), Relation: r.Text(maxKept)}
	if fields == foundingFields { // one that is older says no age
		f.writingFor.Age = r.Text(maxKept)
	}
	if r.Err() == nil && len(f.consents) == 0 {
		return nil, errNoConsent
	}
	return f, finish(r)
}

// Open begins a conversation and returns once it is kept here. One of that id
// that is here already is left as it is.
func (e *Engine) Open(ctx context.Context, options OpenOptions) (string, error) {
	introduction, err := content.NewIntroduction(randomBytes(content.SaltSize), content.Introduction{Name: options.Name})
	if err != nil {
		return "", fail(FailureTooLarge, err)
	}
	_, unknown := e.find(options.ID)
	c := e.know(cmp.Or(options.ID, newID("c_")))
	again := false
	err = c.with(ctx, func(t *txn) error {
		kept, err := t.get(prefixConv + c.id)
		if again = kept != nil; again || err != nil {
			return cmp.Or(err, errUnchanged)
		}
		now := e.millis()
		var receipts []api.ConsentReceipt
		for _, r := range append([]api.ConsentReceipt{options.Consent}, options.MoreConsents...) {
			receipts = append(receipts, agreed(r, now))
		}
		c.rec.stage, c.rec.name = stageNew, options.Name
		c.rec.summary = summaryRecord{
			state: api.StateWaiting, queue: options.Queue, language: options.Language, patient: e.me().person,
			consent: "given", createdAt: now, waitingFrom: now, lastAt: now, left: options.LeftMessage,
		}
		f := foundingRecord{consents: receipts}
		if options.Invitation != nil {
			f.invitation = *options.Invitation
		}
		if options.For != nil {
			f.writingFor = *options.For
		}
		t.put(prefixNew+c.id, f.marshal())
		t.control(outControl, introduction)
		t.told()
		return nil
	})
	switch {
	case again:
		return c.id, nil
	case err != nil && unknown != nil:
		e.mu.Lock()
		delete(e.conversations, c.id)
		e.mu.Unlock()
		return "", err
	case err != nil:
		return "", err
	}
	e.connect.kick(e, e.stayConnected, true)
	c.kickSend(true)
	return c.id, nil
}

// found brings a conversation that was begun here to the hub. Each step is kept
// before the next: after a crash it goes on where it was, with the same bytes.
func (c *conversation) found(ctx context.Context) (more bool, err error) {
	if len(c.e.me().certificate) == 0 {
		return false, nil // the certificate's arrival calls back
	}
	c.mu.Lock()
	stage := c.rec.stage
	c.mu.Unlock()
	if stage == stageNew {
		if err := c.makeGroup(ctx); err != nil {
			return false, err
		}
	}
	kept, err := c.e.cfg.Store.Get(ctx, prefixNew+c.id)
	if err != nil {
		return false, storeFailure(err)
	}
	f, err := parseFoundingRecord(kept)
	if err != nil {
		return false, err
	}
	c.mu.Lock()
	if err := c.load(ctx); err != nil {
		c.mu.Unlock()
		return false, err
	}
	create := api.CreateConversation{
		Queue: c.rec.summary.queue, Language: c.rec.summary.language, Consent: f.consents[0], MoreConsents: f.consents[1:], LeftMessage: c.rec.summary.left,
		Founding: f.founding, Commit: f.commit, Welcome: f.welcome, GroupInfo: f.groupInfo,
	}
	if f.invitation.Token != "" {
		create.Invitation = &f.invitation
	}
	if f.writingFor.Kind != "" {
		create.For = &f.writingFor
	}
	c.mu.Unlock()
	var made *api.Conversation
	err = c.e.call(ctx, func(ctx context.Context) (err error) {
		made, err = c.e.cfg.Hub.CreateConversation(ctx, c.id, create)
		return err
	})
	switch {
	case codeOf(err) == api.CodeInvalidHandshake, codeOf(err) == api.CodeMalformed:
		// A key package may have lapsed meanwhile. The hub has stored nothing.
		return false, errors.Join(err, c.with(ctx, func(t *txn) error {
			c.rec.stage, c.group = stageNew, nil
			t.dropGroup()
			return nil
		}))
	case codeOf(err) == api.CodeConsentMissing:
		return false, c.awaitConsent(ctx) // the form has changed since it was agreed to
	case err != nil && lasting(err):
		return false, c.with(ctx, func(t *txn) error {
			for _, o := range c.out {
				if o.kind == outText || o.kind == outFile {
					o.failure = FailureOf(err)
					t.putOut(o)
					t.showOut(o)
				}
			}
			return nil
		})
	case err != nil:
		return false, err
	}
	if err := c.with(ctx, func(t *txn) error { return t.founded(made) }); err != nil {
		return false, err
	}
	c.kickAll()
	return true, nil
}

// founded takes note that the hub has the conversation.
func (t *txn) founded(made *api.Conversation) error {
	c := t.c
	if err := c.group.MergePending(); err != nil {
		return err
	}
	c.rec.stage, c.rec.cursor, c.rec.head, c.rec.joined = stageOpen, 1, max(1, made.Head), 1
	c.rec.updatedAt = c.e.millis()
	t.delete(prefixNew + c.id)
	if err := t.settled(roster{}, 1, made.CreatedAt); err != nil {
		return err
	}
	c.member(c.e.me().person).name = c.rec.name
	t.summarise(made)
	return nil
}

// makeGroup makes the group and the commit that adds the keeper.
func (c *conversation) makeGroup(ctx context.Context) error {
	e := c.e
	packages, err := e.claim(ctx, api.ClaimKeyPackages{Person: certificate.RoleKeeper})
	if err != nil {
		return err
	}
	for _, p := range packages {
		cert, err := certificate.Parse(p.Leaf.Credential.Identity)
		if err != nil || !cert.Keeper() {
			return untrusted("a key package that is not the keeper's")
		}
	}
	id := e.me()
	s, err := suite.Lookup(id.suite)
	if err != nil {
		return err
	}
	kept, err := e.cfg.Store.Get(ctx, prefixNew+c.id)
	if err != nil {
		return storeFailure(err)
	}
	f, err := parseFoundingRecord(kept)
	if err != nil {
		return err
	}
	for i := range f.consents {
		if err := e.sign(&f.consents[i], c.id); err != nil {
			return err
		}
	}
	group, err := mls.Create(e.groupConfig(), s, []byte(c.id), e.cfg.Signer, e.credential(), mls.CreateOptions{Extensions: e.senders()})
	if err != nil {
		return fmt.Errorf("device: create group: %w", err)
	}
	if f.founding, err = group.GroupInfo(); err != nil {
		return err
	}
	pending, err := group.Commit(mls.CommitOptions{Add: packages, Path: true})
	if err != nil {
		return fmt.Errorf("device: add keeper: %w", err)
	}
	f.commit, f.welcome, f.groupInfo = pending.Commit, pending.Welcome, pending.GroupInfo
	return c.with(ctx, func(t *txn) error {
		if c.rec.stage != stageNew {
			return unchanged(errors.New("device: made twice"))
		}
		c.group, c.rec.stage, t.group = group, stageMade, true
		c.rec.summary.patient = id.person
		t.put(prefixNew+c.id, f.marshal())
		return nil
	})
}

// claim takes key packages from the hub and checks that they are what was
// asked for: of a good suite, certified, and whole.
func (e *Engine) claim(ctx context.Context, want api.ClaimKeyPackages) ([]*wire.KeyPackage, error) {
	var claimed []api.ClaimedKeyPackage
	if err := e.call(ctx, func(ctx context.Context) (err error) {
		claimed, err = e.cfg.Hub.ClaimKeyPackages(ctx, want)
		return err
	}); err != nil {
		return nil, err
	}
	if len(claimed) == 0 {
		return nil, &api.Problem{Code: api.CodeNoKeyPackage}
	}
	var packages []*wire.KeyPackage
	for _, k := range claimed {
		p, err := e.CheckKeyPackage(k)
		if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
	return packages, nil
}

// CheckKeyPackage returns a key package that the hub gave out, if it belongs to
// the device that the hub says, by a certificate of the practice's authority,
// and is of a good suite.
func (e *Engine) CheckKeyPackage(k api.ClaimedKeyPackage) (*wire.KeyPackage, error) {
	m, err := wire.ParseMessage(k.Package)
	if err != nil || m.KeyPackage == nil {
		return nil, untrusted("a key package that is none")
	}
	p := m.KeyPackage
	if !e.suiteGood(p.Suite) {
		return nil, untrusted("a key package of a suite that is not good enough")
	}
	verifier := e.me().verifier
	if verifier == nil {
		return nil, errNoAuthority
	}
	cert, err := verifier.VerifyFor(p.Leaf.Credential.Identity, p.Leaf.SignatureKey, e.cfg.Now())
	if err != nil {
		return nil, untrusted("a key package with a bad certificate")
	}
	if cert.Device != k.Device || cert.Person != k.Person {
		return nil, untrusted("a key package of another device")
	}
	s, err := suite.Lookup(p.Suite)
	if err != nil {
		return nil, err
	}
	if l := p.Leaf.Lifetime; p.Verify(s) != nil || !l.Holds(e.cfg.Now()) || l.LongerThan(mls.DefaultMaxLifetime) {
		return nil, untrusted("a key package that is not signed, or lapsed")
	}
	return p, nil
}
