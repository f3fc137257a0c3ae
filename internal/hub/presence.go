package hub

import (
	"context"

	"github.com/sotto-health/sotto/api"
)

// presenceChanged tells those who share a conversation with a person that the
// person came or went. Services are always there, or nobody needs to know.
func (h *Hub) presenceChanged(c *Caller, online bool, conversations []string) {
	h.tellPeers(c, online)
	if c.Service() || !online && h.peers.has(c.Device.Person) {
		return
	}
	for _, id := range conversations {
		h.notify(context.Background(), Notice{
			Practice: c.Device.Practice, Conversation: id, Except: c.Device.ID,
			Event: api.Event{Type: api.EventPresence, ConversationID: id, Person: c.Device.Person, Online: online},
		})
	}
}
