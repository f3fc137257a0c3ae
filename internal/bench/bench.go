// Package bench measures a running Sotto over loopback: messages a second,
// latency from send to decrypted on the other side, processor time a message,
// bytes stored and memory a connection. It prints what it saw; it asserts
// nothing.
package bench
