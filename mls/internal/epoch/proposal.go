package epoch

import (
	"bytes"
	"slices"

	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/wire"
)

// Cached is a proposal that was received in this epoch and may be committed.
type Cached struct {
	Ref     []byte
	Content *wire.AuthenticatedContent
}

// Sent is a proposal in a commit, and who proposed it.
type Sent struct {
	Proposal wire.Proposal
	Sender   wire.Sender
	Ref      []byte // nil if the commit holds the proposal itself
}

// Cached returns the proposals received in this epoch, in order.
func (s *State) Cached() []*Cached { return s.cache }

// Find returns the cached proposal called ref, or nil.
func (s *State) Find(ref []byte) *Cached {
	for _, c := range s.cache {
		if bytes.Equal(c.Ref, ref) {
			return c
		}
	}
	return nil
}

// CheckProposal checks a proposal by itself, which [State.Authenticate] has
// accepted (RFC 9420, section 12.1), and returns its reference.
func (s *State) CheckProposal(k Checks, a *wire.AuthenticatedContent) ([]byte, error) {
	if s.ReInit != nil {
		return nil, rule.Broken("11.2-1", "group has ended")
	}
	if err := s.checkOne(k, Sent{Proposal: a.Content.Proposal, Sender: a.Content.Sender}); err != nil {
		return nil, err
	}
	return a.ProposalRef(s.Suite), nil
}

// Keep remembers a proposal that CheckProposal has accepted.
func (s *State) Keep(a *wire.AuthenticatedContent) error {
	ref := a.ProposalRef(s.Suite)
	if s.Find(ref) != nil {
		return nil
	}
	if len(s.cache) >= maxCached {
		return ErrTooManyProposals
	}
	s.cache = append(s.cache, &Cached{ref, a})
	return nil
}

// Proposals returns those that are remembered, in the order they came.
func (s *State) Proposals() []wire.Proposal {
	var all []wire.Proposal
	for _, c := range s.cache {
		all = append(all, c.Content.Content.Proposal)
	}
	return all
}

// Forget drops the cached proposal called ref.
func (s *State) Forget(ref []byte) {
	for i, c := range s.cache {
		if bytes.Equal(c.Ref, ref) {
			s.cache = append(s.cache[:i:i], s.cache[i+1:]...)
			return
		}
	}
}

// checkOne checks what section 12.1 asks of each type of proposal, and who may
// send it (section 17.4).
func (s *State) checkOne(k Checks, p Sent) error {
	external := p.Sender.Type == wire.SenderExternal
	switch q := p.Proposal.(type) {
	case *wire.Add:
		return s.CheckKeyPackage(k, q.KeyPackage)
	case *wire.Update:
		if p.Sender.Type != wire.SenderMember {
			return rule.Broken("12.1.8-2", "update by somebody who is no member")
		}
		return s.checkUpdate(k, p.Sender.Leaf, q.Leaf)
	case *wire.Remove:
		if s.Tree.Leaf(q.Removed) == nil {
			return rule.Broken("12.1.3-1", "remove of leaf %d, which is blank", q.Removed)
		}
	case *wire.PreSharedKey:
		if len(q.ID.Nonce) != s.Suite.HashSize() {
			return rule.Broken("12.1.4-3", "pre-shared key nonce of %d bytes", len(q.ID.Nonce))
		}
		if q.ID.Type == wire.PSKResumption && q.ID.Usage != wire.UsageApplication && q.ID.Usage != s.Founding {
			if q.ID.Usage == wire.UsageReInit {
				return rule.Broken("12.1.4-1", "reinit key outside the start of a group")
			}
			return rule.Broken("12.1.4-2", "branch key outside the start of a group")
		}
	case *wire.ReInit:
		if q.Version < s.Context.Version {
			return rule.Broken("12.1.5-1", "reinit to protocol version %d", q.Version)
		}
	case *wire.ExternalInit:
		if external || p.Sender.Type == wire.SenderNewMemberProposal {
			return rule.Broken("12.1.8-3", "external init proposed from outside")
		}
		if p.Sender.Type == wire.SenderMember {
			return rule.Broken("12.2-10", "external init by a member")
		}
	case *wire.GroupContextExtensions:
		if _, err := q.Extensions.RequiredCapabilities(); err != nil {
			return err
		}
		return k.externalSenders(q.Extensions)
	}
	return nil
}

