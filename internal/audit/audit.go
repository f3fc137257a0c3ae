// Package audit is the log of who did what (45 CFR 164.312(b)): what an event
// is, the closed vocabulary of its kinds, and its one encoding.
//
// An [Event] says that somebody did something to something, was refused, or
// failed. It holds opaque ids, codes, times and network addresses. It holds no
// content, no name, no login and no contact detail: the characters it takes do
// not allow a sentence, and the free words that some acts require, such as the
// reason of an emergency, stay where the act keeps them; the event has the id
// of that record in Reference.
//
// The package knows nothing of storage or of the network. How events come into
// a log that cannot be rewritten is package auditlog's.
package audit

import "context"

// An Outcome is what came of an act.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused" // by a rule, or for want of proof
	Failed  Outcome = "failed"  // for a reason of ours
)

// A Role says as what somebody acted.
type Role string

// The roles of actors.
const (
	Patient  Role = "patient"
	Staff    Role = "staff"
	Service  Role = "service"  // the keeper, or another program of the practice
	Operator Role = "operator" // at the command line of the machine
	System   Role = "system"   // the hub, by itself
	Nobody   Role = "nobody"   // who has not shown who they are
)

// An Actor is who did something.
type Actor struct {
	Practice string // id
	Role     Role
	Person   string // id; of an operator their [Account], if it is known; empty for the system and nobody
	Device   string // id; empty where no device speaks, as with a cookie alone
}

// An Event is one act as the log keeps it. Its fields are bounded by
// [Event.Check]; what each kind carries is in its [Spec].
type Event struct {
	Practice string  `json:"practice"`
	At       int64   `json:"at"` // Unix milliseconds, by the hub's clock
	Kind     Kind    `json:"kind"`
	Outcome  Outcome `json:"outcome"`

	Role   Role   `json:"role"`
	Person string `json:"person"`
	Device string `json:"device"`

	// Object is the id of what was acted upon; its kind is Spec.Object.
	Object string `json:"object"`
	// Subject is the person whom the object belongs to, where that is neither the
	// actor nor the object: whose device was let in.
	Subject string `json:"subject"`
	// Conversation and Patient say whose affairs it touched, where it did.
	Conversation string `json:"conversation"`
	Patient      string `json:"patient"`
	// Detail is what else there is to know, in codes: "role=nurse".
	Detail string `json:"detail"`
	// Reason is a code: why it was refused, or on what ground it was done.
	Reason string `json:"reason"`
	// Reference is the id of a record that says more, kept elsewhere.
	Reference string `json:"reference"`
	// Rules are the ids of the policy rules that decided.
	Rules []string `json:"rules"`

	Address string `json:"address"` // network address that the call came from; of a command the name of its machine
	Request string `json:"request"` // id of the call, as in its answer and in the operator's log; or of the command, as it printed it
}

// New returns the event of an act that was done, on the [Ground] of its kind. The request in ctx, if there
// is one, says where from.
func New(ctx context.Context, at int64, who Actor, kind Kind, object string) Event {
	r := RequestOf(ctx)
	who = r.actor(who)
	return Event{
		Practice: who.Practice, At: at, Kind: kind, Outcome: Done,
		Role: who.Role, Person: who.Person, Device: who.Device,
		Object: object, Reason: Ground(kind, who.Role), Address: r.Address, Request: r.ID,
	}
}

// In returns e as one about a conversation of a patient.
func (e Event) In(conversation, patient string) Event {
	e.Conversation, e.Patient = conversation, patient
	return e
}

// About returns e as one about a person's thing.
func (e Event) About(subject string) Event {
	e.Subject = subject
	return e
}

// Of returns e as one about a patient outside any conversation.
func (e Event) Of(patient string) Event {
	e.Patient = patient
	return e
}

// With returns e with a detail, made legible.
func (e Event) With(detail string) Event {
	e.Detail = legible(detail, maxDetail)
	return e
}

// Because returns e with the code of its ground and the id of the record that
// has the words, if there is one.
func (e Event) Because(reason, reference string) Event {
	e.Reason, e.Reference = reason, reference
	return e
}

// By returns e with the rules that allowed it.
func (e Event) By(rules ...string) Event {
	e.Rules = rules
	return e
}

// AsRefused returns e as an act that was refused, and why.
func (e Event) AsRefused(reason string, rules ...string) Event {
	e.Outcome, e.Reason, e.Rules = Refused, reason, rules
	return e
}

// A Request is where an act came from.
type Request struct {
	ID      string
	Address string

	command *Command // nil for what was not run at a command line
}

type requestKey struct{}

// WithRequest returns a context whose events say where they came from. The
// edge that takes a call sets it, once. What an address could not hold is
// replaced, so that nobody keeps an event out of the log by where they say they
// call from.
func WithRequest(ctx context.Context, r Request) context.Context {
	r.ID, r.Address = legible(r.ID, maxID), legible(r.Address, maxID)
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestOf returns what [WithRequest] set, or nothing.
func RequestOf(ctx context.Context) Request {
	r, _ := ctx.Value(requestKey{}).(Request)
	return r
}

// legible returns s cut short, and with "_" for what [Event.Check] refuses.
func legible(s string, most int) string {
	b := []byte(s[:min(len(s), most)])
	for i := range b {
		if !plain(string(b[i:i+1]), 1) {
			b[i] = '_'
		}
	}
	return string(b)
}
