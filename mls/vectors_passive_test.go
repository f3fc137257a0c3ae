package mls

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/internal/vectors"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

type passiveCase struct {
	CipherSuite  suite.ID `json:"cipher_suite"`
	ExternalPSKs []struct {
		ID  vectors.Bytes `json:"psk_id"`
		PSK vectors.Bytes `json:"psk"`
	} `json:"external_psks"`
	KeyPackage     vectors.Bytes  `json:"key_package"`
	SignaturePriv  vectors.Bytes  `json:"signature_priv"`
	EncryptionPriv vectors.Bytes  `json:"encryption_priv"`
	InitPriv       vectors.Bytes  `json:"init_priv"`
	Welcome        vectors.Bytes  `json:"welcome"`
	RatchetTree    *vectors.Bytes `json:"ratchet_tree"`
	Authenticator  vectors.Bytes  `json:"initial_epoch_authenticator"`
	Epochs         []struct {
		Proposals     []vectors.Bytes
		Commit        vectors.Bytes
		Authenticator vectors.Bytes `json:"epoch_authenticator"`
	}
}

// join returns the group of the case, joined.
func (c *passiveCase) join(t *testing.T, s *suite.Suite) (*Group, error) {
	t.Helper()
	cfg := Config{
		Credentials: AnyCredential{},
		Now:         func() time.Time { return time.Time{} },
		MaxLifetime: -1,
		PSK: func(id wire.PreSharedKeyID) ([]byte, error) {
			for _, p := range c.ExternalPSKs {
				if id.Type == wire.PSKExternal && bytes.Equal(p.ID, id.ID) {
					return p.PSK, nil
				}
			}
			return nil, errors.New("not among the vector's")
		},
	}
	m, err := wire.ParseMessage(c.KeyPackage)
	if err != nil {
		t.Fatal(err)
	}
	kp, err := newKeyPackageSecret(m.KeyPackage, c.InitPriv, c.EncryptionPriv)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := s.ParseSigner(c.SignaturePriv)
	if err != nil {
		t.Fatal(err)
	}
	var opt JoinOptions
	if c.RatchetTree != nil {
		opt.RatchetTree = *c.RatchetTree
	}
	return Join(cfg, signer, kp, c.Welcome, opt)
}

// run plays the case from the welcome to the last commit. Between epochs the
// state is saved and restored.
func (c *passiveCase) run(t *testing.T, s *suite.Suite) {
	g, err := c.join(t, s)
	if err != nil {
		t.Fatal(err)
	}
	wantBytes(t, "epoch authenticator", g.Authenticator(), c.Authenticator)
	for i, e := range c.Epochs {
		for _, p := range e.Proposals {
			if _, err := g.Receive(p); err != nil {
				t.Fatalf("epoch %d: proposal: %v", i, err)
			}
		}
		if i%8 == 0 {
			state, err := g.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			if g, err = Restore(g.cfg, g.signer, state); err != nil {
				t.Fatal(err)
			}
		}
		event, err := g.Receive(e.Commit)
		if err != nil {
			t.Fatalf("epoch %d: commit: %v", i, err)
		}
		if err := g.Merge(event.(*Staged)); err != nil {
			t.Fatal(err)
		}
		wantBytes(t, "epoch authenticator", g.Authenticator(), e.Authenticator)
	}
}

func testPassive(t *testing.T, file string) {
	var cases []passiveCase
	vectors.Load(t, file, &cases)
	for n, c := range cases {
		forSuite(t, c.CipherSuite, n, func(t *testing.T, s *suite.Suite) { c.run(t, s) })
	}
}

func TestVectorsPassiveWelcome(t *testing.T) { testPassive(t, "passive-client-welcome.json") }

func TestVectorsPassiveCommit(t *testing.T) { testPassive(t, "passive-client-handling-commit.json") }

func TestVectorsPassiveRandom(t *testing.T)          { testPassive(t, "passive-client-random.json") }
func TestVectorsTranscriptApplication(t *testing.T)  { testPassive(t, "passive/application.json") }
func TestVectorsTranscriptCommit(t *testing.T)       { testPassive(t, "passive/commit.json") }
func TestVectorsTranscriptExternalJoin(t *testing.T) { testPassive(t, "passive/external_join.json") }

func TestVectorsTranscriptProposals(t *testing.T)   { testPassive(t, "passive/external_proposals.json") }
func TestVectorsTranscriptWelcomeJoin(t *testing.T) { testPassive(t, "passive/welcome_join.json") }
func TestVectorsTranscriptReInit(t *testing.T)      { testPassive(t, "passive/reinit.json") }
func TestVectorsTranscriptBranch(t *testing.T)      { testPassive(t, "passive/branch.json") }

func TestVectorsWelcome(t *testing.T) {
	var cases []struct {
		CipherSuite suite.ID      `json:"cipher_suite"`
		InitPriv    vectors.Bytes `json:"init_priv"`
		KeyPackage  vectors.Bytes `json:"key_package"`
		SignerPub   vectors.Bytes `json:"signer_pub"`
		Welcome     vectors.Bytes
	}
	vectors.Load(t, "welcome.json", &cases)
	for n, c := range cases {
		forSuite(t, c.CipherSuite, n, func(t *testing.T, s *suite.Suite) {
			pkg, err := wire.ParseMessage(c.KeyPackage)
			if err != nil {
				t.Fatal(err)
			}
			m, err := wire.ParseMessage(c.Welcome)
			if err != nil {
				t.Fatal(err)
			}
			initKey, err := secret.ParseKeyPair(s, c.InitPriv)
			if err != nil {
				t.Fatal(err)
			}
			wantBytes(t, "init key", initKey.Public, pkg.KeyPackage.InitKey)
			secrets, err := openGroupSecrets(s, &KeyPackageSecret{pkg: pkg.KeyPackage, ref: pkg.KeyPackage.Ref(s), init: initKey}, m.Welcome)
			if err != nil {
				t.Fatal(err)
			}
			psk, err := pskSecret(s, nil)
			if err != nil {
				t.Fatal(err)
			}
			info, err := openGroupInfo(s, m.Welcome, secrets.JoinerSecret, psk)
			if err != nil {
				t.Fatal(err)
			}
			if err := info.Verify(s, c.SignerPub); err != nil {
				t.Error(err)
			}
			epoch, err := deriveEpoch(s, secrets.JoinerSecret, psk, &info.Context)
			if err != nil {
				t.Fatal(err)
			}
			wantBytes(t, "confirmation tag", epoch.confirmationTag(s, info.Context.ConfirmedTranscriptHash), info.ConfirmationTag)
		})
	}
}
