package delivery_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/delivery"
	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/internal/vectors"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// A transcript is a group as one member lived it, recorded by other
// implementations.
type transcript struct {
	Suite suite.ID `json:"cipher_suite"`
	PSKs  []struct {
		ID  vectors.Bytes `json:"psk_id"`
		PSK vectors.Bytes `json:"psk"`
	} `json:"external_psks"`
	KeyPackage     vectors.Bytes  `json:"key_package"`
	SignaturePriv  vectors.Bytes  `json:"signature_priv"`
	EncryptionPriv vectors.Bytes  `json:"encryption_priv"`
	InitPriv       vectors.Bytes  `json:"init_priv"`
	Welcome        vectors.Bytes  `json:"welcome"`
	Tree           *vectors.Bytes `json:"ratchet_tree"`
	Epochs         []struct {
		Proposals []vectors.Bytes
		Commit    vectors.Bytes
	}
}

func (c *transcript) join(t *testing.T) *mls.Group {
	t.Helper()
	s, err := suite.Lookup(c.Suite)
	if err != nil {
		return nil
	}
	m, err := wire.ParseMessage(c.KeyPackage)
	if err != nil {
		t.Fatal(err)
	}
	var w codec.Writer
	w.Vector(m.KeyPackage.Marshal())
	w.Vector(c.InitPriv)
	w.Vector(c.EncryptionPriv)
	kp, err := mls.ParseKeyPackageSecret(w.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	signer, err := s.ParseSigner(c.SignaturePriv)
	if err != nil {
		t.Fatal(err)
	}
	var opt mls.JoinOptions
	if c.Tree != nil {
		opt.RatchetTree = *c.Tree
	}
	group, err := mls.Join(mls.Config{
		Credentials: mls.AnyCredential{},
		MaxLifetime: -1,
		PSK: func(id wire.PreSharedKeyID) ([]byte, error) {
			for _, p := range c.PSKs {
				if id.Type == wire.PSKExternal && bytes.Equal(p.ID, id.ID) {
					return p.PSK, nil
				}
			}
			return nil, errors.New("not among the vector's")
		},
	}, signer, kp, c.Welcome, opt)
	if err != nil {
		t.Fatal(err)
	}
	return group
}

// TestTranscripts follows each recorded group that sent its handshakes in
// public, beside the member who recorded it: both see the same in every epoch.
func TestTranscripts(t *testing.T) {
	for file, least := range map[string]int{
		"passive-client-handling-commit.json": 100, "passive-client-random.json": 200, "passive/commit.json": 20,
		"passive/external_join.json": 10, "passive/external_proposals.json": 50,
	} {
		var cases []transcript
		vectors.Load(t, file, &cases)
		followed, private := 0, 0
		for n := range cases {
			group := cases[n].join(t)
			if group == nil {
				continue
			}
			f, err := follow(t, group, &cases[n])
			if errors.Is(err, delivery.ErrNotPublic) {
				private++
			} else if err != nil {
				t.Errorf("%s, case %d, after %d epochs: %v", file, n, f, err)
			}
			followed += f
		}
		t.Logf("%s: %d epochs followed; %d of %d cases go on in private", file, followed, private, len(cases))
		if followed < least {
			t.Errorf("%s: followed %d epochs, want %d", file, followed, least)
		}
	}
}

// follow returns how many epochs of c were followed beside group.
func follow(t *testing.T, group *mls.Group, c *transcript) (epochs int, err error) {
	t.Helper()
	info, err := group.GroupInfo()
	if err != nil {
		return 0, err
	}
	never := func() time.Time { return time.Time{} } // recorded long ago
	public, err := delivery.New(delivery.Config{Credentials: mls.AnyCredential{}, Now: never, MaxLifetime: -1}, info)
	if err != nil {
		return 0, err
	}
	for _, e := range c.Epochs {
		for _, message := range append(append([]vectors.Bytes(nil), e.Proposals...), e.Commit) {
			h, err := public.Check(message)
			if err != nil {
				return epochs, err
			}
			if err := public.Apply(h); err != nil {
				return epochs, err
			}
			event, err := group.Receive(message)
			if err != nil {
				return epochs, err
			}
			if staged, ok := event.(*mls.Staged); ok {
				if err := group.Merge(staged); err != nil {
					return epochs, err
				}
			}
		}
		ours, theirs := public.Context(), group.Context()
		if !bytes.Equal(ours.Marshal(), theirs.Marshal()) {
			return epochs, errors.New("the service and the member see different groups")
		}
		epochs++
	}
	return epochs, nil
}
