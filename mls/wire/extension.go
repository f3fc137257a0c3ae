package wire

import (
	"bytes"

	"github.com/sotto-health/sotto/mls/internal/codec"
)

// An ExtensionType says what an [Extension] holds.
type ExtensionType uint16

// The extension types of RFC 9420, section 17.3.
const (
	ExtensionApplicationID        ExtensionType = 1
	ExtensionRatchetTree          ExtensionType = 2
	ExtensionRequiredCapabilities ExtensionType = 3
	ExtensionExternalPub          ExtensionType = 4
	ExtensionExternalSenders      ExtensionType = 5

	// ExtensionLastResort marks a key package that may be used more than once
	// (RFC 9750 and draft-ietf-mls-extensions).
	ExtensionLastResort ExtensionType = 0x000a
)

// Default reports whether t is one of the types that RFC 9420 defines and every
// client supports without saying so (section 7.2).
func (t ExtensionType) Default() bool { return t >= 1 && t <= 5 }

// An Extension is a typed piece of data whose meaning depends on where it
// stands.
type Extension struct {
	Type ExtensionType
	Data []byte
}

// Extensions is a list of extensions in which no type is there twice.
type Extensions []Extension

// Find returns the data of the extension of type t, and whether it is there.
func (x Extensions) Find(t ExtensionType) (data []byte, found bool) {
	for _, e := range x {
		if e.Type == t {
			return e.Data, true
		}
	}
	return nil, false
}

// Equal reports whether x and y are the same list.
func (x Extensions) Equal(y Extensions) bool { return bytes.Equal(x.Marshal(), y.Marshal()) }

// Marshal returns x's encoding, its length included.
func (x Extensions) Marshal() []byte { return marshal(x.write) }

// ParseExtensions reads one list of extensions and nothing after it.
func ParseExtensions(b []byte) (Extensions, error) { return parse(b, readExtensions) }

func (x Extensions) write(w *codec.Writer) {
	w.Nest(func(w *codec.Writer) {
		for _, e := range x {
			w.Uint16(uint16(e.Type))
			w.Vector(e.Data)
		}
	})
}

func readExtensions(r *codec.Reader) Extensions {
	var x Extensions
	r.Each(func(r *codec.Reader) {
		t := ExtensionType(r.Uint16())
		data := limited(r, maxExtension, "extension")
		if _, found := x.Find(t); found {
			r.Fail("two extensions of type %#04x", uint16(t))
		}
		x = append(x, Extension{t, data})
		if len(x) > maxExtensions {
			r.Fail("more than %d extensions", maxExtensions)
		}
	})
	return x
}

// RequiredCapabilities is what every member of a group must support beyond the
// default (RFC 9420, section 11.1).
type RequiredCapabilities struct {
	Extensions  []ExtensionType
	Proposals   []ProposalType
	Credentials []CredentialType
}

// Marshal returns c's encoding.
func (c RequiredCapabilities) Marshal() []byte {
	return marshal(func(w *codec.Writer) {
		writeTypes(w, c.Extensions)
		writeTypes(w, c.Proposals)
		writeTypes(w, c.Credentials)
	})
}

// Extension returns c as an extension of a group context.
func (c RequiredCapabilities) Extension() Extension {
	return Extension{ExtensionRequiredCapabilities, c.Marshal()}
}

// ParseRequiredCapabilities reads the data of such an extension.
func ParseRequiredCapabilities(b []byte) (RequiredCapabilities, error) {
	return parse(b, func(r *codec.Reader) RequiredCapabilities {
		return RequiredCapabilities{
			Extensions:  readTypes[ExtensionType](r),
			Proposals:   readTypes[ProposalType](r),
			Credentials: readTypes[CredentialType](r),
		}
	})
}

// RequiredCapabilities returns what the extension of that type in x asks for:
// nothing, if there is none.
func (x Extensions) RequiredCapabilities() (RequiredCapabilities, error) {
	data, found := x.Find(ExtensionRequiredCapabilities)
	if !found {
		return RequiredCapabilities{}, nil
	}
	return ParseRequiredCapabilities(data)
}

// An ExternalSender may send proposals to a group without being a member (RFC
// 9420, section 12.1.8.1).
type ExternalSender struct {
	SignatureKey []byte
	Credential   Credential
}

// ExternalSendersExtension returns senders as an extension of a group context.
// A sender's index in a message is its place in senders.
func ExternalSendersExtension(senders []ExternalSender) Extension {
	return Extension{ExtensionExternalSenders, marshal(func(w *codec.Writer) {
		w.Nest(func(w *codec.Writer) {
			for _, s := range senders {
				w.Vector(s.SignatureKey)
				s.Credential.write(w)
			}
		})
	})}
}

// ParseExternalSenders reads the data of an external senders extension.
func ParseExternalSenders(b []byte) ([]ExternalSender, error) {
	return parse(b, func(r *codec.Reader) (senders []ExternalSender) {
		r.Each(func(r *codec.Reader) {
			senders = append(senders, ExternalSender{
				SignatureKey: limited(r, maxKey, "signature key"),
				Credential:   readCredential(r),
			})
		})
		return senders
	})
}

// ExternalSenders returns the senders named by the extension of that type in
// x: none, if there is none.
func (x Extensions) ExternalSenders() ([]ExternalSender, error) {
	data, found := x.Find(ExtensionExternalSenders)
	if !found {
		return nil, nil
	}
	return ParseExternalSenders(data)
}

// ExternalPubExtension returns the HPKE public key key as an extension of a
// group info, by which others may join (RFC 9420, section 12.4.3.2).
func ExternalPubExtension(key []byte) Extension {
	return Extension{ExtensionExternalPub, marshal(func(w *codec.Writer) { w.Vector(key) })}
}

// ParseExternalPub reads the data of an external pub extension.
func ParseExternalPub(b []byte) ([]byte, error) {
	return parse(b, func(r *codec.Reader) []byte { return limited(r, maxKey, "external key") })
}
