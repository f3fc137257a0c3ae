package quiet_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/hub/quiet"
)

func TestOnlyTheListIsLogged(t *testing.T) {
	const canary = "canary-5d1f"
	var b bytes.Buffer
	log := slog.New(quiet.NewHandler(slog.NewJSONHandler(&b, nil)))
	tests := []struct {
		name string
		log  func()
		want string
	}{
		{"an id", func() { log.Info("x", slog.String("device", "d_1")) }, `"device":"d_1"`},
		{"a time", func() { log.Info("x", slog.Duration("took", 1500*time.Microsecond)) }, `"took_ms":1.5`},
		{"a name", func() { log.Info("x", slog.String("name", canary)) }, `"other":"(not logged)"`},
		{"an error", func() { log.Info("x", slog.Any("cause", errors.New(canary))) }, `"cause":"(not logged)"`},
		{"a struct", func() { log.Info("x", slog.Any("person", struct{ Name string }{canary})) }, `"person":"(not logged)"`},
		{"a second line", func() { log.Info("x", slog.String("act", "close\n"+canary)) }, `"act":"(not logged)"`},
		{"a long text", func() { log.Info("x", slog.String("act", strings.Repeat(canary, 20))) }, `"act":"(not logged)"`},
		{"in a group", func() { log.Info("x", slog.Group("patient", slog.String("name", canary), slog.Int("status", 7))) }, `"status":7`},
		{"in a named group", func() { log.WithGroup(canary).Info("x", slog.Int("status", 8)) }, `"status":8`},
		{"with the logger", func() { log.With(slog.String("name", canary), slog.String("device", "d_2")).Info("x") }, `"device":"d_2"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.Reset()
			tt.log()
			if got := b.String(); !strings.Contains(got, tt.want) || strings.Contains(got, canary) {
				t.Errorf("logged %s, want %s in it", got, tt.want)
			}
		})
	}
}
