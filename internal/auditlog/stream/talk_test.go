package stream

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog/stream/streamtest"
)

// TestAnEndIsNoAcknowledgement: a receiver that ended in good order before it
// was told that this was all has not confirmed what it did not read.
func TestAnEndIsNoAcknowledgement(t *testing.T) {
	ca := streamtest.NewAuthority(t)
	for name, config := range map[string]*tls.Config{"TLS": ca.Server(), "plain": nil} {
		t.Run(name, func(t *testing.T) {
			siem := streamtest.NewSyslog(t, config)
			siem.Take(func(n int, _ net.Conn) bool { return n < 2 })
			var client *tls.Config
			if config != nil {
				client = &tls.Config{RootCAs: ca.Pool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
			}
			r := newSyslogReceiver(syslogForm{body: words}, siem.Address(), client)
			defer r.Reset()
			all := sample(t)
			if _, err := r.Send(t.Context(), all[:2]); err != nil {
				t.Fatal(err)
			}
			<-r.open.ended
			if _, err := r.Settle(t.Context()); err == nil {
				t.Error("what nobody read counts as arrived")
			}
			siem.Take(nil)
			if _, err := r.Send(t.Context(), all); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Settle(t.Context()); err != nil {
				t.Error(err)
			}
			if n := len(siem.Messages()); n != 1+len(all) {
				t.Errorf("%d messages were kept", n)
			}
		})
	}
}

// TestAStopAfterAFailure: a stream that is stopped while it sends to a receiver
// that does not read ends all the same: that reading has ended can be asked
// again when the failure has been told.
func TestAStopAfterAFailure(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	r := newSyslogReceiver(syslogForm{body: words}, listener.Addr().String(), nil)
	defer r.Reset()
	ctx, stop := context.WithCancel(t.Context())
	if r.open, err = dial(ctx, r.address, nil); err != nil {
		t.Fatal(err)
	}
	stop()
	all := sample(t)
	for err = nil; err == nil; { // until it notices that it is stopped
		_, err = r.Send(ctx, all)
	}
	<-r.open.ended
	if r.broken(err) == nil {
		t.Error("no failure is told")
	}
	if _, err := r.Settle(t.Context()); err == nil {
		t.Error("what nobody read counts as arrived")
	}
}

// TestAResetIsSeen: bytes that the other end threw away are not acknowledged.
func TestAResetIsSeen(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	for {
		done, err := acknowledged(c)
		if err != nil {
			t.Fatal(err)
		}
		if done {
			break
		}
	}
	_ = peer.Close()
	if _, err := c.Write([]byte("5 <34>")); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if _, err := acknowledged(c); err != nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("a reset is not seen")
}
