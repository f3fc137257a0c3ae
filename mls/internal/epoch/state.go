// Package epoch is the public state of a group in one epoch, and the rules by
// which messages change it (RFC 9420, sections 6.1, 8.1, 8.2, 11 and 12). What
// members and delivery services must agree on is here, and so is written once:
// package mls adds the secrets to it, and package delivery follows a group with
// it alone.
//
// Every rule that a message can break has a name, which the error tells; see
// docs/mls-validation.md.
package epoch

import (
	"errors"
	"fmt"
	"time"

	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/tree"
	"github.com/sotto-health/sotto/mls/wire"
)

var (
	// ErrWrongGroup says that a message is of another group.
	ErrWrongGroup = errors.New("mls: message of another group")
	// ErrStaleEpoch says that a message is of an epoch that has passed.
	ErrStaleEpoch = errors.New("mls: message of an epoch that has passed")
	// ErrFutureEpoch says that a message is of an epoch that is yet to come.
	ErrFutureEpoch = errors.New("mls: message of an epoch to come")
	// ErrUnknownProposal says that a commit refers to a proposal that was not
	// received, or not accepted.
	ErrUnknownProposal = errors.New("mls: commit of a proposal not known")
	// ErrTooManyProposals says that no more proposals are kept in this epoch.
	ErrTooManyProposals = errors.New("mls: too many proposals in one epoch")
	// ErrNoValidator says that nobody was named to validate credentials.
	ErrNoValidator = errors.New("mls: no credential validator given")
)

// maxCached is the most proposals kept in one epoch. It bounds what a sender
// can make every member and the delivery service remember.
const maxCached = 1024

// A Validator judges credentials for the application (RFC 9420, section 5.3.1).
type Validator interface {
	// ValidateCredential returns nil if c is genuine and belongs with
	// signatureKey.
	ValidateCredential(c wire.Credential, signatureKey []byte) error
}

// A SuccessorValidator is a [Validator] that lets members change credentials.
// With a validator that is none, a member keeps its credential.
type SuccessorValidator interface {
	Validator
	// ValidateSuccessor returns nil if the member with the credential old may
	// take the credential new in its place (RFC 9420, section 5.3.1).
	ValidateSuccessor(old, new wire.Credential) error
}

// A SenderValidator is a [Validator] that judges those who may propose from
// outside by another measure than members. With a validator that is none, they
// are held to the same.
type SenderValidator interface {
	Validator
	// ValidateExternalSender returns nil if the group may name the sender (RFC
	// 9420, section 12.1.8.1).
	ValidateExternalSender(c wire.Credential, signatureKey []byte) error
}

// Checks is what the rules need from outside the group.
type Checks struct {
	// Credentials validates credentials. Without it nothing is accepted.
	Credentials Validator
	// Now is the time for the lifetimes of key packages. The zero time leaves
	// them unchecked, as for messages that have waited long.
	Now time.Time
	// MaxLifetime is for how long a leaf may be valid in all, whenever that is.
	// Zero means DefaultMaxLifetime, and less than zero any time.
	MaxLifetime time.Duration
}

// DefaultMaxLifetime is a little more than key packages of this module have:
// 90 days, and an hour for clocks that are behind.
const DefaultMaxLifetime = 92 * 24 * time.Hour

// lifetime checks how long the leaf of a key package is valid in all (RFC 9420,
// section 7.2). Leaves of other sources have no lifetime.
func (k Checks) lifetime(leaf *wire.LeafNode) error {
	most := k.MaxLifetime
	if most == 0 {
		most = DefaultMaxLifetime
	}
	if most > 0 && leaf.Lifetime.LongerThan(most) {
		return rule.Broken("7.2-1", "leaf is valid for more than %v", most)
	}
	return nil
}

func (k Checks) credential(c wire.Credential, signatureKey []byte, who string) error {
	if k.Credentials == nil {
		return ErrNoValidator
	}
	if err := k.Credentials.ValidateCredential(c, signatureKey); err != nil {
		return rule.Because("7.3-1", err, "credential of %s", who)
	}
	return nil
}

func (k Checks) successor(old, new *wire.LeafNode) error {
	if v, ok := k.Credentials.(SuccessorValidator); ok {
		if err := v.ValidateSuccessor(old.Credential, new.Credential); err != nil {
			return rule.Because("5.3.1-1", err, "successor of a credential")
		}
		return nil
	}
	if !old.Credential.Equal(new.Credential) {
		return rule.Broken("5.3.1-1", "member changes its credential")
	}
	return nil
}

// A State is a group in one epoch. Its exported fields are for reading. Like
// its Tree it belongs to one goroutine at a time.
type State struct {
	Suite   *suite.Suite
	Context wire.GroupContext
	Tree    *tree.Tree
	// ConfirmationTag is that of the commit which began the epoch.
	ConfirmationTag []byte
	// Interim is the interim transcript hash of the epoch.
	Interim []byte
	// ReInit is set once the group has ended in favour of another (RFC 9420,
	// section 11.2).
	ReInit *wire.ReInit
	// Founding is the usage of resumption keys that a proposal in this epoch
	// may have: set in the first epoch of a group that continues another (RFC
	// 9420, sections 11.2 and 11.3), and zero otherwise.
	Founding wire.ResumptionUsage

	cache []*Cached
}

// New returns the state of an epoch about whose contents the caller is certain.
// Call [State.Confirm] once its confirmation tag is known.
func New(s *suite.Suite, context wire.GroupContext, t *tree.Tree) *State {
	return &State{Suite: s, Context: context, Tree: t}
}

