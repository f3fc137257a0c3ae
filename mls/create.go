package mls

import (
	"github.com/sotto-health/sotto/mls/internal/epoch"
	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/tree"
	"github.com/sotto-health/sotto/mls/wire"
)

// CreateOptions are the choices in founding a group. The zero value is good.
type CreateOptions struct {
	Extensions     wire.Extensions    // of the group context
	LeafExtensions wire.Extensions    // of the founder's leaf; the capabilities must list them
	Capabilities   *wire.Capabilities // nil means all that this package supports
}

// Create founds a group of one member (RFC 9420, section 11). groupID must be
// new; 16 random bytes are good.
func Create(cfg Config, s *suite.Suite, groupID []byte, signer suite.Signer, cred wire.Credential, opt CreateOptions) (*Group, error) {
	if cfg.Credentials == nil {
		return nil, ErrNoValidator
	}
	leaf, pair, err := newLeaf(&cfg, s, signer, cred, opt.Capabilities, opt.LeafExtensions, 0)
	if err != nil {
		return nil, err
	}
	t := tree.New(s, leaf)
	if err := t.CheckLeaf(0, leaf, groupID, opt.Extensions); err != nil {
		return nil, err
	}
	context := wire.GroupContext{
		Version: wire.MLS10, Suite: s.ID(), GroupID: append([]byte(nil), groupID...),
		TreeHash: t.Hash(), Extensions: opt.Extensions,
	}
	first := secret.Random(s.HashSize())
	defer secret.Wipe(first)
	secrets, err := expandEpoch(s, first)
	if err != nil {
		return nil, err
	}
	state := epoch.New(s, context, t)
	state.Confirm(secrets.confirmationTag(s, context.ConfirmedTranscriptHash))
	return newGroup(cfg, &nextEpoch{
		state: state, keys: treeKeys{leafNode(0): pair}, secrets: secrets, signer: signer,
	}), nil
}
