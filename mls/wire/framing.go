package wire

import (
	"fmt"

	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/suite"
)

// A WireFormat says what a [Message] holds (RFC 9420, section 6).
type WireFormat uint16

// The wire formats of RFC 9420, section 17.2.
const (
	FormatPublic     WireFormat = 1
	FormatPrivate    WireFormat = 2
	FormatWelcome    WireFormat = 3
	FormatGroupInfo  WireFormat = 4
	FormatKeyPackage WireFormat = 5
)

// A ContentType says what a [FramedContent] holds.
type ContentType uint8

// The content types of RFC 9420, section 6.
const (
	ContentApplication ContentType = 1
	ContentProposal    ContentType = 2
	ContentCommit      ContentType = 3
)

// A SenderType says who sent a [FramedContent].
type SenderType uint8

// The sender types of RFC 9420, section 6.
const (
	SenderMember            SenderType = 1
	SenderExternal          SenderType = 2
	SenderNewMemberProposal SenderType = 3
	SenderNewMemberCommit   SenderType = 4
)

// A Sender is who sent a message, by its own account.
type Sender struct {
	Type  SenderType
	Leaf  LeafIndex // of a member
	Index uint32    // of an external sender, into the external senders extension
}

func (s Sender) write(w *codec.Writer) {
	w.Uint8(uint8(s.Type))
	switch s.Type {
	case SenderMember:
		w.Uint32(uint32(s.Leaf))
	case SenderExternal:
		w.Uint32(s.Index)
	}
}

func readSender(r *codec.Reader) Sender {
	s := Sender{Type: SenderType(r.Uint8())}
	switch s.Type {
	case SenderMember:
		s.Leaf = readLeafIndex(r)
	case SenderExternal:
		s.Index = r.Uint32()
	case SenderNewMemberProposal, SenderNewMemberCommit:
	default:
		r.Fail("sender type %d", s.Type)
	}
	return s
}

// FramedContent is what is signed in a message of a group.
type FramedContent struct {
	GroupID           []byte
	Epoch             uint64
	Sender            Sender
	AuthenticatedData []byte
	Type              ContentType
	Application       []byte // the one of these three that Type says
	Proposal          Proposal
	Commit            *Commit
}

func (c *FramedContent) write(w *codec.Writer) {
	w.Vector(c.GroupID)
	w.Uint64(c.Epoch)
	c.Sender.write(w)
	w.Vector(c.AuthenticatedData)
	w.Uint8(uint8(c.Type))
	c.writeBody(w)
}

func (c *FramedContent) writeBody(w *codec.Writer) {
	switch c.Type {
	case ContentApplication:
		w.Vector(c.Application)
	case ContentProposal:
		writeProposal(w, c.Proposal)
	case ContentCommit:
		c.Commit.write(w)
	}
}

func readFramedContent(r *codec.Reader) FramedContent {
	c := FramedContent{
		GroupID:           limited(r, maxGroupID, "group id"),
		Epoch:             r.Uint64(),
		Sender:            readSender(r),
		AuthenticatedData: limited(r, maxContent, "authenticated data"),
		Type:              ContentType(r.Uint8()),
	}
	c.readBody(r)
	return c
}

func (c *FramedContent) readBody(r *codec.Reader) {
	switch c.Type {
	case ContentApplication:
		c.Application = limited(r, maxContent, "application data")
	case ContentProposal:
		c.Proposal = readProposal(r)
	case ContentCommit:
		c.Commit = readCommit(r)
	default:
		r.Fail("content type %d", c.Type)
	}
}

// AuthenticatedContent is a FramedContent with what authenticates it (RFC 9420,
// section 6.1), in whatever format it travelled.
type AuthenticatedContent struct {
	Format          WireFormat
	Content         FramedContent
	Signature       []byte
	ConfirmationTag []byte // of a commit only
}

const framedContentLabel = "FramedContentTBS"

// Marshal returns a's encoding.
func (a *AuthenticatedContent) Marshal() []byte { return marshal(a.write) }

