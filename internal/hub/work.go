package hub

import (
	"context"

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
	w := api.Work{Groups: make([]api.GroupWork, len(works)), Certificates: requests}
	for i, g := range works {
		w.Groups[i] = api.GroupWork{Conversation: g.Conversation, Add: devices(g.Add), Remove: devices(g.Remove)}
	}
	return w, nil
}

func devices(ds []Device) []api.Device {
	out := make([]api.Device, len(ds))
	for i := range ds {
		out[i] = ds[i].api()
	}
	return out
}
