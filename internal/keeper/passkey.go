package keeper

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/passkey"
)

// prefixPasskey is where the keeper keeps the passkeys that it knows: + person
// / hash of the credential's id. The value is the public key, COSE.
const prefixPasskey = "k/passkey/"

// prefixPatient is where the keeper notes the first device of a patient: +
// person. The value is the SHA-256 of its signature key, or metBefore.
const prefixPatient = "k/patient/"

// prefixReadmitted is where the keeper notes that it has forgotten the passkeys
// of somebody who begins anew: + person. The note stays until the hub has
// written that down with a certificate of theirs.
const prefixReadmitted = "k/readmitted/"

// errWaits says that a device has no voucher yet. It may get one.
var errWaits = errors.New("keeper: waits for a passkey to vouch for the device")

// vouched checks that a passkey of the device's owner signed for its key.
//
// The keeper learns a person's first passkey from the hub, and believes it.
// From then on it certifies no device of theirs that a passkey it knows has not
// vouched for, and learns of no other passkey that one it knows has not
// introduced: a hub that makes up a device, or a passkey, is caught, and so is
// one that says the person has none any more. Of somebody who has no passkey
// there is nothing to check, and the hub's word is what counts.
func (k *Keeper) vouched(ctx context.Context, r api.CertificateRequest) error {
	known, err := k.knownPasskeys(ctx, r.Device.Person)
	if err != nil {
		return err
	}
	learnt := map[string][]byte{}
	learn := func(p api.KnownPasskey) {
		known[string(p.Credential)] = p.Key
		learnt[passkeyName(r.Device.Person, p.Credential)] = append(binaryCredential(p.Credential), p.Key...)
	}
	for _, p := range r.Passkeys {
		switch {
		case len(p.Credential) == 0 || len(p.Credential) > passkey.MaxID || len(p.Key) > passkey.MaxKey:
			return fmt.Errorf("%w: a passkey of impossible size", ErrRefused)
		case known[string(p.Credential)] != nil:
			if !bytes.Equal(known[string(p.Credential)], p.Key) {
				return fmt.Errorf("%w: another key under the name of a passkey", ErrRefused)
			}
		case len(known) == 0:
			learn(p)
		case p.Introduction != nil && k.signed(r, *p.Introduction, passkey.PurposeIntroduce, p.Key, known) == nil:
			learn(p)
		}
	}
	if len(known) == 0 {
		return nil
	}
	if len(learnt) > 0 {
		if err := k.cfg.Store.Apply(ctx, learnt, nil); err != nil {
			return err
		}
	}
	if r.Voucher == nil {
		return errWaits
	}
	return k.signed(r, *r.Voucher, passkey.PurposeDevice, r.PublicKey, known)
}

// patientVouched checks that the device is the first that the keeper hears of
// for a patient, or that a passkey of theirs signed for its key; and that a
// device of theirs introduced the passkey. So a hub can make up neither the
// passkey nor the device by which somebody else would read a patient's chats
// (T11), and no proof but a passkey brings a device to them.
func (k *Keeper) patientVouched(ctx context.Context, r api.CertificateRequest) error {
	name := prefixPatient + r.Device.Person
	first, err := k.cfg.Store.Get(ctx, name)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(r.PublicKey)
	switch {
	case first == nil && r.Voucher == nil:
		return k.cfg.Store.Apply(ctx, map[string][]byte{name: sum[:]}, nil)
	case bytes.Equal(first, sum[:]):
		return nil // the hub has not heard the answer
	case r.Voucher == nil:
		return fmt.Errorf("%w: a second device that no passkey vouches for", ErrRefused)
	}
	if !slices.ContainsFunc(r.Passkeys, func(p api.KnownPasskey) bool { return bytes.Equal(p.Credential, r.Voucher.Credential) }) {
		return errWaits // it was removed meanwhile
	}
	known := map[string][]byte{}
	for _, p := range r.Passkeys {
		if p.Device != nil && k.introduced(r.Device.Person, p) == nil {
			known[string(p.Credential)] = p.Key
		}
	}
	return k.signed(r, *r.Voucher, passkey.PurposeReturn, r.PublicKey, known)
}

// metBefore is noted of a patient whose first device the keeper has certified
// without noting its key: no device is the first any more.
var metBefore = []byte{0}

