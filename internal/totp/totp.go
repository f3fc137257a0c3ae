// Package totp makes and checks the codes of authenticator apps: RFC 6238
// with the parameters that every app knows (SHA-1, six digits, 30 seconds).
//
// It keeps nothing. Whoever calls [Check] stores the step it returns and hands
// it in the next time: a code is good once (NIST SP 800-63B-4, 3.1.4).
package totp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the algorithm of RFC 6238; HMAC does not need collision resistance
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// SecretBytes is how long a secret is: what RFC 4226 recommends, 160 bits.
const SecretBytes = 20

const (
	period = 30 * time.Second
	digits = 6
	// skew is by how many periods a phone's clock may be off, either way.
	skew = 1
)

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewSecret returns a random secret.
func NewSecret() []byte {
	b := make([]byte, SecretBytes)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return b
}

// Text is a secret as people type it into an app.
func Text(secret []byte) string { return encoding.EncodeToString(secret) }

// ParseText reads what [Text] returned; case, spaces and hyphens do not matter.
func ParseText(text string) ([]byte, error) {
	return encoding.DecodeString(strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(text)))
}

// Address is what an app reads from a QR code (the otpauth scheme).
func Address(issuer, account string, secret []byte) string {
	q := url.Values{"secret": {Text(secret)}, "issuer": {issuer}}
	return "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(account) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// Step is the number of the period that t is in.
func Step(t time.Time) int64 { return t.Unix() / int64(period/time.Second) }

// Code is the code of one period.
func Code(secret []byte, step int64) string {
	m := hmac.New(sha1.New, secret)
	_ = binary.Write(m, binary.BigEndian, step) // a hash takes everything
	sum := m.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[at:at+4]) & 0x7fffffff
	return fmt.Sprintf("%0*d", digits, n%1_000_000)
}

// Clean takes the spaces out of a typed code. It reports whether six digits
// are left: what else is typed is no code of an app.
func Clean(code string) (string, bool) {
	code = strings.Join(strings.Fields(code), "")
	if len(code) != digits {
		return "", false
	}
	return code, strings.Trim(code, "0123456789") == ""
}

// Check reports whether code is the one of a period around now that is after
// used, the newest step a code of this secret was good for. The step to keep
// is returned. It takes the same time whichever period fits.
func Check(secret []byte, code string, now time.Time, used int64) (step int64, ok bool) {
	code, formed := Clean(code)
	if !formed {
		code = strings.Repeat("x", digits)
	}
	for s := Step(now) - skew; s <= Step(now)+skew; s++ {
		if subtle.ConstantTimeCompare([]byte(Code(secret, s)), []byte(code)) == 1 && s > used {
			step, ok = s, true
		}
	}
	return step, ok
}
