package mls

import (
	"errors"

	"github.com/sotto-health/sotto/mls/internal/epoch"
	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/wire"
)

// Errors to compare with [errors.Is].
var (
	// ErrMalformed is matched by every error of parsing.
	ErrMalformed = wire.ErrMalformed
	// ErrDecrypt says that a ciphertext does not open.
	ErrDecrypt = secret.ErrDecrypt
	// ErrWrongGroup says that a message is of another group.
	ErrWrongGroup = epoch.ErrWrongGroup
	// ErrStaleEpoch says that a message is of an epoch that has passed, and for
	// an application message, one no longer kept.
	ErrStaleEpoch = epoch.ErrStaleEpoch
	// ErrFutureEpoch says that a message is of an epoch not yet reached. It can
	// be read once the commits before it have been merged.
	ErrFutureEpoch = epoch.ErrFutureEpoch
	// ErrReplayed says that the key of a private message was used before, or is
	// too far in the past.
	ErrReplayed = errors.New("mls: message key was used before")
	// ErrTooFarAhead says that a private message skips more keys than
	// [Config.MaxForward].
	ErrTooFarAhead = errors.New("mls: message key too far ahead")
	// ErrUnauthenticated says that a signature, membership tag or confirmation
	// tag is wrong.
	ErrUnauthenticated = errors.New("mls: not authentic")
	// ErrRemoved says that this client is no longer a member.
	ErrRemoved = errors.New("mls: no longer a member")
	// ErrReInitialised says that the group was ended by a ReInit proposal.
	ErrReInitialised = errors.New("mls: group was ended for another")
	// ErrOwnCommit says that a message is this client's pending commit, come
	// back; [Group.MergePending] applies it.
	ErrOwnCommit = errors.New("mls: own pending commit")
	// ErrOwnMessage says that a private message is this client's own, which it
	// cannot read.
	ErrOwnMessage = errors.New("mls: own message")
	// ErrPending says that there is a pending commit, which must be merged or
	// discarded first.
	ErrPending = errors.New("mls: a commit is pending")
	// ErrNoPending says that there is no pending commit.
	ErrNoPending = errors.New("mls: no commit is pending")
	// ErrStaleStage says that a staged commit was staged on another epoch.
	ErrStaleStage = errors.New("mls: commit was staged on another epoch")
	// ErrUnknownPSK says that a pre-shared key is not known.
	ErrUnknownPSK = errors.New("mls: unknown pre-shared key")
	// ErrNotForUs says that a welcome has nothing for the key package given.
	ErrNotForUs = errors.New("mls: welcome is not for this key package")
	// ErrNoValidator says that [Config.Credentials] is not set.
	ErrNoValidator = epoch.ErrNoValidator
	// ErrUnknownProposal says that a commit refers to a proposal that was not
	// received.
	ErrUnknownProposal = epoch.ErrUnknownProposal
	// ErrWrongSigner says that a signer is not the one whose key is in the tree.
	ErrWrongSigner = errors.New("mls: signer is not this member's")
)

// A ValidationError says which rule of RFC 9420 a message breaks.
type ValidationError = rule.ValidationError
