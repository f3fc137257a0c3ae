package wire

import (
	"slices"

	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/suite"
)

// A Version is a version of the protocol.
type Version uint16

// MLS10 is the version that RFC 9420 defines, and the only one.
const MLS10 Version = 1

// A ProposalType says what a proposal proposes.
type ProposalType uint16

// The proposal types of RFC 9420, section 17.4.
const (
	ProposalAdd                    ProposalType = 1
	ProposalUpdate                 ProposalType = 2
	ProposalRemove                 ProposalType = 3
	ProposalPreSharedKey           ProposalType = 4
	ProposalReInit                 ProposalType = 5
	ProposalExternalInit           ProposalType = 6
	ProposalGroupContextExtensions ProposalType = 7
)

// Capabilities says what a client can do (RFC 9420, section 7.2). Unknown
// values are kept and mean nothing to us.
type Capabilities struct {
	Versions    []Version
	Suites      []suite.ID
	Extensions  []ExtensionType  // beyond the default ones
	Proposals   []ProposalType   // beyond the default ones
	Credentials []CredentialType // all of them: there is no default
}

// Marshal returns c's encoding.
func (c Capabilities) Marshal() []byte { return marshal(c.write) }

// ParseCapabilities reads one Capabilities and nothing after it.
func ParseCapabilities(b []byte) (Capabilities, error) { return parse(b, readCapabilities) }

func (c Capabilities) write(w *codec.Writer) {
	writeTypes(w, c.Versions)
	writeTypes(w, c.Suites)
	writeTypes(w, c.Extensions)
	writeTypes(w, c.Proposals)
	writeTypes(w, c.Credentials)
}

func readCapabilities(r *codec.Reader) Capabilities {
	return Capabilities{
		Versions:    readTypes[Version](r),
		Suites:      readTypes[suite.ID](r),
		Extensions:  readTypes[ExtensionType](r),
		Proposals:   readTypes[ProposalType](r),
		Credentials: readTypes[CredentialType](r),
	}
}

// HasVersion reports whether c lists v.
func (c Capabilities) HasVersion(v Version) bool { return slices.Contains(c.Versions, v) }

// HasSuite reports whether c lists id.
func (c Capabilities) HasSuite(id suite.ID) bool { return slices.Contains(c.Suites, id) }

// HasExtension reports whether c covers extensions of type t, which every
// client does for the default types.
func (c Capabilities) HasExtension(t ExtensionType) bool {
	return t.Default() || slices.Contains(c.Extensions, t)
}

// HasProposal reports whether c covers proposals of type t, which every client
// does for the default types.
func (c Capabilities) HasProposal(t ProposalType) bool {
	return t.Default() || slices.Contains(c.Proposals, t)
}

// HasCredential reports whether c lists credentials of type t.
func (c Capabilities) HasCredential(t CredentialType) bool {
	return slices.Contains(c.Credentials, t)
}

// Meets reports whether c covers all that need asks for (RFC 9420, section
// 11.1).
func (c Capabilities) Meets(need RequiredCapabilities) bool {
	for _, t := range need.Extensions {
		if !c.HasExtension(t) {
			return false
		}
	}
	for _, t := range need.Proposals {
		if !c.HasProposal(t) {
			return false
		}
	}
	for _, t := range need.Credentials {
		if !c.HasCredential(t) {
			return false
		}
	}
	return true
}

// Default reports whether t is one of the types that RFC 9420 defines and every
// client supports without saying so (section 7.2).
func (t ProposalType) Default() bool { return t >= 1 && t <= 7 }

// IsGREASE reports whether a suite, extension, proposal or credential type is
// one of the values reserved to keep peers tolerant of the unknown: 0x0A0A,
// 0x1A1A and so on to 0xEAEA (RFC 9420, section 13.5).
func IsGREASE(v uint16) bool {
	return v&0x0f0f == 0x0a0a && v>>8 == v&0xff && v>>12 != 0xf
}

func writeTypes[T ~uint16](w *codec.Writer, types []T) {
	w.Nest(func(w *codec.Writer) {
		for _, t := range types {
			w.Uint16(uint16(t))
		}
	})
}

func readTypes[T ~uint16](r *codec.Reader) []T {
	var types []T
	r.Each(func(r *codec.Reader) {
		types = append(types, T(r.Uint16()))
		if len(types) > maxTypes {
			r.Fail("more than %d types in a list", maxTypes)
		}
	})
	return types
}
