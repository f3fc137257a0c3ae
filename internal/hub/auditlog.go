package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/policy"
)

// growBatch is how many events get their numbers in one transaction: more would
// keep messages waiting for it.
const growBatch = 256

// GrowLogs gives the events that wait their numbers in the logs of their
// practices. Call it every second. A log that cannot go on holds up no other:
// the errors of all are joined.
func (h *Hub) GrowLogs(ctx context.Context) error {
	waiting, err := h.LogsWaiting(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, w := range waiting {
		failed = errors.Join(failed, h.growLog(ctx, w.Practice))
	}
	return failed
}

// LogsWaiting lists what waits for its numbers, by practice, and notes it for
// [Hub.Stats].
func (h *Hub) LogsWaiting(ctx context.Context) ([]LogBacklog, error) {
	waiting, err := h.store.LogsWaiting(ctx)
	if err != nil {
		return nil, at("look for waiting events", err)
	}
	all := LogBacklog{}
	for i, w := range waiting {
		if all.Events += w.Events; i == 0 || w.Oldest < all.Oldest {
			all.Oldest = w.Oldest
		}
	}
	h.logBacklog.Store(&all)
	return waiting, nil
}

func (h *Hub) growLog(ctx context.Context, practice string) error {
	for {
		n, err := h.store.GrowLog(ctx, practice, growBatch)
		if err != nil {
			return at("continue the audit log", err)
		}
		if n < growBatch {
			return nil
		}
	}
}

// Checkpoint returns the signed head of a practice's log, with all that has
// happened until now, and the text of the key that signed it.
func (h *Hub) Checkpoint(ctx context.Context, practice string) (signed []byte, verifier string, head auditlog.Head, err error) {
	if err := h.growLog(ctx, practice); err != nil {
		return nil, "", head, err
	}
	s, err := auditlog.NewSigner(h.auditSeed, practice)
	if err != nil {
		return nil, "", head, err
	}
	if head, err = h.store.LogHead(ctx, practice); err != nil {
		return nil, "", head, at("load the log's head", err)
	}
	signed, err = s.Sign(head.Size, head.Root)
	return signed, s.Verifier(), head, err
}

// tiles reads a practice's tree.
func (h *Hub) tiles(ctx context.Context, practice string) auditlog.Tiles {
	return func(level int, n int64) ([]byte, error) { return h.store.LogTile(ctx, practice, level, n) }
}

// A LogQuery selects entries of a log; empty fields select all.
type LogQuery struct {
	Practice     string // always set
	Kinds        []string
	Outcome      string
	Person       string // who acted
	Subject      string // whom it was about
	Object       string // but for frames and handshakes
	Conversation string
	Patient      string
	// Patients and Conversations, if any are named, select what is about any of
	// these or in any of those; Object, Conversation, Patient and Subject are not
	// looked at then.
	Patients, Conversations []string

	From, Until int64 // times, Unix milliseconds: From <= At < Until; 0 is no bound
	// Beyond is the last entry of the page before; those after it in the list's
	// order are selected. Nil begins the list.
	Beyond  *LogPlace
	Forward bool
	Limit   int
	// Size is that of the log as it stood: entries from that number on, which may
	// come at any time and be dated before others, are not looked at; 0 is no bound.
	Size int64
	// Walk is the most entries of a conversation, patient, thing or person that
	// are looked at for what else is asked for; 0 is no bound. Then a list may end
	// before its limit: [Audit.LogWalked] says where it goes on.
	Walk int
}

// A LogPlace is where an entry stands in a list.
type LogPlace struct{ At, Leaf int64 }

func (p LogPlace) cursor() string { return fmt.Sprintf("%d.%d", p.At, p.Leaf) }

// mostAuditPage is how many events a page has, and mostWalked how many entries
// are looked at for one: what nothing matches has a page without events, in the
// time that any page takes.
const (
	mostAuditPage = 200
	mostWalked    = 20_000
)

// An AuditFilter selects events; empty fields select all.
type AuditFilter struct {
	Kind, Category, Outcome string
	Person, Subject, Object string
	Conversation, Patient   string
	From, Until             int64 // Unix milliseconds
	Cursor                  string
	Limit                   int
}

// AuditEvents lists what the log says, newest first, for who answers for it.
// To read the log is itself logged.
func (h *Hub) AuditEvents(ctx context.Context, s *StaffCaller, f AuditFilter) (api.AuditPage, error) {
	q, err := f.query(s.Person.Practice)
	if err != nil {
		return api.AuditPage{}, err
	}
	if err := h.readsAudit(ctx, s, &f, "list"); err != nil {
		return api.AuditPage{}, err
	}
	q.Walk = mostWalked
	if err := h.asItStands(ctx, &q); err != nil {
		return api.AuditPage{}, err
	}
	page, err := h.auditPage(ctx, q, f.Cursor, f.Limit)
	if err != nil {
		return api.AuditPage{}, err
	}
	if f.Cursor == "" {
		if page.Matching, err = h.auditMatching(ctx, q); err != nil {
			return api.AuditPage{}, err
		}
	}
	page.Names, err = h.staffNames(ctx, q.Practice, page.Events)
	return page, err
}

// staffNames tells what the staff in events are called now, by id.
func (h *Hub) staffNames(ctx context.Context, practice string, events []api.AuditEvent) (map[string]string, error) {
	var ids []string
	for i := range events {
		ids = append(ids, events[i].Person, events[i].Subject, events[i].Object)
	}
	people, err := h.persons(ctx, practice, ids)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string)
	for id, p := range people {
		if p.Kind == api.KindStaff {
			names[id] = p.Name
		}
	}
	return names, nil
}

// AuditEventsFor is [Hub.AuditEvents] for who runs the hub: no route leads here.
func (h *Hub) AuditEventsFor(ctx context.Context, practice string, f AuditFilter) (api.AuditPage, error) {
	q, err := f.query(practice)
	if err != nil {
		return api.AuditPage{}, err
	}
	events, err := h.lookedUp(ctx, h.event(ctx, operator(practice), audit.AuditRead, "").With("what=list"), &f)
	if err != nil {
		return api.AuditPage{}, err
	}
	if err := h.store.Record(ctx, events...); err != nil {
		return api.AuditPage{}, at("record a read", err)
	}
	q.Walk = mostWalked
	return h.auditPage(ctx, q, f.Cursor, f.Limit)
}

// query is what a filter asks of the store.
func (f *AuditFilter) query(practice string) (LogQuery, error) {
	q := LogQuery{
		Practice: practice, Outcome: f.Outcome, Person: f.Person, Subject: f.Subject, Object: f.Object,
		Conversation: f.Conversation, Patient: f.Patient, From: f.From, Until: f.Until,
	}
	if f.Conversation != "" && !validID("c", f.Conversation) {
		return q, malformed("conversation")
	}
	if f.Patient != "" && !validID("p", f.Patient) {
		return q, malformed("patient")
	}
	switch {
	case f.Kind != "":
		if _, known := audit.SpecOf(audit.Kind(f.Kind)); !known {
			return q, malformed("kind")
		}
		q.Kinds = []string{f.Kind}
	case f.Category != "":
		for _, k := range audit.Vocabulary() {
			if string(k.Category) == f.Category {
				q.Kinds = append(q.Kinds, string(k.Kind))
			}
		}
		if q.Kinds == nil {
			return q, malformed("category")
		}
	}
	return q, nil
}

// readsAudit refuses whom policy does not let read the log, and records the
// others.
func (h *Hub) readsAudit(ctx context.Context, s *StaffCaller, f *AuditFilter, what string) error {
	if err := h.mayStaff(s, policy.ReadAudit, s.practice()); err != nil {
		return err
	}
	events, err := h.lookedUp(ctx, h.event(ctx, s, audit.AuditRead, "").With("what="+what), f)
	if err != nil {
		return err
	}
	if err := h.store.Record(ctx, events...); err != nil {
		return at("record a read", err)
	}
	return nil
}

// asItStands has all that is asked by a query be of one log: what comes between
// two statements is in none of them.
func (h *Hub) asItStands(ctx context.Context, q *LogQuery) error {
	if q.Size > 0 {
		return nil
	}
	if err := h.growLog(ctx, q.Practice); err != nil {
		return err
	}
	head, err := h.store.LogHead(ctx, q.Practice)
	if err != nil {
		return at("load the log's head", err)
	}
	q.Size = head.Size
	return nil
}

func (h *Hub) auditPage(ctx context.Context, q LogQuery, cursor string, limit int) (api.AuditPage, error) {
	if err := h.asItStands(ctx, &q); err != nil {
		return api.AuditPage{}, err
	}
	if cursor != "" {
		when, leaf, _ := strings.Cut(cursor, ".")
		at, err1 := strconv.ParseInt(when, 10, 64)
		n, err2 := strconv.ParseInt(leaf, 10, 64)
		if err1 != nil || err2 != nil {
			return api.AuditPage{}, malformed("cursor")
		}
		q.Beyond = &LogPlace{At: at, Leaf: n}
	}
	if limit <= 0 || limit > mostAuditPage {
		limit = mostAuditPage
	}
	q.Limit = limit + 1
	entries, err := h.store.LogEntries(ctx, q)
	if err != nil {
		return api.AuditPage{}, at("read the audit log", err)
	}
	page := api.AuditPage{Events: []api.AuditEvent{}}
	if len(entries) > limit {
		last := entries[limit-1]
		page.Next = LogPlace{last.Event.At, last.Leaf}.cursor()
		entries = entries[:limit]
	} else if walked, err := h.store.LogWalked(ctx, q); err != nil {
		return api.AuditPage{}, at("read the audit log", err)
	} else if walked != nil {
		page.Next = walked.cursor()
	}
	for i := range entries {
		page.Events = append(page.Events, auditEvent(&entries[i]))
	}
	return page, nil
}

func auditEvent(e *auditlog.Entry) api.AuditEvent {
	v := &e.Event
	out := api.AuditEvent{
		Number: e.Leaf, At: v.At, Kind: string(v.Kind), Outcome: string(v.Outcome), Role: string(v.Role), Person: v.Person, Device: v.Device,
		Object: v.Object, Subject: v.Subject, Conversation: v.Conversation, Patient: v.Patient, Detail: v.Detail, Reason: v.Reason,
		Reference: v.Reference, Rules: v.Rules, Address: v.Address, Request: v.Request, Commitment: e.Commitment[:],
	}
	if !e.Erased {
		// A row that was changed may be no event any more: then the page shows
		// what is there, and its proof fails.
		if encoded, err := v.Encode(); err == nil {
			out.Encoded = string(encoded)
		}
		out.Salt = e.Salt[:]
	}
	return out
}

// AuditKinds lists the vocabulary, which is no secret.
func (h *Hub) AuditKinds() api.AuditKinds {
	var out api.AuditKinds
	for _, s := range audit.Vocabulary() {
		out.Kinds = append(out.Kinds, api.AuditKind{Kind: string(s.Kind), Category: string(s.Category), Object: s.Object, Says: s.Says})
	}
	return out
}

// AuditCheckpoint is the signed head of the log, for everybody of the practice:
// whoever keeps one can find what was changed later. It says how many events
// there are and nothing of them.
func (h *Hub) AuditCheckpoint(ctx context.Context, practice string) (api.AuditCheckpoint, error) {
	witnesses, err := h.auditWitnesses(ctx, practice) // first: what one signs meanwhile is longer than the head
	if err != nil {
		return api.AuditCheckpoint{}, err
	}
	signed, verifier, head, err := h.Checkpoint(ctx, practice)
	return api.AuditCheckpoint{Signed: string(signed), Verifier: verifier, Size: head.Size, Root: head.Root[:], Witnesses: witnesses}, err
}

// AuditProof proves that an entry is in the tree of a size that the log has
// had. A proof says nothing of other entries but their hashes.
func (h *Hub) AuditProof(ctx context.Context, practice string, number, size int64) (api.AuditProof, error) {
	return h.auditProof(ctx, practice, number, size, auditlog.ProveEntry)
}

// AuditGrowth proves that the log of size later begins with that of size
// earlier.
func (h *Hub) AuditGrowth(ctx context.Context, practice string, earlier, later int64) (api.AuditProof, error) {
	return h.auditProof(ctx, practice, earlier, later, func(later, earlier int64, read auditlog.Tiles) ([]auditlog.Hash, error) {
		return auditlog.ProveGrowth(later, earlier, read)
	})
}

func (h *Hub) auditProof(ctx context.Context, practice string, number, size int64, prove func(size, number int64, read auditlog.Tiles) ([]auditlog.Hash, error)) (api.AuditProof, error) {
	head, err := h.store.LogHead(ctx, practice)
	if err != nil {
		return api.AuditProof{}, at("load the log's head", err)
	}
	if size > head.Size {
		return api.AuditProof{}, ErrNotFound
	}
	hashes, err := prove(size, number, h.tiles(ctx, practice))
	if errors.Is(err, auditlog.ErrNoSuchEntry) {
		return api.AuditProof{}, ErrNotFound
	} else if err != nil {
		return api.AuditProof{}, at("prove by the audit log", err)
	}
	p := api.AuditProof{Size: size, Number: number, Hashes: make([][]byte, len(hashes))}
	for i := range hashes {
		p.Hashes[i] = hashes[i][:]
	}
	return p, nil
}

// AuditTile is a tile of the tree, for who reads the log.
func (h *Hub) AuditTile(ctx context.Context, s *StaffCaller, level int, n int64) (api.AuditTile, error) {
	if err := h.mayStaff(s, policy.ReadAudit, s.practice()); err != nil {
		return api.AuditTile{}, err
	}
	hashes, err := h.store.LogTile(ctx, s.Person.Practice, level, n)
	if err == nil && len(hashes) == 0 {
		err = ErrNotFound
	}
	return api.AuditTile{Hashes: hashes}, err
}

// AuditOfPatient lists what the log says about the calling patient: who saw
// their messages. Network addresses, the ids of calls and which account of a
// machine an operator has are left out, so those
// entries cannot be checked by their commitment; their number can be asked of
// the practice.
func (h *Hub) AuditOfPatient(ctx context.Context, c *Caller, cursor string, limit int) (api.AuditPage, error) {
	if err := h.may(c, policy.OwnAudit, c.Person.resource(false)); err != nil {
		return api.AuditPage{}, err
	}
	if err := h.recordOnce(ctx, c, h.event(ctx, c, audit.AuditRead, "").Of(c.Person.ID).With("what=own")); err != nil {
		return api.AuditPage{}, err
	}
	q := LogQuery{Practice: c.Device.Practice, Patient: c.Person.ID}
	for _, k := range aboutPatients() {
		q.Kinds = append(q.Kinds, string(k))
	}
	page, err := h.auditPage(ctx, q, cursor, limit)
	for i := range page.Events {
		e := &page.Events[i]
		if e.Person != c.Person.ID {
			e.Address, e.Request, e.Encoded, e.Salt = "", "", "", nil
		}
		e.Person = audit.NoAccount(e.Person)
	}
	return page, err
}

// AuditOfDevices lists each device that ever spoke for a person, as the log
// says it: those certified, and those revoked. A device in it that the person
// does not know is not theirs (T03).
func (h *Hub) AuditOfDevices(ctx context.Context, person *Person, cursor string, limit int) (api.AuditPage, error) {
	d := h.policy.Decide(person.principal(), policy.OwnAudit, person.resource(false))
	if !d.Allowed {
		return api.AuditPage{}, h.forbidden(d)
	}
	return h.auditPage(ctx, LogQuery{
		Practice: person.Practice, Subject: person.ID, Kinds: []string{string(audit.CertificateIssued), string(audit.DeviceRevoked)},
	}, cursor, limit)
}

// AuditOfMember lists the certificates of a person who is in a conversation with
// the caller, as the log says them; with an empty id, of the caller. Who holds
// them against the group's own tree finds a member whom the log does not know
// (T03). What else befell the person's devices is not theirs to see: it says
// where from somebody acted.
func (h *Hub) AuditOfMember(ctx context.Context, c *Caller, conversation, person, cursor string, limit int) (api.AuditPage, error) {
	v, err := h.conversation(ctx, c, conversation)
	if err != nil {
		return api.AuditPage{}, err
	}
	about := h.about(&v)
	if err := h.may(c, policy.Frames, about); err != nil {
		return api.AuditPage{}, err
	}
	person = cmp.Or(person, c.Person.ID)
	if !slices.ContainsFunc(v.Participants, func(p Participant) bool { return p.Person == person && p.Since != 0 }) && !slices.Contains(about.Members, person) {
		return api.AuditPage{}, ErrNotFound // who left had the keys too
	}
	if err := h.recordOnce(ctx, c, h.event(ctx, c, audit.MemberDevicesRead, person).In(v.ID, v.Patient)); err != nil {
		return api.AuditPage{}, err
	}
	return h.auditPage(ctx, LogQuery{Practice: v.Practice, Subject: person, Kinds: []string{string(audit.CertificateIssued)}}, cursor, limit)
}

// Practices lists the practices of the store, for who runs the hub.
func (h *Hub) Practices(ctx context.Context) ([]Practice, error) {
	all, err := h.store.Practices(ctx)
	if err != nil {
		return nil, at("list practices", err)
	}
	return all, nil
}

// PracticeIDs lists the practices of the store.
func (h *Hub) PracticeIDs(ctx context.Context) ([]string, error) {
	all, err := h.Practices(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(all))
	for i, p := range all {
		ids[i] = p.ID
	}
	slices.Sort(ids)
	return ids, nil
}
