// Package interop holds the tests of package mls against an independent
// implementation, npm's ts-mls, which peer.mjs drives under Node. It has no code
// of its own.
//
// The tests install ts-mls from package-lock.json if node_modules is missing.
// Without Node they are skipped, except where CI=true.
package interop
