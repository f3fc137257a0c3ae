package hub

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/passkey"
	"github.com/sotto-health/sotto/internal/password"
	"github.com/sotto-health/sotto/internal/totp"
)

// FactorKeyBytes is the length of [Config.FactorKey].
const FactorKeyBytes = 32

// offerLife is how long somebody may take to scan a secret.
const offerLife = 30 * time.Minute

// secrets seals what must be read again: the secrets of authenticator apps.
type secrets struct{ aead cipher.AEAD }

func newSecrets(key []byte) (secrets, error) {
	if key == nil {
		key = make([]byte, FactorKeyBytes)
		_, _ = rand.Read(key) // never fails (crypto/rand)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return secrets{}, fmt.Errorf("hub: factor key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return secrets{aead}, err
}

// seal binds a secret to what it is for and whose it is.
func (s secrets) seal(secret []byte, purpose, person string) []byte {
	return s.aead.Seal(nil, nil, secret, []byte(purpose+"/"+person))
}

func (s secrets) open(sealed []byte, purpose, person string) ([]byte, error) {
	return s.aead.Open(nil, nil, sealed, []byte(purpose+"/"+person))
}

// offerApp makes a secret for an authenticator app, and keeps nothing: the
// offer comes back with the first code.
func (h *Hub) offerApp(practice string, p Person) api.AppOffer {
	secret := totp.NewSecret()
	b := binary.BigEndian.AppendUint64(nil, uint64(h.now().Add(offerLife).UnixMilli()))
	return api.AppOffer{
		Offer:   base64.RawURLEncoding.EncodeToString(h.secrets.seal(append(b, secret...), "offer", p.ID)),
		Secret:  totp.Text(secret),
		Address: totp.Address(practice, p.Login, secret),
	}
}

// takeApp checks that the app shows the codes of the secret it was offered.
func (h *Hub) takeApp(p Person, t api.TakeApp) (Factor, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(t.Offer)
	if err != nil {
		return Factor{}, malformed("offer")
	}
	b, err := h.secrets.open(sealed, "offer", p.ID)
	if err != nil || len(b) != 8+totp.SecretBytes || h.millis() >= int64(binary.BigEndian.Uint64(b)) {
		return Factor{}, malformed("offer")
	}
	secret := b[8:]
	step, ok := totp.Check(secret, t.Code, h.now(), 0)
	if !ok {
		return Factor{}, malformed("code")
	}
	return Factor{
		ID: NewID("f"), Practice: p.Practice, Person: p.ID, Kind: FactorApp, Name: t.Name,
		Secret: h.secrets.seal(secret, "app", p.ID), Counter: step, CreatedAt: h.millis(), UsedAt: h.millis(),
	}, nil
}

// takePasskey checks a new passkey of a person.
func (h *Hub) takePasskey(ctx context.Context, site passkey.Site, slug string, p Person, r api.PasskeyRegistration) (Factor, error) {
	c := passkey.Challenge{Purpose: passkey.PurposeRegister, Practice: slug, Person: p.ID, Nonce: r.Nonce}
	made, err := site.Register(c, passkey.Registration{Credential: r.Credential, ClientData: r.ClientData, Attestation: r.Attestation})
	if err != nil {
		return Factor{}, malformed("passkey")
	}
	if err := h.spend(ctx, r.Nonce); errors.Is(err, ErrUnauthenticated) {
		return Factor{}, malformed("passkey")
	} else if err != nil {
		return Factor{}, err
	}
	return Factor{
		ID: NewID("f"), Practice: p.Practice, Person: p.ID, Kind: FactorPasskey, Name: r.Name, Credential: made.ID, Key: made.Key,
		Counter: int64(made.Counter), Synced: made.BackedUp, CreatedAt: h.millis(),
	}, nil
}

func assertion(a *api.PasskeyAssertion) passkey.Assertion {
	return passkey.Assertion{Credential: a.Credential, ClientData: a.ClientData, Data: a.AuthenticatorData, Signature: a.Signature, User: a.UserHandle}
}

// checkPasskey returns the factor whose passkey answered, and what its answer
// uses up. The challenge's nonce is spent. If person is not empty, it must be
// that person's.
func (h *Hub) checkPasskey(ctx context.Context, site passkey.Site, practice, person string, c passkey.Challenge, a *api.PasskeyAssertion) (Factor, FactorUse, error) {
	f, err := h.store.FactorByCredential(ctx, practice, a.Credential)
	if errors.Is(err, ErrNotFound) {
		return Factor{}, FactorUse{}, ErrUnauthenticated
	} else if err != nil {
		return Factor{}, FactorUse{}, at("load passkey", err)
	}
	if person != "" && f.Person != person || len(a.UserHandle) > 0 && string(a.UserHandle) != f.Person {
		return Factor{}, FactorUse{}, ErrUnauthenticated
	}
	c.Nonce = a.Nonce
	counter, err := site.Verify(c, assertion(a), passkey.Credential{ID: f.Credential, Key: f.Key, Counter: uint32(f.Counter)})
	if err != nil {
		return Factor{}, FactorUse{}, ErrUnauthenticated
	}
	if err := h.spend(ctx, a.Nonce); err != nil {
		return Factor{}, FactorUse{}, err
	}
	return f, FactorUse{Practice: practice, Person: f.Person, Factor: f.ID, Counter: int64(counter), At: h.millis()}, nil
}

// spend uses a nonce up. One that is not fresh gives [ErrUnauthenticated].
func (h *Hub) spend(ctx context.Context, nonce string) error {
	fresh, err := h.challenges.spend(ctx, nonce)
	if err != nil {
		return at("spend nonce", err)
	}
	if !fresh {
		return ErrUnauthenticated
	}
	return nil
}

// A codeCheck is what was found out about a typed code. It is used up only
// when the password is known to be right.
type codeCheck struct {
	method string
	use    FactorUse
}

// checkCode compares a code with a person's apps or recovery codes. For nobody
// it does the same work and finds nothing.
func (h *Hub) checkCode(ctx context.Context, p Person, typed string) (found codeCheck, ok bool, err error) {
	if clean, formed := password.CleanRecoveryCode(typed); formed {
		return h.checkRecoveryCode(ctx, p, clean)
	}
	found.method = MethodApp
	factors, err := h.store.FactorsOf(ctx, p.Practice, p.ID)
	if err != nil {
		return found, false, at("load factors", err)
	}
	for _, f := range factors {
		if f.Kind != FactorApp {
			continue
		}
		secret, err := h.secrets.open(f.Secret, "app", p.ID)
		if err != nil {
			return found, false, at("open the secret of an app", err)
		}
		if step, good := totp.Check(secret, typed, h.now(), f.Counter); good && !ok {
			found.use, ok = FactorUse{Practice: p.Practice, Person: p.ID, Factor: f.ID, Counter: step, At: h.millis()}, true
		}
	}
	return found, ok, nil
}

func (h *Hub) checkRecoveryCode(ctx context.Context, p Person, clean string) (found codeCheck, ok bool, err error) {
	found.method = MethodRecovery
	codes, err := h.store.RecoveryCodes(ctx, p.Practice, p.ID)
	if err != nil {
		return found, false, at("load recovery codes", err)
	}
	salt := make([]byte, password.SaltBytes)
	if len(codes) > 0 {
		salt = codes[0].Salt
	}
	hash, err := h.passwords.Key(ctx, clean, salt)
	if err != nil {
		return found, false, at("hash recovery code", err)
	}
	for _, c := range codes {
		if subtle.ConstantTimeCompare(c.Hash, hash) == 1 {
			found.use, ok = FactorUse{Practice: p.Practice, Person: p.ID, Recovery: hash}, true
		}
	}
	return found, ok, nil
}

// newRecoveryCodes returns codes to be shown once, and what is stored of them.
func (h *Hub) newRecoveryCodes(ctx context.Context) (shown []string, stored []RecoveryCode, err error) {
	salt := password.NewSalt()
	for range password.RecoveryCodes {
		code := password.NewRecoveryCode()
		clean, _ := password.CleanRecoveryCode(code)
		hash, err := h.passwords.Key(ctx, clean, salt)
		if err != nil {
			return nil, nil, at("hash recovery code", err)
		}
		shown = append(shown, code)
		stored = append(stored, RecoveryCode{Salt: salt, Hash: hash})
	}
	return shown, stored, nil
}
