package device

import (
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/wire"
)

// The hub may propose to a conversation's members that somebody be removed: it
// is named in the group as an external sender (RFC 9420, section 12.1.8.1). A
// proposal changes nothing. The keeper commits it or does not, and all other
// proposals are refused, the hub's and members' alike.

// hubCredential names the hub among a group's external senders.
const hubCredential = "sotto hub"

// senders returns the extension of a new group that names the hub.
func (e *Engine) senders() wire.Extensions {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.removal) == 0 {
		return nil
	}
	return wire.Extensions{wire.ExternalSendersExtension([]wire.ExternalSender{
		{SignatureKey: e.removal, Credential: wire.BasicCredential([]byte(hubCredential))},
	})}
}

// ValidateExternalSender lets the hub be named, and nobody else. With this it
// can propose; to be a member takes a certificate.
func (v validator) ValidateExternalSender(c wire.Credential, _ []byte) error {
	if c.Type != wire.CredentialBasic || string(c.Identity) != hubCredential {
		return certificate.ErrMalformed
	}
	return nil
}

// removalByHub reports whether a message is what the hub may propose. Whether it
// is the hub's the group checks.
func removalByHub(m *wire.PublicMessage) bool {
	if m.Content.Type != wire.ContentProposal || m.Content.Sender.Type != wire.SenderExternal {
		return false
	}
	_, removal := m.Content.Proposal.(*wire.Remove)
	return removal
}

// proposedRemovals returns the leaves whose removal the hub has proposed in the
// present epoch.
func proposedRemovals(g *mls.Group) map[wire.LeafIndex]bool {
	leaves := map[wire.LeafIndex]bool{}
	for _, p := range g.Proposals() {
		if r, ok := p.(*wire.Remove); ok {
			leaves[r.Removed] = true
		}
	}
	return leaves
}

// byReference makes a commit's removals those that the hub has proposed, if it
// has proposed no others.
func byReference(o *mls.CommitOptions, proposed map[wire.LeafIndex]bool) {
	if len(proposed) == 0 {
		return
	}
	var byValue []wire.LeafIndex
	found := 0
	for _, leaf := range o.Remove {
		if proposed[leaf] {
			found++
		} else {
			byValue = append(byValue, leaf)
		}
	}
	if found == len(proposed) {
		o.Remove, o.OnlyThese = byValue, false
	}
}
