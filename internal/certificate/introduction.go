package certificate

import "github.com/sotto-health/sotto/internal/vector"

// An Introduction is what a patient's device signs for a new passkey of its
// owner: an api.DeviceIntroduction. By it the keeper knows the passkey from one
// that a hub made up.
type Introduction struct {
	Practice string // id
	Person   string // id
	Key      []byte // the passkey's, COSE
}

// Signed returns the bytes that the device signs.
func (i Introduction) Signed() []byte {
	b := vector.AppendString(nil, "sotto passkey introduction v1")
	b = vector.AppendString(b, i.Practice)
	b = vector.AppendString(b, i.Person)
	return vector.Append(b, i.Key)
}

// Verify checks the signature of the device with the given key.
func (i Introduction) Verify(device, signature []byte) error {
	if len(signature) == 0 || !VerifySignature(device, i.Signed(), signature) {
		return ErrProof
	}
	return nil
}
