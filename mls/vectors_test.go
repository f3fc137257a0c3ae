package mls

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/internal/vectors"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// forSuite runs f for a vector of a suite that we offer.
func forSuite(t *testing.T, id suite.ID, n int, f func(*testing.T, *suite.Suite)) {
	t.Helper()
	s, err := suite.Lookup(id)
	if err != nil {
		if id != 4 && id != 6 {
			t.Fatal(err)
		}
		return // X448 and Ed448 are not in the standard library
	}
	t.Run(fmt.Sprintf("suite %d/%d", id, n), func(t *testing.T) { f(t, s) })
}

func wantBytes(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s = %x, want %x", what, got, want)
	}
}

func TestVectorsKeySchedule(t *testing.T) {
	type exporter struct {
		Label           string
		Context, Secret vectors.Bytes
		Length          int
	}
	type epochCase struct {
		GroupContext            vectors.Bytes `json:"group_context"`
		TreeHash                vectors.Bytes `json:"tree_hash"`
		CommitSecret            vectors.Bytes `json:"commit_secret"`
		PSKSecret               vectors.Bytes `json:"psk_secret"`
		ConfirmedTranscriptHash vectors.Bytes `json:"confirmed_transcript_hash"`
		JoinerSecret            vectors.Bytes `json:"joiner_secret"`
		WelcomeSecret           vectors.Bytes `json:"welcome_secret"`
		InitSecret              vectors.Bytes `json:"init_secret"`
		SenderDataSecret        vectors.Bytes `json:"sender_data_secret"`
		EncryptionSecret        vectors.Bytes `json:"encryption_secret"`
		ExporterSecret          vectors.Bytes `json:"exporter_secret"`
		EpochAuthenticator      vectors.Bytes `json:"epoch_authenticator"`
		ExternalSecret          vectors.Bytes `json:"external_secret"`
		ConfirmationKey         vectors.Bytes `json:"confirmation_key"`
		MembershipKey           vectors.Bytes `json:"membership_key"`
		ResumptionPSK           vectors.Bytes `json:"resumption_psk"`
		ExternalPub             vectors.Bytes `json:"external_pub"`
		Exporter                exporter
	}
	var cases []struct {
		CipherSuite       suite.ID      `json:"cipher_suite"`
		GroupID           vectors.Bytes `json:"group_id"`
		InitialInitSecret vectors.Bytes `json:"initial_init_secret"`
		Epochs            []epochCase
	}
	vectors.Load(t, "key-schedule.json", &cases)
	for n, c := range cases {
		forSuite(t, c.CipherSuite, n, func(t *testing.T, s *suite.Suite) {
			initSecret := []byte(c.InitialInitSecret)
			for i, e := range c.Epochs {
				context := &wire.GroupContext{
					Version: wire.MLS10, Suite: s.ID(), GroupID: c.GroupID, Epoch: uint64(i),
					TreeHash: e.TreeHash, ConfirmedTranscriptHash: e.ConfirmedTranscriptHash,
				}
				wantBytes(t, "group context", context.Marshal(), e.GroupContext)
				joiner, err := joinerSecret(s, initSecret, e.CommitSecret, context)
				if err != nil {
					t.Fatal(err)
				}
				wantBytes(t, "joiner secret", joiner, e.JoinerSecret)
				welcome, err := welcomeSecret(s, joiner, e.PSKSecret)
				if err != nil {
					t.Fatal(err)
				}
				wantBytes(t, "welcome secret", welcome, e.WelcomeSecret)
				got, err := deriveEpoch(s, joiner, e.PSKSecret, context)
				if err != nil {
					t.Fatal(err)
				}
				wantBytes(t, "init secret", got.init, e.InitSecret)
				wantBytes(t, "sender data secret", got.senderData, e.SenderDataSecret)
				wantBytes(t, "encryption secret", got.encryption, e.EncryptionSecret)
				wantBytes(t, "exporter secret", got.exporter, e.ExporterSecret)
				wantBytes(t, "epoch authenticator", got.authenticator, e.EpochAuthenticator)
				wantBytes(t, "external secret", got.external, e.ExternalSecret)
				wantBytes(t, "confirmation key", got.confirmation, e.ConfirmationKey)
				wantBytes(t, "membership key", got.membership, e.MembershipKey)
				wantBytes(t, "resumption psk", got.resumption, e.ResumptionPSK)
				external, err := got.externalKey(s)
				if err != nil {
					t.Fatal(err)
				}
				wantBytes(t, "external pub", external.Public, e.ExternalPub)
				exported, err := got.export(s, e.Exporter.Label, e.Exporter.Context, e.Exporter.Length)
				if err != nil {
					t.Fatal(err)
				}
				wantBytes(t, "exported", exported, e.Exporter.Secret)
				initSecret = got.init
			}
		})
	}
}

