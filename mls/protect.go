package mls

import (
	"fmt"

	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// protectPublic makes a public message of signed content. context and
// membership are of the content's epoch.
func protectPublic(s *suite.Suite, a *wire.AuthenticatedContent, context *wire.GroupContext, membership []byte) *wire.PublicMessage {
	m := &wire.PublicMessage{AuthenticatedContent: *a}
	if a.Content.Sender.Type == wire.SenderMember {
		m.MembershipTag = s.MAC(membership, a.MembershipInput(context))
	}
	return m
}

// checkMembership verifies that a public message comes from inside the group
// (RFC 9420, section 6.2), if it says so.
func checkMembership(s *suite.Suite, m *wire.PublicMessage, context *wire.GroupContext, membership []byte) error {
	if m.Content.Sender.Type != wire.SenderMember {
		return nil
	}
	if !s.VerifyMAC(membership, m.MembershipInput(context), m.MembershipTag) {
		return fmt.Errorf("%w: membership tag", ErrUnauthenticated)
	}
	return nil
}

// protectPrivate encrypts signed content of a member (RFC 9420, section 6.3).
// The key it takes is gone, whatever happens to the message.
func protectPrivate(s *suite.Suite, a *wire.AuthenticatedContent, tree *secretTree, senderData []byte, padding func(int) int) (*wire.PrivateMessage, error) {
	sender := a.Content.Sender.Leaf
	plaintext := wire.MarshalPrivateContent(a)
	if n := padding(len(plaintext)); n > 0 {
		padded := make([]byte, len(plaintext)+n)
		copy(padded, plaintext)
		secret.Wipe(plaintext)
		plaintext = padded
	}
	defer secret.Wipe(plaintext)
	key, generation, err := tree.next(sender, ratchetFor(a.Content.Type))
	if err != nil {
		return nil, err
	}
	defer key.wipe()
	data := wire.SenderData{Leaf: sender, Generation: generation}
	copy(data.ReuseGuard[:], secret.Random(len(data.ReuseGuard)))
	m := &wire.PrivateMessage{
		GroupID:           a.Content.GroupID,
		Epoch:             a.Content.Epoch,
		Type:              a.Content.Type,
		AuthenticatedData: a.Content.AuthenticatedData,
	}
	m.Ciphertext, err = secret.SealAEAD(s, key.key, guarded(key.nonce, data.ReuseGuard), m.AAD(), plaintext)
	if err != nil {
		return nil, err
	}
	dataKey, err := senderDataKey(s, senderData, m.Ciphertext)
	if err != nil {
		return nil, err
	}
	defer dataKey.wipe()
	m.EncryptedSenderData, err = secret.SealAEAD(s, dataKey.key, dataKey.nonce, m.SenderDataAAD(), data.Marshal())
	if err != nil {
		return nil, err
	}
	return m, nil
}

// An opened message has been decrypted and not yet verified.
type opened struct {
	content    *wire.AuthenticatedContent
	generation uint32
	key        *takenKey // the caller calls use or drop
}

// openSenderData decrypts who sent a private message.
func openSenderData(s *suite.Suite, m *wire.PrivateMessage, senderData []byte) (wire.SenderData, error) {
	key, err := senderDataKey(s, senderData, m.Ciphertext)
	if err != nil {
		return wire.SenderData{}, err
	}
	defer key.wipe()
	plain, err := secret.OpenAEAD(s, key.key, key.nonce, m.SenderDataAAD(), m.EncryptedSenderData)
	if err != nil {
		return wire.SenderData{}, err
	}
	return wire.ParseSenderData(plain)
}

// openPrivate decrypts a private message whose sender data is data.
func openPrivate(s *suite.Suite, m *wire.PrivateMessage, data wire.SenderData, tree *secretTree, forward uint32) (*opened, error) {
	key, err := tree.take(data.Leaf, ratchetFor(m.Type), data.Generation, forward)
	if err != nil {
		return nil, err
	}
	plain, err := secret.OpenAEAD(s, key.key, guarded(key.nonce, data.ReuseGuard), m.AAD(), m.Ciphertext)
	if err != nil {
		key.drop()
		return nil, err
	}
	content, err := wire.ParsePrivateContent(m, data.Leaf, plain)
	if err != nil {
		key.drop()
		return nil, err
	}
	return &opened{content: content, generation: data.Generation, key: key}, nil
}

// guarded returns the nonce with the reuse guard in it (RFC 9420, section
// 6.3.1).
func guarded(nonce []byte, guard [4]byte) []byte {
	out := append([]byte(nil), nonce...)
	for i, b := range guard {
		out[i] ^= b
	}
	return out
}

// senderDataKey returns the key of the sender data beside ciphertext (RFC 9420,
// section 6.3.2).
func senderDataKey(s *suite.Suite, senderData, ciphertext []byte) (k messageKey, err error) {
	sample := ciphertext[:min(len(ciphertext), s.HashSize())]
	if k.key, err = secret.ExpandWithLabel(s, senderData, "key", sample, s.KeySize()); err != nil {
		return messageKey{}, err
	}
	k.nonce, err = secret.ExpandWithLabel(s, senderData, "nonce", sample, s.NonceSize())
	return k, err
}

// paddedSizes are the lengths that content is padded to, in bytes. Eight of
// them tell a watcher little more than "a few words" or "a page".
var paddedSizes = [...]int{256, 512, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10, 64 << 10}

// padToBucket returns how many zeros to add to n bytes of content: up to the
// next of paddedSizes, or above the largest to the next multiple of it.
func padToBucket(n int) int {
	for _, size := range paddedSizes {
		if n <= size {
			return size - n
		}
	}
	largest := paddedSizes[len(paddedSizes)-1]
	return (largest - n%largest) % largest
}
