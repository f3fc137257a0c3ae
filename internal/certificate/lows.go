package certificate

import (
	"bytes"

	"github.com/sotto-health/sotto/mls/suite"
)

// ECDSA signatures come in pairs: (r, s) and (r, n-s) both verify. The
// authority makes the one with the lower s and nothing else is accepted, so
// that a certificate has one encoding.

// LowS reports whether signature is the one canonical encoding of a P-256
// signature whose s is at most half the group's order.
func LowS(signature []byte) bool {
	normal := Normalise(signature)
	return normal != nil && bytes.Equal(normal, signature)
}

// Normalise returns the signature with the lower s, or nil if it is malformed.
func Normalise(signature []byte) []byte {
	s, err := suite.Lookup(suite.P256AES128)
	if err != nil {
		return nil
	}
	normal, err := s.Normalise(signature)
	if err != nil {
		return nil
	}
	return normal
}
