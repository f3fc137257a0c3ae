package epoch

import (
	"bytes"

	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/wire"
)

// Address checks that a message is of this group and epoch. Its errors match
// [ErrWrongGroup], [ErrStaleEpoch] or [ErrFutureEpoch].
func (s *State) Address(groupID []byte, epoch uint64) error {
	switch {
	case !bytes.Equal(groupID, s.Context.GroupID):
		return ErrWrongGroup
	case epoch < s.Context.Epoch:
		return ErrStaleEpoch
	case epoch > s.Context.Epoch:
		return ErrFutureEpoch
	}
	return nil
}

// Authenticate checks that a is a message of this epoch, in a form that its
// sender may use, and signed by it (RFC 9420, sections 6.1 and 12.1.8). It does
// not check the membership tag, nor whether what a holds makes sense.
func (s *State) Authenticate(a *wire.AuthenticatedContent) error {
	if err := s.Address(a.Content.GroupID, a.Content.Epoch); err != nil {
		return err
	}
	if a.Content.Type == wire.ContentApplication && a.Format != wire.FormatPrivate {
		return rule.Broken("6-1", "application data that is not encrypted")
	}
	if a.Content.Sender.Type != wire.SenderMember && a.Format != wire.FormatPublic {
		return rule.Broken("12.1.8-1", "private message of somebody who is no member")
	}
	key, err := s.signatureKey(&a.Content)
	if err != nil {
		return err
	}
	if err := a.Verify(s.Suite, key, &s.Context); err != nil {
		return rule.Because("6.1-1", err, "signature of the message")
	}
	return nil
}

// signatureKey returns the key with which the sender of c must have signed.
func (s *State) signatureKey(c *wire.FramedContent) ([]byte, error) {
	switch c.Sender.Type {
	case wire.SenderMember:
		leaf := s.Tree.Leaf(c.Sender.Leaf)
		if leaf == nil {
			return nil, rule.Broken("6.1-2", "sent by leaf %d, which is blank", c.Sender.Leaf)
		}
		return leaf.SignatureKey, nil
	case wire.SenderExternal:
		if c.Type != wire.ContentProposal {
			return nil, rule.Broken("6-2", "external sender sends no proposal")
		}
		senders, err := s.Context.Extensions.ExternalSenders()
		if err != nil {
			return nil, err
		}
		if int64(c.Sender.Index) >= int64(len(senders)) {
			return nil, rule.Broken("12.1.8.1-1", "external sender %d is not named by the group", c.Sender.Index)
		}
		return senders[c.Sender.Index].SignatureKey, nil
	case wire.SenderNewMemberProposal:
		add, ok := c.Proposal.(*wire.Add)
		if c.Type != wire.ContentProposal || !ok {
			return nil, rule.Broken("6-3", "newcomer proposes other than its own addition")
		}
		return add.KeyPackage.Leaf.SignatureKey, nil
	case wire.SenderNewMemberCommit:
		if c.Type != wire.ContentCommit || c.Commit.Path == nil {
			return nil, rule.Broken("6-4", "newcomer sends no commit with a path")
		}
		return c.Commit.Path.Leaf.SignatureKey, nil
	}
	return nil, rule.Broken("6-5", "sender of type %d", c.Sender.Type)
}
