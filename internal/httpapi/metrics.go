package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sotto-health/sotto/internal/hub"
)

// metrics are counts and times, by route and never by person or practice.
type metrics struct {
	registry       *prometheus.Registry
	calls          *prometheus.CounterVec
	took           *prometheus.HistogramVec
	socketRefusals *prometheus.CounterVec
}

func newMetrics(h *hub.Hub) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sotto_http_calls_total", Help: "Calls answered, by route and status.",
		}, []string{"route", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sotto_http_call_seconds", Help: "Time to answer a call, by route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, 1, 5, 30},
		}, []string{"route"}),
		socketRefusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sotto_socket_refusals_total", Help: "Messages refused on push connections, by code.",
		}, []string{"code"}),
	}
	count := func(name, help string, of func(hub.Stats) float64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return of(h.Stats()) })
	}
	m.registry.MustRegister(
		witnesses{h}, streams{h}, logParts{h},
		m.calls, m.took, m.socketRefusals,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "sotto_connections", Help: "Push connections open now."},
			func() float64 { return float64(h.Stats().Connections) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "sotto_audit_log_bytes", Help: "What the audit logs take in the database, measured once an hour; with SQLite estimated."},
			func() float64 { return float64(h.Stats().LogBytes) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "sotto_audit_archive_bytes", Help: "What the audit logs take in the folder that they are archived to, measured once an hour."},
			func() float64 { return float64(h.Stats().ArchiveBytes) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "sotto_audit_waiting_events", Help: "Events that waited for their numbers in the audit logs when these were to grow last, a second ago."},
			func() float64 { return float64(h.Stats().LogBacklog.Events) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "sotto_audit_waiting_since_timestamp_seconds", Help: "When the oldest of them was made; 0 if none waited. One that stays means that a log does not grow."},
			func() float64 { return float64(h.Stats().LogBacklog.Oldest) / 1000 }),
		count("sotto_application_frames_total", "Application frames stored.", func(s hub.Stats) float64 { return float64(s.Applications) }),
		count("sotto_handshakes_total", "Commits and proposals stored.", func(s hub.Stats) float64 { return float64(s.Handshakes) }),
		count("sotto_password_hashes_total", "Slow hashes of passwords, PINs and recovery codes.", func(s hub.Stats) float64 { return float64(s.Hashes) }),
		count("sotto_match_sprays_total", "Times that too many wrong facts about patients closed matching at a practice for a day.", func(s hub.Stats) float64 { return float64(s.Sprays) }),
		count("sotto_orphan_files_deleted_total", "Sealed files that no row named, deleted.", func(s hub.Stats) float64 { return float64(s.Orphans) }),
	)
	return m
}

func (m *metrics) observe(route string, status int, took time.Duration) {
	m.calls.WithLabelValues(route, strconv.Itoa(status)).Inc()
	if route != "GET /v1/events" && route != "GET /v1/events/poll" { // held open on purpose
		m.took.WithLabelValues(route).Observe(took.Seconds())
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// witnesses are gauges of the witnesses of the audit log, by their names.
type witnesses struct{ hub *hub.Hub }

var witnessProblem = prometheus.NewDesc("sotto_audit_witness_problem", "1 if a witness did not sign the audit log's head when it was asked last.", []string{"witness"}, nil)

// Describe implements [prometheus.Collector].
func (witnesses) Describe(c chan<- *prometheus.Desc) { c <- witnessProblem }

// Collect implements [prometheus.Collector].
func (w witnesses) Collect(c chan<- prometheus.Metric) {
	for name, problem := range w.hub.Stats().Witnesses {
		value := 0.0
		if problem {
			value = 1
		}
		c <- prometheus.MustNewConstMetric(witnessProblem, prometheus.GaugeValue, value, name)
	}
}

// logParts are gauges of the ways in which audit logs are let out of the
// database: checkpoints, and the archive.
type logParts struct{ hub *hub.Hub }

var (
	partProblem = prometheus.NewDesc("sotto_audit_part_problem", "1 if a part of the audit logs could not be let out, or contradicts what was let out before.", []string{"part"}, nil)
	partSuccess = prometheus.NewDesc("sotto_audit_part_last_success_timestamp_seconds", "When a part of the audit logs was last let out; 0 if it never was.", []string{"part"}, nil)
)

// Describe implements [prometheus.Collector].
func (logParts) Describe(c chan<- *prometheus.Desc) { c <- partProblem; c <- partSuccess }

// Collect implements [prometheus.Collector].
func (p logParts) Collect(c chan<- prometheus.Metric) {
	for name, f := range p.hub.Stats().LogParts {
		problem, success := 0.0, 0.0
		if f.Problem {
			problem = 1
		}
		if !f.SucceededAt.IsZero() {
			success = float64(f.SucceededAt.Unix())
		}
		c <- prometheus.MustNewConstMetric(partProblem, prometheus.GaugeValue, problem, name)
		c <- prometheus.MustNewConstMetric(partSuccess, prometheus.GaugeValue, success, name)
	}
}

// streams are gauges and counts of the streams of the audit log, by their names
// and over all practices.
type streams struct{ hub *hub.Hub }

type streamFigure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func newStreamFigure(name, help string, kind prometheus.ValueType) streamFigure {
	return streamFigure{prometheus.NewDesc("sotto_audit_stream_"+name, help, []string{"stream"}, nil), kind}
}

var (
	streamPosition = newStreamFigure("position", "Entries of the audit logs that the receiver has for certain.", prometheus.GaugeValue)
	streamLag      = newStreamFigure("lag", "Entries of the audit logs that the receiver has not for certain.", prometheus.GaugeValue)
	streamProblem  = newStreamFigure("problem", "1 if entries wait because the receiver does not take them.", prometheus.GaugeValue)
	streamSuccess  = newStreamFigure("last_success_timestamp_seconds", "When the receiver last got an entry; 0 if it never did.", prometheus.GaugeValue)
	streamFailures = newStreamFigure("failures_total", "Attempts to send that failed, of this hub since its start.", prometheus.CounterValue)
	streamRejected = newStreamFigure("rejected_total", "Entries that the receiver took and said it did not keep.", prometheus.CounterValue)
)

// Describe implements [prometheus.Collector].
func (streams) Describe(c chan<- *prometheus.Desc) {
	for _, f := range []streamFigure{streamPosition, streamLag, streamProblem, streamSuccess, streamFailures, streamRejected} {
		c <- f.desc
	}
}

// Collect implements [prometheus.Collector].
func (s streams) Collect(c chan<- prometheus.Metric) {
	for name, f := range s.hub.Stats().Streams {
		say := func(of streamFigure, value float64) {
			c <- prometheus.MustNewConstMetric(of.desc, of.kind, value, name)
		}
		say(streamPosition, float64(f.Position))
		say(streamLag, float64(f.Lag))
		problem := 0.0
		if f.Problem {
			problem = 1
		}
		say(streamProblem, problem)
		say(streamSuccess, float64(f.SentAt)/1000)
		say(streamFailures, float64(f.Failures))
		say(streamRejected, float64(f.Rejected))
	}
}
