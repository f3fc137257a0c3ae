package host

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog/stream"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/installation"
)

// retireEvery is how often it is looked whether a stream is still sent that is
// set up no more.
const retireEvery = time.Minute

// runStreams sends the audit logs to the receivers that are set up, until ctx
// ends. Wait for what it returns before the store is closed.
func runStreams(ctx context.Context, h *OpenHub, settings []stream.Setting, say *slog.Logger) *sync.WaitGroup {
	machine, err := os.Hostname()
	if err != nil {
		machine = "" // then it is not told
	}
	holder := "h_alone" // whose lease nobody has to wait for after a crash
	if h.broker != nil {
		holder = hub.NewID("h")
	}
	all, setUp := new(sync.WaitGroup), make(map[string]bool)
	for _, s := range settings {
		setUp[s.Name] = true
		all.Go(func() {
			stream.Run(ctx, h.Hub, stream.Config{Setting: s, Holder: holder, Version: build().Version, Host: machine, Say: say})
		})
	}
	all.Go(func() { retireStreams(ctx, h, setUp, say) })
	return all
}

// retireStreams stops the streams that are set up no more. While another hub of
// the database still sends one, it goes on.
func retireStreams(ctx context.Context, h *OpenHub, setUp map[string]bool, say *slog.Logger) {
	repeat(ctx, retireEvery, func() {
		if err := h.StopStreams(ctx, setUp); err != nil && ctx.Err() == nil {
			say.WarnContext(ctx, "streams of the audit log that are set up no more could not be stopped")
		}
	})
}

// receivers are where the audit log is streamed to, without anything secret.
func receivers(settings []stream.Setting) []installation.Receiver {
	all := []installation.Receiver{}
	for i := range settings {
		all = append(all, installation.Receiver{Name: settings[i].Name, Host: settings[i].Host, Plain: settings[i].Plain()})
	}
	return all
}
