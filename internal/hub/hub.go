// Package hub is the MLS delivery service (RFC 9750, section 5). It admits,
// orders and stores frames that it cannot read, and hands them to devices.
//
// It is not trusted with content: it holds no group secret, and nothing it
// imports can decrypt. It speaks neither HTTP nor SQL: package httpapi calls
// it, and the stores implement the interfaces of store.go. Its promises are
// order, durability and admission:
//
//   - one commit for each epoch of a conversation, the first to arrive;
//   - a frame that Send acknowledged survives a crash, once and in order;
//   - no frame without consent, none from a device outside the group;
//   - nobody learns that something exists which they may not see.
package hub
