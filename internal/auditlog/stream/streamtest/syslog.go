package streamtest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A Syslog is a receiver of syslog over TLS.
type Syslog struct {
	t      testing.TB
	config *tls.Config
	addr   string

	mu       sync.Mutex // guards all below
	listener net.Listener
	open     map[net.Conn]bool
	got      []Message
	raw      []byte
	damaged  error
	more     chan struct{} // closed and made anew with each message
	take     func(n int, c net.Conn) bool
	talks    int
}

// NewSyslog returns a receiver that listens on 127.0.0.1 until the test ends.
func NewSyslog(t testing.TB, config *tls.Config) *Syslog {
	t.Helper()
	s := &Syslog{t: t, config: config, addr: "127.0.0.1:0", open: make(map[net.Conn]bool), more: make(chan struct{})}
	s.Start()
	t.Cleanup(func() {
		s.Stop()
		if err := s.Damage(); err != nil {
			t.Errorf("the receiver could not read what was sent: %v", err)
		}
	})
	return s
}

// Address is its host and port, which stay when it is stopped and started.
func (s *Syslog) Address() string { return s.addr }

// Start listens again after Stop.
func (s *Syslog) Start() {
	s.t.Helper()
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	s.addr, s.listener = listener.Addr().String(), listener
	s.mu.Unlock()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.open[c] = true
			s.talks++
			s.mu.Unlock()
			go s.serve(c)
		}
	}()
}

// Stop ends at once, as if the machine had lost power: what has arrived and was
// not read is lost.
func (s *Syslog) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.listener.Close()
	for c := range s.open {
		_ = c.(*net.TCPConn).SetLinger(0) // a reset, not an end
		_ = c.Close()
	}
}

// Take is asked before each message of a connection, the first being 1, whether
// to keep it; if not, the connection ends as if the receiver were stopped in
// good order. It may also end the connection c below TLS by itself, or wait. Nil
// keeps all.
func (s *Syslog) Take(f func(n int, c net.Conn) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take = f
}

func (s *Syslog) serve(tcp net.Conn) {
	defer func() {
		s.mu.Lock()
		delete(s.open, tcp)
		s.mu.Unlock()
		_ = tcp.Close()
	}()
	c := tcp
	if s.config != nil {
		secured := tls.Server(tcp, s.config)
		if secured.HandshakeContext(s.t.Context()) != nil {
			return // who came is told by an alert
		}
		c = secured
		defer func() { _ = c.Close() }() // answers close_notify in kind
	}
	r := bufio.NewReader(c)
	for n := 1; ; n++ {
		b, err := ReadFrame(r)
		if err != nil {
			if err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) && !isNet(err) {
				s.fail(err)
			}
			return
		}
		m, err := Parse(b)
		if err != nil {
			s.fail(err)
			return
		}
		s.mu.Lock()
		take := s.take
		s.mu.Unlock()
		if take != nil && !take(n, tcp) {
			return
		}
		s.mu.Lock()
		s.got = append(s.got, m)
		s.raw = append(append(s.raw, b...), '\n')
		close(s.more)
		s.more = make(chan struct{})
		s.mu.Unlock()
	}
}

func isNet(err error) bool {
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, net.ErrClosed)
}

func (s *Syslog) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damaged = errors.Join(s.damaged, err)
}

// Damage is what could not be read of what was sent.
func (s *Syslog) Damage() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.damaged
}

// Messages are those that were kept.
func (s *Syslog) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.got...)
}

// Raw is what was kept, as it came.
func (s *Syslog) Raw() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.raw)
}

// Talks is how many connections were opened.
func (s *Syslog) Talks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.talks
}

// Until waits until what was kept is enough.
func (s *Syslog) Until(what string, enough func([]Message) bool) []Message {
	s.t.Helper()
	end := time.After(patience)
	for {
		s.mu.Lock()
		more := s.more
		s.mu.Unlock()
		if all := s.Messages(); enough(all) {
			return all
		}
		select {
		case <-more:
		case <-end:
			s.t.Fatalf("%s: not after %s; there are %d messages", what, patience, len(s.Messages()))
		}
	}
}

// patience is how long a test waits for what should come soon.
const patience = 60 * time.Second

// Numbers returns the numbers of a practice's messages, in the order in which
// they came, each the first time that it came.
func Numbers(all []Message, practice string) (numbers []int64) {
	seen := make(map[string]bool)
	for _, m := range all {
		if m.Fields["practice"] != practice || seen[m.Fields["number"]] {
			continue
		}
		seen[m.Fields["number"]] = true
		n, err := strconv.ParseInt(m.Fields["number"], 10, 64)
		if err != nil {
			n = -1
		}
		numbers = append(numbers, n)
	}
	return numbers
}
