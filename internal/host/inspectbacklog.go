package host

import (
	"context"
	"time"

	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/installation"
)

// inspectBacklog looks at what waits for its number in a practice's log.
func (h *OpenHub) inspectBacklog(ctx context.Context, p *installation.Practice, waiting []hub.LogBacklog) error {
	for _, w := range waiting {
		if w.Practice != p.ID {
			continue
		}
		p.LogWaits, p.LogWaitsSince = w.Events, time.UnixMilli(w.Oldest).UTC()
		unreadable, err := h.UnreadableEvents(ctx, p.ID)
		if err != nil {
			return err
		}
		for i := range unreadable {
			u := &unreadable[i]
			p.LogUnreadable = append(p.LogUnreadable, installation.UnreadableEvent{Row: u.Row, At: time.UnixMilli(u.At).UTC(), SHA256: u.Hash()})
		}
	}
	return nil
}
