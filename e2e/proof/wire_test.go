//go:build linux

package proof

import (
	"io"
	"net"
	"slices"
	"sync"
	"testing"
)

// A tap stands between clients and a hub and records all that passes.
type tap struct {
	listener net.Listener

	mu       sync.Mutex // guards all below
	targets  []string   // the first that answers is taken
	sent     []*output  // by clients, one for each connection
	answered []*output  // by the hub
	open     []net.Conn
}

func newTap(t *testing.T, targets ...string) *tap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{listener: l, targets: targets}
	go p.accept()
	t.Cleanup(func() {
		l.Close()
		p.cut()
	})
	return p
}

func (p *tap) url() string { return "http://" + p.listener.Addr().String() }

func (p *tap) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		hub := p.dial()
		if hub == nil {
			client.Close()
			continue
		}
		sent, answered := new(output), new(output)
		p.mu.Lock()
		p.sent, p.answered, p.open = append(p.sent, sent), append(p.answered, answered), append(p.open, client, hub)
		p.mu.Unlock()
		go pass(hub, client, sent)
		go pass(client, hub, answered)
	}
}

func (p *tap) dial() net.Conn {
	p.mu.Lock()
	targets := p.targets
	p.mu.Unlock()
	for _, target := range targets {
		if hub, err := net.Dial("tcp", target); err == nil {
			return hub
		}
	}
	return nil
}

// route changes where connections go from now on.
func (p *tap) route(targets ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets = targets
}

func pass(to, from net.Conn, record *output) {
	_, _ = io.Copy(io.MultiWriter(record, to), from) // either side may hang up
	to.Close()
	from.Close()
}

// cut ends all connections.
func (p *tap) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.open {
		c.Close()
	}
	p.open = nil
}

// find returns what a search finds in either direction, and how much there was.
func (p *tap) find(s *search) (sent, answered []string, size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	in := func(records []*output) (found []string) {
		for _, r := range records {
			b := []byte(r.String())
			size += int64(len(b))
			for _, what := range s.inTraffic(b) {
				if !slices.Contains(found, what) {
					found = append(found, what)
				}
			}
		}
		return found
	}
	sent = in(p.sent)
	return sent, in(p.answered), size
}
