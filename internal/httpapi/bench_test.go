package httpapi_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/password"
)

// unlimited lifts every rate: a benchmark is no person.
func unlimited(c *hub.Config, _ *httpapi.Config) {
	most := hub.Rate{PerSecond: 1e9, Burst: 1e9}
	c.Limits = hub.Limits{Anonymous: most, Guests: most, SignIns: most, AppCodes: most, Calls: most, Sends: most, Claims: most, Uploads: most, Service: most, OpenChats: 1000}
	c.Log = nil
}

// BenchmarkSend sends 1 KB messages over the push connections of many
// patients at once: decode, policy, SQLite with fsync, push, reply. Client and
// server share the machine.
func BenchmarkSend(b *testing.B) {
	w := newWorld(b, unlimited)
	const members = 32
	type sender struct {
		d  *device
		id string
	}
	senders := make([]sender, members)
	for i := range senders {
		d := w.patient()
		senders[i] = sender{d, d.open("nurse")}
		d.listen()
	}
	text := strings.Repeat("x", 1000)
	var next atomic.Int64
	b.SetParallelism(members / runtime.GOMAXPROCS(0))
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		s := senders[int(next.Add(1)-1)%members]
		for p.Next() {
			if _, err := s.d.Send(w.ctx, s.id, s.d.seal(s.id, text)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "frames/s")
}

// BenchmarkIdleConnection measures the server's memory for a push connection
// that does nothing. The clients are bare TCP connections.
func BenchmarkIdleConnection(b *testing.B) {
	w := newWorld(b, unlimited)
	before := inUse()
	conns := make([]net.Conn, 0, b.N)
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	var d *device
	for i := range b.N {
		if i%8 == 0 {
			d = w.patient()
		}
		conns = append(conns, idle(b, w, d.Token()))
	}
	b.ReportMetric((inUse()-before)/float64(b.N), "B/connection")
	b.ReportMetric(0, "ns/op")
}

func inUse() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse + m.StackInuse)
}

// idle opens a push connection by hand and waits until it is ready.
func idle(b *testing.B, w *world, token string) net.Conn {
	b.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.server.URL, "http://"))
	w.must(err)
	_, err = fmt.Fprint(conn, "GET /v1/events HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	w.must(err)
	r := bufio.NewReaderSize(conn, 256)
	resp, err := http.ReadResponse(r, nil)
	w.must(err)
	_ = resp.Body.Close()
	hello, err := json.Marshal(api.Hello{Type: "hello", Token: token})
	w.must(err)
	// A masked text message with the mask 0 (RFC 6455, section 5.2).
	frame := append([]byte{0x81, 0x80 | byte(len(hello)), 0, 0, 0, 0}, hello...)
	_, err = conn.Write(frame)
	w.must(err)
	_, err = r.ReadByte() // the ready event begins
	w.must(err)
	return conn
}

// BenchmarkT27SignIn prints how long a refused sign-in takes for somebody and
// for nobody, at what passwords cost by default: the quartiles should be alike.
func BenchmarkT27SignIn(b *testing.B) {
	most := hub.Rate{PerSecond: 1e9, Burst: 1e9}
	w := newWorld(b, func(c *hub.Config, ac *httpapi.Config) {
		ac.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} // each guess from another network, so that none is held back
		c.Passwords = password.Cost{}
		c.Limits.AppCodes, c.Limits.SignIns, c.Limits.Anonymous = most, most, most
	})
	w.staff("dana")
	took := map[string][]time.Duration{}
	for i := range b.N { // by turns, so that what else the machine does falls on both
		for _, login := range []string{"dana", "nobody"} {
			start := time.Now()
			resp, _ := w.raw("POST", "/v1/staff/sign-in", mustJSON(api.SignIn{
				Practice: "riverside", Login: login, Authentication: api.Authentication{Password: "wrong", Code: "000000"},
			}), "X-Forwarded-For", fmt.Sprintf("10.%d.%d.1", i/250%250, i%250))
			took[login] = append(took[login], time.Since(start))
			if resp.StatusCode != http.StatusUnauthorized {
				b.Fatalf("answered %d", resp.StatusCode)
			}
		}
	}
	for login, all := range took {
		slices.Sort(all)
		for _, q := range []int{25, 50, 75} {
			b.ReportMetric(float64(all[len(all)*q/100].Microseconds())/1000, fmt.Sprintf("%s-ms-p%d", login, q))
		}
	}
}
