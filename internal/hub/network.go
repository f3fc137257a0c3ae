package hub

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
)

// AllowNetwork refuses staff who work from where their practice does not let
// them.
func (h *Hub) AllowNetwork(ctx context.Context, p Person, address string) error {
	if p.Kind != api.KindStaff {
		return nil
	}
	pr, err := h.practice(ctx, p.Practice)
	if err != nil {
		return err
	}
	if !pr.Access.allows(p.Role, address) {
		return ErrNetwork
	}
	return nil
}

// checkNetworks ends the sessions of staff who are connected from where their
// practice no longer lets them work. Calls are held to the rule one by one, so
// the sessions that have no connection are of no use there either.
func (h *Hub) checkNetworks(ctx context.Context) error {
	if err := h.renewNetworks(ctx); err != nil {
		return err
	}
	var outside []string
	for _, conn := range h.board.staffConnections() {
		switch err := h.AllowNetwork(ctx, conn.Caller.Person, conn.address); {
		case errors.Is(err, ErrNetwork):
			outside = append(outside, conn.Caller.staff)
		case err != nil:
			return err
		}
	}
	if len(outside) == 0 {
		return nil
	}
	slices.Sort(outside)
	sessions, err := h.store.StaffSessionsByID(ctx, slices.Compact(outside))
	if err != nil {
		return at("load staff sessions", err)
	}
	for _, s := range sessions {
		ended := h.event(ctx, itself(s.Practice), audit.SessionEnded, s.ID).Of(s.Person).Because("network", "")
		if err := h.endStaff(ctx, s, ended); err != nil {
			return at("end a staff session", err)
		}
		h.log.InfoContext(ctx, "session ended: outside the practice's networks", slog.String("person", s.Person))
	}
	return nil
}

// renewNetworks forgets the practices whose networks have changed, as by the
// command line, which is another process.
func (h *Hub) renewNetworks(ctx context.Context) error {
	for id, known := range h.practices.networks(h.millis()) {
		stored, err := h.store.Practice(ctx, id)
		if err != nil {
			return at("load practice", err)
		}
		if !maps.EqualFunc(known, stored.Access.Networks, slices.Equal) {
			h.practices.forget(id)
		}
	}
	return nil
}
