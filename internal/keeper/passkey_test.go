package keeper

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/passkey"
	"github.com/sotto-health/sotto/internal/passkey/passkeytest"
)

// memory is a device.Store that forgets.
type memory struct {
	mu   sync.Mutex // guards kept
	kept map[string][]byte
}

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept[key], nil
}

func (m *memory) Apply(_ context.Context, puts map[string][]byte, deletes []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, v := range puts {
		m.kept[k] = v
	}
	for _, k := range deletes {
		delete(m.kept, k)
	}
	return nil
}

func (m *memory) Keys(_ context.Context, prefix string) (keys []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k := range m.kept {
		if strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

const person = "p_dana"

func newKeeper() *Keeper {
	return &Keeper{cfg: Config{Store: &memory{kept: map[string][]byte{}}, Practice: api.Practice{ID: "t_1", Slug: "riverside"}}}
}

func known(a *passkeytest.Authenticator) api.KnownPasskey {
	return api.KnownPasskey{Credential: a.ID, Key: a.Key()}
}

func sign(a *passkeytest.Authenticator, purpose string, key []byte) *api.PasskeyAssertion {
	c := passkey.Challenge{Purpose: purpose, Practice: "riverside", Person: person, Nonce: "n", Key: key}
	got := a.Get(c)
	return &api.PasskeyAssertion{Nonce: "n", Credential: got.Credential, ClientData: got.ClientData, AuthenticatorData: got.Data, Signature: got.Signature}
}

func request(key string, voucher *api.PasskeyAssertion, passkeys ...api.KnownPasskey) api.CertificateRequest {
	return api.CertificateRequest{Device: api.Device{Person: person}, PublicKey: []byte(key), Passkeys: passkeys, Voucher: voucher}
}

// TestT03PasskeysVouchForDevices: once the keeper knows a passkey of a person,
// a hub that lies about the device, the passkey, or that there is none, gets no
// certificate.
func TestT03PasskeysVouchForDevices(t *testing.T) {
	ctx := t.Context()
	mine, second, ghost := passkeytest.New("h", "https://h"), passkeytest.New("h", "https://h"), passkeytest.New("h", "https://h")
	laptop := sign(mine, passkey.PurposeDevice, []byte("laptop"))
	k := newKeeper()
	if err := k.vouched(ctx, request("laptop", nil)); err != nil {
		t.Fatalf("somebody without a passkey: %v", err)
	}
	if err := k.vouched(ctx, request("laptop", nil, known(mine))); !errors.Is(err, errWaits) {
		t.Fatalf("no voucher yet: %v", err)
	}
	if err := k.vouched(ctx, request("laptop", laptop, known(mine))); err != nil {
		t.Fatalf("the first device: %v", err)
	}

	unverified := *mine
	unverified.Unverified = true
	introduced := known(second)
	introduced.Introduction = sign(mine, passkey.PurposeIntroduce, second.Key())
	selfMade := known(ghost)
	selfMade.Introduction = sign(ghost, passkey.PurposeIntroduce, ghost.Key())
	stolen := known(ghost)
	stolen.Introduction = introduced.Introduction
	renamed := known(mine)
	renamed.Key = ghost.Key()
	for name, r := range map[string]api.CertificateRequest{
		"no passkeys any more":                request("ghost", nil),
		"the voucher of another device":       request("ghost", laptop, known(mine)),
		"a passkey out of nowhere":            request("ghost", sign(ghost, passkey.PurposeDevice, []byte("ghost")), known(mine), known(ghost)),
		"only a passkey out of nowhere":       request("ghost", sign(ghost, passkey.PurposeDevice, []byte("ghost")), known(ghost)),
		"a passkey that introduced itself":    request("ghost", sign(ghost, passkey.PurposeDevice, []byte("ghost")), known(mine), selfMade),
		"the introduction of another passkey": request("ghost", sign(ghost, passkey.PurposeDevice, []byte("ghost")), known(mine), stolen),
		"another key under a known name":      request("ghost", sign(ghost, passkey.PurposeDevice, []byte("ghost")), renamed),
		"a sign-in in place of a voucher":     request("ghost", sign(mine, passkey.PurposeSignIn, []byte("ghost")), known(mine)),
		"nobody was verified":                 request("ghost", sign(&unverified, passkey.PurposeDevice, []byte("ghost")), known(mine)),
	} {
		if err := k.vouched(ctx, r); err == nil {
			t.Errorf("%s: certified", name)
		} else if r.Voucher != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}

	if err := k.vouched(ctx, request("phone", sign(second, passkey.PurposeDevice, []byte("phone")), known(mine), introduced)); err != nil {
		t.Errorf("a second passkey, introduced: %v", err)
	}
	if err := k.vouched(ctx, request("tablet", sign(second, passkey.PurposeDevice, []byte("tablet")), known(second))); err != nil {
		t.Errorf("a second passkey, remembered: %v", err)
	}
}

// TestReadmitted: who has lost every passkey begins anew if the operator says
// so, once.
func TestReadmitted(t *testing.T) {
	ctx := t.Context()
	lost, found, ghost := passkeytest.New("h", "https://h"), passkeytest.New("h", "https://h"), passkeytest.New("h", "https://h")
	k := newKeeper()
	if err := k.vouched(ctx, request("laptop", sign(lost, passkey.PurposeDevice, []byte("laptop")), known(lost))); err != nil {
		t.Fatal(err)
	}
	again := request("new", sign(found, passkey.PurposeDevice, []byte("new")), known(found))
	if err := k.vouched(ctx, again); !errors.Is(err, ErrRefused) {
		t.Fatalf("before: %v", err)
	}
	once := true
	k.cfg.Readmit = func(who string) bool {
		yes := once && who == person
		once = false
		return yes
	}
	if err := k.vouched(ctx, again); err != nil {
		t.Fatalf("after: %v", err)
	}
	if err := k.vouched(ctx, request("ghost", sign(ghost, passkey.PurposeDevice, []byte("ghost")), known(ghost))); !errors.Is(err, ErrRefused) {
		t.Errorf("a second time: %v", err)
	}
}
