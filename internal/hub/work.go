package hub

import (
	"context"
	"slices"

	"github.com/sotto-health/sotto/api"
)

// maxGroupWork is how many groups a page of work holds.
const maxGroupWork = 200

// Work lists what the keeper has to bring about.
func (h *Hub) Work(ctx context.Context, c *Caller) (api.Work, error) {
	requests, err := h.CertificateRequests(ctx, c)
	if err != nil {
		return api.Work{}, err
	}
	works, err := h.store.Work(ctx, c.Device.Practice, maxGroupWork)
	if err != nil {
		return api.Work{}, at("load work", err)
	}
	w := api.Work{Groups: []api.GroupWork{}, Certificates: requests}
	for _, g := range works {
		if err := h.dropRefused(ctx, c.Device.Practice, &g); err != nil {
			return api.Work{}, at("load conversation", err)
		}
		if len(g.Add)+len(g.Remove) > 0 {
			w.Groups = append(w.Groups, api.GroupWork{Conversation: g.Conversation, Add: devices(g.Add), Remove: devices(g.Remove)})
		}
	}
	return w, nil
}

// dropRefused drops the adds that checkMembership would refuse by policy. What
// the keeper does to a group is one commit: a refused add would keep everybody
// in who has to leave.
func (h *Hub) dropRefused(ctx context.Context, practice string, g *Work) error {
	if len(g.Add) == 0 {
		return nil
	}
	v, err := h.store.Conversation(ctx, practice, g.Conversation)
	if err != nil {
		return err
	}
	g.Add = slices.DeleteFunc(g.Add, func(d Device) bool { return !h.admits(&v, &d) })
	return nil
}

func devices(ds []Device) []api.Device {
	out := make([]api.Device, len(ds))
	for i := range ds {
		out[i] = ds[i].api()
	}
	return out
}
