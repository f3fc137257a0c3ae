package mls

import (
	"bytes"
	"fmt"

	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/wire"
)

// lookupPSKs returns the pre-shared keys called ids, each from the first of
// sources that has it, and then from the configuration.
func (c *Config) lookupPSKs(ids []wire.PreSharedKeyID, sources ...*Group) ([]pskValue, error) {
	var keys []pskValue
	for _, id := range ids {
		key, err := c.lookupPSK(id, sources)
		if err != nil {
			return nil, err
		}
		keys = append(keys, pskValue{id, key})
	}
	return keys, nil
}

func (c *Config) lookupPSK(id wire.PreSharedKeyID, sources []*Group) ([]byte, error) {
	if id.Type == wire.PSKResumption {
		for _, g := range sources {
			if g == nil || !bytes.Equal(id.GroupID, g.ID()) {
				continue
			}
			if key := g.resumption(id.Epoch); key != nil {
				return key, nil
			}
		}
	}
	if c.PSK == nil {
		return nil, ErrUnknownPSK
	}
	key, err := c.PSK(id)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknownPSK, err)
	}
	return key, nil
}

// resumption returns the resumption key of an epoch of the group, or nil.
func (g *Group) resumption(epoch uint64) []byte {
	if epoch == g.Epoch() {
		return g.secrets.resumption
	}
	for _, r := range g.resumed {
		if r.epoch == epoch {
			return r.key
		}
	}
	return nil
}

// ExternalPSK returns a proposal to mix the external key called id, which all
// members' configurations must know, into the group's secrets.
func (g *Group) ExternalPSK(id []byte) wire.Proposal {
	return &wire.PreSharedKey{ID: wire.PreSharedKeyID{
		Type: wire.PSKExternal, ID: id, Nonce: secret.Random(g.suite.HashSize()),
	}}
}

// ResumptionPSK returns a proposal to mix in the resumption key of an earlier
// epoch of the group called groupID: proof that its sender was there.
func (g *Group) ResumptionPSK(groupID []byte, epoch uint64) wire.Proposal {
	return &wire.PreSharedKey{ID: wire.PreSharedKeyID{
		Type: wire.PSKResumption, Usage: wire.UsageApplication, GroupID: groupID, Epoch: epoch,
		Nonce: secret.Random(g.suite.HashSize()),
	}}
}
