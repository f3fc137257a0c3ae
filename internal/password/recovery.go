package password

import (
	"crypto/rand"
	"strings"
)

// RecoveryCodes is how many codes a person is given.
const RecoveryCodes = 10

// letters of a recovery code are Crockford's: none is like another on paper.
const letters = "0123456789abcdefghjkmnpqrstvwxyz"

// NewRecoveryCode returns a code of 80 random bits in four groups.
func NewRecoveryCode() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	var code strings.Builder
	for i, v := range b {
		if i > 0 && i%4 == 0 {
			code.WriteByte('-')
		}
		code.WriteByte(letters[v%32])
	}
	return code.String()
}

// CleanRecoveryCode is how a typed code is compared: without case and hyphens,
// and with the letters that are taken for digits read as these. It reports
// whether it can be one.
func CleanRecoveryCode(typed string) (string, bool) {
	code := strings.ToLower(strings.NewReplacer("-", "", " ", "", "o", "0", "O", "0", "i", "1", "I", "1", "l", "1", "L", "1").Replace(strings.TrimSpace(typed)))
	return code, len(code) == 16 && strings.Trim(code, letters) == ""
}
