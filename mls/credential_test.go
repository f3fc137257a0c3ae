package mls_test

import (
	"testing"

	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// TestNoChainsByDefault: who lists no X.509 credentials, which nobody does
// without saying so, meets none: whether a chain is good is never asked.
func TestNoChainsByDefault(t *testing.T) {
	founder, eve := newClient(t, lookup(t, suite.X25519AES128), "founder"), newClient(t, lookup(t, suite.X25519AES128), "eve")
	founder.create()
	eve.cred = wire.X509Credential([][]byte{{1}})
	listed := founder.keyPackage().Package().Leaf.Capabilities
	listed.Credentials = append(listed.Credentials, wire.CredentialX509)
	for name, capabilities := range map[string]*wire.Capabilities{"not listed by its owner": nil, "listed by its owner alone": &listed} {
		k, err := mls.NewKeyPackage(eve.cfg, eve.suite, eve.signer, eve.cred, mls.KeyPackageOptions{Capabilities: capabilities})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := founder.group.Commit(mls.CommitOptions{Add: []*wire.KeyPackage{k.Package()}}); err == nil {
			t.Errorf("a chain is taken, %s", name)
		}
	}
}
