package stream

import (
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog/stream/streamtest"
)

// got waits until a receiver has the first n entries of a practice.
func got(s *streamtest.Syslog, practice string, n int64) []streamtest.Message {
	return s.Until("entries of "+practice, func(all []streamtest.Message) bool {
		return int64(len(streamtest.Numbers(all, practice))) >= n
	})
}

// TestSyslog: what is in the logs and what comes to them arrives, of each
// practice in its order, once, and the place is kept.
func TestSyslog(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *world{"SQLite": onSQLite, "PostgreSQL": onPostgres} {
		t.Run(name, func(t *testing.T) {
			w, ca := open(t), streamtest.NewAuthority(t)
			siem := streamtest.NewSyslog(t, ca.Server())
			w.record(oak, 1300)
			w.record(elm, 40)
			w.run(w.setting("SOTTO_SYSLOG", "tls://"+siem.Address(), "SOTTO_SYSLOG_CA", ca.File))
			got(siem, oak, 1300)
			n, m := w.record(oak, 10), w.size(elm)
			got(siem, elm, m)
			all := got(siem, oak, n)
			whole(t, oak, streamtest.Numbers(all, oak), n)
			whole(t, elm, streamtest.Numbers(all, elm), m)
			w.until("the place is kept", func() bool { return w.stream(oak, Syslog).Position == n && w.stream(elm, Syslog).Position == m })
			if all = siem.Messages(); int64(len(all)) != n+m {
				t.Errorf("%d messages for %d entries, and nothing had failed", len(all), n+m)
			}
			w.until("nothing lags", func() bool { return w.hub.Stats().Streams[Syslog].Lag == 0 })
			if f := w.hub.Stats().Streams[Syslog]; f.Position != n+m || f.Failures != 0 || f.Problem || f.SentAt == 0 {
				t.Errorf("figures are %+v", f)
			}
			first := all[slices.IndexFunc(all, func(m streamtest.Message) bool { return m.Fields["practice"] == oak && m.Fields["number"] == "2" })]
			if first.Facility != 13 || first.Severity != 4 || first.Host != "hub1" || first.App != "sotto" || first.ID != "conversation.opened" ||
				first.Element != "sotto@32473" || first.Fields["patient"] != "p_ana" || first.Fields["outcome"] != "refused" || first.Fields["rules"] != "one-practice" ||
				first.Time.UnixMilli() != 1790000000001 {
				t.Errorf("got %+v", first)
			}
			if kinds := w.kinds(oak); !slices.Equal(kinds, []string{"configured"}) {
				t.Errorf("recorded %v", kinds)
			}
			if raw := siem.Raw(); strings.Contains(raw, "canary") || strings.Contains(raw, "Dana's") {
				t.Error("a name left the practice")
			}
		})
	}
}

// TestNothingIsLost: receivers that fail in every way get each entry, in order,
// once they take it.
func TestNothingIsLost(t *testing.T) {
	for name, take := range map[string]func(talk *int) func(n int, c net.Conn) bool{
		"resets after some": func(talk *int) func(int, net.Conn) bool {
			return func(n int, c net.Conn) bool {
				if n == 1 {
					*talk++
				}
				if *talk <= 4 && n == 40**talk {
					_ = c.(*net.TCPConn).SetLinger(0)
					_ = c.Close()
					return false
				}
				return true
			}
		},
		"ends in good order in the midst": func(talk *int) func(int, net.Conn) bool {
			return func(n int, _ net.Conn) bool {
				if n == 1 {
					*talk++
				}
				return *talk > 4 || n != 60
			}
		},
		"goes silent and then away": func(talk *int) func(int, net.Conn) bool {
			return func(n int, c net.Conn) bool {
				if n == 1 {
					*talk++
				}
				if *talk <= 2 && n == 30 {
					time.Sleep(300 * time.Millisecond)
					_ = c.Close()
					return false
				}
				return true
			}
		},
		"reads slowly": func(*int) func(int, net.Conn) bool {
			return func(n int, _ net.Conn) bool {
				if n%50 == 0 {
					time.Sleep(20 * time.Millisecond)
				}
				return true
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, ca := onSQLite(t), streamtest.NewAuthority(t)
			siem := streamtest.NewSyslog(t, ca.Server())
			siem.Take(take(new(int)))
			w.record(oak, 900)
			w.run(w.setting("SOTTO_SYSLOG", "tls://"+siem.Address(), "SOTTO_SYSLOG_CA", ca.File))
			got(siem, oak, 900)
			n := w.record(oak, 5)
			whole(t, name, streamtest.Numbers(got(siem, oak, n), oak), n)
			w.until("the place is kept", func() bool { return w.stream(oak, Syslog).Position >= n })
		})
	}
}

