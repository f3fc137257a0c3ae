package devicetest

import (
	"bytes"
	"maps"
	"slices"

	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/keeper"
)

// BackUp copies, of one moment, what the hub, the keeper and the record have of
// a conversation. The keeper must not run. The function that it returns puts the
// copy in the place of what has become since, and lets the keeper know, unless
// silently is set; it must not run then either.
func (w *World) BackUp(conversation string) (restore func(silently bool)) {
	w.T.Helper()
	store := w.KeeperStore.Copy()
	archive := w.Archive.copy()
	w.Hub.mu.Lock()
	defer w.Hub.mu.Unlock()
	kept := w.Hub.conversations[conversation].copy()
	return func(silently bool) {
		w.T.Helper()
		w.KeeperStore, w.Archive = store.Copy(), archive.copy()
		if !silently {
			if err := device.SetBack(w.T.Context(), w.KeeperStore); err != nil {
				w.T.Fatal(err)
			}
		}
		w.Hub.mu.Lock()
		defer w.Hub.mu.Unlock()
		w.Hub.conversations[conversation] = kept.copy()
	}
}

func (c *conversation) copy() *conversation {
	copied := *c
	copied.frames, copied.Participant = slices.Clone(c.frames), slices.Clone(c.Participant)
	copied.members, copied.past = maps.Clone(c.members), maps.Clone(c.past)
	return &copied
}

func (a *Archive) copy() *Archive {
	a.mu.Lock()
	defer a.mu.Unlock()
	copied := NewArchive()
	for id, records := range a.records {
		copied.records[id] = append([]keeper.Record{}, records...)
	}
	for id, file := range a.files {
		copied.files[id] = bytes.Clone(file)
	}
	return copied
}
