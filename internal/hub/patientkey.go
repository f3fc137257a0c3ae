package hub

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/sotto-health/sotto/internal/password"
)

// PatientKeyBytes is the length of [Config.PatientKey].
const PatientKeyBytes = 32

// patientKey seals what is known of patients outside their chats: the roster,
// and the contacts that codes are sent to. Each practice has keys of its own,
// derived from the one that lies beside the database and never in it.
type patientKey struct{ key []byte }

func newPatientKey(key []byte) (patientKey, error) {
	if key == nil {
		key = make([]byte, PatientKeyBytes)
		_, _ = rand.Read(key) // never fails (crypto/rand)
	}
	if len(key) != PatientKeyBytes {
		return patientKey{}, fmt.Errorf("hub: patient key: %d bytes, want %d", len(key), PatientKeyBytes)
	}
	return patientKey{key}, nil
}

func (k patientKey) derive(practice, use string) []byte {
	b, err := hkdf.Key(sha256.New, k.key, nil, "sotto patient v1/"+use+"/"+practice, 32)
	if err != nil {
		panic(err) // only for lengths that are too large
	}
	return b
}

// index is a keyed hash by which a value is looked up and compared. Its kind
// keeps equal values of different meaning apart.
func (k patientKey) index(practice, kind, value string) []byte {
	m := hmac.New(sha256.New, k.derive(practice, "index"))
	m.Write([]byte(kind))
	m.Write([]byte{0})
	m.Write([]byte(value))
	return m.Sum(nil)
}

// subject is an index as the key of a counter.
func (k patientKey) subject(practice, kind, value string) string {
	return kind + ":" + hex.EncodeToString(k.index(practice, "subject/"+kind, value)[:16])
}

// salt of the PINs of everybody of one date of birth: one slow hash tells
// whether a PIN is any of theirs, however many they are.
func (k patientKey) salt(practice, born string) []byte {
	return k.index(practice, "pin-salt", born)[:password.SaltBytes]
}

func (k patientKey) aead(practice string) (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.derive(practice, "seal"))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// seal binds a value to what it is of.
func (k patientKey) seal(practice, of string, value []byte) ([]byte, error) {
	a, err := k.aead(practice)
	if err != nil {
		return nil, err
	}
	return a.Seal(nil, nil, value, []byte(of)), nil
}

func (k patientKey) open(practice, of string, sealed []byte) ([]byte, error) {
	a, err := k.aead(practice)
	if err != nil {
		return nil, err
	}
	return a.Open(nil, nil, sealed, []byte(of))
}
