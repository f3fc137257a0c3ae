// Package authority is the practice's authority: the private key that says
// which devices belong to whom. The keeper holds it; the hub never does.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/certificate"
)

// Lifetime is how long a certificate holds.
const Lifetime = 2 * 365 * 24 * time.Hour

// An Authority issues certificates and name cards of one practice. It may be
// used from several goroutines.
type Authority struct {
	practice string
	key      *ecdsa.PrivateKey
}

// New returns an authority with a new random key for the practice with the
// given id.
func New(practice string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("authority: generate key: %w", err)
	}
	return &Authority{practice: practice, key: key}, nil
}

// Parse returns the authority whose [Authority.Private] was given.
func Parse(practice string, private []byte) (*Authority, error) {
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), private)
	if err != nil {
		return nil, fmt.Errorf("authority: parse key: %w", err)
	}
	return &Authority{practice: practice, key: key}, nil
}

// Private returns the private key, 32 bytes, to be kept sealed.
func (a *Authority) Private() ([]byte, error) { return a.key.Bytes() }

// Public returns the public key: P-256, SEC 1 uncompressed.
func (a *Authority) Public() []byte {
	b, err := a.key.PublicKey.Bytes()
	if err != nil {
		panic("authority: a P-256 key has an encoding: " + err.Error())
	}
	return b
}

// Practice returns the id of the practice whose authority this is.
func (a *Authority) Practice() string { return a.practice }

// String hides the key from print verbs.
func (a *Authority) String() string { return "authority:redacted" }

// GoString hides the key from %#v.
func (a *Authority) GoString() string { return a.String() }

// Issue certifies a device: it sets c's practice, serial, times (if they are
// zero) and signature, and returns the encoding. Whoever calls it has checked
// that the device holds its key and whose it is.
func (a *Authority) Issue(c *certificate.Certificate, now time.Time) ([]byte, error) {
	if len(c.PublicKey) != 65 {
		return nil, errors.New("authority: not a P-256 key")
	}
	c.Practice = a.practice
	if c.Serial == "" {
		var random [16]byte
		_, _ = rand.Read(random[:]) // crypto/rand never fails
		c.Serial = strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random[:]))
	}
	if c.NotBefore == 0 {
		c.NotBefore = now.Unix()
	}
	if c.NotAfter == 0 {
		c.NotAfter = now.Add(Lifetime).Unix()
	}
	var err error
	if c.Signature, err = a.sign(c.Signed()); err != nil {
		return nil, err
	}
	b := c.Marshal()
	if _, err := certificate.Parse(b); err != nil {
		return nil, fmt.Errorf("authority: will not issue: %w", err)
	}
	return b, nil
}

// IssueCard vouches for a name: it sets c's practice, time and signature, and
// returns the encoding.
func (a *Authority) IssueCard(c *certificate.Card, now time.Time) ([]byte, error) {
	c.Practice, c.IssuedAt = a.practice, now.Unix()
	var err error
	if c.Signature, err = a.sign(c.Signed()); err != nil {
		return nil, err
	}
	b := c.Marshal()
	if _, err := certificate.ParseCard(b); err != nil {
		return nil, fmt.Errorf("authority: will not issue: %w", err)
	}
	return b, nil
}

func (a *Authority) sign(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	if err != nil {
		return nil, fmt.Errorf("authority: sign: %w", err)
	}
	return certificate.Normalise(signature), nil
}
