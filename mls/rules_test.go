package mls

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// The rules that only members can check. Those that a delivery service checks
// too are tested where they are written, in internal/epoch and tree.

func wantRule(t *testing.T, name string, err error) {
	t.Helper()
	var broken *rule.ValidationError
	if !errors.As(err, &broken) || broken.Rule != name {
		t.Errorf("%v, want an error of rule %s", err, name)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// kit is somebody with a key package.
type kit struct {
	signer suite.Signer
	cred   wire.Credential
	kp     *KeyPackageSecret
}

func newKit(t *testing.T, s *suite.Suite, name string) *kit {
	t.Helper()
	signer, err := s.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	cred := wire.BasicCredential([]byte(name))
	kp := must[*KeyPackageSecret](t)(NewKeyPackage(Config{Credentials: AnyCredential{}}, s, signer, cred, KeyPackageOptions{}))
	return &kit{signer, cred, kp}
}

func (k *kit) join(welcome []byte, parent *Group) error {
	cfg := Config{Credentials: AnyCredential{}}
	_, err := Join(cfg, k.signer, k.kp, welcome, JoinOptions{Parent: parent})
	return err
}

// forgedPath returns a commit by all[0] whose path has every public part right
// and whose secrets are those that corrupt makes of the right ones.
func forgedPath(t *testing.T, all []*Group, corrupt func(level int, secret []byte) []byte) []byte {
	t.Helper()
	g := all[0]
	s := g.suite
	change, err := g.state.Plan(g.cfg.checksNow(), wire.Sender{Type: wire.SenderMember, Leaf: g.own}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &commitBuilder{group: g, state: g.state, signer: g.signer, change: change, init: g.secrets.init}
	if err := c.addPath(change.Tree.Leaf(g.own), nil); err != nil {
		t.Fatal(err)
	}
	for k := range c.secrets.path {
		c.secrets.path[k] = corrupt(k, c.secrets.path[k])
	}
	context := change.Context()
	if c.path.Nodes, err = c.secrets.sealPath(s, change.Tree, g.own, change.Added, &context); err != nil {
		t.Fatal(err)
	}
	p, err := c.build(wire.Sender{Type: wire.SenderMember, Leaf: g.own}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p.Commit
}

func TestPathSecretRules(t *testing.T) {
	all := internalTeam(t, suite.P256AES128, 4)
	receive := func(i int, message []byte) error { _, err := all[i].Receive(message); return err }
	good := forgedPath(t, all, func(_ int, s []byte) []byte { return s })
	for i := 1; i < 4; i++ {
		if err := receive(i, good); err != nil {
			t.Fatal(err)
		}
	}
	wrong := forgedPath(t, all, func(_ int, s []byte) []byte { return secret.Random(len(s)) })
	short := forgedPath(t, all, func(_ int, s []byte) []byte { return s[:16] })
	empty := forgedPath(t, all, func(_ int, s []byte) []byte { return nil })
	for i := 1; i < 4; i++ {
		wantRule(t, "7.5-2", receive(i, wrong))
		wantRule(t, "7.5-3", receive(i, short))
		wantRule(t, "7.5-3", receive(i, empty))
	}
	// Right at the bottom and wrong above: the whole way up is checked.
	above := forgedPath(t, all, func(level int, s []byte) []byte {
		if level == 0 {
			return s
		}
		return secret.Random(len(s))
	})
	if err := receive(1, above); err != nil {
		t.Errorf("what is not meant for member 1 does not matter to it: %v", err)
	}
	wantRule(t, "7.5-2", receive(2, above))
}

// resealed returns welcome with the group secrets that from got, changed and
// sealed to to.
func resealed(t *testing.T, welcome []byte, from, to *kit, change func(*wire.GroupSecrets)) []byte {
	t.Helper()
	m := must[*wire.Message](t)(wire.ParseMessage(welcome))
	s, err := suite.Lookup(m.Welcome.Suite)
	if err != nil {
		t.Fatal(err)
	}
	secrets := must[*wire.GroupSecrets](t)(openGroupSecrets(s, from.kp, m.Welcome))
	if change != nil {
		change(secrets)
	}
	output, sealed, err := secret.SealWithLabel(s, to.kp.init.Public, welcomeLabel, m.Welcome.EncryptedGroupInfo, secrets.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	m.Welcome.Secrets = []wire.EncryptedGroupSecrets{{NewMember: to.kp.ref, Sealed: wire.HPKECiphertext{KEMOutput: output, Ciphertext: sealed}}}
	return m.Marshal()
}

func TestWelcomeRules(t *testing.T) {
	all := internalTeam(t, suite.P256AES128, 3)
	s := all[0].suite
	bob, eve := newKit(t, s, "bob"), newKit(t, s, "eve")
	p := must[*Pending](t)(all[0].Commit(CommitOptions{Add: []*wire.KeyPackage{bob.kp.Package()}, Path: true}))
	if err := bob.join(resealed(t, p.Welcome, bob, bob, nil), nil); err != nil {
		t.Fatal(err)
	}

	m := must[*wire.Message](t)(wire.ParseMessage(p.Welcome))
	m.Welcome.Suite = suite.X25519AES128
	wantRule(t, "12.4.3.1-1", bob.join(m.Marshal(), nil))
	wantRule(t, "12.4.3.1-4", eve.join(resealed(t, p.Welcome, bob, eve, nil), nil))

	psk := func(usage wire.ResumptionUsage, nonce int) wire.PreSharedKeyID {
		return wire.PreSharedKeyID{Type: wire.PSKResumption, Usage: usage, GroupID: []byte("old"), Epoch: 1, Nonce: make([]byte, nonce)}
	}
	wantRule(t, "12.1.4-3", bob.join(resealed(t, p.Welcome, bob, bob, func(g *wire.GroupSecrets) {
		g.PSKs = []wire.PreSharedKeyID{psk(wire.UsageApplication, 3)}
	}), nil))
	wantRule(t, "12.4.3.1-8", bob.join(resealed(t, p.Welcome, bob, bob, func(g *wire.GroupSecrets) {
		g.PSKs = []wire.PreSharedKeyID{psk(wire.UsageReInit, 32), psk(wire.UsageBranch, 32)}
	}), nil))
	wantRule(t, "7.5-2", bob.join(resealed(t, p.Welcome, bob, bob, func(g *wire.GroupSecrets) { g.PathSecret = make([]byte, 32) }), nil))
	wantRule(t, "7.5-3", bob.join(resealed(t, p.Welcome, bob, bob, func(g *wire.GroupSecrets) { g.PathSecret = make([]byte, 31) }), nil))

	for name, c := range map[string]struct {
		welcome []byte
		want    error
	}{
		"for somebody else": {resealed(t, p.Welcome, bob, eve, nil), ErrNotForUs},
		"another joiner secret": {resealed(t, p.Welcome, bob, bob, func(g *wire.GroupSecrets) {
			g.JoinerSecret = make([]byte, 32)
		}), ErrDecrypt},
		"no joiner secret": {resealed(t, p.Welcome, bob, bob, func(g *wire.GroupSecrets) { g.JoinerSecret = nil }), nil},
		"a commit":         {p.Commit, ErrMalformed},
		"nothing":          {nil, ErrMalformed},
	} {
		if err := bob.join(c.welcome, nil); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for i := range p.Welcome {
		bad := bytes.Clone(p.Welcome)
		bad[i] ^= 1
		if bob.join(bad, nil) == nil {
			t.Errorf("joined with byte %d of the welcome changed", i)
		}
	}
}

func TestContinuationRules(t *testing.T) {
	all := internalTeam(t, suite.P256AES128, 3)
	s := all[0].suite
	bob := newKit(t, s, "member 1")
	tied := func(g *Group) (*Group, *Pending, error) {
		return g.Branch([]byte("aside"), g.signer, wire.BasicCredential([]byte("member 0")), []*wire.KeyPackage{bob.kp.Package()}, CreateOptions{})
	}
	_, branch, err := tied(all[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := bob.join(branch.Welcome, all[1]); err != nil {
		t.Fatal(err)
	}
	// Without the parent, even knowing its resumption key.
	cfg := Config{Credentials: AnyCredential{}, PSK: func(wire.PreSharedKeyID) ([]byte, error) {
		return all[1].secrets.resumption, nil
	}}
	_, err = Join(cfg, bob.signer, bob.kp, branch.Welcome, JoinOptions{})
	wantRule(t, "12.4.3.1-9", err)

	found := func(s *suite.Suite, id string, usage wire.ResumptionUsage, k *kit) (*Group, *Pending) {
		g, p, err := all[0].found(all[0].cfg, s, []byte(id), newKit(t, s, "x").signer, wire.BasicCredential([]byte("member 0")), []*wire.KeyPackage{k.kp.Package()}, CreateOptions{}, usage)
		if err != nil {
			t.Fatal(err)
		}
		return g, p
	}
	other, err := suite.Lookup(suite.X25519AES128)
	if err != nil {
		t.Fatal(err)
	}
	abroad := newKit(t, other, "member 1")
	_, p := found(other, "aside", wire.UsageBranch, abroad)
	wantRule(t, "11.3-1", abroad.join(p.Welcome, all[1]))

	if _, _, err := all[0].Continue(bob.signer, bob.cred, nil, CreateOptions{}); err == nil {
		t.Error("continued a group that goes on")
	} else {
		wantRule(t, "11.2-2", err)
	}
	_, p = found(s, "next", wire.UsageReInit, bob)
	wantRule(t, "11.2-2", bob.join(p.Welcome, all[1]))

	// Now the group ends.
	end := must[*Pending](t)(all[0].Commit(CommitOptions{Proposals: []wire.Proposal{&wire.ReInit{
		GroupID: []byte("next"), Version: wire.MLS10, Suite: s.ID(),
	}}}))
	for i, g := range all {
		if i == 0 {
			if err := g.MergePending(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := g.Merge(must[Event](t)(g.Receive(end.Commit)).(*Staged)); err != nil {
			t.Fatal(err)
		}
	}
	next, p := found(s, "next", wire.UsageReInit, bob)
	if err := bob.join(p.Welcome, all[1]); err != nil {
		t.Error(err)
	}
	_, elsewhere := found(s, "another", wire.UsageReInit, bob)
	wantRule(t, "11.2-4", bob.join(elsewhere.Welcome, all[1]))
	_, suited := found(other, "next", wire.UsageReInit, abroad)
	wantRule(t, "11.2-4", abroad.join(suited.Welcome, all[1]))

	// A second commit that claims to be the first.
	if err := next.MergePending(); err != nil {
		t.Fatal(err)
	}
	next.state.Founding = wire.UsageReInit
	carol := newKit(t, s, "member 2")
	id := wire.PreSharedKeyID{Type: wire.PSKResumption, Usage: wire.UsageReInit, GroupID: all[0].ID(), Epoch: all[0].Epoch(), Nonce: make([]byte, 32)}
	late := must[*Pending](t)(next.commitFrom(all[0], CommitOptions{Add: []*wire.KeyPackage{carol.kp.Package()}, Proposals: []wire.Proposal{&wire.PreSharedKey{ID: id}}}))
	wantRule(t, "11.2-3", carol.join(late.Welcome, all[2]))
}

func TestExternalJoinNeedsAKey(t *testing.T) {
	all := internalTeam(t, suite.P256AES128, 2)
	g := all[0]
	info := must[*wire.GroupInfo](t)(signedGroupInfo(&nextEpoch{state: g.state, own: g.own, secrets: g.secrets, signer: g.signer}, false))
	k := newKit(t, g.suite, "eve")
	_, _, err := JoinExternal(g.cfg, k.signer, k.cred, (&wire.Message{GroupInfo: info}).Marshal(), ExternalOptions{})
	wantRule(t, "12.4.3.2-2", err)
}

// TestTagsAreComparedWhole tries every part of a tag for the tag.
func TestTagsAreComparedWhole(t *testing.T) {
	all := internalTeam(t, suite.P256AES128, 3)
	p := must[*Pending](t)(all[0].Commit(CommitOptions{}))
	try := func(what string, change func(*wire.PublicMessage)) {
		m := must[*wire.Message](t)(wire.ParseMessage(p.Commit))
		change(m.Public)
		if _, err := all[1].Receive(m.Marshal()); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	// The membership tag covers the confirmation tag, so make it anew for that.
	again := func(m *wire.PublicMessage) {
		*m = *protectPublic(all[0].suite, &m.AuthenticatedContent, &all[0].state.Context, all[0].secrets.membership)
	}
	for n := range 32 {
		try(fmt.Sprintf("%d bytes of the membership tag", n), func(m *wire.PublicMessage) { m.MembershipTag = m.MembershipTag[:n] })
		try(fmt.Sprintf("%d bytes of the confirmation tag", n), func(m *wire.PublicMessage) { m.ConfirmationTag = m.ConfirmationTag[:n]; again(m) })
		try(fmt.Sprintf("byte %d of the membership tag changed", n), func(m *wire.PublicMessage) {
			m.MembershipTag = bytes.Clone(m.MembershipTag)
			m.MembershipTag[n] ^= 1
		})
		try(fmt.Sprintf("byte %d of the confirmation tag changed", n), func(m *wire.PublicMessage) {
			m.ConfirmationTag = bytes.Clone(m.ConfirmationTag)
			m.ConfirmationTag[n] ^= 1
			again(m)
		})
	}
	try("more than the membership tag", func(m *wire.PublicMessage) { m.MembershipTag = append(bytes.Clone(m.MembershipTag), 0) })
	try("more than the confirmation tag", func(m *wire.PublicMessage) {
		m.ConfirmationTag = append(bytes.Clone(m.ConfirmationTag), 0)
		again(m)
	})
	try("a membership tag of an outsider", func(m *wire.PublicMessage) {
		*m = *protectPublic(all[0].suite, &m.AuthenticatedContent, &all[0].state.Context, make([]byte, 32))
	})
	if _, err := all[1].Receive(p.Commit); err != nil {
		t.Error(err)
	}
}

// TestAPathIsNeverLeftOut checks that what we send has a path wherever the
// protocol wants one (others were known to send none with a lone remove).
func TestAPathIsNeverLeftOut(t *testing.T) {
	all := internalTeam(t, suite.P256AES128, 4)
	k := newKit(t, all[0].suite, "new")
	update := must[[]byte](t)(all[1].ProposeUpdate(nil, nil))
	for _, c := range []struct {
		name string
		opt  CommitOptions
		path bool
	}{
		{"nothing", CommitOptions{OnlyThese: true}, true},
		{"an update", CommitOptions{}, true},
		{"a remove", CommitOptions{OnlyThese: true, Remove: []wire.LeafIndex{2}}, true},
		{"extensions", CommitOptions{OnlyThese: true, Proposals: []wire.Proposal{&wire.GroupContextExtensions{}}}, true},
		{"an add and a remove", CommitOptions{OnlyThese: true, Add: []*wire.KeyPackage{k.kp.Package()}, Remove: []wire.LeafIndex{2}}, true},
		{"an add", CommitOptions{OnlyThese: true, Add: []*wire.KeyPackage{k.kp.Package()}}, false},
		{"an add, with a path", CommitOptions{OnlyThese: true, Add: []*wire.KeyPackage{k.kp.Package()}, Path: true}, true},
	} {
		if c.name == "an update" {
			must[Event](t)(all[0].Receive(update))
		}
		p := must[*Pending](t)(all[0].Commit(c.opt))
		m := must[*wire.Message](t)(wire.ParseMessage(p.Commit))
		if got := m.Public.Content.Commit.Path != nil; got != c.path {
			t.Errorf("%s: with a path: %v, want %v", c.name, got, c.path)
		}
		all[0].DiscardPending()
	}
}

// TestRatchetsAreApart checks that handshakes and application messages, both
// private, have keys of their own: the same generation of each is read once.
func TestRatchetsAreApart(t *testing.T) {
	all := internalTeam(t, suite.P256AES128, 3)
	for _, g := range all {
		g.cfg.PrivateHandshakes = true
	}
	for range 3 {
		app := must[[]byte](t)(all[0].Seal([]byte("x"), nil))
		proposal := must[[]byte](t)(all[0].ProposeUpdate(nil, nil))
		for _, message := range [][]byte{app, proposal} {
			must[Event](t)(all[1].Receive(message))
		}
		for _, message := range [][]byte{app, proposal} {
			if _, err := all[1].Receive(message); !errors.Is(err, ErrReplayed) {
				t.Errorf("a second time: %v", err)
			}
		}
		// One cannot be passed off as the other.
		m := must[*wire.Message](t)(wire.ParseMessage(must[[]byte](t)(all[0].Seal([]byte("y"), nil))))
		m.Private.Type = wire.ContentProposal
		if _, err := all[1].Receive(m.Marshal()); err == nil {
			t.Error("an application message taken for a proposal")
		}
	}
}

// TestSecretsDoNotPrint looks for secrets in what the print verbs make of the
// types that our users hold.
func TestSecretsDoNotPrint(t *testing.T) {
	all := internalTeam(t, suite.P256AES128, 3)
	k := newKit(t, all[0].suite, "new")
	p := must[*Pending](t)(all[0].Commit(CommitOptions{Add: []*wire.KeyPackage{k.kp.Package()}}))
	staged := must[Event](t)(all[1].Receive(p.Commit))
	state := must[[]byte](t)(all[0].Marshal())
	var out strings.Builder
	for _, v := range []any{all[0], *all[0], []any{all[0]}, k.kp, *k.kp, []any{k.kp}, k.signer, staged, p} {
		fmt.Fprintf(&out, "%v\n%+v\n%#v\n%s\n%q\n%x\n", v, v, v, v, v, v)
	}
	text := out.String()
	for name, b := range map[string][]byte{
		"init secret": all[0].secrets.init, "membership key": all[0].secrets.membership, "resumption key": all[0].secrets.resumption,
		"authenticator": all[0].secrets.authenticator, "leaf key": all[0].keys[leafNode(0)].Private,
		"key package's init key": k.kp.init.Private, "state": state[:64],
	} {
		decimal := strings.Trim(fmt.Sprintf("%v", b[:8]), "[]")
		goSyntax := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", b[:8]), "[]byte{"), "}")
		for _, form := range []string{fmt.Sprintf("%x", b[:8]), decimal, goSyntax} {
			if strings.Contains(text, form) {
				t.Errorf("the %s is printed as %s", name, form)
			}
		}
	}
}