// TestOutage: while the receiver is away the log waits, which is recorded once,
// and goes on by itself, which is recorded too.
func TestOutage(t *testing.T) {
	w, ca := onSQLite(t), streamtest.NewAuthority(t)
	siem := streamtest.NewSyslog(t, ca.Server())
	w.record(oak, 300)
	w.run(w.setting("SOTTO_SYSLOG", "tls://"+siem.Address(), "SOTTO_SYSLOG_CA", ca.File))
	got(siem, oak, 100)
	siem.Stop()
	w.record(oak, 300)
	w.until("the problem is noted", func() bool { return w.stream(oak, Syslog).Problem != "" })
	if p := w.stream(oak, Syslog).Problem; p != Away && p != Cut {
		t.Errorf("the problem is %q", p)
	}
	if f := w.hub.Stats().Streams[Syslog]; !f.Problem || f.Failures < failuresTold || f.Lag == 0 {
		t.Errorf("figures are %+v", f)
	}
	n := w.record(oak, 50)
	siem.Start()
	whole(t, "after the outage", streamtest.Numbers(got(siem, oak, n), oak), n)
	w.until("the problem is over", func() bool { return w.stream(oak, Syslog).Problem == "" })
	kinds := w.kinds(oak)
	if len(kinds) != 3 || kinds[0] != "configured" || !strings.HasPrefix(kinds[1], "failed ") || kinds[2] != "resumed" {
		t.Errorf("recorded %q", kinds)
	}
	n = w.size(oak)
	whole(t, "with what was recorded of it", streamtest.Numbers(got(siem, oak, n), oak), n)
}

// TestRestart: a hub that ends, and one whose database is opened anew, goes on
// where the receiver is; while one sends, another does not.
func TestRestart(t *testing.T) {
	w, ca := onSQLite(t), streamtest.NewAuthority(t)
	siem := streamtest.NewSyslog(t, ca.Server())
	setting := w.setting("SOTTO_SYSLOG", "tls://"+siem.Address(), "SOTTO_SYSLOG_CA", ca.File)
	var n int64
	for range 3 {
		n = w.record(oak, 200)
		end := w.run(setting)
		got(siem, oak, n-100)
		end()
		w.close()
		w.reopen()
	}
	first := w.run(setting)
	w.until("one sends", func() bool { return w.stream(oak, Syslog).Position >= n })
	before := len(siem.Messages())
	second := w.run(setting)
	n = w.record(oak, 100)
	got(siem, oak, n)
	w.until("the place is kept", func() bool { return w.stream(oak, Syslog).Position >= n })
	if more := len(siem.Messages()) - before; more > 102 {
		t.Errorf("%d messages for 100 entries: both send", more)
	}
	first()
	n = w.record(oak, 100)
	whole(t, "the other goes on", streamtest.Numbers(got(siem, oak, n), oak), n)
	second()
}

