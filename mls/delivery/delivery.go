// Package delivery is a group as its delivery service sees it (RFC 9750,
// section 5): who is in it, in which epoch, and whether a handshake message is
// one that honest members will accept.
//
// A [PublicGroup] needs handshakes sent as PublicMessage. It holds no secret and
// nothing it imports can decrypt. What it cannot check is what only members
// can: membership tags, confirmation tags and the contents of path secrets. A
// member may still spoil an epoch with those, and is named as its committer;
// others cannot.
package delivery

import (
	"errors"
	"fmt"
	"time"

	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/internal/epoch"
	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// Errors to compare with [errors.Is].
var (
	// ErrMalformed is matched by every error of parsing.
	ErrMalformed = wire.ErrMalformed
	// ErrWrongGroup says that a message is of another group.
	ErrWrongGroup = epoch.ErrWrongGroup
	// ErrStaleEpoch says that a message is of an epoch that has passed.
	ErrStaleEpoch = epoch.ErrStaleEpoch
	// ErrFutureEpoch says that a message is of an epoch that is yet to come.
	ErrFutureEpoch = epoch.ErrFutureEpoch
	// ErrUnknownProposal says that a commit refers to a proposal that was not
	// applied to this group.
	ErrUnknownProposal = epoch.ErrUnknownProposal
	// ErrTooManyProposals says that no more proposals are kept in this epoch.
	ErrTooManyProposals = epoch.ErrTooManyProposals
	// ErrNoValidator says that [Config.Credentials] is not set.
	ErrNoValidator = epoch.ErrNoValidator
	// ErrNotPublic says that a message is not a PublicMessage.
	ErrNotPublic = errors.New("mls: not a public handshake message")
	// ErrStaleHandshake says that the group has moved on since a handshake was
	// checked.
	ErrStaleHandshake = errors.New("mls: handshake was checked in another epoch")
	// ErrGroupInfo says that a group info does not tell the group's state.
	ErrGroupInfo = errors.New("mls: group info of another state")
	// ErrWelcome says that a welcome is not for those whom its commit adds.
	ErrWelcome = errors.New("mls: welcome does not fit its commit")
)

// A ValidationError says which rule of RFC 9420 a message breaks.
type ValidationError = rule.ValidationError

// A CredentialValidator judges credentials (RFC 9420, section 5.3.1). If it
// also has the method ValidateSuccessor(old, new wire.Credential) error,
// members may change their credentials as that allows; otherwise they may not.
// With a method ValidateExternalSender(c wire.Credential, signatureKey []byte)
// error it judges external senders by that.
type CredentialValidator = epoch.Validator

// A Config is what a PublicGroup needs from outside.
type Config struct {
	// Credentials validates credentials. It must be set.
	Credentials CredentialValidator
	// Now tells the time, for the lifetimes of key packages. Nil means
	// time.Now.
	Now func() time.Time
	// MaxLifetime is for how long a member's key package may be valid in all
	// (RFC 9420, section 7.2). Zero means DefaultMaxLifetime, and less than zero
	// any time.
	MaxLifetime time.Duration
}

// DefaultMaxLifetime is 92 days.
const DefaultMaxLifetime = epoch.DefaultMaxLifetime

func (c Config) checks() epoch.Checks {
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	return epoch.Checks{Credentials: c.Credentials, Now: now(), MaxLifetime: c.MaxLifetime}
}

// A PublicGroup is the public state of a group in its present epoch. Its
// methods may be called by several goroutines at once, but for Apply, which
// must be alone.
type PublicGroup struct {
	config Config
	state  *epoch.State
}

// A Member is somebody in the group.
type Member struct {
	Leaf         wire.LeafIndex
	Credential   wire.Credential
	SignatureKey []byte
}

// New follows the group that groupInfo, an MLS message, tells. It must hold the
// ratchet tree.
func New(config Config, groupInfo []byte) (*PublicGroup, error) {
	m, err := wire.ParseMessage(groupInfo)
	if err != nil {
		return nil, err
	}
	if m.GroupInfo == nil {
		return nil, fmt.Errorf("%w: not a group info", ErrMalformed)
	}
	state, err := epoch.Open(config.checks(), m.GroupInfo, nil)
	if err != nil {
		return nil, err
	}
	return newGroup(config, state), nil
}

func newGroup(config Config, state *epoch.State) *PublicGroup {
	state.Tree.Hash() // so that reading computes nothing more
	return &PublicGroup{config, state}
}

// ID returns the group's id.
func (g *PublicGroup) ID() []byte { return g.state.Context.GroupID }

// Epoch returns the present epoch.
func (g *PublicGroup) Epoch() uint64 { return g.state.Context.Epoch }

// Suite returns the group's cipher suite.
func (g *PublicGroup) Suite() *suite.Suite { return g.state.Suite }

// Context returns the group context of the present epoch.
func (g *PublicGroup) Context() wire.GroupContext { return g.state.Context }

// Ended reports whether the group has ended in favour of another (RFC 9420,
// section 11.2).
func (g *PublicGroup) Ended() bool { return g.state.ReInit != nil }

// Members returns the members in the order of their leaves.
func (g *PublicGroup) Members() []Member {
	var members []Member
	for i, leaf := range g.state.Tree.Members() {
		members = append(members, member(i, leaf))
	}
	return members
}

func member(i wire.LeafIndex, leaf *wire.LeafNode) Member {
	return Member{i, leaf.Credential, leaf.SignatureKey}
}

func members(in []epoch.Member) []Member {
	var out []Member
	for _, m := range in {
		out = append(out, member(m.Leaf, m.Node))
	}
	return out
}

// Proposals returns the proposals applied in the present epoch, which a commit
// may refer to.
func (g *PublicGroup) Proposals() []wire.Proposal { return g.state.Proposals() }

// Tree returns the group's tree as the data of a ratchet_tree extension, for
// those who join without one.
func (g *PublicGroup) Tree() []byte { return g.state.Tree.Marshal() }

// Clone returns a copy that changes apart from g.
func (g *PublicGroup) Clone() *PublicGroup { return &PublicGroup{g.config, g.state.Clone()} }

const stateVersion = 1

// Marshal returns g's state, proposals received included, for [Restore].
func (g *PublicGroup) Marshal() []byte {
	var w codec.Writer
	w.Uint8(stateVersion)
	w.Raw(g.state.Marshal())
	return w.Bytes()
}

// Restore returns the group whose state was marshalled. It trusts the state.
func Restore(config Config, state []byte) (*PublicGroup, error) {
	if len(state) == 0 || state[0] != stateVersion {
		return nil, fmt.Errorf("%w: state of an unknown version", ErrMalformed)
	}
	s, err := epoch.Parse(state[1:])
	if err != nil {
		return nil, err
	}
	return newGroup(config, s), nil
}

// StateHead is how many bytes of a marshalled state [SuiteOf] needs.
const StateHead = 9

// SuiteOf returns the cipher suite in the group context of the state that begins
// with head, as [PublicGroup.Marshal] writes it. It does not say whether the suite
// is one that is known.
func SuiteOf(head []byte) (suite.ID, error) {
	if len(head) < 2 || head[0] != stateVersion {
		return 0, fmt.Errorf("%w: state of an unknown version", ErrMalformed)
	}
	length := 1 << (head[1] >> 6) // bytes of the context's length (RFC 9420, section 2.1.2)
	r := codec.NewReader(head[1:])
	r.Raw(length)
	r.Uint16() // protocol version
	id := suite.ID(r.Uint16())
	if r.Err() != nil {
		return 0, fmt.Errorf("%w: head of a state", ErrMalformed)
	}
	return id, nil
}

// CheckGroupInfo checks that groupInfo, an MLS message, tells the present epoch
// and is signed by a member. Whoever is given it can join.
func (g *PublicGroup) CheckGroupInfo(groupInfo []byte) error {
	return checkGroupInfo(g.state, groupInfo)
}

func checkGroupInfo(state *epoch.State, groupInfo []byte) error {
	m, err := wire.ParseMessage(groupInfo)
	if err != nil {
		return err
	}
	info := m.GroupInfo
	if info == nil {
		return fmt.Errorf("%w: not a group info", ErrMalformed)
	}
	if !suite.Equal(info.Context.Marshal(), state.Context.Marshal()) {
		return fmt.Errorf("%w: group context", ErrGroupInfo)
	}
	if !suite.Equal(info.ConfirmationTag, state.ConfirmationTag) {
		return fmt.Errorf("%w: confirmation tag", ErrGroupInfo)
	}
	if tree, found := info.Extensions.Find(wire.ExtensionRatchetTree); found && !suite.Equal(tree, state.Tree.Marshal()) {
		return fmt.Errorf("%w: ratchet tree", ErrGroupInfo)
	}
	if key, found := info.Extensions.Find(wire.ExtensionExternalPub); found {
		public, err := wire.ParseExternalPub(key)
		if err != nil {
			return err
		}
		if err := state.Suite.CheckEncryptionKey(public); err != nil {
			return fmt.Errorf("%w: external key: %w", ErrGroupInfo, err)
		}
	}
	signer := state.Tree.Leaf(info.Signer)
	if signer == nil {
		return rule.Broken("12.4.3.1-2", "group info signed by leaf %d, which is blank", info.Signer)
	}
	if err := info.Verify(state.Suite, signer.SignatureKey); err != nil {
		return rule.Because("12.4.3.1-2", err, "signature of the group info")
	}
	return nil
}
