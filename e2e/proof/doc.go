// Package proof tests the promises of docs/design.md on the real programs: it
// builds sotto, sotto-hub and sotto-keeper, runs them as processes, chats
// through them with real devices, and then looks for what must not be there or
// takes away what they need.
//
// It holds nothing but tests. SOTTO_FULL=1 makes them as long as they are
// meant to be before a release.
package proof