// TestWhoMayReceive: only a receiver with a certificate that is trusted for
// its name gets anything, by TLS 1.2 or later, and only with a client
// certificate where it asks for one.
func TestWhoMayReceive(t *testing.T) {
	ca, other := streamtest.NewAuthority(t), streamtest.NewAuthority(t)
	cert, key := ca.Client()
	asks := ca.Server()
	asks.ClientAuth, asks.ClientCAs = tls.RequireAndVerifyClientCert, ca.Pool
	old := ca.Server()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	for name, c := range map[string]struct {
		server *tls.Config
		env    []string
		want   string // problem
	}{
		"trusted":                          {ca.Server(), []string{"SOTTO_SYSLOG_CA", ca.File}, ""},
		"of another authority":             {ca.Server(), []string{"SOTTO_SYSLOG_CA", other.File}, Certificate},
		"of none that the system knows":    {ca.Server(), nil, Certificate},
		"for another name":                 {ca.Server("siem.example"), []string{"SOTTO_SYSLOG_CA", ca.File}, Certificate},
		"old TLS alone":                    {old, []string{"SOTTO_SYSLOG_CA", ca.File}, TLSRefused},
		"asks for a certificate, has one":  {asks, []string{"SOTTO_SYSLOG_CA", ca.File, "SOTTO_SYSLOG_CERT", cert, "SOTTO_SYSLOG_KEY", key}, ""},
		"asks for a certificate, has none": {asks, []string{"SOTTO_SYSLOG_CA", ca.File}, TLSRefused},
	} {
		t.Run(name, func(t *testing.T) {
			w := onSQLite(t)
			siem := streamtest.NewSyslog(t, c.server)
			n := w.record(oak, 5)
			w.run(w.setting(append([]string{"SOTTO_SYSLOG", "tls://" + siem.Address()}, c.env...)...))
			if c.want == "" {
				whole(t, name, streamtest.Numbers(got(siem, oak, n), oak), n)
				return
			}
			w.until("the problem is noted", func() bool { return w.stream(oak, Syslog).Problem == c.want })
			if all := siem.Messages(); len(all) > 0 {
				t.Errorf("%d messages were sent", len(all))
			}
			if !slices.Contains(w.kinds(oak), "failed "+c.want) {
				t.Errorf("recorded %q", w.kinds(oak))
			}
		})
	}
}

// TestPlainOnThisMachine: without TLS it works on this machine.
func TestPlainOnThisMachine(t *testing.T) {
	w := onSQLite(t)
	siem := streamtest.NewSyslog(t, nil)
	n := w.record(oak, 700)
	w.run(w.setting("SOTTO_SYSLOG", "tcp://"+siem.Address(), "SOTTO_SYSLOG_BODY", "ocsf"))
	all := got(siem, oak, n)
	whole(t, "plain", streamtest.Numbers(all, oak), n)
	if !strings.Contains(all[0].Text, `"class_uid"`) {
		t.Errorf("the text is %q", all[0].Text)
	}
}

// TestBeginnings: a stream that is new may begin with what comes; one that was
// taken away and comes back goes on where it was, and one with another receiver
// too; each is recorded.
func TestBeginnings(t *testing.T) {
	w, ca := onSQLite(t), streamtest.NewAuthority(t)
	siem := streamtest.NewSyslog(t, ca.Server())
	env := []string{"SOTTO_SYSLOG", "tls://" + siem.Address(), "SOTTO_SYSLOG_CA", ca.File, "SOTTO_STREAM_START", "now"}
	begun := w.record(oak, 30)
	end := w.run(w.setting(env...))
	w.until("it begins", func() bool { return w.stream(oak, Syslog).Name != "" })
	n := w.record(oak, 30)
	upTo := func(n int64) func() bool {
		return func() bool { return w.stream(oak, Syslog).Position >= n }
	}
	w.until("the place is kept", upTo(n))
	if numbers := streamtest.Numbers(siem.Messages(), oak); numbers[0] != begun {
		t.Errorf("began with %d, want %d", numbers[0], begun)
	}
	w.must(w.hub.StopStreams(t.Context(), map[string]bool{})) // it is sent, so it goes on
	end()
	w.must(w.hub.StopStreams(t.Context(), map[string]bool{Syslog: true}))
	if w.stream(oak, Syslog).StoppedAt != 0 {
		t.Error("what is set up was stopped")
	}
	w.must(w.hub.StopStreams(t.Context(), map[string]bool{}))
	if w.stream(oak, Syslog).StoppedAt == 0 {
		t.Error("what is set up no more was not stopped")
	}
	n = w.record(oak, 30)
	end = w.run(w.setting(env...))
	w.until("the place is kept", upTo(n))
	end()
	other := streamtest.NewSyslog(t, ca.Server())
	env[1] = "tls://" + other.Address()
	n = w.record(oak, 30)
	w.run(w.setting(env...))
	w.until("the place is kept", upTo(n))
	numbers := append(streamtest.Numbers(siem.Messages(), oak), streamtest.Numbers(other.Messages(), oak)...)
	for i, number := range numbers {
		if number != begun+int64(i) {
			t.Fatalf("%d came in the place of %d", number, begun+int64(i))
		}
	}
	if kinds := w.kinds(oak); !slices.Equal(kinds, []string{"configured", "stopped", "configured", "configured"}) {
		t.Errorf("recorded %q", kinds)
	}
}