func TestVectorsPSKSecret(t *testing.T) {
	var cases []struct {
		CipherSuite suite.ID `json:"cipher_suite"`
		PSKs        []struct {
			ID    vectors.Bytes `json:"psk_id"`
			PSK   vectors.Bytes `json:"psk"`
			Nonce vectors.Bytes `json:"psk_nonce"`
		} `json:"psks"`
		PSKSecret vectors.Bytes `json:"psk_secret"`
	}
	vectors.Load(t, "psk_secret.json", &cases)
	for n, c := range cases {
		forSuite(t, c.CipherSuite, n, func(t *testing.T, s *suite.Suite) {
			var psks []pskValue
			for _, p := range c.PSKs {
				psks = append(psks, pskValue{wire.PreSharedKeyID{Type: wire.PSKExternal, ID: p.ID, Nonce: p.Nonce}, p.PSK})
			}
			got, err := pskSecret(s, psks)
			if err != nil {
				t.Fatal(err)
			}
			wantBytes(t, "psk secret", got, c.PSKSecret)
		})
	}
}

func TestVectorsTranscriptHashes(t *testing.T) {
	var cases []struct {
		CipherSuite                  suite.ID      `json:"cipher_suite"`
		ConfirmationKey              vectors.Bytes `json:"confirmation_key"`
		AuthenticatedContent         vectors.Bytes `json:"authenticated_content"`
		InterimTranscriptHashBefore  vectors.Bytes `json:"interim_transcript_hash_before"`
		ConfirmedTranscriptHashAfter vectors.Bytes `json:"confirmed_transcript_hash_after"`
		InterimTranscriptHashAfter   vectors.Bytes `json:"interim_transcript_hash_after"`
	}
	vectors.Load(t, "transcript-hashes.json", &cases)
	for n, c := range cases {
		forSuite(t, c.CipherSuite, n, func(t *testing.T, s *suite.Suite) {
			a, err := wire.ParseAuthenticatedContent(c.AuthenticatedContent)
			if err != nil {
				t.Fatal(err)
			}
			confirmed := a.ConfirmedTranscriptHash(s, c.InterimTranscriptHashBefore)
			wantBytes(t, "confirmed transcript hash", confirmed, c.ConfirmedTranscriptHashAfter)
			secrets := &epochSecrets{confirmation: c.ConfirmationKey}
			wantBytes(t, "confirmation tag", secrets.confirmationTag(s, confirmed), a.ConfirmationTag)
			interim := wire.InterimTranscriptHash(s, confirmed, a.ConfirmationTag)
			wantBytes(t, "interim transcript hash", interim, c.InterimTranscriptHashAfter)
		})
	}
}

func TestVectorsSecretTree(t *testing.T) {
	var cases []struct {
		CipherSuite      suite.ID      `json:"cipher_suite"`
		EncryptionSecret vectors.Bytes `json:"encryption_secret"`
		SenderData       struct {
			Secret     vectors.Bytes `json:"sender_data_secret"`
			Ciphertext vectors.Bytes
			Key, Nonce vectors.Bytes
		} `json:"sender_data"`
		Leaves [][]struct {
			Generation       uint32
			ApplicationKey   vectors.Bytes `json:"application_key"`
			ApplicationNonce vectors.Bytes `json:"application_nonce"`
			HandshakeKey     vectors.Bytes `json:"handshake_key"`
			HandshakeNonce   vectors.Bytes `json:"handshake_nonce"`
		}
	}
	vectors.Load(t, "secret-tree.json", &cases)
	for n, c := range cases {
		forSuite(t, c.CipherSuite, n, func(t *testing.T, s *suite.Suite) {
			key, err := senderDataKey(s, c.SenderData.Secret, c.SenderData.Ciphertext)
			if err != nil {
				t.Fatal(err)
			}
			wantBytes(t, "sender data key", key.key, c.SenderData.Key)
			wantBytes(t, "sender data nonce", key.nonce, c.SenderData.Nonce)
			tree := newSecretTree(s, c.EncryptionSecret, uint32(len(c.Leaves)))
			// From the last leaf to the first, and from the last generation to
			// the first: nothing depends on the order.
			for leaf := len(c.Leaves) - 1; leaf >= 0; leaf-- {
				generations := c.Leaves[leaf]
				for g := len(generations) - 1; g >= 0; g-- {
					want := generations[g]
					for chain, keys := range [][2][]byte{
						handshakeRatchet:   {want.HandshakeKey, want.HandshakeNonce},
						applicationRatchet: {want.ApplicationKey, want.ApplicationNonce},
					} {
						got, err := tree.take(wire.LeafIndex(leaf), chain, want.Generation, 1024)
						if err != nil {
							t.Fatal(err)
						}
						wantBytes(t, "key", got.key, keys[0])
						wantBytes(t, "nonce", got.nonce, keys[1])
						got.use()
					}
				}
			}
			if len(tree.nodes) != 0 {
				t.Errorf("%d node secrets are left", len(tree.nodes))
			}
		})
	}
}

