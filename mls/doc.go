// Package mls is the group end-to-end encryption protocol Messaging Layer
// Security, RFC 9420, in its whole: a [Group] is one member's view of a group
// and holds its secrets.
//
// The package does no input or output and starts no goroutine. Messages are
// byte strings that its user carries; state is a byte string ([Group.Marshal])
// that its user seals and stores, before any message leaves. A Group is not
// safe for use by several goroutines at once.
//
// Its promises:
//
//   - nothing of a message is shown before its signature, membership and order
//     are verified: [Group.Receive] gives content or an error, never both;
//   - a failed call changes nothing: the Group can be used as before;
//   - a commit is not applied before [Group.Merge], so that its user can look at
//     who joins and who leaves first;
//   - keys are wiped once used, and those of past epochs after as many as
//     [Config.PastEpochs].
//
// It trusts a [CredentialValidator] to tell whether a credential is genuine,
// and its user to keep state secret and never to restore an old one.
package mls
