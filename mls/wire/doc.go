// Package wire is the structures of MLS as they travel (RFC 9420), each with
// its encoding.
//
// Parsing is strict: what parses has exactly one encoding, the bytes it was
// parsed from, and what does not is refused with an error that matches
// [ErrMalformed]. Parsed values share the memory of those bytes, and nobody
// changes either. Parsing checks form only: a value says nothing about who made
// it until its signature is verified and the rules of package tree and its
// users have been applied.
//
// The package can sign and verify but neither encrypt nor decrypt.
package wire

import "github.com/sotto-health/sotto/mls/internal/codec"

// ErrMalformed is matched by every error of parsing.
var ErrMalformed = codec.ErrMalformed
