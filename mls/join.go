package mls

import (
	"bytes"
	"fmt"

	"github.com/sotto-health/sotto/mls/internal/epoch"
	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/tree"
	"github.com/sotto-health/sotto/mls/wire"
)

// JoinOptions are the choices in joining by a welcome. The zero value is good.
type JoinOptions struct {
	// RatchetTree is the tree, if the welcome has none: the data of a
	// ratchet_tree extension.
	RatchetTree []byte
	// Parent is the group that the new one continues, after a ReInit, or
	// branches from. Without it such a welcome is refused.
	Parent *Group
}

// Join joins a group by a welcome, an MLS message (RFC 9420, section 12.4.3.1).
// Of kp nothing changes; it is for the caller to wipe once the group is stored.
func Join(cfg Config, signer suite.Signer, kp *KeyPackageSecret, welcome []byte, opt JoinOptions) (*Group, error) {
	if cfg.Credentials == nil {
		return nil, ErrNoValidator
	}
	m, err := wire.ParseMessage(welcome)
	if err != nil {
		return nil, err
	}
	if m.Welcome == nil {
		return nil, fmt.Errorf("%w: wire format %d is no welcome", ErrMalformed, m.Format())
	}
	if !bytes.Equal(signer.Public(), kp.pkg.Leaf.SignatureKey) {
		return nil, ErrWrongSigner
	}
	if m.Welcome.Suite != kp.pkg.Suite {
		return nil, rule.Broken("12.4.3.1-1", "welcome of suite %#04x", uint16(m.Welcome.Suite))
	}
	s, err := suite.Lookup(kp.pkg.Suite)
	if err != nil {
		return nil, err
	}
	secrets, err := openGroupSecrets(s, kp, m.Welcome)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(secrets.JoinerSecret, secrets.PathSecret)
	tie, err := checkWelcomePSKs(s, secrets.PSKs)
	if err != nil {
		return nil, err
	}
	psks, err := cfg.lookupPSKs(secrets.PSKs, opt.Parent)
	if err != nil {
		return nil, err
	}
	psk, err := pskSecret(s, psks)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(psk)
	info, err := openGroupInfo(s, m.Welcome, secrets.JoinerSecret, psk)
	if err != nil {
		return nil, err
	}
	if info.Context.Suite != m.Welcome.Suite {
		return nil, rule.Broken("12.4.3.1-1", "group of suite %#04x", uint16(info.Context.Suite))
	}
	state, err := epoch.Open(cfg.checksLater(), info, bytes.Clone(opt.RatchetTree))
	if err != nil {
		return nil, err
	}
	if tie != nil {
		if err := checkParent(cfg.Credentials, opt.Parent, tie, state); err != nil {
			return nil, err
		}
	}
	next, err := enterByWelcome(state, kp, info.Signer, secrets, psk)
	if err != nil {
		return nil, err
	}
	next.signer = signer
	return newGroup(cfg, next), nil
}

// openGroupSecrets opens what the welcome holds for kp.
func openGroupSecrets(s *suite.Suite, kp *KeyPackageSecret, w *wire.Welcome) (*wire.GroupSecrets, error) {
	for _, e := range w.Secrets {
		if !bytes.Equal(e.NewMember, kp.ref) {
			continue
		}
		plain, err := secret.OpenWithLabel(s, kp.init.Private, welcomeLabel, w.EncryptedGroupInfo, e.Sealed.KEMOutput, e.Sealed.Ciphertext)
		if err != nil {
			return nil, fmt.Errorf("welcome: %w", err)
		}
		return wire.ParseGroupSecrets(plain)
	}
	return nil, ErrNotForUs
}

// checkWelcomePSKs checks the pre-shared keys of a welcome against each other
// (RFC 9420, section 12.4.3.1), and returns the one that ties the group to
// another, or nil.
func checkWelcomePSKs(s *suite.Suite, ids []wire.PreSharedKeyID) (*wire.PreSharedKeyID, error) {
	var tie *wire.PreSharedKeyID
	for i, id := range ids {
		if len(id.Nonce) != s.HashSize() {
			return nil, rule.Broken("12.1.4-3", "pre-shared key nonce of %d bytes", len(id.Nonce))
		}
		if id.Type != wire.PSKResumption || id.Usage == wire.UsageApplication {
			continue
		}
		if tie != nil {
			return nil, rule.Broken("12.4.3.1-8", "welcome with two keys that begin a group")
		}
		tie = &ids[i]
	}
	return tie, nil
}

// openGroupInfo decrypts the group info of a welcome.
func openGroupInfo(s *suite.Suite, w *wire.Welcome, joiner, psk []byte) (*wire.GroupInfo, error) {
	key, err := welcomeKey(s, joiner, psk)
	if err != nil {
		return nil, err
	}
	defer key.wipe()
	plain, err := secret.OpenAEAD(s, key.key, key.nonce, nil, w.EncryptedGroupInfo)
	if err != nil {
		return nil, fmt.Errorf("group info: %w", err)
	}
	return wire.ParseGroupInfo(plain)
}

// enterByWelcome finds our place in the group and computes its secrets.
func enterByWelcome(state *epoch.State, kp *KeyPackageSecret, signedBy wire.LeafIndex, secrets *wire.GroupSecrets, psk []byte) (*nextEpoch, error) {
	s := state.Suite
	own, found := findLeaf(state.Tree, kp.pkg.Leaf)
	if !found || own == signedBy {
		return nil, rule.Broken("12.4.3.1-4", "key package is not in the tree")
	}
	next := &nextEpoch{state: state, own: own, keys: treeKeys{leafNode(own): kp.leaf.Clone()}}
	if secrets.PathSecret != nil {
		steps := state.Tree.FilteredDirectPath(signedBy)
		for len(steps) > 0 && !steps[0].Node.Above(leafNode(own)) {
			steps = steps[1:]
		}
		commit, err := next.keys.takePath(s, state.Tree, bytes.Clone(secrets.PathSecret), steps)
		if err != nil {
			return nil, err
		}
		secret.Wipe(commit) // the joiner secret has it
	}
	var err error
	if next.secrets, err = deriveEpoch(s, secrets.JoinerSecret, psk, &state.Context); err != nil {
		return nil, err
	}
	want := next.secrets.confirmationTag(s, state.Context.ConfirmedTranscriptHash)
	if !suite.Equal(want, state.ConfirmationTag) {
		return nil, fmt.Errorf("%w: confirmation tag", ErrUnauthenticated)
	}
	return next, nil
}

// findLeaf returns where in t the leaf is.
func findLeaf(t *tree.Tree, leaf *wire.LeafNode) (wire.LeafIndex, bool) {
	want := leaf.Marshal()
	for i, l := range t.Members() {
		if bytes.Equal(l.EncryptionKey, leaf.EncryptionKey) && bytes.Equal(l.Marshal(), want) {
			return i, true
		}
	}
	return 0, false
}
