package wire

import (
	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/suite"
)

// A Welcome lets new members into a group (RFC 9420, section 12.4.3.1).
type Welcome struct {
	Suite              suite.ID
	Secrets            []EncryptedGroupSecrets
	EncryptedGroupInfo []byte
}

// EncryptedGroupSecrets is a [GroupSecrets] sealed to one new member.
type EncryptedGroupSecrets struct {
	NewMember []byte // the reference of its key package
	Sealed    HPKECiphertext
}

// Marshal returns m's encoding, without the frame of an MLS message.
func (m *Welcome) Marshal() []byte { return marshal(m.write) }

// ParseWelcome reads one welcome, without the frame of an MLS message, and
// nothing after it.
func ParseWelcome(b []byte) (*Welcome, error) { return parse(b, readWelcome) }

func (m *Welcome) write(w *codec.Writer) {
	w.Uint16(uint16(m.Suite))
	w.Nest(func(w *codec.Writer) {
		for _, s := range m.Secrets {
			w.Vector(s.NewMember)
			s.Sealed.write(w)
		}
	})
	w.Vector(m.EncryptedGroupInfo)
}

func readWelcome(r *codec.Reader) *Welcome {
	m := &Welcome{Suite: suite.ID(r.Uint16())}
	r.Each(func(r *codec.Reader) {
		m.Secrets = append(m.Secrets, EncryptedGroupSecrets{
			NewMember: limited(r, maxHash, "key package reference"),
			Sealed:    readHPKECiphertext(r),
		})
	})
	m.EncryptedGroupInfo = limited(r, maxExtension, "encrypted group info")
	return m
}

// GroupSecrets is what a new member needs to compute an epoch's secrets. It is
// secret.
type GroupSecrets struct {
	JoinerSecret []byte
	PathSecret   []byte // of the lowest node shared with the committer; nil if none
	PSKs         []PreSharedKeyID
}

// String hides the secrets from print verbs.
func (*GroupSecrets) String() string { return "group secrets:redacted" }

// GoString hides the secrets from %#v.
func (g *GroupSecrets) GoString() string { return g.String() }

// Marshal returns g's encoding, which is secret.
func (g *GroupSecrets) Marshal() []byte { return marshal(g.write) }

// ParseGroupSecrets reads one GroupSecrets and nothing after it.
func ParseGroupSecrets(b []byte) (*GroupSecrets, error) { return parse(b, readGroupSecrets) }

func (g *GroupSecrets) write(w *codec.Writer) {
	w.Vector(g.JoinerSecret)
	w.Optional(g.PathSecret != nil, func(w *codec.Writer) { w.Vector(g.PathSecret) })
	w.Nest(func(w *codec.Writer) {
		for _, p := range g.PSKs {
			p.write(w)
		}
	})
}

func readGroupSecrets(r *codec.Reader) *GroupSecrets {
	g := &GroupSecrets{JoinerSecret: limited(r, maxHash, "joiner secret")}
	r.Optional(func(r *codec.Reader) {
		g.PathSecret = limited(r, maxHash, "path secret")
		if g.PathSecret == nil {
			r.Fail("no path secret")
		}
	})
	r.Each(func(r *codec.Reader) { g.PSKs = append(g.PSKs, readPreSharedKeyID(r)) })
	return g
}
