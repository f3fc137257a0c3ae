package hub

import (
	"context"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
)

// This file says who did what, for the log (45 CFR 164.312(b)). An act carries
// its event in the store's own transaction:
//
//	h.store.Recording(h.event(ctx, c, audit.CertificateIssued, d.ID)).PutCertificate(...)
//
// and what only reads records it before it answers:
//
//	if err := h.store.Record(ctx, h.event(ctx, s, audit.PeopleListed, "")); err != nil { ... }

// An actor is somebody who does something: a [*Caller], a [*StaffCaller], or
// one of those below.
type actor interface{ actor() audit.Actor }

func (c *Caller) actor() audit.Actor {
	return audit.Actor{Practice: c.Device.Practice, Role: roleOfKind(c.Device.Kind), Person: c.Device.Person, Device: c.Device.ID}
}

func (s *StaffCaller) actor() audit.Actor {
	return audit.Actor{Practice: s.Person.Practice, Role: audit.Staff, Person: s.Person.ID, Device: s.session.Device}
}

// A party is an actor as it is.
type party audit.Actor

func (p party) actor() audit.Actor { return audit.Actor(p) }

// operator is who runs the installation, at its command line.
func operator(practice string) actor { return party{Practice: practice, Role: audit.Operator} }

// itself is the hub, when it acts by itself.
func itself(practice string) actor { return party{Practice: practice, Role: audit.System} }

// nobody is who has not shown who they are.
func nobody(practice string) actor { return party{Practice: practice, Role: audit.Nobody} }

// themself is a person who has just shown who they are.
func (p *Person) themself() actor {
	return party{Practice: p.Practice, Role: roleOfKind(p.Kind), Person: p.ID}
}

func roleOfKind(kind string) audit.Role {
	switch kind {
	case api.KindPatient:
		return audit.Patient
	case api.KindService:
		return audit.Service
	}
	return audit.Staff
}

// event is that of an act which is done.
func (h *Hub) event(ctx context.Context, who actor, k audit.Kind, object string) audit.Event {
	return audit.New(ctx, h.millis(), who.actor(), k, object)
}
