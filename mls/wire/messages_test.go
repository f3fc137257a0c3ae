package wire_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/sotto-health/sotto/mls/internal/vectors"
	"github.com/sotto-health/sotto/mls/wire"
)

// TestMessagesRoundTrip reads every structure of messages.json and writes the
// same bytes again. A longer or shorter input is refused.
func TestMessagesRoundTrip(t *testing.T) {
	var cases []map[string]vectors.Bytes
	vectors.Load(t, "messages.json", &cases)
	proposal := func(kind wire.ProposalType) func([]byte) ([]byte, error) {
		return func(b []byte) ([]byte, error) {
			p, err := wire.ParseProposal(append(binary.BigEndian.AppendUint16(nil, uint16(kind)), b...))
			if err != nil {
				return nil, err
			}
			return wire.MarshalProposal(p)[2:], nil
		}
	}
	message := func(b []byte) ([]byte, error) {
		m, err := wire.ParseMessage(b)
		if err != nil {
			return nil, err
		}
		return m.Marshal(), nil
	}
	kinds := map[string]func([]byte) ([]byte, error){
		"mls_welcome":                message,
		"mls_group_info":             message,
		"mls_key_package":            message,
		"public_message_application": message,
		"public_message_proposal":    message,
		"public_message_commit":      message,
		"private_message":            message,
		"ratchet_tree": func(b []byte) ([]byte, error) {
			nodes, err := wire.ParseNodes(b)
			if err != nil {
				return nil, err
			}
			return wire.MarshalNodes(nodes), nil
		},
		"group_secrets": func(b []byte) ([]byte, error) {
			g, err := wire.ParseGroupSecrets(b)
			if err != nil {
				return nil, err
			}
			return g.Marshal(), nil
		},
		"commit": func(b []byte) ([]byte, error) {
			c, err := wire.ParseCommit(b)
			if err != nil {
				return nil, err
			}
			return c.Marshal(), nil
		},
		"add_proposal":                      proposal(wire.ProposalAdd),
		"update_proposal":                   proposal(wire.ProposalUpdate),
		"remove_proposal":                   proposal(wire.ProposalRemove),
		"pre_shared_key_proposal":           proposal(wire.ProposalPreSharedKey),
		"re_init_proposal":                  proposal(wire.ProposalReInit),
		"external_init_proposal":            proposal(wire.ProposalExternalInit),
		"group_context_extensions_proposal": proposal(wire.ProposalGroupContextExtensions),
	}
	for i, c := range cases {
		for name, in := range c {
			again, known := kinds[name]
			if !known {
				t.Fatalf("case %d: %q is not tested", i, name)
			}
			out, err := again(in)
			if err != nil {
				t.Errorf("case %d: %s: %v", i, name, err)
			} else if !bytes.Equal(out, in) {
				t.Errorf("case %d: %s comes out as other bytes", i, name)
			}
			if i > 20 {
				continue
			}
			if _, err := again(append(bytes.Clone(in), 0)); err == nil {
				t.Errorf("case %d: %s: a trailing byte is accepted", i, name)
			}
			for n := range in {
				if _, err := again(in[:n]); err == nil && n < len(in) {
					t.Errorf("case %d: %s: %d of %d bytes are accepted", i, name, n, len(in))
				}
			}
		}
	}
}
