package mls

import (
	"fmt"

	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// epochSecrets is what the key schedule makes of an epoch secret (RFC 9420,
// section 8, table 4).
type epochSecrets struct {
	senderData    []byte
	encryption    []byte // moves into the secret tree
	exporter      []byte
	external      []byte
	confirmation  []byte
	membership    []byte
	resumption    []byte
	authenticator []byte
	init          []byte // of the next epoch
}

// each calls f with every secret, always in the same order.
func (e *epochSecrets) each(f func(label string, secret *[]byte)) {
	f("sender data", &e.senderData)
	f("encryption", &e.encryption)
	f("exporter", &e.exporter)
	f("external", &e.external)
	f("confirm", &e.confirmation)
	f("membership", &e.membership)
	f("resumption", &e.resumption)
	f("authentication", &e.authenticator)
	f("init", &e.init)
}

func (e *epochSecrets) wipe() {
	e.each(func(_ string, s *[]byte) { secret.Wipe(*s) })
}

// takeTree returns the secret tree of the epoch, which has the only copy of the
// encryption secret from then on.
func (e *epochSecrets) takeTree(s *suite.Suite, leaves uint32) *secretTree {
	t := newSecretTree(s, e.encryption, leaves)
	e.encryption = nil
	return t
}

// joinerSecret mixes the commit secret into the init secret of the epoch
// before. context is that of the new epoch.
func joinerSecret(s *suite.Suite, initSecret, commitSecret []byte, context *wire.GroupContext) ([]byte, error) {
	extracted := secret.Extract(s, initSecret, commitSecret)
	defer secret.Wipe(extracted)
	return secret.ExpandWithLabel(s, extracted, "joiner", context.Marshal(), s.HashSize())
}

// welcomeSecret is what a welcome's group info is encrypted under.
func welcomeSecret(s *suite.Suite, joiner, psk []byte) ([]byte, error) {
	member := secret.Extract(s, joiner, psk)
	defer secret.Wipe(member)
	return secret.DeriveSecret(s, member, "welcome")
}

// deriveEpoch computes the secrets of the epoch that context describes.
func deriveEpoch(s *suite.Suite, joiner, psk []byte, context *wire.GroupContext) (*epochSecrets, error) {
	member := secret.Extract(s, joiner, psk)
	defer secret.Wipe(member)
	epoch, err := secret.ExpandWithLabel(s, member, "epoch", context.Marshal(), s.HashSize())
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(epoch)
	return expandEpoch(s, epoch)
}

// expandEpoch computes the secrets that follow from an epoch secret.
func expandEpoch(s *suite.Suite, epoch []byte) (*epochSecrets, error) {
	out := new(epochSecrets)
	var err error
	out.each(func(label string, to *[]byte) {
		if err == nil {
			*to, err = secret.DeriveSecret(s, epoch, label)
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// externalKey is the key pair by which others join from outside (RFC 9420,
// section 8.3).
func (e *epochSecrets) externalKey(s *suite.Suite) (*secret.KeyPair, error) {
	return secret.DeriveKeyPair(s, e.external)
}

// confirmationTag authenticates the transcript (RFC 9420, section 8.1).
func (e *epochSecrets) confirmationTag(s *suite.Suite, confirmedTranscriptHash []byte) []byte {
	return s.MAC(e.confirmation, confirmedTranscriptHash)
}

// export is MLS-Exporter (RFC 9420, section 8.5).
func (e *epochSecrets) export(s *suite.Suite, label string, context []byte, length int) ([]byte, error) {
	derived, err := secret.DeriveSecret(s, e.exporter, label)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(derived)
	return secret.ExpandWithLabel(s, derived, "exported", s.Hash(context), length)
}

// pskValue is a pre-shared key with its id.
type pskValue struct {
	id  wire.PreSharedKeyID
	key []byte
}

// pskSecret combines pre-shared keys (RFC 9420, section 8.4). Without any it is
// all zeros.
func pskSecret(s *suite.Suite, psks []pskValue) ([]byte, error) {
	if len(psks) > 0xffff {
		return nil, fmt.Errorf("mls: %d pre-shared keys", len(psks))
	}
	out := make([]byte, s.HashSize())
	zero := make([]byte, s.HashSize())
	for i, p := range psks {
		extracted := secret.Extract(s, zero, p.key)
		input, err := secret.ExpandWithLabel(s, extracted, "derived psk", p.id.Label(uint16(i), uint16(len(psks))), s.HashSize())
		secret.Wipe(extracted)
		if err != nil {
			return nil, err
		}
		next := secret.Extract(s, input, out)
		secret.Wipe(input, out)
		out = next
	}
	return out, nil
}