// ParseAuthenticatedContent reads one AuthenticatedContent and nothing after it.
func ParseAuthenticatedContent(b []byte) (*AuthenticatedContent, error) {
	return parse(b, func(r *codec.Reader) *AuthenticatedContent {
		a := &AuthenticatedContent{Format: WireFormat(r.Uint16())}
		if a.Format != FormatPublic && a.Format != FormatPrivate {
			r.Fail("content in wire format %d", a.Format)
		}
		a.Content = readFramedContent(r)
		a.readAuth(r)
		return a
	})
}

// Sign signs a. context is that of a's epoch, and is ignored for a sender who
// is no member and does not join by this message.
func (a *AuthenticatedContent) Sign(s *suite.Suite, signer suite.Signer, context *GroupContext) error {
	sig, err := s.SignWithLabel(signer, framedContentLabel, marshal(func(w *codec.Writer) { a.writeTBS(w, context) }))
	if err != nil {
		return fmt.Errorf("sign message: %w", err)
	}
	a.Signature = sig
	return nil
}

// Verify checks a's signature with the sender's signature key, which the caller
// finds according to a's sender.
func (a *AuthenticatedContent) Verify(s *suite.Suite, public []byte, context *GroupContext) error {
	return s.VerifyWithLabel(public, framedContentLabel, marshal(func(w *codec.Writer) { a.writeTBS(w, context) }), a.Signature)
}

// ProposalRef returns the hash by which a commit refers to the proposal a (RFC
// 9420, section 5.2).
func (a *AuthenticatedContent) ProposalRef(s *suite.Suite) []byte {
	return s.RefHash("MLS 1.0 Proposal Reference", a.Marshal())
}

// MembershipInput returns what the membership tag of a authenticates (RFC 9420,
// section 6.2).
func (a *AuthenticatedContent) MembershipInput(context *GroupContext) []byte {
	return marshal(func(w *codec.Writer) {
		a.writeTBS(w, context)
		a.writeAuth(w)
	})
}

// ConfirmedTranscriptHash returns the hash over all commits up to the commit a,
// given the interim transcript hash before it (RFC 9420, section 8.2).
func (a *AuthenticatedContent) ConfirmedTranscriptHash(s *suite.Suite, interim []byte) []byte {
	return s.Hash(marshal(func(w *codec.Writer) {
		w.Raw(interim)
		w.Uint16(uint16(a.Format))
		a.Content.write(w)
		w.Vector(a.Signature)
	}))
}

// InterimTranscriptHash returns the interim transcript hash after a commit,
// given the confirmed one and the commit's confirmation tag (RFC 9420, section
// 8.2).
func InterimTranscriptHash(s *suite.Suite, confirmed, confirmationTag []byte) []byte {
	return s.Hash(marshal(func(w *codec.Writer) {
		w.Raw(confirmed)
		w.Vector(confirmationTag)
	}))
}

func (a *AuthenticatedContent) write(w *codec.Writer) {
	w.Uint16(uint16(a.Format))
	a.Content.write(w)
	a.writeAuth(w)
}

func (a *AuthenticatedContent) writeTBS(w *codec.Writer, context *GroupContext) {
	w.Uint16(uint16(MLS10))
	w.Uint16(uint16(a.Format))
	a.Content.write(w)
	switch a.Content.Sender.Type {
	case SenderMember, SenderNewMemberCommit:
		context.write(w)
	}
}

func (a *AuthenticatedContent) writeAuth(w *codec.Writer) {
	w.Vector(a.Signature)
	if a.Content.Type == ContentCommit {
		w.Vector(a.ConfirmationTag)
	}
}

func (a *AuthenticatedContent) readAuth(r *codec.Reader) {
	a.Signature = limited(r, maxSignature, "signature")
	if a.Content.Type == ContentCommit {
		a.ConfirmationTag = limited(r, maxHash, "confirmation tag")
	}
}
