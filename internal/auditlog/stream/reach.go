package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"time"
)

// A Reached is what a receiver showed when it was reached.
type Reached struct {
	TLS      string    // version; empty without TLS
	NotAfter time.Time // of its certificate; zero without TLS
}

// listenFor is how long a receiver of OTLP may take to say that it does not
// want to be talked to by this client.
const listenFor = time.Second

// Reach connects as the stream would, sends nothing, and ends the connection. Of
// syslog it also finds out whether the receiver answers the end of a connection,
// on which it rests that nothing is lost. It returns a problem's code if the
// receiver is not as it should be.
func (s *Setting) Reach(ctx context.Context) (shown Reached, problem string) {
	t, err := dial(ctx, s.address, s.tls.Clone())
	if err != nil {
		return shown, unreached(err).code
	}
	if secured, ok := t.Conn.(*tls.Conn); ok {
		state := secured.ConnectionState()
		shown = Reached{TLS: tls.VersionName(state.Version), NotAfter: state.PeerCertificates[0].NotAfter}
	}
	r := &syslogReceiver{open: t}
	defer r.Reset()
	if s.Name == Syslog {
		if _, err := r.Settle(ctx); err != nil {
			return shown, codeOf(err)
		}
		return shown, ""
	}
	_ = t.SetReadDeadline(time.Now().Add(listenFor))
	if <-t.ended; t.why != nil && !errors.Is(t.why, os.ErrDeadlineExceeded) {
		return shown, unreached(t.why).code
	}
	return shown, ""
}

func codeOf(err error) string {
	var p *problem
	if errors.As(err, &p) {
		return p.code
	}
	return Away
}
