package proofing

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"
)

// One-time codes (NIST SP 800-63B-4, 3.1.3 and 3.2.2).
const (
	CodeDigits = 6
	CodeLife   = 10 * time.Minute
	CodeTries  = 5                // wrong ones, then it is spent
	CodeResend = 30 * time.Second // until another may be asked for
)

// Limits of contacts, bytes.
const (
	maxEmail  = 254 // RFC 5321, section 4.5.3.1.3
	maxDigits = 15  // ITU-T E.164
)

// ErrContact says that something is not a contact of its kind.
var ErrContact = errors.New("proofing: not a contact")

// A Channel is a way to reach somebody.
type Channel string

// The channels.
const (
	Email Channel = "email"
	SMS   Channel = "sms"
)

// Method is how a code over the channel proves a contact.
func (c Channel) Method() Method {
	switch c {
	case Email:
		return EmailCode
	case SMS:
		return SMSCode
	}
	return ""
}

// Clean returns the contact in its one form: an address in lower case, or "+"
// and digits. What a mail header or a gateway could misread does not match.
func (c Channel) Clean(contact string) (string, error) {
	contact = strings.TrimSpace(contact)
	if len(contact) > maxEmail || !utf8.ValidString(contact) || strings.ContainsFunc(contact, func(r rune) bool { return r < ' ' || r == 0x7f || r > 0x7e }) {
		return "", ErrContact
	}
	switch c {
	case Email:
		a, err := mail.ParseAddress(contact)
		if err != nil || a.Name != "" || a.Address != contact || strings.ContainsAny(contact, `"()<>,;:\[] `) || !strings.Contains(domainOf(contact), ".") {
			return "", ErrContact
		}
		return strings.ToLower(contact), nil
	case SMS:
		digits := Digits(contact)
		if strings.Trim(contact, "+0123456789 ().-/") != "" || strings.LastIndex(contact, "+") > 0 || len(digits) < 8 || len(digits) > maxDigits {
			return "", ErrContact
		}
		if contact[0] != '+' && len(digits) == 10 {
			digits = "1" + digits // as it is written in North America
		}
		return "+" + digits, nil
	}
	return "", ErrContact
}

func domainOf(address string) string { return address[strings.LastIndex(address, "@")+1:] }

// Digits are the decimal digits of s.
func Digits(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// Mask hides most of a clean contact: enough for its owner to know it.
func (c Channel) Mask(contact string) string {
	if c == SMS {
		return "•••" + contact[max(0, len(contact)-2):]
	}
	at := strings.LastIndex(contact, "@")
	if at < 1 {
		return "•••"
	}
	domain := contact[at+1:]
	return contact[:1] + "•••@" + domain[:1] + "•••" + domain[strings.LastIndex(domain, "."):]
}

// NewCode returns a random code of [CodeDigits] digits.
func NewCode() string {
	most := big.NewInt(1_000_000)
	n, err := rand.Int(rand.Reader, most)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return fmt.Sprintf("%06d", n)
}

// CleanCode returns the digits of a typed or pasted code, whatever script they
// are in, and whether they can be one.
func CleanCode(typed string) (string, bool) {
	if len(typed) > 64 {
		return "", false
	}
	code := Digits(western(typed))
	return code, len(code) == CodeDigits
}

// western replaces the digits of Arabic and Persian keyboards.
func western(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case '٠' <= r && r <= '٩':
			return r - '٠' + '0'
		case '۰' <= r && r <= '۹':
			return r - '۰' + '0'
		}
		return r
	}, s)
}
