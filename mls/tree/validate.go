package tree

import (
	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/wire"
)

// CheckLeaf checks what RFC 9420, section 7.3, asks of leaf, which stands or
// will stand at i in the group groupID with the group context extensions
// extensions: its signature, its keys and its capabilities. It does not check
// the credential, the lifetime or the source, which depend on where the leaf
// came from, nor what depends on other members; see [Tree.CheckMembers].
func (t *Tree) CheckLeaf(i wire.LeafIndex, leaf *wire.LeafNode, groupID []byte, extensions wire.Extensions) error {
	if err := leaf.Verify(t.suite, groupID, i); err != nil {
		return rule.Because("7.3-2", err, "signature of leaf %d", i)
	}
	if err := t.suite.CheckEncryptionKey(leaf.EncryptionKey); err != nil {
		return rule.Because("7.3-10", err, "encryption key of leaf %d", i)
	}
	caps := leaf.Capabilities
	// RFC 9420 has no rule that a leaf lists the group's suite, and the official
	// vectors of suite 7 do without: a key package's own field binds it.
	if !caps.HasVersion(wire.MLS10) {
		return rule.Broken("7.3-9", "leaf %d lacks the group's version", i)
	}
	if !caps.HasCredential(leaf.Credential.Type) {
		return rule.Broken("7.3-4", "leaf %d does not list the type of its own credential", i)
	}
	if wire.IsGREASE(uint16(leaf.Credential.Type)) {
		return rule.Broken("13.5-1", "leaf %d has a credential of a GREASE type", i)
	}
	for _, e := range leaf.Extensions {
		if !caps.HasExtension(e.Type) {
			return rule.Broken("7.3-6", "leaf %d does not list its own extension %#04x", i, uint16(e.Type))
		}
	}
	return checkSupport(i, caps, extensions)
}

// checkSupport checks that a member with the capabilities caps can be in a
// group with the given extensions.
func checkSupport(i wire.LeafIndex, caps wire.Capabilities, extensions wire.Extensions) error {
	need, err := extensions.RequiredCapabilities()
	if err != nil {
		return err
	}
	if !caps.Meets(need) {
		return rule.Broken("7.3-3", "leaf %d lacks a required capability", i)
	}
	for _, e := range extensions {
		if !caps.HasExtension(e.Type) {
			return rule.Broken("7.3-3", "leaf %d does not support the group's extension %#04x", i, uint16(e.Type))
		}
	}
	return nil
}

// CheckMembers checks what RFC 9420 asks of all members together: that each
// supports the group context extensions extensions and the credential types of
// all others (section 7.3), and that no two nodes have the same encryption key,
// nor two leaves the same signature key (sections 7.3 and 12.4.3.1).
func (t *Tree) CheckMembers(extensions wire.Extensions) error {
	var types []wire.CredentialType
	signers := make(map[string]struct{})
	for i, leaf := range t.Members() {
		if _, twice := signers[string(leaf.SignatureKey)]; twice {
			return rule.Broken("7.3-8", "signature key of leaf %d is another's", i)
		}
		signers[string(leaf.SignatureKey)] = struct{}{}
		types = addType(types, leaf.Credential.Type)
	}
	for i, leaf := range t.Members() {
		if err := checkSupport(i, leaf.Capabilities, extensions); err != nil {
			return err
		}
		for _, typ := range types {
			if !leaf.Capabilities.HasCredential(typ) {
				return rule.Broken("7.3-4", "leaf %d does not support credentials of type %d, which another uses", i, typ)
			}
		}
	}
	return t.checkKeys()
}

func addType(types []wire.CredentialType, t wire.CredentialType) []wire.CredentialType {
	for _, known := range types {
		if known == t {
			return types
		}
	}
	return append(types, t)
}

// checkKeys checks that no encryption key is in the tree twice.
func (t *Tree) checkKeys() error {
	seen := make(map[string]NodeIndex, len(t.nodes))
	for k := range t.nodes {
		x := NodeIndex(k)
		key := t.EncryptionKey(x)
		if key == nil {
			continue
		}
		if other, twice := seen[string(key)]; twice {
			if !x.IsLeaf() || !other.IsLeaf() {
				return rule.Broken("12.4.3.1-7", "nodes %d and %d have one encryption key", other, x)
			}
			return rule.Broken("7.3-8", "leaves %d and %d have one encryption key", other.Leaf(), x.Leaf())
		}
		seen[string(key)] = x
	}
	return nil
}

// Validate checks the whole tree as somebody who joins must (RFC 9420, section
// 12.4.3.1), but for its hash, which the caller compares with the group
// context's, and the credentials, which the caller validates.
func (t *Tree) Validate(groupID []byte, extensions wire.Extensions) error {
	if t.Leaves() > 1 && t.rightEmpty() {
		return rule.Broken("7.7-1", "tree is larger than its members need")
	}
	// The cheap and structural first: hashing and verifying a tree that lies
	// about its shape is work for nothing.
	if err := t.checkUnmerged(); err != nil {
		return err
	}
	if err := t.CheckMembers(extensions); err != nil {
		return err
	}
	for x := NodeIndex(1); int(x) < len(t.nodes); x += 2 {
		if p := t.nodes[x].Parent; p != nil {
			if err := t.suite.CheckEncryptionKey(p.EncryptionKey); err != nil {
				return rule.Because("7.3-10", err, "encryption key of node %d", x)
			}
		}
	}
	if err := t.checkParentHashes(); err != nil {
		return err
	}
	for i, leaf := range t.Members() {
		if err := t.CheckLeaf(i, leaf, groupID, extensions); err != nil {
			return err
		}
	}
	return nil
}

// rightEmpty reports whether nobody is in the right half of the tree.
func (t *Tree) rightEmpty() bool {
	for x := t.Leaves(); int(x) < len(t.nodes); x += 2 {
		if t.nodes[x].Leaf != nil {
			return false
		}
	}
	return true
}
