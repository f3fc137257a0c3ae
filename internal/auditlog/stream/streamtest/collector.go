package streamtest

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// An Answer is what a [Collector] says to a call. The zero Answer takes it.
type Answer struct {
	Status     int
	RetryAfter string
	Body       string
	// Rejects says that nothing of the call is kept, though Status is a success.
	Rejects bool
}

// A Collector is a receiver of OTLP/HTTP logs in JSON.
type Collector struct {
	t      testing.TB
	server *httptest.Server

	mu      sync.Mutex // guards all below
	answer  func(call, records int, h http.Header) Answer
	refused string
	calls   int
	got     []Record
	raw     []byte
	more    chan struct{}
}

// A Record is a log record, with its attributes by their names.
type Record struct {
	Time, Observed string
	Severity       int
	Event          string
	Body           string
	Fields         map[string]string
	Resource       map[string]string
}

// NewCollector returns one that listens on 127.0.0.1 until the test ends.
func NewCollector(t testing.TB, config *tls.Config) *Collector {
	t.Helper()
	c := &Collector{t: t, more: make(chan struct{})}
	c.server = httptest.NewUnstartedServer(c)
	c.server.TLS = config
	c.server.Config.ErrorLog = log.New(io.Discard, "", 0) // who is refused is no surprise
	c.server.StartTLS()
	t.Cleanup(c.server.Close)
	return c
}

// URL is the address to send to.
func (c *Collector) URL() string { return c.server.URL + "/v1/logs" }

// Answers says what each call is answered, the first being 1.
func (c *Collector) Answers(f func(call, records int, h http.Header) Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = f
}

// Refuses makes it answer 400 to each call with a record of that practice; of
// none if it is empty.
func (c *Collector) Refuses(practice string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused = practice
}

type value struct {
	String *string `json:"stringValue"`
	Int    *string `json:"intValue"`
}

type pairs []struct {
	Key   string `json:"key"`
	Value value  `json:"value"`
}

func (p pairs) read() (map[string]string, error) {
	m := make(map[string]string)
	for _, a := range p {
		if _, twice := m[a.Key]; twice || a.Key == "" || (a.Value.String == nil) == (a.Value.Int == nil) {
			return nil, fmt.Errorf("streamtest: attribute %q", a.Key)
		}
		if a.Value.String != nil {
			m[a.Key] = *a.Value.String
		} else {
			m[a.Key] = *a.Value.Int
		}
	}
	return m, nil
}

func parseLogs(b []byte) (all []Record, err error) {
	var in struct {
		ResourceLogs []struct {
			Resource  struct{ Attributes pairs }
			ScopeLogs []struct {
				Scope      struct{ Name string }
				LogRecords []struct {
					TimeUnixNano, ObservedTimeUnixNano string
					SeverityNumber                     int
					SeverityText, EventName            string
					Body                               value
					Attributes                         pairs
				}
			}
		}
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, err
	}
	for _, resource := range in.ResourceLogs {
		about, err := resource.Resource.Attributes.read()
		if err != nil {
			return nil, err
		}
		for _, scope := range resource.ScopeLogs {
			for _, l := range scope.LogRecords {
				fields, err := l.Attributes.read()
				if err != nil {
					return nil, err
				}
				if l.Body.String == nil || l.SeverityNumber < 1 || l.SeverityNumber > 24 || l.EventName == "" || l.ObservedTimeUnixNano == "" {
					return nil, errors.New("streamtest: not a record")
				}
				all = append(all, Record{l.TimeUnixNano, l.ObservedTimeUnixNano, l.SeverityNumber, l.EventName, *l.Body.String, fields, about})
			}
		}
	}
	return all, nil
}

// ServeHTTP implements [http.Handler].
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller went away
	}
	all, err := parseLogs(body)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/logs" || r.Header.Get("Content-Type") != "application/json" {
		c.t.Errorf("not an OTLP call: %s %s, %v", r.Method, r.URL.Path, err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	c.calls++
	call, answer := c.calls, c.answer
	refuse := slices.ContainsFunc(all, func(r Record) bool { return r.Fields["sotto.practice"] == c.refused })
	c.mu.Unlock()
	var a Answer
	if answer != nil {
		a = answer(call, len(all), r.Header)
	}
	if refuse {
		a = Answer{Status: http.StatusBadRequest}
	}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	if a.Body == "" {
		a.Body = "{}"
	}
	c.mu.Lock()
	if a.Status == http.StatusOK && !a.Rejects {
		c.got = append(c.got, all...)
		c.raw = append(append(c.raw, body...), '\n')
	}
	close(c.more)
	c.more = make(chan struct{})
	c.mu.Unlock()
	if a.RetryAfter != "" {
		w.Header().Set("Retry-After", a.RetryAfter)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
}

// Records are those that were kept.
func (c *Collector) Records() []Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Record(nil), c.got...)
}

// Raw is what was kept, as it came.
func (c *Collector) Raw() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.raw)
}

// Calls is how many there were.
func (c *Collector) Calls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

// Until waits until enough has come.
func (c *Collector) Until(what string, enough func() bool) {
	c.t.Helper()
	end := time.After(patience)
	for {
		c.mu.Lock()
		more := c.more
		c.mu.Unlock()
		if enough() {
			return
		}
		select {
		case <-more:
		case <-time.After(50 * time.Millisecond):
		case <-end:
			c.t.Fatalf("%s: not after %s", what, patience)
		}
	}
}
