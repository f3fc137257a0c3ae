package passkey_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sotto-health/sotto/internal/passkey"
	"github.com/sotto-health/sotto/internal/passkey/passkeytest"
)

var site = passkey.Site{ID: "chat.clinic.example", Origins: []string{"https://chat.clinic.example"}}

func challenge(purpose string) passkey.Challenge {
	return passkey.Challenge{Purpose: purpose, Practice: "riverside", Person: "p_dana", Nonce: "n1"}
}

func enrol(t *testing.T) (*passkeytest.Authenticator, passkey.Credential) {
	t.Helper()
	a := passkeytest.New(site.ID, site.Origins[0])
	a.Counter = 1
	c, err := site.Register(challenge(passkey.PurposeRegister), a.Create(challenge(passkey.PurposeRegister), "p_dana"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(c.ID, a.ID) || !bytes.Equal(c.Key, a.Key()) || c.Counter != 1 {
		t.Fatalf("%+v", c)
	}
	return a, c
}

func TestRegisterAndVerify(t *testing.T) {
	a, c := enrol(t)
	in := challenge(passkey.PurposeSignIn)
	counter, err := site.Verify(in, a.Get(in), c)
	if err != nil || counter != 2 {
		t.Fatal(counter, err)
	}
	device := challenge(passkey.PurposeDevice)
	device.Key = []byte("device key")
	if err := passkey.VerifyKey(device, a.Get(device), c.Key); err != nil {
		t.Error(err)
	}
}

// TestT28LookAlikeOrigin: a passkey is refused where the page, the person or
// the authenticator is not the right one.
func TestT28LookAlikeOrigin(t *testing.T) {
	for name, spoil := range map[string]func(*passkeytest.Authenticator){
		"a look-alike page":       func(a *passkeytest.Authenticator) { a.Origin = "https://chat.c1inic.example" },
		"another port":            func(a *passkeytest.Authenticator) { a.Origin += ":8443" },
		"no TLS":                  func(a *passkeytest.Authenticator) { a.Origin = "http://chat.clinic.example" },
		"another relying party":   func(a *passkeytest.Authenticator) { a.RelyingID = "c1inic.example" },
		"a frame of another site": func(a *passkeytest.Authenticator) { a.CrossSite = true },
		"nobody was verified":     func(a *passkeytest.Authenticator) { a.Unverified = true },
	} {
		t.Run(name, func(t *testing.T) {
			a, c := enrol(t)
			spoil(a)
			in := challenge(passkey.PurposeSignIn)
			if _, err := site.Verify(in, a.Get(in), c); !errors.Is(err, passkey.ErrRefused) {
				t.Errorf("signed in: %v", err)
			}
			in = challenge(passkey.PurposeRegister)
			if _, err := site.Register(in, a.Create(in, "p_dana")); !errors.Is(err, passkey.ErrRefused) {
				t.Errorf("registered: %v", err)
			}
		})
	}
}

// TestT29OneSignatureOneUse: what was signed for one thing is good for nothing
// else, and a counter does not go back.
func TestT29OneSignatureOneUse(t *testing.T) {
	a, c := enrol(t)
	stranger, _ := enrol(t)
	signed := challenge(passkey.PurposeDevice)
	signed.Key = []byte("device key")
	answer := a.Get(signed)
	for name, change := range map[string]func(*passkey.Challenge){
		"another purpose":  func(c *passkey.Challenge) { c.Purpose = passkey.PurposeSignIn },
		"another practice": func(c *passkey.Challenge) { c.Practice = "hilltop" },
		"another person":   func(c *passkey.Challenge) { c.Person = "p_sam" },
		"another nonce":    func(c *passkey.Challenge) { c.Nonce = "n2" },
		"another device":   func(c *passkey.Challenge) { c.Key = []byte("ghost key") },
	} {
		other := signed
		change(&other)
		if _, err := site.Verify(other, answer, c); !errors.Is(err, passkey.ErrRefused) {
			t.Errorf("%s: the hub takes it: %v", name, err)
		}
		if err := passkey.VerifyKey(other, answer, c.Key); !errors.Is(err, passkey.ErrRefused) {
			t.Errorf("%s: the keeper takes it: %v", name, err)
		}
	}
	if err := passkey.VerifyKey(signed, stranger.Get(signed), c.Key); !errors.Is(err, passkey.ErrRefused) {
		t.Errorf("another passkey's signature: %v", err)
	}
	unverified := *a
	unverified.Unverified = true
	if err := passkey.VerifyKey(signed, unverified.Get(signed), c.Key); !errors.Is(err, passkey.ErrRefused) {
		t.Errorf("nobody was verified: %v", err)
	}
	c.Counter = 9
	if _, err := site.Verify(signed, answer, c); !errors.Is(err, passkey.ErrCopied) {
		t.Errorf("a counter that went back: %v", err)
	}
}

func TestSiteOf(t *testing.T) {
	s, err := passkey.SiteOf([]string{"http://localhost:8480"})
	if err != nil || s.ID != "localhost" {
		t.Error(s, err)
	}
	for _, bad := range [][]string{nil, {""}, {"localhost"}, {"https://"}} {
		if _, err := passkey.SiteOf(bad); err == nil {
			t.Errorf("%q is a site", bad)
		}
	}
}

// FuzzVerify: whatever a browser sends is refused with a typed error, not a
// crash.
func FuzzVerify(f *testing.F) {
	a := passkeytest.New(site.ID, site.Origins[0])
	c := challenge(passkey.PurposeRegister)
	r := a.Create(c, "p_dana")
	got := a.Get(c)
	f.Add(r.ClientData, r.Attestation)
	f.Add(got.ClientData, got.Data)
	f.Fuzz(func(t *testing.T, client, data []byte) {
		if _, err := site.Register(c, passkey.Registration{Credential: a.ID, ClientData: client, Attestation: data}); err != nil && !errors.Is(err, passkey.ErrRefused) {
			t.Errorf("untyped: %v", err)
		}
		as := passkey.Assertion{Credential: a.ID, ClientData: client, Data: data, Signature: got.Signature}
		signed := bytes.Equal(client, got.ClientData) && bytes.Equal(data, got.Data)
		_, hub := site.Verify(c, as, passkey.Credential{ID: a.ID, Key: a.Key()})
		for _, err := range []error{hub, passkey.VerifyKey(c, as, a.Key())} {
			if (err == nil) != signed || err != nil && !errors.Is(err, passkey.ErrRefused) {
				t.Errorf("untyped or good: %v", err)
			}
		}
	})
}
