package httpapi

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"sync"
	"time"
)

// hijacker hands a connection over with small buffers in place of net/http's,
// which weigh most of what an idle connection does.
type hijacker struct {
	http.ResponseWriter
	spare *sync.Pool // of the outlet
	out   *outlet    // set by Hijack
}

// Bytes of a push connection's buffers. Longer messages by-pass them, and
// events are gathered by the outlet.
const (
	readBuffer  = 2 << 10
	writeBuffer = 1 << 9
)

// Hijack implements [http.Hijacker].
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return conn, rw, err
	}
	h.out = &outlet{conn: conn, spare: h.spare}
	reader := rw.Reader
	if reader.Buffered() == 0 { // else the client spoke first: keep what it said
		reader = bufio.NewReaderSize(conn, readBuffer)
	}
	return conn, bufio.NewReadWriter(reader, bufio.NewWriterSize(h.out, writeBuffer)), nil
}

// An outlet writes to a connection. While it holds, it gathers what is written,
// so that many messages cost one call of the operating system.
type outlet struct {
	conn net.Conn

	mu      sync.Mutex // guards all below: pongs are written beside messages
	holding bool
	held    *bytes.Buffer // of spare; nil if there is none
	spare   *sync.Pool    // of *bytes.Buffer: few connections write at once
}

// Write implements [io.Writer].
func (o *outlet) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.holding {
		return o.conn.Write(b)
	}
	if o.held == nil {
		o.held = o.spare.Get().(*bytes.Buffer)
	}
	return o.held.Write(b)
}

// hold begins to gather.
func (o *outlet) hold() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.holding = true
}

// release writes what was gathered, within a time.
func (o *outlet) release(within time.Duration) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	held := o.held
	o.holding, o.held = false, nil
	if held == nil {
		return nil
	}
	defer func() {
		held.Reset()
		o.spare.Put(held)
	}()
	if err := o.conn.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	if _, err := o.conn.Write(held.Bytes()); err != nil {
		return err
	}
	return o.conn.SetWriteDeadline(time.Time{})
}
