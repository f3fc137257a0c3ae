package wire

import (
	"bytes"
	"slices"

	"github.com/sotto-health/sotto/mls/internal/codec"
)

// A CredentialType says what a [Credential] holds (RFC 9420, section 5.3).
type CredentialType uint16

// The credential types of RFC 9420, section 17.5.
const (
	CredentialBasic CredentialType = 1
	CredentialX509  CredentialType = 2
)

// A Credential is a member's claim of who it is. It proves nothing until the
// application has validated it together with the signature key beside it
// (RFC 9420, section 5.3.1).
type Credential struct {
	Type         CredentialType
	Identity     []byte   // of a basic credential: whatever the application put there
	Certificates [][]byte // of an X.509 credential: DER, the end entity's first
	Raw          []byte   // of any other type: the contents of its one vector
}

// BasicCredential returns a credential that holds identity alone.
func BasicCredential(identity []byte) Credential {
	return Credential{Type: CredentialBasic, Identity: identity}
}

// X509Credential returns a credential of a chain of DER certificates, the end
// entity's first.
func X509Credential(chain [][]byte) Credential {
	return Credential{Type: CredentialX509, Certificates: chain}
}

// Equal reports whether c and d are the same credential, byte for byte.
func (c Credential) Equal(d Credential) bool {
	return c.Type == d.Type && bytes.Equal(c.Identity, d.Identity) &&
		slices.EqualFunc(c.Certificates, d.Certificates, bytes.Equal) && bytes.Equal(c.Raw, d.Raw)
}

// Marshal returns c's encoding.
func (c Credential) Marshal() []byte { return marshal(c.write) }

// ParseCredential reads one credential and nothing after it.
func ParseCredential(b []byte) (Credential, error) { return parse(b, readCredential) }

func (c Credential) write(w *codec.Writer) {
	w.Uint16(uint16(c.Type))
	switch c.Type {
	case CredentialBasic:
		w.Vector(c.Identity)
	case CredentialX509:
		w.Nest(func(w *codec.Writer) {
			for _, cert := range c.Certificates {
				w.Vector(cert)
			}
		})
	default:
		w.Vector(c.Raw)
	}
}

func readCredential(r *codec.Reader) Credential {
	c := Credential{Type: CredentialType(r.Uint16())}
	switch c.Type {
	case CredentialBasic:
		c.Identity = limited(r, maxIdentity, "identity")
	case CredentialX509:
		r.Each(func(r *codec.Reader) {
			c.Certificates = append(c.Certificates, limited(r, maxCertificate, "certificate"))
			if len(c.Certificates) > maxChain {
				r.Fail("more than %d certificates", maxChain)
			}
		})
		if len(c.Certificates) == 0 {
			r.Fail("no certificate")
		}
	default:
		// Each type would define its own body. All that are in use are one
		// vector; one that is not fails to parse further on.
		c.Raw = limited(r, maxIdentity, "credential")
	}
	return c
}
