package device

import (
	"context"
	"errors"
	"fmt"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
)

// Registered reports whether the hub knows this device.
func (e *Engine) Registered() bool { return e.me().device != "" }

// Introduce signs for a new passkey of the patient, with the given COSE key, so
// that the keeper will know it: an api.DeviceIntroduction's signature.
func (e *Engine) Introduce(key []byte) (signature []byte, err error) {
	id := e.me()
	if id.kind != api.KindPatient {
		return nil, fail(FailureNotAMember, errors.New("only a patient's device introduces passkeys"))
	}
	signature, err = e.cfg.Signer.Sign(certificate.Introduction{Practice: id.practice, Person: id.person, Key: key}.Signed())
	if err != nil {
		return nil, fmt.Errorf("device: sign introduction: %w", err)
	}
	return signature, nil
}

// ComeBack makes this device, which the hub does not know yet, one of the
// patient whose passkey signed for its key. Their chats come once the keeper has
// checked that too. What the hub refuses is an *[api.Problem].
func (e *Engine) ComeBack(ctx context.Context, a api.PasskeyAssertion) error {
	if e.options.Surface != SurfacePatient || e.Registered() {
		return fail(FailureNotAMember, errors.New("the device is somebody's already"))
	}
	if err := e.meetPractice(ctx); err != nil {
		return err
	}
	proof, err := e.prove(ctx, certificate.PurposeRegister, e.me().practice)
	if err != nil {
		return err
	}
	device, err := e.cfg.Hub.ReturnPatient(ctx, api.ReturnPatient{
		Practice: e.options.Practice, PublicKey: e.cfg.Signer.Public(), Name: e.options.DeviceName, Proof: *proof, Passkey: a,
	})
	if err != nil {
		return err
	}
	if device.Kind != api.KindPatient {
		return untrusted("it makes a patient's device another's")
	}
	if err := e.learn(ctx, func(id *identity) {
		id.person, id.device, id.kind, id.role = device.Person, device.ID, device.Kind, device.Role
	}); err != nil {
		return err
	}
	e.Reconnect()
	return nil
}
