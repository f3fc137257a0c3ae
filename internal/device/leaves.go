package device

import (
	"context"

	"github.com/sotto-health/sotto/internal/certificate"
)

// A Leaf is a device in a conversation's group, by the certificate that it shows
// there. Whether the practice's audit log knows it is for the page to find out.
type Leaf struct {
	Person string
	Device string
	Role   string
	Key    string // as certificate.KeyHash names it
}

// Leaves returns every device that holds the conversation's keys, this one too,
// as the group's own tree has them and not as the hub tells. The error is
// [FailureNotAMember] where this device is in no group.
func (e *Engine) Leaves(ctx context.Context, conversation string) ([]Leaf, error) {
	c, err := e.find(conversation)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(ctx); err != nil {
		return nil, err
	}
	if c.group == nil || c.rec.stage != stageOpen {
		return nil, fail(FailureNotAMember, nil)
	}
	members := c.group.Members()
	leaves := make([]Leaf, len(members))
	for i, m := range members {
		cert, err := certOf(m)
		if err != nil {
			return nil, err
		}
		leaves[i] = Leaf{Person: cert.Person, Device: cert.Device, Role: cert.Role, Key: certificate.KeyHash(m.SignatureKey)}
	}
	return leaves, nil
}