// CheckKeyPackage checks that kp may be added to the group (RFC 9420, section
// 10.1). Whether its keys are new to the group shows when it is added.
func (s *State) CheckKeyPackage(k Checks, kp *wire.KeyPackage) error {
	if kp.Version != s.Context.Version || kp.Suite != s.Context.Suite {
		return rule.Broken("10.1-1", "key package of version %d, suite %#04x", kp.Version, uint16(kp.Suite))
	}
	if kp.Leaf.Source != wire.SourceKeyPackage {
		return rule.Broken("7.3-7", "leaf of a key package has source %d", kp.Leaf.Source)
	}
	if err := kp.Verify(s.Suite); err != nil {
		return rule.Because("10.1-3", err, "signature of the key package")
	}
	if bytes.Equal(kp.InitKey, kp.Leaf.EncryptionKey) {
		return rule.Broken("10.1-4", "key package has one key for two purposes")
	}
	if err := s.Suite.CheckEncryptionKey(kp.InitKey); err != nil {
		return rule.Because("10.1-5", err, "init key")
	}
	if !k.Now.IsZero() && !kp.Leaf.Lifetime.Holds(k.Now) {
		return rule.Broken("7.3-5", "key package is not valid now")
	}
	if err := k.lifetime(kp.Leaf); err != nil {
		return err
	}
	// The signature of such a leaf covers neither group nor place. What the
	// group asks of it is checked with the extensions it will have.
	if err := s.Tree.CheckLeaf(0, kp.Leaf, nil, nil); err != nil {
		return err
	}
	return k.credential(kp.Leaf.Credential, kp.Leaf.SignatureKey, "a key package")
}

func (s *State) checkUpdate(k Checks, i wire.LeafIndex, leaf *wire.LeafNode) error {
	if leaf.Source != wire.SourceUpdate {
		return rule.Broken("7.3-7", "leaf of an update has source %d", leaf.Source)
	}
	return s.checkReplacement(k, i, leaf)
}

// checkReplacement checks a leaf by which the member at i replaces its own.
func (s *State) checkReplacement(k Checks, i wire.LeafIndex, leaf *wire.LeafNode) error {
	old := s.Tree.Leaf(i)
	if old == nil {
		return rule.Broken("6.1-2", "update of leaf %d, which is blank", i)
	}
	if bytes.Equal(old.EncryptionKey, leaf.EncryptionKey) {
		return rule.Broken("12.1.2-1", "update of leaf %d keeps its encryption key", i)
	}
	if err := s.Tree.CheckLeaf(i, leaf, s.Context.GroupID, nil); err != nil {
		return err
	}
	if err := k.credential(leaf.Credential, leaf.SignatureKey, "an update"); err != nil {
		return err
	}
	return k.successor(old, leaf)
}

// Pick returns the cached proposals that the member committer can commit
// together (RFC 9420, section 12.2): a remove rather than an update of the same
// leaf, the latest of several, and a reinit only if there is nothing else. It
// leaves out those that have become invalid.
func (s *State) Pick(k Checks, committer wire.LeafIndex) []Sent {
	var list []Sent
	var reinit *Sent
	taken := make(map[string]bool)
	take := func(key string, p Sent) {
		if taken[key] || s.checkOne(k, p) != nil {
			return
		}
		taken[key] = true
		list = append(list, p)
	}
	each := func(visit func(Sent)) {
		for i := len(s.cache) - 1; i >= 0; i-- { // the latest first
			c := s.cache[i]
			visit(Sent{c.Content.Content.Proposal, c.Content.Content.Sender, c.Ref})
		}
	}
	each(func(p Sent) {
		if q, ok := p.Proposal.(*wire.Remove); ok && q.Removed != committer {
			take(leafKey(q.Removed), p)
		}
	})
	each(func(p Sent) {
		switch q := p.Proposal.(type) {
		case *wire.Update:
			if p.Sender.Type == wire.SenderMember && p.Sender.Leaf != committer {
				take(leafKey(p.Sender.Leaf), p)
			}
		case *wire.Add:
			take("add"+string(q.KeyPackage.Leaf.SignatureKey), p)
		case *wire.PreSharedKey:
			take("psk"+string(q.ID.Marshal()), p)
		case *wire.GroupContextExtensions:
			take("extensions", p)
		case *wire.ReInit:
			reinit = &p
		}
	})
	if len(list) == 0 && reinit != nil && s.checkOne(k, *reinit) == nil {
		return []Sent{*reinit}
	}
	slices.Reverse(list)
	return s.withoutMembers(list)
}

// withoutMembers drops adds of clients who are members and stay.
func (s *State) withoutMembers(list []Sent) []Sent {
	stays := make(map[string]bool)
	for _, leaf := range s.Tree.Members() {
		stays[string(leaf.SignatureKey)] = true
	}
	for _, p := range list {
		if q, ok := p.Proposal.(*wire.Remove); ok {
			delete(stays, string(s.Tree.Leaf(q.Removed).SignatureKey))
		}
	}
	return slices.DeleteFunc(list, func(p Sent) bool {
		add, ok := p.Proposal.(*wire.Add)
		return ok && stays[string(add.KeyPackage.Leaf.SignatureKey)]
	})
}

func leafKey(i wire.LeafIndex) string {
	return string([]byte{'l', byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)})
}