func TestVectorsMessageProtection(t *testing.T) {
	var cases []struct {
		CipherSuite             suite.ID      `json:"cipher_suite"`
		GroupID                 vectors.Bytes `json:"group_id"`
		Epoch                   uint64
		TreeHash                vectors.Bytes `json:"tree_hash"`
		ConfirmedTranscriptHash vectors.Bytes `json:"confirmed_transcript_hash"`
		SignaturePriv           vectors.Bytes `json:"signature_priv"`
		SignaturePub            vectors.Bytes `json:"signature_pub"`
		EncryptionSecret        vectors.Bytes `json:"encryption_secret"`
		SenderDataSecret        vectors.Bytes `json:"sender_data_secret"`
		MembershipKey           vectors.Bytes `json:"membership_key"`
		Proposal                vectors.Bytes
		ProposalPriv            vectors.Bytes `json:"proposal_priv"`
		ProposalPub             vectors.Bytes `json:"proposal_pub"`
		Commit                  vectors.Bytes
		CommitPriv              vectors.Bytes `json:"commit_priv"`
		CommitPub               vectors.Bytes `json:"commit_pub"`
		Application             vectors.Bytes
		ApplicationPriv         vectors.Bytes `json:"application_priv"`
	}
	vectors.Load(t, "message-protection.json", &cases)
	for n, c := range cases {
		forSuite(t, c.CipherSuite, n, func(t *testing.T, s *suite.Suite) {
			context := &wire.GroupContext{
				Version: wire.MLS10, Suite: s.ID(), GroupID: c.GroupID, Epoch: c.Epoch,
				TreeHash: c.TreeHash, ConfirmedTranscriptHash: c.ConfirmedTranscriptHash,
			}
			signer, err := s.ParseSigner(c.SignaturePriv)
			if err != nil {
				t.Fatal(err)
			}
			newTree := func() *secretTree { return newSecretTree(s, bytes.Clone(c.EncryptionSecret), 2) }
			body := func(a *wire.AuthenticatedContent) []byte {
				switch a.Content.Type {
				case wire.ContentProposal:
					return wire.MarshalProposal(a.Content.Proposal)
				case wire.ContentCommit:
					return a.Content.Commit.Marshal()
				}
				return a.Content.Application
			}
			openPub := func(b []byte) *wire.AuthenticatedContent {
				m, err := wire.ParseMessage(b)
				if err != nil {
					t.Fatal(err)
				}
				if err := checkMembership(s, m.Public, context, c.MembershipKey); err != nil {
					t.Error(err)
				}
				if err := checkMembership(s, m.Public, context, c.EncryptionSecret); err == nil {
					t.Error("the membership tag is not checked")
				}
				if err := m.Public.Verify(s, c.SignaturePub, context); err != nil {
					t.Error(err)
				}
				return &m.Public.AuthenticatedContent
			}
			openPriv := func(tree *secretTree, b []byte) *wire.AuthenticatedContent {
				m, err := wire.ParseMessage(b)
				if err != nil {
					t.Fatal(err)
				}
				data, err := openSenderData(s, m.Private, c.SenderDataSecret)
				if err != nil {
					t.Fatal(err)
				}
				o, err := openPrivate(s, m.Private, data, tree, 1024)
				if err != nil {
					t.Fatal(err)
				}
				o.key.use()
				if err := o.content.Verify(s, c.SignaturePub, context); err != nil {
					t.Error(err)
				}
				return o.content
			}
			wantBytes(t, "public proposal", body(openPub(c.ProposalPub)), c.Proposal)
			wantBytes(t, "private proposal", body(openPriv(newTree(), c.ProposalPriv)), c.Proposal)
			wantBytes(t, "public commit", body(openPub(c.CommitPub)), c.Commit)
			wantBytes(t, "private commit", body(openPriv(newTree(), c.CommitPriv)), c.Commit)
			wantBytes(t, "application", body(openPriv(newTree(), c.ApplicationPriv)), c.Application)

			// And back: what we protect opens again.
			from, to := newTree(), newTree()
			for _, content := range []wire.FramedContent{
				openPub(c.ProposalPub).Content, openPub(c.CommitPub).Content,
				{GroupID: c.GroupID, Epoch: c.Epoch, Sender: wire.Sender{Type: wire.SenderMember, Leaf: 1}, Type: wire.ContentApplication, Application: c.Application},
			} {
				a := &wire.AuthenticatedContent{Format: wire.FormatPrivate, Content: content, ConfirmationTag: secret.Random(s.HashSize())}
				if err := a.Sign(s, signer, context); err != nil {
					t.Fatal(err)
				}
				m, err := protectPrivate(s, a, from, c.SenderDataSecret, padToBucket)
				if err != nil {
					t.Fatal(err)
				}
				wantBytes(t, "our own", body(openPriv(to, (&wire.Message{Private: m}).Marshal())), body(a))
				if content.Type == wire.ContentApplication {
					continue
				}
				a.Format = wire.FormatPublic
				if err := a.Sign(s, signer, context); err != nil {
					t.Fatal(err)
				}
				p := protectPublic(s, a, context, c.MembershipKey)
				wantBytes(t, "our own", body(openPub((&wire.Message{Public: p}).Marshal())), body(a))
			}
		})
	}
}
