package wire

import "github.com/sotto-health/sotto/mls/internal/codec"

// A Message is whatever travels between clients (RFC 9420, section 6): one of
// its fields is not nil.
type Message struct {
	Public     *PublicMessage
	Private    *PrivateMessage
	Welcome    *Welcome
	GroupInfo  *GroupInfo
	KeyPackage *KeyPackage
}

// Format returns which field of m is set, or 0.
func (m *Message) Format() WireFormat {
	switch {
	case m.Public != nil:
		return FormatPublic
	case m.Private != nil:
		return FormatPrivate
	case m.Welcome != nil:
		return FormatWelcome
	case m.GroupInfo != nil:
		return FormatGroupInfo
	case m.KeyPackage != nil:
		return FormatKeyPackage
	}
	return 0
}

// Marshal returns m's encoding.
func (m *Message) Marshal() []byte {
	return marshal(func(w *codec.Writer) {
		w.Uint16(uint16(MLS10))
		w.Uint16(uint16(m.Format()))
		switch m.Format() {
		case FormatPublic:
			m.Public.write(w)
		case FormatPrivate:
			m.Private.write(w)
		case FormatWelcome:
			m.Welcome.write(w)
		case FormatGroupInfo:
			m.GroupInfo.write(w)
		case FormatKeyPackage:
			m.KeyPackage.write(w)
		}
	})
}

// ParseMessage reads one message and nothing after it.
func ParseMessage(b []byte) (*Message, error) {
	return parse(b, func(r *codec.Reader) *Message {
		if v := r.Uint16(); Version(v) != MLS10 {
			r.Fail("protocol version %d", v)
		}
		m := new(Message)
		switch f := WireFormat(r.Uint16()); f {
		case FormatPublic:
			m.Public = readPublicMessage(r)
		case FormatPrivate:
			m.Private = readPrivateMessage(r)
		case FormatWelcome:
			m.Welcome = readWelcome(r)
		case FormatGroupInfo:
			m.GroupInfo = readGroupInfo(r)
		case FormatKeyPackage:
			m.KeyPackage = readKeyPackage(r)
		default:
			r.Fail("wire format %d", f)
		}
		return m
	})
}

// A PublicMessage is signed but not encrypted (RFC 9420, section 6.2).
type PublicMessage struct {
	AuthenticatedContent
	MembershipTag []byte // of a member's message only
}

func (p *PublicMessage) write(w *codec.Writer) {
	p.Content.write(w)
	p.writeAuth(w)
	if p.Content.Sender.Type == SenderMember {
		w.Vector(p.MembershipTag)
	}
}

func readPublicMessage(r *codec.Reader) *PublicMessage {
	p := &PublicMessage{AuthenticatedContent: AuthenticatedContent{Format: FormatPublic, Content: readFramedContent(r)}}
	p.readAuth(r)
	if p.Content.Sender.Type == SenderMember {
		p.MembershipTag = limited(r, maxHash, "membership tag")
	}
	return p
}

// A PrivateMessage is signed and encrypted (RFC 9420, section 6.3).
type PrivateMessage struct {
	GroupID             []byte
	Epoch               uint64
	Type                ContentType
	AuthenticatedData   []byte
	EncryptedSenderData []byte
	Ciphertext          []byte
}

func (p *PrivateMessage) write(w *codec.Writer) {
	w.Raw(p.AAD())
	w.Vector(p.EncryptedSenderData)
	w.Vector(p.Ciphertext)
}

func readPrivateMessage(r *codec.Reader) *PrivateMessage {
	p := &PrivateMessage{
		GroupID:             limited(r, maxGroupID, "group id"),
		Epoch:               r.Uint64(),
		Type:                ContentType(r.Uint8()),
		AuthenticatedData:   limited(r, maxContent, "authenticated data"),
		EncryptedSenderData: limited(r, maxHash, "sender data"),
		Ciphertext:          limited(r, 2*maxContent, "ciphertext"),
	}
	if p.Type < ContentApplication || p.Type > ContentCommit {
		r.Fail("content type %d", p.Type)
	}
	return p
}

// AAD returns the additional data of the content's encryption
// (PrivateContentAAD).
func (p *PrivateMessage) AAD() []byte {
	return marshal(func(w *codec.Writer) {
		p.writeSenderDataAAD(w)
		w.Vector(p.AuthenticatedData)
	})
}

// SenderDataAAD returns the additional data of the sender data's encryption.
func (p *PrivateMessage) SenderDataAAD() []byte { return marshal(p.writeSenderDataAAD) }

func (p *PrivateMessage) writeSenderDataAAD(w *codec.Writer) {
	w.Vector(p.GroupID)
	w.Uint64(p.Epoch)
	w.Uint8(uint8(p.Type))
}

// SenderData says who sent a private message and under which key (RFC 9420,
// section 6.3.2).
type SenderData struct {
	Leaf       LeafIndex
	Generation uint32
	ReuseGuard [4]byte
}

// Marshal returns d's encoding.
func (d SenderData) Marshal() []byte {
	return marshal(func(w *codec.Writer) {
		w.Uint32(uint32(d.Leaf))
		w.Uint32(d.Generation)
		w.Raw(d.ReuseGuard[:])
	})
}

// ParseSenderData reads one SenderData and nothing after it.
func ParseSenderData(b []byte) (SenderData, error) {
	return parse(b, func(r *codec.Reader) SenderData {
		d := SenderData{Leaf: readLeafIndex(r), Generation: r.Uint32()}
		copy(d.ReuseGuard[:], r.Raw(4))
		return d
	})
}

// MarshalPrivateContent returns the plaintext of a private message that holds
// a, without padding (PrivateMessageContent).
func MarshalPrivateContent(a *AuthenticatedContent) []byte {
	return marshal(func(w *codec.Writer) {
		a.Content.writeBody(w)
		a.writeAuth(w)
	})
}

// ParsePrivateContent reads the plaintext of the private message p, sent by the
// member leaf. Padding must be zeros.
func ParsePrivateContent(p *PrivateMessage, leaf LeafIndex, plaintext []byte) (*AuthenticatedContent, error) {
	return parse(plaintext, func(r *codec.Reader) *AuthenticatedContent {
		a := &AuthenticatedContent{Format: FormatPrivate, Content: FramedContent{
			GroupID:           p.GroupID,
			Epoch:             p.Epoch,
			Sender:            Sender{Type: SenderMember, Leaf: leaf},
			AuthenticatedData: p.AuthenticatedData,
			Type:              p.Type,
		}}
		a.Content.readBody(r)
		a.readAuth(r)
		for _, b := range r.Raw(r.Remaining()) {
			if b != 0 {
				r.Fail("padding that is not zero")
			}
		}
		return a
	})
}
