package hub

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// This file ties a staff session to the browser that it was opened in (T23). A
// cookie is a word that whoever has it can say. A key that the browser uses and
// never gives out cannot be carried away, so each call shows it anew, as in
// RFC 9449.

const (
	browserLabel = "sotto staff call v1"
	// browserSkew is how far a proof's time may be from the hub's: a page sets
	// its clock by the Date of our answers, to the second.
	browserSkew = 2 * time.Minute
)

// A BrowserProof is how a browser shows its key with one call. Its value is
// three parts with dots between them: the public key (P-256, SEC 1 uncompressed,
// base64url), the time (Unix milliseconds) and the signature (r and s side by
// side, base64url) over [browserLabel], the method, the path as it was sent,
// without a query, and the time, each on its line. A proof is good for this
// method and path alone, and for some minutes.
type BrowserProof struct{ Method, Path, Value string }

// BrowserKey returns what names the key that a call was signed with, or "" if
// it was not signed. It returns [ErrUnauthenticated] if the proof is not good.
func (h *Hub) BrowserKey(p BrowserProof) (string, error) {
	if p.Value == "" {
		return "", nil
	}
	parts := strings.Split(p.Value, ".")
	if len(parts) != 3 || len(p.Value) > 256 {
		return "", ErrUnauthenticated
	}
	b, errKey := base64.RawURLEncoding.DecodeString(parts[0])
	when, errAt := strconv.ParseInt(parts[1], 10, 64)
	signature, errSignature := base64.RawURLEncoding.DecodeString(parts[2])
	if errKey != nil || errAt != nil || errSignature != nil || len(signature) != 64 {
		return "", ErrUnauthenticated
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), b)
	if err != nil {
		return "", ErrUnauthenticated
	}
	if age := h.now().Sub(time.UnixMilli(when)); age > browserSkew || age < -browserSkew {
		return "", ErrUnauthenticated
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{browserLabel, p.Method, p.Path, parts[1]}, "\n")))
	if !ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return "", ErrUnauthenticated
	}
	name := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(name[:]), nil
}

var (
	// errOtherBrowser is [ErrUnauthenticated] of a session's cookie in another
	// browser than the session's.
	errOtherBrowser = fmt.Errorf("%w: in another browser", ErrUnauthenticated)
	// errBrowserProof is [ErrUnauthenticated] of a session's cookie with a proof
	// that is not good: somebody else's call again, or a clock that is wrong.
	errBrowserProof = fmt.Errorf("%w: the browser's proof is not good", ErrUnauthenticated)
)

// InItsBrowser refuses a session's call from any browser but the one that the
// session was opened in, with [ErrUnauthenticated]: see [Hub.NoteRefusal]. A
// session of a browser without a key belongs to who has its cookie.
func (h *Hub) InItsBrowser(s *StaffCaller, p BrowserProof) error {
	if s.session.BrowserKey == "" {
		return nil
	}
	key, err := h.BrowserKey(p)
	if err != nil {
		return errBrowserProof
	}
	if key != s.session.BrowserKey {
		return errOtherBrowser
	}
	return nil
}
