package messenger

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/hub"
)

var message = hub.Message{
	To: "ann@mail.example", Sender: "Riverside\r\nBcc: thief@evil.example", Subject: "Your code\r\nBcc: thief@evil.example",
	Text: "123456 is your code.\n.\nRCPT TO:<thief@evil.example>",
}

// A mailServer speaks SMTP as far as one mail needs it (RFC 5321, RFC 3207).
type mailServer struct {
	net.Listener
	roots      *tls.Config
	startTLS   bool
	recipients chan string
	data       chan string
}

func newMailServer(t *testing.T, startTLS bool) *mailServer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &mailServer{Listener: l, roots: &tls.Config{RootCAs: pool}, startTLS: startTLS, recipients: make(chan string, 8), data: make(chan string, 1)}
	t.Cleanup(func() { _ = l.Close() })
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.talk(c, config)
		}
	}()
	return s
}

func (s *mailServer) talk(c net.Conn, config *tls.Config) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	secure := false
	say := func(line string) { _, _ = fmt.Fprintf(c, "%s\r\n", line) }
	say("220 localhost")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(strings.TrimSpace(line)); {
		case strings.HasPrefix(verb, "EHLO") && s.startTLS && !secure:
			say("250-localhost\r\n250 STARTTLS")
		case strings.HasPrefix(verb, "EHLO"):
			say("250 localhost")
		case verb == "STARTTLS":
			say("220 go on")
			c = tls.Server(c, config)
			in, secure = bufio.NewReader(c), true
		case strings.HasPrefix(verb, "RCPT"):
			s.recipients <- strings.TrimSpace(line)
			say("250 ok")
		case verb == "DATA":
			say("354 go on")
			var b strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil || line == ".\r\n" {
					break
				}
				b.WriteString(line)
			}
			s.data <- b.String()
			say("250 ok")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (s *mailServer) address() string {
	return fmt.Sprintf("smtp://localhost:%d", s.Addr().(*net.TCPAddr).Port)
}

func TestT29cMailToOnePersonByTLS(t *testing.T) {
	server := newMailServer(t, true)
	by, err := NewSMTP(server.address(), "noreply@clinic.example", server.roots)
	if err != nil {
		t.Fatal(err)
	}
	if err := by.Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	data := <-server.data
	if len(server.recipients) != 1 || !strings.Contains(<-server.recipients, "<ann@mail.example>") {
		t.Error("not one recipient")
	}
	head, _, _ := strings.Cut(data, "\r\n\r\n")
	for line := range strings.Lines(head) {
		if strings.HasPrefix(strings.ToLower(line), "bcc") {
			t.Errorf("a header was put in: %q", line)
		}
	}
	if !strings.Contains(data, "123456 is your code") || !strings.Contains(data, "Auto-Submitted: auto-generated") {
		t.Errorf("the mail: %s", data)
	}
}

func TestNoMailWithoutTLS(t *testing.T) {
	server := newMailServer(t, false)
	by, err := NewSMTP(server.address(), "noreply@clinic.example", server.roots)
	if err != nil {
		t.Fatal(err)
	}
	if err := by.Send(t.Context(), message); !errors.Is(err, ErrSend) || strings.Contains(err.Error(), "ann@") {
		t.Errorf("%v", err)
	}
	if trusted, err := NewSMTP(newMailServer(t, true).address(), "noreply@clinic.example", nil); err != nil || trusted.Send(t.Context(), message) == nil {
		t.Error("a certificate that nobody vouches for is taken")
	}
	for _, bad := range []string{"", "mail.example", "http://mail.example", "smtp://mail.example:x"} {
		if _, err := NewSMTP(bad, "noreply@clinic.example", nil); err == nil {
			t.Errorf("%q is a mail server", bad)
		}
	}
}

func TestGateways(t *testing.T) {
	var got, auth string
	status := http.StatusCreated
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, auth = string(b), r.Header.Get("Authorization")
		w.WriteHeader(status)
	}))
	defer server.Close()
	m := hub.Message{To: "+15555550142", Text: `1"2&From=+1900`}
	for settings, want := range map[string]string{
		`{"url":"` + server.URL + `","headers":{"Authorization":"Bearer x"},"fields":{"recipient":"{to}","body":"{text}"}}`:          `{"body":"1\"2\u0026From=+1900","recipient":"+15555550142"}`,
		`{"url":"` + server.URL + `","user":"AC1","password":"x","form":true,"fields":{"To":"{to}","From":"+1555","Body":"{text}"}}`: `Body=1%222%26From%3D%2B1900&From=%2B1555&To=%2B15555550142`,
	} {
		g, err := NewGateway([]byte(settings))
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Send(t.Context(), m); err != nil || got != want || auth == "" {
			t.Errorf("%v: %s, want %s, by %q", err, got, want, auth)
		}
		status = http.StatusForbidden
		if err := g.Send(t.Context(), m); !errors.Is(err, ErrSend) || strings.Contains(err.Error(), "555") {
			t.Errorf("a refusal: %v", err)
		}
		status = http.StatusOK
	}
	for _, bad := range []string{``, `{}`, `{"url":"http://sms.example","fields":{"b":"{text}"}}`, `{"url":"https://sms.example","fields":{"b":"x"}}`, `{"url":"https://sms.example","fields":{"b":"{text}"},"to":1}`} {
		if _, err := NewGateway([]byte(bad)); err == nil {
			t.Errorf("%s is a gateway", bad)
		}
	}
}
