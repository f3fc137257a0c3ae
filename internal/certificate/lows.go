package certificate

import (
	"bytes"
	"crypto/elliptic"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// ECDSA signatures come in pairs: (r, s) and (r, n-s) both verify. The
// authority makes the one with the lower s and nothing else is accepted, so
// that a certificate has one encoding.

// LowS reports whether signature is the one canonical encoding of a P-256
// signature whose s is at most half the group's order.
func LowS(signature []byte) bool {
	r, s, ok := split(signature)
	return ok && s.Cmp(halfOrder()) <= 0 && bytes.Equal(join(r, s), signature)
}

// Normalise returns the signature with the lower s, or nil if it is malformed.
func Normalise(signature []byte) []byte {
	r, s, ok := split(signature)
	if !ok {
		return nil
	}
	if s.Cmp(halfOrder()) > 0 {
		s.Sub(elliptic.P256().Params().N, s)
	}
	return join(r, s)
}

func halfOrder() *big.Int { return new(big.Int).Rsh(elliptic.P256().Params().N, 1) }

func split(signature []byte) (r, s *big.Int, ok bool) {
	r, s = new(big.Int), new(big.Int)
	outer := cryptobyte.String(signature)
	var inner cryptobyte.String
	ok = outer.ReadASN1(&inner, asn1.SEQUENCE) && outer.Empty() &&
		inner.ReadASN1Integer(r) && inner.ReadASN1Integer(s) && inner.Empty() &&
		r.Sign() > 0 && s.Sign() > 0
	return r, s, ok
}

func join(r, s *big.Int) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(r)
		b.AddASN1BigInt(s)
	})
	out, err := b.Bytes()
	if err != nil {
		return nil
	}
	return out
}
