// Package quiet keeps what must not be logged out of logs: a handler that
// lets pass a fixed list of attributes, of bounded size, and nothing else.
//
// It does not look for patient data in text. It makes sure that there is no
// place for any: names of attributes are on the list because their values are
// identifiers, sizes, times or words of ours.
package quiet

import (
	"context"
	"log/slog"
	"time"
)

// longest is how many bytes a logged string may have.
const longest = 160

// allowed are the attributes that may be logged.
func allowed(key string) bool {
	switch key {
	case "request", "route", "status", "bytes", "took", "cause", // a call
		"practice", "conversation", "device", "person", // opaque ids
		"act", "type", "reason", "count", "address", "version", "component":
		return true
	}
	return false
}

// dropped stands for what was not allowed.
const dropped = "(not logged)"

// Handler passes records on to the next one, with only the allowed attributes.
// Groups are taken apart: their names are not logged.
type Handler struct{ next slog.Handler }

// NewHandler returns a Handler in front of next.
func NewHandler(next slog.Handler) *Handler { return &Handler{next} }

// Enabled reports whether the next handler is.
func (h *Handler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

// Handle passes r on.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(filter(nil, a)...)
		return true
	})
	return h.next.Handle(ctx, clean)
}

// WithAttrs returns a Handler that adds those of as that are allowed.
func (h *Handler) WithAttrs(as []slog.Attr) slog.Handler {
	var clean []slog.Attr
	for _, a := range as {
		clean = filter(clean, a)
	}
	return &Handler{h.next.WithAttrs(clean)}
}

// WithGroup returns h: names of attributes are the same everywhere.
func (h *Handler) WithGroup(string) slog.Handler { return h }

// filter appends what may be logged of a.
func filter(to []slog.Attr, a slog.Attr) []slog.Attr {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		for _, inner := range v.Group() {
			to = filter(to, inner)
		}
		return to
	}
	if !allowed(a.Key) {
		return append(to, slog.String("other", dropped))
	}
	switch v.Kind() {
	case slog.KindString:
		if s := v.String(); len(s) > longest || !printable(s) {
			return append(to, slog.String(a.Key, dropped))
		}
	case slog.KindDuration:
		v = slog.Float64Value(float64(v.Duration()) / float64(time.Millisecond))
		return append(to, slog.Attr{Key: a.Key + "_ms", Value: v})
	case slog.KindAny: // an error, a struct: who knows what it prints
		return append(to, slog.String(a.Key, dropped))
	}
	return append(to, slog.Attr{Key: a.Key, Value: v})
}

// printable keeps line feeds and control characters out of logs (T29c).
func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r > '~' {
			return false
		}
	}
	return true
}