// Confirm sets the epoch's confirmation tag, and with it the interim transcript
// hash (RFC 9420, section 8.2).
func (s *State) Confirm(tag []byte) {
	s.ConfirmationTag = tag
	s.Interim = wire.InterimTranscriptHash(s.Suite, s.Context.ConfirmedTranscriptHash, tag)
}

// Open checks info as somebody new to the group must (RFC 9420, section
// 12.4.3.1), and returns the state it tells. ratchetTree is the group's tree if
// info has none. The confirmation tag is taken on trust: only members can check
// it.
func Open(k Checks, info *wire.GroupInfo, ratchetTree []byte) (*State, error) {
	c := info.Context
	if c.Version != wire.MLS10 {
		return nil, rule.Broken("12.4.3.1-1", "protocol version %d", c.Version)
	}
	s, err := suite.Lookup(c.Suite)
	if err != nil {
		return nil, rule.Because("12.4.3.1-1", err, "cipher suite")
	}
	if inside, found := info.Extensions.Find(wire.ExtensionRatchetTree); found {
		ratchetTree = inside
	}
	if ratchetTree == nil {
		return nil, rule.Broken("12.4.3.1-3", "no ratchet tree")
	}
	t, err := tree.Parse(s, ratchetTree)
	if err != nil {
		return nil, err
	}
	signer := t.Leaf(info.Signer)
	if signer == nil {
		return nil, rule.Broken("12.4.3.1-2", "group info signed by leaf %d, which is blank", info.Signer)
	}
	if err := info.Verify(s, signer.SignatureKey); err != nil {
		return nil, rule.Because("12.4.3.1-2", err, "signature of the group info")
	}
	if !suite.Equal(t.Hash(), c.TreeHash) {
		return nil, rule.Broken("12.4.3.1-3", "tree hash differs from the group context's")
	}
	if err := t.Validate(c.GroupID, c.Extensions); err != nil {
		return nil, err
	}
	for i, leaf := range t.Members() {
		if err := k.lifetime(leaf); err != nil {
			return nil, err
		}
		if err := k.credential(leaf.Credential, leaf.SignatureKey, fmt.Sprintf("leaf %d", i)); err != nil {
			return nil, err
		}
	}
	if err := k.externalSenders(c.Extensions); err != nil {
		return nil, err
	}
	state := New(s, c, t)
	state.Confirm(info.ConfirmationTag)
	return state, nil
}

// externalSenders validates the credentials of the external senders named in x
// (RFC 9420, section 12.1.8.1).
func (k Checks) externalSenders(x wire.Extensions) error {
	senders, err := x.ExternalSenders()
	if err != nil {
		return err
	}
	v, apart := k.Credentials.(SenderValidator)
	for i, s := range senders {
		if apart {
			if err := v.ValidateExternalSender(s.Credential, s.SignatureKey); err != nil {
				return rule.Because("12.1.8.1-2", err, "credential of external sender %d", i)
			}
			continue
		}
		if err := k.credential(s.Credential, s.SignatureKey, fmt.Sprintf("external sender %d", i)); err != nil {
			return err
		}
	}
	return nil
}

// Clone returns a copy that changes apart from s.
func (s *State) Clone() *State {
	c := *s
	c.Tree = s.Tree.Clone()
	c.cache = append([]*Cached(nil), s.cache...)
	return &c
}

// Marshal returns all of s, for [Parse]. It holds no secret.
func (s *State) Marshal() []byte {
	var w codec.Writer
	w.Vector(s.Context.Marshal())
	w.Raw(s.Tree.Marshal())
	w.Vector(s.ConfirmationTag)
	w.Uint8(uint8(s.Founding))
	w.Optional(s.ReInit != nil, func(w *codec.Writer) { w.Vector(wire.MarshalProposal(s.ReInit)) })
	w.Nest(func(w *codec.Writer) {
		for _, c := range s.cache {
			w.Vector(c.Content.Marshal())
		}
	})
	return w.Bytes()
}

// Parse reads what [State.Marshal] wrote. It trusts its origin: it checks form
// only. Its errors match [wire.ErrMalformed] or [suite.ErrUnknown].
func Parse(b []byte) (*State, error) {
	r := codec.NewReader(b)
	context, err := wire.ParseGroupContext(r.Vector())
	if err != nil {
		return nil, err
	}
	s, err := suite.Lookup(context.Suite)
	if err != nil {
		return nil, err
	}
	var nodes codec.Writer
	nodes.Vector(r.Vector())
	t, err := tree.Parse(s, nodes.Bytes())
	if err != nil {
		return nil, err
	}
	state := New(s, context, t)
	state.Confirm(r.Vector())
	state.Founding = wire.ResumptionUsage(r.Uint8())
	r.Optional(func(r *codec.Reader) {
		p, err := wire.ParseProposal(r.Vector())
		reinit, ok := p.(*wire.ReInit)
		if err != nil || !ok {
			r.Fail("reinit proposal")
		}
		state.ReInit = reinit
	})
	r.Each(func(r *codec.Reader) {
		content, err := wire.ParseAuthenticatedContent(r.Vector())
		if err != nil || content.Content.Type != wire.ContentProposal {
			r.Fail("cached proposal")
			return
		}
		state.cache = append(state.cache, &Cached{content.ProposalRef(s), content})
	})
	if err := r.Finish(); err != nil {
		return nil, err
	}
	return state, nil
}