// meetPatients notes the patients of conversations of whom nothing is noted, as
// of those from before the keeper noted any: whatever device the hub names next,
// it is not their first.
func (k *Keeper) meetPatients(ctx context.Context, all []device.Conversation) error {
	names, err := k.cfg.Store.Keys(ctx, prefixPatient)
	if err != nil {
		return err
	}
	noted := make(map[string]bool, len(names))
	for _, name := range names {
		noted[name] = true
	}
	met := map[string][]byte{}
	note := func(person string) {
		if name := prefixPatient + person; person != "" && !noted[name] {
			met[name] = metBefore
		}
	}
	for i := range all {
		note(all[i].Patient)
		for _, m := range all[i].Members {
			if m.Kind == certificate.KindPatient {
				note(m.Person)
			}
		}
	}
	if len(met) == 0 {
		return nil
	}
	return k.cfg.Store.Apply(ctx, met, nil)
}

// introduced checks that a device of the patient introduced the passkey. The
// device may be gone since, and its certificate out of date: it was good then,
// as far as the hub, which asked for it, is to be believed.
func (k *Keeper) introduced(person string, p api.KnownPasskey) error {
	v, err := certificate.NewVerifier(k.cfg.Practice.ID, k.cfg.Authority.Public())
	if err != nil {
		return err
	}
	c, err := certificate.Parse(p.Device.Certificate)
	if err != nil {
		return err
	}
	if c, err = v.Verify(p.Device.Certificate, time.Unix(c.NotBefore, 0)); err != nil {
		return err
	}
	if c.Person != person || c.Kind != certificate.KindPatient {
		return fmt.Errorf("%w: introduced by somebody else's device", ErrRefused)
	}
	return certificate.Introduction{Practice: k.cfg.Practice.ID, Person: person, Key: p.Key}.Verify(c.PublicKey, p.Device.Signature)
}

// signed checks that a passkey among known signed for the key. Who comes back
// is not known when the passkey is asked.
func (k *Keeper) signed(r api.CertificateRequest, a api.PasskeyAssertion, purpose string, key []byte, known map[string][]byte) error {
	public := known[string(a.Credential)]
	if public == nil {
		return fmt.Errorf("%w: by a passkey that nobody introduced", ErrRefused)
	}
	c := passkey.Challenge{Purpose: purpose, Practice: k.cfg.Practice.Slug, Person: r.Device.Person, Nonce: a.Nonce, Key: key}
	if purpose == passkey.PurposeReturn {
		c.Person = ""
	}
	err := passkey.VerifyKey(c, passkey.Assertion{
		Credential: a.Credential, ClientData: a.ClientData, Data: a.AuthenticatorData, Signature: a.Signature, User: a.UserHandle,
	}, public)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return nil
}

// knownPasskeys returns a person's, by credential id. If the operator lets the
// person begin anew, those are forgotten first. A leave that finds nothing to
// forget is used up all the same, and does not wait for what is learnt next.
func (k *Keeper) knownPasskeys(ctx context.Context, person string) (map[string][]byte, error) {
	names, err := k.cfg.Store.Keys(ctx, prefixPasskey+person+"/")
	if err != nil {
		return nil, err
	}
	if k.cfg.Readmit != nil && k.cfg.Readmit(person) && len(names) > 0 {
		if err := k.cfg.Store.Apply(ctx, map[string][]byte{prefixReadmitted + person: {1}}, names); err != nil {
			return nil, err
		}
		names = nil
	}
	known := make(map[string][]byte)
	for _, name := range names {
		kept, err := k.cfg.Store.Get(ctx, name)
		if err != nil {
			return nil, err
		}
		if len(kept) < 2 {
			return nil, errors.New("a kept passkey is damaged")
		}
		n := int(kept[0])<<8 | int(kept[1])
		if len(kept) < 2+n {
			return nil, errors.New("a kept passkey is damaged")
		}
		known[string(kept[2:2+n])] = kept[2+n:]
	}
	return known, nil
}

func passkeyName(person string, credential []byte) string {
	sum := sha256.Sum256(credential)
	return prefixPasskey + person + "/" + hex.EncodeToString(sum[:16])
}

// binaryCredential is a credential's id behind its length.
func binaryCredential(id []byte) []byte {
	return append([]byte{byte(len(id) >> 8), byte(len(id))}, id...)
}
