package suite

import (
	"bytes"
	"crypto/ecdh"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
)

// ecdsaScheme is ECDSA on one curve, with the hash that TLS pairs it with. How
// it signs and verifies is in ecdsa_std.go and, for browsers, ecdsa_js.go.
type ecdsaScheme struct {
	curve string // as WebCrypto and RFC 7518 name it
	hash  string // as WebCrypto names it
	order string // of the group, big-endian, as long as a scalar
}

var (
	ecdsaP256 = ecdsaScheme{
		curve: "P-256", hash: "SHA-256",
		order: "\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff" +
			"\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51",
	}
	ecdsaP384 = ecdsaScheme{
		curve: "P-384", hash: "SHA-384",
		order: "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" +
			"\xc7\x63\x4d\x81\xf4\x37\x2d\xdf\x58\x1a\x0d\xb2\x48\xb0\xa7\x7a\xec\xec\x19\x6a\xcc\xc5\x29\x73",
	}
	ecdsaP521 = ecdsaScheme{
		curve: "P-521", hash: "SHA-512",
		order: "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfa" +
			"\x51\x86\x87\x83\xbf\x2f\x96\x6b\x7f\xcc\x01\x48\xf7\x09\xa5\xd0\x3b\xb5\xc9\xb8\x89\x9c\x47\xae\xbb\x6f\xb7\x1e\x91\x38\x64\x09",
	}
)

func (sc ecdsaScheme) size() int { return len(sc.order) }

func (sc ecdsaScheme) newHash() hash.Hash {
	switch sc.hash {
	case "SHA-256":
		return sha256.New()
	case "SHA-384":
		return sha512.New384()
	default:
		return sha512.New()
	}
}

// keys returns the curve as package ecdh has it, which reads the same keys.
func (sc ecdsaScheme) keys() ecdh.Curve {
	switch sc.curve {
	case "P-256":
		return ecdh.P256()
	case "P-384":
		return ecdh.P384()
	default:
		return ecdh.P521()
	}
}

func (sc ecdsaScheme) check(public []byte) error {
	if _, err := sc.keys().NewPublicKey(public); err != nil {
		return fmt.Errorf("%w: ECDSA public key: %w", ErrBadKey, err)
	}
	return nil
}

// pad returns a scalar at its full length, or false if it is empty or longer.
func (sc ecdsaScheme) pad(scalar []byte) ([]byte, bool) {
	scalar = bytes.TrimLeft(scalar, "\x00")
	if len(scalar) == 0 || len(scalar) > sc.size() {
		return nil, false
	}
	padded := make([]byte, sc.size())
	copy(padded[sc.size()-len(scalar):], scalar)
	return padded, true
}

// normalise returns the signature with s at most half the group's order.
func (sc ecdsaScheme) normalise(signature []byte) ([]byte, error) {
	r, s, err := sc.split(signature)
	if err != nil {
		return nil, err
	}
	if other := subtract([]byte(sc.order), s); bytes.Compare(other, s) < 0 {
		s = other
	}
	return appendDER(r, s), nil
}

// split returns both numbers of a signature at full length.
func (sc ecdsaScheme) split(signature []byte) (r, s []byte, err error) {
	r, s, ok := parseDER(signature)
	if !ok {
		return nil, nil, fmt.Errorf("%w: not DER", ErrBadSignature)
	}
	r, rok := sc.pad(r)
	s, sok := sc.pad(s)
	if !rok || !sok || string(r) >= sc.order || string(s) >= sc.order {
		return nil, nil, fmt.Errorf("%w: out of range", ErrBadSignature)
	}
	return r, s, nil
}

// subtract returns a - b for numbers of one length, a being the larger.
func subtract(a, b []byte) []byte {
	out := make([]byte, len(a))
	borrow := 0
	for i := len(a) - 1; i >= 0; i-- {
		d := int(a[i]) - int(b[i]) - borrow
		borrow = 0
		if d < 0 {
			d, borrow = d+256, 1
		}
		out[i] = byte(d)
	}
	return out
}

// parseDER returns the two positive numbers of an ECDSA signature, big-endian.
// Package encoding/asn1 would do, at the price of its size in a browser.
func parseDER(b []byte) (r, s []byte, ok bool) {
	body, rest, ok := derValue(b, derSequence)
	if !ok || len(rest) != 0 {
		return nil, nil, false
	}
	if r, body, ok = derValue(body, derInteger); !ok || len(r) == 0 || r[0] >= 0x80 {
		return nil, nil, false
	}
	if s, body, ok = derValue(body, derInteger); !ok || len(s) == 0 || s[0] >= 0x80 {
		return nil, nil, false
	}
	return r, s, len(body) == 0
}

const (
	derInteger  = 0x02
	derSequence = 0x30
)

// derValue takes one value of up to 255 bytes off b.
func derValue(b []byte, tag byte) (value, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != tag {
		return nil, nil, false
	}
	n, b := int(b[1]), b[2:]
	if n == 0x81 && len(b) > 0 {
		n, b = int(b[0]), b[1:]
	} else if n >= 0x80 {
		return nil, nil, false
	}
	if n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// appendDER returns the encoding of an ECDSA signature.
func appendDER(r, s []byte) []byte {
	var body []byte
	for _, v := range [][]byte{r, s} {
		for len(v) > 1 && v[0] == 0 {
			v = v[1:]
		}
		if len(v) == 0 || v[0] >= 0x80 {
			v = append([]byte{0}, v...)
		}
		body = append(append(body, derInteger, byte(len(v))), v...)
	}
	if len(body) >= 0x80 {
		return append([]byte{derSequence, 0x81, byte(len(body))}, body...)
	}
	return append([]byte{derSequence, byte(len(body))}, body...)
}
