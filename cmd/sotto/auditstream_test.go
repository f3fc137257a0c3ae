package main

import (
	"bytes"
	"crypto/tls"
	"regexp"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/auditlog/stream/streamtest"
)

// TestStreamTest: the receivers are reached, and one that is not as it should be
// is named, and nothing is sent to any.
func TestStreamTest(t *testing.T) {
	ca := streamtest.NewAuthority(t)
	asks := ca.Server()
	asks.ClientAuth, asks.ClientCAs = tls.RequireAndVerifyClientCert, ca.Pool
	good, strict, gone := streamtest.NewSyslog(t, ca.Server()), streamtest.NewSyslog(t, asks), streamtest.NewSyslog(t, ca.Server())
	gone.Stop()
	collector, closed := streamtest.NewCollector(t, ca.Server()), streamtest.NewCollector(t, asks)
	for name, c := range map[string]struct{ syslog, otlp, ca, want string }{
		"well":                       {good.Address(), collector.URL(), ca.File, "reached by TLS 1.3; its certificate is good until"},
		"of another authority":       {good.Address(), "", streamtest.NewAuthority(t).File, ": certificate"},
		"wants a client certificate": {strict.Address(), "", ca.File, ": tls"},
		"OTLP, wants one":            {good.Address(), closed.URL(), ca.File, "/v1/logs: tls"},
		"away":                       {gone.Address(), "", ca.File, ": away"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SOTTO_SYSLOG", "tls://"+c.syslog)
			t.Setenv("SOTTO_SYSLOG_CA", c.ca)
			t.Setenv("SOTTO_OTLP", c.otlp)
			if c.otlp != "" {
				t.Setenv("SOTTO_OTLP_CA", c.ca)
			}
			var out bytes.Buffer
			err := run(t.Context(), []string{"audit", "stream", "test"}, &out, &out)
			if !strings.Contains(out.String(), c.want) || (err == nil) != (name == "well") {
				t.Errorf("%v, and it says\n%s", err, &out)
			}
		})
	}
	if n := len(good.Messages()) + len(strict.Messages()) + collector.Calls() + closed.Calls(); n > 0 {
		t.Errorf("%d messages were sent", n)
	}
	t.Run("a bad setting stops the server", func(t *testing.T) {
		t.Setenv("SOTTO_SYSLOG", "udp://siem.example:514")
		var out bytes.Buffer
		err := run(t.Context(), []string{"--data", t.TempDir(), "serve"}, &out, &out)
		if err == nil || !strings.Contains(err.Error(), "stream-address") {
			t.Errorf("got %v", err)
		}
	})
}

// TestStreamStatus: how far each stream has come is printed.
func TestStreamStatus(t *testing.T) {
	data := newAuditLog(t)
	h, practice := openHub(t, data)
	one, _, err := h.TakeStream(t.Context(), auditlog.Stream{Practice: practice, Name: "syslog", Target: "tls://siem.example:6514", Holder: "h"}, false, 0)
	if err != nil {
		t.Fatal(err)
	}
	now := one
	now.Position, now.Problem, now.ProblemAt = 7, "away", 1
	if err := h.SaveStream(t.Context(), one, now); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	out := does(t, data, []string{"audit", "stream", "status"})
	if !regexp.MustCompile(`\n\S+ +syslog +tls://siem\.example:6514 +7 +[1-9]\d* +never +away\n`).MatchString(out) {
		t.Errorf("got\n%s", out)
	}
}
