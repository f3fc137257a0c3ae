package mls

import (
	"time"

	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// DefaultLifetime is how long a key package may be used.
const DefaultLifetime = 90 * 24 * time.Hour

// clockSkew is by how much a key package's lifetime begins before it is made,
// for the sake of others whose clocks are behind.
const clockSkew = time.Hour

// KeyPackageOptions are the choices in making a key package. The zero value is
// good.
type KeyPackageOptions struct {
	Lifetime       time.Duration      // zero means DefaultLifetime; others refuse more than their MaxLifetime
	LastResort     bool               // the package may be used more than once
	Extensions     wire.Extensions    // of the key package
	LeafExtensions wire.Extensions    // of the leaf; the capabilities must list them
	Capabilities   *wire.Capabilities // nil means all that this package supports
}

// A KeyPackageSecret is a key package with the private keys to join by it.
type KeyPackageSecret struct {
	pkg  *wire.KeyPackage
	ref  []byte
	init *secret.KeyPair
	leaf *secret.KeyPair
}

// NewKeyPackage makes a key package for the suite s. It is signed by signer,
// with which the group that it leads to is joined.
func NewKeyPackage(cfg Config, s *suite.Suite, signer suite.Signer, cred wire.Credential, opt KeyPackageOptions) (*KeyPackageSecret, error) {
	leaf, pair, err := newLeaf(&cfg, s, signer, cred, opt.Capabilities, opt.LeafExtensions, opt.Lifetime)
	if err != nil {
		return nil, err
	}
	initKey, err := secret.GenerateKeyPair(s)
	if err != nil {
		return nil, err
	}
	k := &wire.KeyPackage{Version: wire.MLS10, Suite: s.ID(), InitKey: initKey.Public, Leaf: leaf, Extensions: opt.Extensions}
	if opt.LastResort && !k.LastResort() {
		k.Extensions = append(append(wire.Extensions(nil), k.Extensions...), wire.Extension{Type: wire.ExtensionLastResort})
	}
	if err := k.Sign(s, signer); err != nil {
		return nil, err
	}
	return &KeyPackageSecret{pkg: k, ref: k.Ref(s), init: initKey, leaf: pair}, nil
}

// newLeaf makes the signed leaf of a key package, or of a group's founder.
func newLeaf(cfg *Config, s *suite.Suite, signer suite.Signer, cred wire.Credential, caps *wire.Capabilities, extensions wire.Extensions, lifetime time.Duration) (*wire.LeafNode, *secret.KeyPair, error) {
	pair, err := secret.GenerateKeyPair(s)
	if err != nil {
		return nil, nil, err
	}
	if lifetime == 0 {
		lifetime = DefaultLifetime
	}
	leaf := &wire.LeafNode{
		EncryptionKey: pair.Public,
		SignatureKey:  signer.Public(),
		Credential:    cred,
		Source:        wire.SourceKeyPackage,
		Lifetime:      wire.Lifetime{NotAfter: 1<<64 - 1},
		Extensions:    extensions,
	}
	if now := cfg.now(); !now.IsZero() {
		leaf.Lifetime = wire.Lifetime{
			NotBefore: uint64(max(0, now.Add(-clockSkew).Unix())),
			NotAfter:  uint64(max(0, now.Add(lifetime).Unix())),
		}
	}
	if caps == nil {
		leaf.Capabilities = defaultCapabilities(s)
	} else {
		leaf.Capabilities = *caps
	}
	if err := leaf.Sign(s, signer, nil, 0); err != nil {
		return nil, nil, err
	}
	return leaf, pair, nil
}

// Package returns the public part, which is given away.
func (k *KeyPackageSecret) Package() *wire.KeyPackage { return k.pkg }

// Message returns the public part as an MLS message.
func (k *KeyPackageSecret) Message() []byte { return (&wire.Message{KeyPackage: k.pkg}).Marshal() }

// Ref returns the reference by which a welcome names the package.
func (k *KeyPackageSecret) Ref() []byte { return k.ref }

// Wipe clears the private keys. A package that is not for last resort is wiped
// once the group it led to is stored.
func (k *KeyPackageSecret) Wipe() {
	k.init.Wipe()
	k.leaf.Wipe()
}

// String hides the keys from print verbs.
func (k KeyPackageSecret) String() string { return "key package secret:redacted" }

// GoString hides the keys from %#v.
func (k KeyPackageSecret) GoString() string { return k.String() }

// Marshal returns all of k. It is secret.
func (k *KeyPackageSecret) Marshal() []byte {
	var w codec.Writer
	w.Vector(k.pkg.Marshal())
	w.Vector(k.init.Private)
	w.Vector(k.leaf.Private)
	return w.Bytes()
}

// ParseKeyPackageSecret reads what [KeyPackageSecret.Marshal] wrote.
func ParseKeyPackageSecret(b []byte) (*KeyPackageSecret, error) {
	r := codec.NewReader(append([]byte(nil), b...))
	pkg, initKey, leafKey := r.Vector(), r.Vector(), r.Vector()
	if err := r.Finish(); err != nil {
		return nil, err
	}
	p, err := wire.ParseKeyPackage(pkg)
	if err != nil {
		return nil, err
	}
	return newKeyPackageSecret(p, initKey, leafKey)
}

// newKeyPackageSecret puts a key package and its private keys together.
func newKeyPackageSecret(p *wire.KeyPackage, initKey, leafKey []byte) (*KeyPackageSecret, error) {
	s, err := suite.Lookup(p.Suite)
	if err != nil {
		return nil, err
	}
	k := &KeyPackageSecret{pkg: p, ref: p.Ref(s)}
	if k.init, err = secret.ParseKeyPair(s, initKey); err != nil {
		return nil, err
	}
	if k.leaf, err = secret.ParseKeyPair(s, leafKey); err != nil {
		return nil, err
	}
	if !suite.Equal(k.init.Public, p.InitKey) || !suite.Equal(k.leaf.Public, p.Leaf.EncryptionKey) {
		return nil, suite.ErrBadKey
	}
	return k, nil
}
