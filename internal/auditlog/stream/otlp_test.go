package stream

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog/stream/streamtest"
)

// secret stands for what signs in at a receiver.
const secret = "canary-5d1f"

// otlp is the setting of a stream to a collector, with a secret.
func (w *world) otlp(url, ca string, more ...string) Setting {
	w.t.Helper()
	headers := filepath.Join(w.t.TempDir(), "headers")
	w.must(os.WriteFile(headers, []byte("Authorization: Bearer "+secret+"\n"), 0o600))
	return w.setting(append([]string{"SOTTO_OTLP", url, "SOTTO_OTLP_CA", ca, "SOTTO_OTLP_HEADERS", headers}, more...)...)
}

// collected are the numbers of a practice's records, in the order in which they
// came.
func collected(c *streamtest.Collector, practice string) (numbers []int64) {
	for _, r := range c.Records() {
		if r.Fields["sotto.practice"] == practice {
			n, err := strconv.ParseInt(r.Fields["sotto.number"], 10, 64)
			if err != nil || r.Fields["log.record.uid"] != fmt.Sprintf("%s:%d", practice, n) {
				n = -1
			}
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// TestOTLP: what is in the logs and what comes to them arrives, of each practice
// in its order, once, and the place is kept.
func TestOTLP(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *world{"SQLite": onSQLite, "PostgreSQL": onPostgres} {
		t.Run(name, func(t *testing.T) {
			w, ca := open(t), streamtest.NewAuthority(t)
			c := streamtest.NewCollector(t, ca.Server())
			var unsigned atomic.Bool
			c.Answers(func(_, _ int, h http.Header) streamtest.Answer {
				if h.Get("Authorization") != "Bearer "+secret {
					unsigned.Store(true)
				}
				return streamtest.Answer{}
			})
			w.record(oak, 1300)
			m := w.record(elm, 40)
			w.run(w.otlp(c.URL(), ca.File))
			n := w.record(oak, 10)
			w.until("the place is kept", func() bool {
				return w.stream(oak, OTLP).Position >= n && w.stream(elm, OTLP).Position >= m
			})
			whole(t, oak, collected(c, oak), n)
			whole(t, elm, collected(c, elm), m)
			all := c.Records()
			first := all[slices.IndexFunc(all, func(r streamtest.Record) bool { return r.Fields["log.record.uid"] == oak+":2" })]
			if first.Event != "sotto.conversation.opened" || first.Severity != 13 || first.Time != "1790000000001000000" || first.Fields["user.id"] != "p_dana" ||
				first.Fields["sotto.patient"] != "p_ana" || first.Resource["service.name"] != "sotto" || first.Resource["host.name"] != "hub1" {
				t.Errorf("got %+v", first)
			}
			if unsigned.Load() {
				t.Error("a call came without its header")
			}
			if strings.Contains(c.Raw(), "canary") || strings.Contains(c.Raw(), "Dana's") {
				t.Error("a name or a secret is in what was sent")
			}
		})
	}
}

// TestOTLPFailures: what a receiver answers is heeded, told and outlived, and
// nothing is left out.
func TestOTLPFailures(t *testing.T) {
	say := func(upTo int, a streamtest.Answer) func(call, records int, h http.Header) streamtest.Answer {
		return func(call, _ int, _ http.Header) streamtest.Answer {
			if call <= upTo {
				return a
			}
			return streamtest.Answer{}
		}
	}
	quote := `{"error":"` + secret + ` Ana Ruiz"}`
	for name, c := range map[string]struct {
		answers func(call, records int, h http.Header) streamtest.Answer
		waits   time.Duration // at least, once
		told    string        // the problem that is recorded; empty if it is too short
	}{
		"busy, says for how long": {say(1, streamtest.Answer{Status: 429, RetryAfter: "1800"}), 1800 * time.Second, ""},
		"down, says until when":   {say(1, streamtest.Answer{Status: 503, RetryAfter: time.Now().Add(50 * time.Minute).UTC().Format(http.TimeFormat)}), 10 * time.Minute, ""},
		"down for long":           {say(6, streamtest.Answer{Status: 502}), 10 * time.Second, Busy},
		"does not take it":        {say(3, streamtest.Answer{Status: 400, Body: quote}), lastingPause / 2, Refuses},
		"fails by itself":         {say(2, streamtest.Answer{Status: 500, Body: quote}), lastingPause / 2, Refuses},
		"does not let it in":      {say(2, streamtest.Answer{Status: 401, Body: quote}), lastingPause / 2, SignIn},
		"takes little at once": {func(_, records int, _ http.Header) streamtest.Answer {
			if records > 70 {
				return streamtest.Answer{Status: 413}
			}
			return streamtest.Answer{}
		}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w, ca := onSQLite(t), streamtest.NewAuthority(t)
			collector := streamtest.NewCollector(t, ca.Server())
			collector.Answers(c.answers)
			n := w.record(oak, 600)
			w.run(w.otlp(collector.URL(), ca.File))
			w.until("the place is kept", func() bool { return w.stream(oak, OTLP).Position >= n })
			whole(t, name, collected(collector, oak), n)
			if w.longestPause() < c.waits {
				t.Errorf("waited %v at most, want %v", w.longestPause(), c.waits)
			}
			kinds := w.kinds(oak)
			want := []string{"configured"}
			if c.told != "" {
				want = append(want, "failed "+c.told, "resumed")
			}
			if !slices.Equal(kinds, want) {
				t.Errorf("recorded %q, want %q", kinds, want)
			}
			if strings.Contains(w.logs.String(), secret) || strings.Contains(w.logs.String(), "Ruiz") {
				t.Errorf("the log holds what a receiver said, or the secret:\n%s", w.logs.String())
			}
		})
	}
}

// TestRejected: a receiver that takes a call and says that it does not keep some
// of it has that told; OTLP forbids to send it again.
func TestRejected(t *testing.T) {
	w, ca := onSQLite(t), streamtest.NewAuthority(t)
	c := streamtest.NewCollector(t, ca.Server())
	c.Answers(func(_, records int, _ http.Header) streamtest.Answer {
		if records >= 20 {
			return streamtest.Answer{Body: `{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"Ana Ruiz"}}`}
		}
		return streamtest.Answer{}
	})
	w.record(oak, 20)
	w.run(w.otlp(c.URL(), ca.File))
	w.until("it goes on", func() bool {
		return slices.Contains(w.kinds(oak), "resumed") || slices.Contains(w.kinds(elm), "resumed")
	})
	one, other := w.stream(oak, OTLP), w.stream(elm, OTLP)
	if one.Rejected == 0 {
		one, other = other, one
	}
	if one.Rejected != 3 || one.RejectedLast < one.RejectedFirst+19 || one.RejectedLast >= one.Position || other.RejectedLast != 0 {
		t.Errorf("told are %+v and %+v, want 3 of one batch", one, other)
	}
	if f := w.hub.Stats().Streams[OTLP]; f.Rejected != 3 {
		t.Errorf("figures are %+v", f)
	}
}

// TestSecretsGoNowhereElse: a receiver that sends the caller elsewhere is not
// followed.
func TestSecretsGoNowhereElse(t *testing.T) {
	w, ca := onSQLite(t), streamtest.NewAuthority(t)
	var reached atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	t.Cleanup(other.Close)
	there := httptest.NewUnstartedServer(http.RedirectHandler(other.URL+"/v1/logs", http.StatusTemporaryRedirect))
	there.TLS = ca.Server()
	there.StartTLS()
	t.Cleanup(there.Close)
	w.record(oak, 5)
	w.run(w.otlp(there.URL, ca.File))
	w.until("it is refused", func() bool { return w.stream(oak, OTLP).Problem == Refuses })
	if reached.Load() {
		t.Error("the log was sent to where a receiver pointed")
	}
}

// TestOTLPWrongAuthority: nothing goes to who is not trusted.
func TestOTLPWrongAuthority(t *testing.T) {
	w, ca := onSQLite(t), streamtest.NewAuthority(t)
	c := streamtest.NewCollector(t, ca.Server())
	w.record(oak, 5)
	w.run(w.otlp(c.URL(), streamtest.NewAuthority(t).File))
	w.until("the problem is noted", func() bool { return w.stream(oak, OTLP).Problem == Certificate })
	if c.Calls() != 0 {
		t.Error("a call was made")
	}
}

// TestTwoHubs: of several hubs on one database one sends, so that each entry
// comes once; when it is gone, another goes on.
func TestTwoHubs(t *testing.T) {
	w, ca := onPostgres(t), streamtest.NewAuthority(t)
	c := streamtest.NewCollector(t, ca.Server())
	setting := w.otlp(c.URL(), ca.File)
	n := w.record(oak, 2000)
	ends := []func(){w.run(setting), w.run(setting), w.run(setting)}
	for _, end := range ends {
		w.until("the place is kept", func() bool { return w.stream(oak, OTLP).Position >= n })
		end()
		n = w.record(oak, 200)
	}
	w.run(setting)
	w.until("the place is kept", func() bool { return w.stream(oak, OTLP).Position >= n })
	whole(t, "once each", collected(c, oak), n)
}

// TestOnePracticeHoldsUpNoOther: entries that a receiver refuses keep back those
// after them, and no other practice's.
func TestOnePracticeHoldsUpNoOther(t *testing.T) {
	w, ca := onSQLite(t), streamtest.NewAuthority(t)
	c := streamtest.NewCollector(t, ca.Server())
	c.Refuses(elm)
	w.record(elm, 20)
	w.record(oak, 1500)
	w.run(w.otlp(c.URL(), ca.File))
	w.until("it is refused", func() bool { return w.stream(elm, OTLP).Problem == Refuses })
	n := w.record(oak, 20)
	w.until("the place is kept", func() bool { return w.stream(oak, OTLP).Position >= n })
	whole(t, "the other's", collected(c, oak), n)
	c.Refuses("")
	n = w.size(elm)
	w.until("it goes on", func() bool { return w.stream(elm, OTLP).Position >= n })
	whole(t, "what was refused", collected(c, elm), n)
}
