package mls

import (
	"time"

	"github.com/sotto-health/sotto/mls/internal/epoch"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// A CredentialValidator judges credentials for the application (RFC 9420,
// section 5.3.1). It is asked about every member of a group that is joined,
// every new member, and every member that changes its keys.
type CredentialValidator = epoch.Validator

// A SuccessorValidator is a [CredentialValidator] that lets members change
// their credentials. With a validator that is none, a member keeps its own.
type SuccessorValidator = epoch.SuccessorValidator

// A SenderValidator is a [CredentialValidator] that judges the external senders
// of a group by another measure than its members. With a validator that is
// none, they are held to the same.
type SenderValidator = epoch.SenderValidator

// AnyCredential accepts every credential, and so authenticates nobody. It is
// for tests.
type AnyCredential struct{}

// ValidateCredential returns nil.
func (AnyCredential) ValidateCredential(wire.Credential, []byte) error { return nil }

// ValidateSuccessor returns nil.
func (AnyCredential) ValidateSuccessor(_, _ wire.Credential) error { return nil }

// The defaults and limits of a [Config].
const (
	DefaultPastEpochs = 4
	MaxPastEpochs     = 64
	DefaultMaxForward = 1024
	// DefaultMaxLifetime is 92 days, a little more than DefaultLifetime.
	DefaultMaxLifetime = epoch.DefaultMaxLifetime
)

// A Config says how a client takes part in groups. Only Credentials must be
// set.
type Config struct {
	// Credentials judges credentials. Nil accepts none.
	Credentials CredentialValidator
	// PastEpochs is for how many epochs after its own an application message can
	// still be read. Zero means DefaultPastEpochs, and less than zero none; the
	// most is MaxPastEpochs. Whoever takes the state reads messages that far
	// back, if they were not read before.
	PastEpochs int
	// MaxForward is how many keys of one sender a message may skip, and how many
	// skipped keys are kept. Zero means DefaultMaxForward.
	MaxForward uint32
	// Padding returns how many zeros to add to n bytes of content. Nil pads to
	// one of eight sizes up to 64 KiB.
	Padding func(n int) int
	// Now tells the time, for the lifetimes of key packages about to be added.
	// Nil means time.Now; the zero time leaves it unchecked whether they hold.
	Now func() time.Time
	// MaxLifetime is for how long a member's key package may be valid in all
	// (RFC 9420, section 7.2). Zero means DefaultMaxLifetime, and less than zero
	// any time.
	MaxLifetime time.Duration
	// PSK returns the pre-shared key called id, or an error: external keys, and
	// resumption keys of other groups. A key should have 32 random bytes.
	PSK func(id wire.PreSharedKeyID) ([]byte, error)
	// PrivateHandshakes encrypts proposals and commits too. A delivery service
	// can then no longer check them.
	PrivateHandshakes bool
}

func (c *Config) pastEpochs() int {
	switch {
	case c.PastEpochs == 0:
		return DefaultPastEpochs
	case c.PastEpochs < 0:
		return 0
	}
	return min(c.PastEpochs, MaxPastEpochs)
}

func (c *Config) maxForward() uint32 {
	if c.MaxForward == 0 {
		return DefaultMaxForward
	}
	return c.MaxForward
}

func (c *Config) padding(n int) int {
	if c.Padding == nil {
		return padToBucket(n)
	}
	return c.Padding(n)
}

func (c *Config) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// checksNow are the checks of what we are about to send.
func (c *Config) checksNow() epoch.Checks {
	return epoch.Checks{Credentials: c.Credentials, Now: c.now(), MaxLifetime: c.MaxLifetime}
}

// checksLater are the checks of what others sent, which may have been long ago.
func (c *Config) checksLater() epoch.Checks {
	return epoch.Checks{Credentials: c.Credentials, MaxLifetime: c.MaxLifetime}
}

// defaultCapabilities returns what this package supports. X.509 credentials are
// for those who list them, with a validator that checks chains. The values 0x0A0A
// mean nothing and keep others tolerant of what they do not know (RFC 9420,
// section 13.5).
func defaultCapabilities(s *suite.Suite) wire.Capabilities {
	suites := []suite.ID{s.ID()}
	for _, id := range suite.All() {
		if id != s.ID() {
			suites = append(suites, id)
		}
	}
	const grease = 0x0A0A
	return wire.Capabilities{
		Versions:    []wire.Version{wire.MLS10},
		Suites:      append(suites, grease),
		Extensions:  []wire.ExtensionType{grease},
		Proposals:   []wire.ProposalType{grease},
		Credentials: []wire.CredentialType{wire.CredentialBasic, grease},
	}
}
