package httpapi_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/hub"
)

// A faultyStore is the real store until told to fail.
type faultyStore struct {
	hub.Store
	full *atomic.Bool
	// pages is how many more pages of the log can be read; 0 is no limit.
	pages atomic.Int64
	// meanwhile happens before the next page of the log is read, once.
	meanwhile atomic.Pointer[func()]
	// incomplete is how many more files cannot be completed.
	incomplete *atomic.Int64
	// unchanged is which change of a person from now on fails; 0 is none.
	unchanged *atomic.Int64
	// unnamed has no people be found.
	unnamed atomic.Bool
	// unrecorded has nothing that is read recorded.
	unrecorded atomic.Bool
	// unwritten has the real store find each event of a kind to be none; of any if that is "".
	unwritten *atomic.Pointer[audit.Kind]
}

func (s *faultyStore) Record(ctx context.Context, events ...audit.Event) error {
	if s.unrecorded.Load() {
		return fmt.Errorf("record %s: %w", canary, hub.ErrUnavailable)
	}
	return s.Store.Record(ctx, s.spoiled(events)...)
}

func (s *faultyStore) PersonsByID(ctx context.Context, practice string, ids []string) ([]hub.Person, error) {
	if s.unnamed.Load() {
		return nil, fmt.Errorf("persons %s: %w", canary, hub.ErrUnavailable)
	}
	return s.Store.PersonsByID(ctx, practice, ids)
}

func (s *faultyStore) spoiled(events []audit.Event) []audit.Event {
	if kind := s.unwritten.Load(); kind != nil {
		events = slices.Clone(events)
		for i := range events {
			if *kind == "" || *kind == events[i].Kind {
				events[i].Kind = "no.kind"
			}
		}
	}
	return events
}

func (s *faultyStore) LogRange(ctx context.Context, practice string, first int64, limit int) ([]auditlog.Entry, error) {
	if happens := s.meanwhile.Swap(nil); happens != nil {
		(*happens)()
	}
	if left := s.pages.Load(); left == 1 {
		return nil, fmt.Errorf("%s: %w", canary, hub.ErrUnavailable)
	} else if left > 1 {
		s.pages.Add(-1)
	}
	return s.Store.LogRange(ctx, practice, first, limit)
}

func (s *faultyStore) Recording(events ...audit.Event) hub.Store {
	return &faultyStore{Store: s.Store.Recording(s.spoiled(events)...), full: s.full, incomplete: s.incomplete, unwritten: s.unwritten, unchanged: s.unchanged}
}

func (s *faultyStore) Using(use hub.FactorUse) hub.Store {
	return &faultyStore{Store: s.Store.Using(use), full: s.full, incomplete: s.incomplete, unwritten: s.unwritten, unchanged: s.unchanged}
}

func (s *faultyStore) CompleteAttachment(ctx context.Context, practice, id string, at int64) error {
	if s.incomplete.Add(-1) >= 0 {
		return fmt.Errorf("complete %s: %w", canary, hub.ErrUnavailable)
	}
	return s.Store.CompleteAttachment(ctx, practice, id, at)
}

func (s *faultyStore) AppendFrame(ctx context.Context, a hub.Append) (hub.Appended, error) {
	if s.full.Load() {
		return hub.Appended{}, fmt.Errorf("append %s: %w", canary, hub.ErrFull)
	}
	return s.Store.AppendFrame(ctx, a)
}

func (s *faultyStore) QueueFrame(ctx context.Context, a hub.Append) func() (hub.Appended, error) {
	if s.full.Load() {
		return func() (hub.Appended, error) { return s.AppendFrame(ctx, a) }
	}
	return s.Store.QueueFrame(ctx, a)
}
