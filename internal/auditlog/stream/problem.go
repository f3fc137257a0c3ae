package stream

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"time"
)

// Problems: codes that stay, for the log, for metrics and for sotto doctor.
const (
	Away        = "away"        // it cannot be reached, or does not answer in time
	Certificate = "certificate" // its certificate is not one that is trusted for its name
	TLSRefused  = "tls"         // it ended TLS: it may want another client certificate
	Cut         = "cut"         // it ended the connection before it had taken everything
	Busy        = "busy"        // it asked to be tried again later
	SignIn      = "sign-in"     // it does not let this hub in: 401 or 403
	Refuses     = "refuses"     // it does not take what it was sent
	Rejects     = "rejects"     // it took a call and did not keep some of the entries in it
)

// A problem is why records did not arrive. Its text holds neither what was sent
// nor what the receiver said.
type problem struct {
	code  string
	after time.Duration // to wait at least this long, as the receiver asked
	// lasting says that trying again soon is of no use: somebody has to see to it.
	lasting bool
	large   bool // what was sent is too much at once
}

func (p *problem) Error() string { return "stream: the receiver: " + p.code }

// unreached says why a connection could not be made or went on no more.
func unreached(err error) *problem {
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var op *net.OpError
	switch {
	case errors.As(err, &name), errors.As(err, &authority), errors.As(err, &invalid), errors.As(err, &verification):
		return &problem{code: Certificate, lasting: true}
	case errors.As(err, &op) && op.Op == "remote error": // a TLS alert
		return &problem{code: TLSRefused, lasting: true}
	}
	return &problem{code: Away}
}
