package stream

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"time"
)

const (
	dialTimeout = 10 * time.Second
	// sendTimeout is how long a receiver may take to read what one Send writes.
	sendTimeout = 15 * time.Second
	// settleTimeout is how long it may take to read the rest and end the
	// connection.
	settleTimeout = 15 * time.Second

	leastRoom, mostRoom = 8, 4096
)

// A syslogReceiver sends over one connection at a time.
//
// Syslog has no acknowledgement. What stands for one is the end of a connection:
// the sender says that it has said all (TLS close_notify), and a receiver, who
// must answer that in kind (RFC 5425, section 4.4), can only do so after it has
// read everything before it. So each Settle ends the connection, and the next
// Send opens another, which resumes the TLS session.
type syslogReceiver struct {
	form    syslogForm
	address string      // host:port
	tls     *tls.Config // nil on this machine alone, without TLS

	open *talk
	room int // less for one that is slow
}

func newSyslogReceiver(form syslogForm, address string, config *tls.Config) *syslogReceiver {
	return &syslogReceiver{form: form, address: address, tls: config, room: mostRoom}
}

// A talk is one connection.
type talk struct {
	net.Conn          // what is spoken over
	tcp      net.Conn // below TLS
	// ended is closed when reading has ended; why is nil for a proper end. It can
	// be asked as often as one likes: who stops may ask after a failure.
	ended chan struct{}
	why   error
}

func dial(ctx context.Context, address string, config *tls.Config) (*talk, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	tcp, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	t := &talk{Conn: tcp, tcp: tcp, ended: make(chan struct{})}
	if config != nil {
		secured := tls.Client(tcp, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = tcp.Close()
			return nil, err
		}
		t.Conn = secured
	}
	go func() {
		_, t.why = io.Copy(io.Discard, t.Conn) // a receiver says nothing, but ends
		close(t.ended)
	}()
	return t, nil
}

// Send implements [receiver].
func (r *syslogReceiver) Send(ctx context.Context, all []record) (arrived bool, err error) {
	var b []byte
	for i := range all {
		if b, err = r.form.frame(b, &all[i]); err != nil {
			return false, err
		}
	}
	if r.open == nil {
		if r.open, err = dial(ctx, r.address, r.tls); err != nil {
			return false, unreached(err)
		}
	}
	t := r.open // which Reset forgets, while a stop may still be under way
	stop := context.AfterFunc(ctx, func() { _ = t.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := t.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return false, &problem{code: Cut}
	}
	if _, err := t.Write(b); err != nil {
		return false, r.broken(err)
	}
	return false, nil
}

// broken says why an open connection failed, and makes the next one shorter.
func (r *syslogReceiver) broken(err error) error {
	r.room = max(r.room/2, leastRoom)
	select {
	case <-r.open.ended: // it may have said why
		if read := r.open.why; read != nil && unreached(read).lasting {
			return unreached(read)
		}
	default:
	}
	if p := unreached(err); p.lasting {
		return p
	}
	return &problem{code: Cut}
}

// Settle implements [receiver].
func (r *syslogReceiver) Settle(ctx context.Context) (int64, error) {
	if r.open == nil {
		return 0, nil
	}
	defer r.Reset()
	if err := r.settle(ctx); err != nil {
		return 0, r.broken(err)
	}
	r.room = min(r.room*2, mostRoom)
	return 0, nil
}

func (r *syslogReceiver) settle(ctx context.Context) error {
	t := r.open
	select {
	case <-t.ended: // before it was told that this is all
		return io.ErrUnexpectedEOF
	default:
	}
	stop := context.AfterFunc(ctx, func() { _ = t.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	deadline := time.Now().Add(settleTimeout)
	if err := t.SetDeadline(deadline); err != nil {
		return err
	}
	if err := t.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return err
	}
	if <-t.ended; t.why != nil {
		return t.why
	}
	// The other end of TLS has ended. Only if its system ends the connection too,
	// and does not reset it, had it read all.
	if _, err := t.tcp.Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // a socket returns it as it is
		return io.ErrUnexpectedEOF
	}
	for {
		done, err := acknowledged(t.tcp)
		if err != nil || done {
			return err
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return io.ErrUnexpectedEOF
		}
		time.Sleep(time.Millisecond)
	}
}

// Room implements [receiver].
func (r *syslogReceiver) Room() int { return r.room }

// Reset implements [receiver].
func (r *syslogReceiver) Reset() {
	if r.open == nil {
		return
	}
	_ = r.open.tcp.Close() // what counts has been read, or is sent again
	r.open = nil
}
