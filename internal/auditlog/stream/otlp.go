package stream

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
)

// What OTLP's ExportLogsServiceRequest has of ours, in its JSON encoding
// (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding"; opentelemetry-proto
// 1.5, logs/v1): 64-bit numbers are strings, and enumerations numbers.
type otlpRequest struct {
	ResourceLogs []otlpResourceLogs `json:"resourceLogs"`
}

type otlpResourceLogs struct {
	Resource  otlpResource    `json:"resource"`
	ScopeLogs []otlpScopeLogs `json:"scopeLogs"`
}

type otlpResource struct {
	Attributes []otlpAttribute `json:"attributes"`
}

type otlpScopeLogs struct {
	Scope      otlpScope    `json:"scope"`
	LogRecords []otlpRecord `json:"logRecords"`
}

type otlpScope struct {
	Name string `json:"name"`
}

type otlpRecord struct {
	TimeUnixNano         string          `json:"timeUnixNano,omitempty"`
	ObservedTimeUnixNano string          `json:"observedTimeUnixNano"`
	SeverityNumber       int             `json:"severityNumber"`
	SeverityText         string          `json:"severityText"`
	EventName            string          `json:"eventName"`
	Body                 otlpValue       `json:"body"`
	Attributes           []otlpAttribute `json:"attributes"`
}

type otlpAttribute struct {
	Key   string    `json:"key"`
	Value otlpValue `json:"value"`
}

// An otlpValue is a text or a whole number.
type otlpValue struct {
	String *string `json:"stringValue,omitempty"`
	Int    string  `json:"intValue,omitempty"`
}

func attribute(key, value string) otlpAttribute {
	return otlpAttribute{key, otlpValue{String: &value}}
}

// otlpRequestOf makes the body of one call. version and host are the program's
// and the machine's; empty if they are not known.
func otlpRequestOf(all []record, version, host string, now time.Time) ([]byte, error) {
	resource := []otlpAttribute{attribute("service.name", "sotto")}
	for _, a := range []field{{"service.version", version}, {"host.name", host}} {
		if a.value != "" {
			resource = append(resource, attribute(a.name, a.value))
		}
	}
	logs := make([]otlpRecord, len(all))
	for i := range all {
		logs[i] = otlpRecordOf(&all[i], now)
	}
	return json.Marshal(otlpRequest{[]otlpResourceLogs{{
		Resource:  otlpResource{resource},
		ScopeLogs: []otlpScopeLogs{{Scope: otlpScope{"sotto/audit"}, LogRecords: logs}},
	}}})
}

func otlpRecordOf(r *record, now time.Time) otlpRecord {
	says := r.says()
	out := otlpRecord{ObservedTimeUnixNano: nanos(now), EventName: "sotto.audit." + string(r.state), Body: otlpValue{String: &says}}
	if r.event != nil {
		out.TimeUnixNano, out.EventName = nanos(r.at()), "sotto."+string(r.event.Kind)
	}
	out.SeverityNumber, out.SeverityText = otlpSeverity(r)
	// The names of OpenTelemetry's conventions where there are such, and who gets
	// an entry twice may drop one by its uid.
	out.Attributes = []otlpAttribute{attribute("log.record.uid", r.uid())}
	for _, f := range r.fields() {
		switch f.name {
		case "number":
			out.Attributes = append(out.Attributes, otlpAttribute{"sotto.number", otlpValue{Int: f.value}})
		case "person":
			out.Attributes = append(out.Attributes, attribute("user.id", f.value))
		case "address":
			out.Attributes = append(out.Attributes, attribute("client.address", f.value))
		default:
			out.Attributes = append(out.Attributes, attribute("sotto."+f.name, f.value))
		}
	}
	return out
}

// otlpSeverity is by what came of the act (logs data model, SeverityNumber).
func otlpSeverity(r *record) (number int, text string) {
	switch {
	case r.alarming():
		return 21, "FATAL"
	case r.event == nil:
		return 10, "INFO2"
	}
	switch r.event.Outcome {
	case audit.Refused:
		return 13, "WARN"
	case audit.Failed:
		return 17, "ERROR"
	}
	return 9, "INFO"
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }
