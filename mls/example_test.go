package mls_test

import (
	"fmt"

	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// Alice founds a group, adds Bob, and writes to him.
func Example() {
	if err := aliceAndBob(); err != nil {
		fmt.Println(err)
	}
	// Output: Alice: How are you?
}

func aliceAndBob() error {
	s, err := suite.Lookup(suite.MLKEM768P256)
	if err != nil {
		return err
	}
	cfg := mls.Config{Credentials: mls.AnyCredential{}} // authenticates nobody

	// Bob leaves a key package with the delivery service.
	bobSigner, err := s.NewSigner()
	if err != nil {
		return err
	}
	bobKey, err := mls.NewKeyPackage(cfg, s, bobSigner, wire.BasicCredential([]byte("Bob")), mls.KeyPackageOptions{})
	if err != nil {
		return err
	}

	// Alice adds him. Her commit counts once the delivery service took it.
	aliceSigner, err := s.NewSigner()
	if err != nil {
		return err
	}
	alice, err := mls.Create(cfg, s, []byte("a group"), aliceSigner, wire.BasicCredential([]byte("Alice")), mls.CreateOptions{})
	if err != nil {
		return err
	}
	pending, err := alice.Commit(mls.CommitOptions{Add: []*wire.KeyPackage{bobKey.Package()}})
	if err != nil {
		return err
	}
	if err := alice.MergePending(); err != nil {
		return err
	}
	bob, err := mls.Join(cfg, bobSigner, bobKey, pending.Welcome, mls.JoinOptions{})
	if err != nil {
		return err
	}
	bobKey.Wipe() // it has done its work

	message, err := alice.Seal([]byte("How are you?"), nil)
	if err != nil {
		return err
	}
	event, err := bob.Receive(message)
	if err != nil {
		return err
	}
	if m, ok := event.(*mls.Application); ok {
		fmt.Printf("%s: %s\n", m.Member.Credential.Identity, m.Data)
	}
	return nil
}
