package httpapi_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/store/postgres/postgrestest"
)

// leaves says which events a call of each route leaves, or "-" and why it
// leaves none. A route that is not here fails TestEveryRouteIsAudited, and one
// that is called by any test of this package and never leaves what is written
// here fails the package (T41).
var leaves = map[string]string{
	"get /v1/practices/{slug}/forms/{form}":                          "- published, to anybody",
	"post /v1/practices/{slug}/declined":                             "consent.declined",
	"get /v1/consents":                                               "- one's own",
	"post /v1/consents":                                              "consent.given",
	"post /v1/consents/{id}/withdraw":                                "consent.withdrawn",
	"get /v1/staff/conversations/{id}/consents":                      "conversation.seen",
	"get /v1/admin/consents":                                         "- texts and counts of no person",
	"put /v1/admin/consents/{form}/draft":                            "consent-form.saved",
	"post /v1/admin/consents/{form}/preview":                         "- nothing is stored",
	"post /v1/admin/consents/{form}/{version}/submit":                "consent-form.submitted",
	"post /v1/admin/consents/{form}/{version}/return":                "consent-form.returned",
	"post /v1/admin/consents/{form}/{version}/approve":               "consent-form.approved",
	"post /v1/admin/consents/{form}/{version}/publish":               "consent-form.published",
	"post /v1/admin/consents/{form}/{version}/retire":                "consent-form.retired consent-form.submitted",
	"put /v1/admin/consents/{form}/{version}/queues":                 "consent-form.attached consent-form.submitted",
	"get /v1/admin/consents/{form}/{version}/again":                  "- counts of no person",
	"get /v1/admin/consent-receipts":                                 "consents.listed",
	"get /v1/admin/consent-receipts/csv":                             "consents.exported",
	"get /v1/admin/consent-receipts/fhir":                            "consents.exported",
	"get /v1/staff/conversations/{id}/verification":                  "patient.verification-read",
	"post /v1/staff/conversations/{id}/verification/ask":             "patient.asked",
	"post /v1/staff/conversations/{id}/verification/confirm":         "patient.verified",
	"post /v1/staff/conversations/{id}/verification/reset":           "patient.tries-reset",
	"post /v1/patients/return":                                       "device.registered patient.verified",
	"post /v1/verification/passkey":                                  "patient.verified",
	"post /v1/verification/passkeys":                                 "factor.added",
	"post /v1/verification/passkeys/remove":                          "factor.removed",
	"post /v1/staff/conversations/{id}/verification/forget-passkeys": "patient.passkeys-forgotten",
	"post /v1/verification/portal":                                   "- nothing is stored",
	"post /v1/verification/portal/finish":                            "patient.verified patient.not-verified patient.portal-waits",
	"post /v1/staff/conversations/{id}/verification/portal":          "patient.portal-linked",
	"post /v1/staff/conversations/{id}/verification/portal/unlink":   "patient.portal-unlinked",
	"post /v1/verification/code":                                     "contact-code.sent",
	"post /v1/verification/code/check":                               "patient.verified patient.not-verified",
	"post /v1/verification/match":                                    "patient.verified patient.not-verified",
	"post /v1/invitations/open":                                      "invitation.opened",
	"get /v1/relations":                                              "- one's own",
	"put /v1/staff/conversations/{id}/confidential":                  "conversation.hidden conversation.shown",
	"post /v1/staff/conversations/{id}/hold-backs":                   "hold-back.confirmed",
	"get /v1/staff/conversations/{id}/patient":                       "patient.seen",
	"get /v1/staff/invitations":                                      "- one's own",
	"post /v1/staff/invitations":                                     "invitation.made",
	"post /v1/staff/invitations/{id}/revoke":                         "invitation.revoked",
	"post /v1/staff/person-links":                                    "persons.linked",
	"get /v1/admin/person-links":                                     "persons.links-listed",
	"post /v1/staff/person-links/{id}/undo":                          "persons.unlinked",
	"post /v1/staff/relations":                                       "relation.granted",
	"post /v1/staff/relations/{id}/end":                              "relation.ended",
	"get /v1/admin/controls":                                         "controls.read",
	"post /v1/admin/controls/evidence":                               "evidence.exported",
	"post /v1/admin/controls/looks":                                  "controls.looked-at",
	"get /v1/admin/inventory":                                        "controls.read",
	"get /v1/admin/people/{id}":                                      "person.seen",
	"get /v1/admin/emergencies":                                      "emergencies.listed",
	"post /v1/admin/emergencies/{id}/review":                         "emergency.reviewed",
	"post /v1/staff/conversations/{id}/break-glass":                  "emergency.opened",
	"post /v1/staff/conversations/{id}/colleagues":                   "colleague.brought",
	"post /v1/staff/conversations/{id}/transfer":                     "conversation.transferred",
	"get /v1/staff/conversations/{id}/colleagues":                    "people.listed",
	"delete /v1/admin/people/{id}/devices/{device}":                  "device.revoked",
	"delete /v1/admin/people/{id}/identity":                          "identity.unlinked",
	"put /v1/admin/people/{id}/identity":                             "identity.linked",
	"post /v1/staff/sso/begin":                                       "- nothing is stored but a nonce",
	"post /v1/staff/sso/finish":                                      "sign-in.done set-up-link.used session.proved identity.linked",
	"delete /v1/staff/sso/identity":                                  "identity.unlinked",
	"post /v1/staff/sso/sign-out":                                    "sign-in.ended",
	"get /v1/admin/audit/events":                                     "audit.read",
	"get /v1/admin/audit/export":                                     "audit.exported",
	"get /v1/audit/sightings":                                        "access.read",
	"get /v1/admin/patients/{id}/sightings":                          "access.read",
	"get /v1/admin/patients/{id}/disclosures":                        "access.read",
	"get /v1/admin/patients/{id}/disclosures/csv":                    "disclosures.exported",
	"post /v1/admin/patients/{id}/disclosures":                       "disclosure.recorded",
	"post /v1/admin/disclosures/{id}/strike":                         "disclosure.struck",
	"get /v1/admin/audit/tile":                                       "- hashes only; the events were recorded as read",
	"get /v1/admin/conversations/{id}/readers":                       "readers.explained",
	"get /v1/admin/people":                                           "people.listed",
	"post /v1/admin/people/{id}/requests":                            "grant.requested",
	"get /v1/admin/protections":                                      "controls.read",
	"get /v1/admin/reviews/access":                                   "people.listed",
	"post /v1/admin/reviews/access":                                  "access.confirmed",
	"get /v1/admin/reviews/access/csv":                               "reviews.exported",
	"get /v1/admin/reviews/activity":                                 "audit.read",
	"get /v1/admin/reviews/activity/figures":                         "audit.read",
	"post /v1/admin/reviews/activity":                                "audit.reviewed",
	"get /v1/admin/reviews/activity/csv":                             "reviews.exported",
	"get /v1/admin/alerts":                                           "audit.read",
	"post /v1/admin/alerts/{id}/review":                              "alert.reviewed",
	"post /v1/admin/patient-watches":                                 "patient-watch.begun",
	"delete /v1/admin/patient-watches/{id}":                          "patient-watch.ended",
	"get /v1/admin/requests":                                         "people.listed",
	"post /v1/admin/requests/{id}/decision":                          "grant.approved grant.refused grant.withdrawn",
	"post /v1/admin/people":                                          "person.added set-up-link.made",
	"patch /v1/admin/people/{id}":                                    "person.changed person.disabled",
	"post /v1/admin/people/{id}/set-up-link":                         "set-up-link.made",
	"delete /v1/attachments/{id}":                                    "file.dropped",
	"get /v1/attachments/{id}":                                       "file.downloaded",
	"head /v1/attachments/{id}":                                      "file.added",
	"patch /v1/attachments/{id}":                                     "file.added",
	"get /v1/audit/checkpoint":                                       "- a size and a hash, which anybody of the practice may keep",
	"get /v1/audit/growth":                                           "- hashes only",
	"get /v1/audit/kinds":                                            "- no data",
	"get /v1/audit/own":                                              "audit.read",
	"get /v1/audit/proof":                                            "- hashes only",
	"get /v1/certificate-requests":                                   "- the keeper is told its work; each certificate is recorded",
	"post /v1/challenges":                                            "- a random number",
	"get /v1/conversations":                                          "conversations.listed",
	"get /v1/conversations/{id}":                                     "conversation.seen",
	"put /v1/conversations/{id}":                                     "conversation.begun consent.given",
	"post /v1/conversations/{id}/ack":                                "- bookkeeping of a device in the group, for every message",
	"post /v1/conversations/{id}/attachments":                        "file.added",
	"get /v1/conversations/{id}/certificates":                        "member-devices.read",
	"post /v1/record-reads":                                          "record.read record.verified disclosure.recorded",
	"post /v1/conversations/{id}/close":                              "conversation.closed",
	"get /v1/conversations/{id}/frames":                              "conversation.opened",
	"post /v1/conversations/{id}/frames":                             "frame.sent handshake.sent history.shared",
	"get /v1/conversations/{id}/group-info":                          "group-info.read",
	"post /v1/conversations/{id}/join":                               "conversation.joined",
	"post /v1/conversations/{id}/leave":                              "conversation.left",
	"post /v1/conversations/{id}/rating":                             "conversation.rated",
	"post /v1/conversations/{id}/reopen":                             "conversation.reopened",
	"post /v1/conversations/{id}/take":                               "conversation.taken",
	"post /v1/conversations/{id}/take-over":                          "conversation.taken-over",
	"post /v1/conversations/{id}/typing":                             "- nothing is stored: TestPresenceAndTypingAreNotStored",
	"post /v1/conversations/{id}/withdraw":                           "consent.withdrawn",
	"post /v1/device-sessions":                                       "device.signed-in",
	"delete /v1/device-sessions/self":                                "device.signed-out",
	"get /v1/devices":                                                "- one's own devices",
	"post /v1/devices/seen":                                          "- one's own",
	"get /v1/devices/log":                                            "- one's own devices",
	"get /v1/devices/self":                                           "- one's own device",
	"put /v1/devices/{id}/certificate":                               "certificate.issued",
	"get /v1/events":                                                 "push.opened",
	"get /v1/events/poll":                                            "push.opened",
	"post /v1/guests":                                                "device.registered",
	"get /v1/key-packages":                                           "- a count of one's own",
	"post /v1/key-packages":                                          "key-packages.published",
	"post /v1/key-packages/claim":                                    "key-package.claimed",
	"get /v1/policy/rules":                                           "- no data",
	"get /v1/admin/policy":                                           "- no data",
	"get /v1/practices/{slug}":                                       "- public",
	"post /v1/staff/active":                                          "- a sign of life, every minute",
	"get /v1/staff/devices":                                          "- one's own",
	"post /v1/staff/devices":                                         "device.registered",
	"get /v1/staff/devices/log":                                      "- one's own",
	"delete /v1/staff/devices/{id}":                                  "device.revoked",
	"post /v1/staff/devices/{id}/voucher":                            "device.vouched",
	"get /v1/staff/factors":                                          "- one's own",
	"post /v1/staff/factors/app-offers":                              "- nothing is stored",
	"post /v1/staff/factors/apps":                                    "factor.added",
	"post /v1/staff/factors/passkeys":                                "factor.added",
	"delete /v1/staff/factors/{id}":                                  "factor.removed",
	"patch /v1/staff/factors/{id}":                                   "factor.renamed",
	"post /v1/staff/lock":                                            "session.locked",
	"put /v1/staff/password":                                         "password.changed",
	"post /v1/staff/password-strength":                               "- nothing is stored",
	"post /v1/staff/recovery-codes":                                  "recovery-codes.made",
	"get /v1/staff/session":                                          "- one's own",
	"get /v1/staff/sessions":                                         "- one's own",
	"delete /v1/staff/sessions/{id}":                                 "session.ended",
	"post /v1/staff/set-up":                                          "set-up-link.used sign-in.done",
	"post /v1/staff/set-up/inspect":                                  "set-up-link.opened",
	"post /v1/staff/sign-in":                                         "sign-in.done",
	"get /v1/staff/sign-ins":                                         "- one's own",
	"post /v1/staff/devices/seen":                                    "- one's own",
	"post /v1/staff/sign-ins/seen":                                   "- one's own",
	"post /v1/staff/sign-out":                                        "sign-in.ended",
	"post /v1/staff/step-up":                                         "session.proved",
	"post /v1/staff/unlock":                                          "session.proved",
	"get /v1/verification":                                           "- one's own",
	"get /v1/welcomes":                                               "- sealed keys, to who was let in, which is recorded",
	"delete /v1/welcomes/{id}":                                       "- bookkeeping of a device",
	"get /v1/work":                                                   "- the keeper is told its work; what it does is recorded",
	"get /v1/admin/departments":                                      "- names of departments and counts of people",
	"post /v1/admin/departments":                                     "department.changed",
	"patch /v1/admin/departments/{id}":                               "department.changed department.retired",
	"get /scim/v2/ServiceProviderConfig":                             "- no data",
	"get /scim/v2/ResourceTypes":                                     "- no data",
	"get /scim/v2/Schemas":                                           "- no data",
	"get /scim/v2/Users":                                             "people.listed",
	"post /scim/v2/Users":                                            "person.added",
	"get /scim/v2/Users/{id}":                                        "directory.read",
	"put /scim/v2/Users/{id}":                                        "person.changed person.disabled person.enabled directory.read",
	"patch /scim/v2/Users/{id}":                                      "person.changed person.disabled person.enabled directory.read",
	"delete /scim/v2/Users/{id}":                                     "person.disabled directory.read",
	"get /scim/v2/Groups":                                            "directory.read",
	"post /scim/v2/Groups":                                           "directory-group.changed",
	"get /scim/v2/Groups/{id}":                                       "directory.read",
	"put /scim/v2/Groups/{id}":                                       "directory-group.changed",
	"patch /scim/v2/Groups/{id}":                                     "directory-group.changed",
	"delete /scim/v2/Groups/{id}":                                    "directory-group.deleted",
	"post /v1/sso/{slug}/logout":                                     "provider.ended-sessions",
	"get /openapi.json":                                              "- no data",
	"get /docs/api":                                                  "- no data",
	"get /docs/api.css":                                              "- no data",
	"get /healthz":                                                   "- no data",
	"get /readyz":                                                    "- no data",
	"get /c/{slug}":                                                  "- a page without data",
	"get /c/{slug}/portal":                                           "- a page without data",
	"get /c/{slug}/manifest.webmanifest":                             "- public",
	"get /service-worker.js":                                         "- no data",
	"get /icons/{name}":                                              "- no data",
	"get /staff":                                                     "- leads to a page",
	"get /staff/{$}":                                                 "- a page without data",
	"get /staff/sso/{slug}":                                          "- a page without data",
	"get /admin":                                                     "- leads to a page",
	"get /admin/{$}":                                                 "- a page without data",
	"get /launcher.js":                                               "- no data",
	"get /assets/":                                                   "- no data",
	"get /core/":                                                     "- no data",
	"any /":                                                          "- nothing is there",
}

// unlogged says of routes that leave events when a call of theirs leaves none
// though it succeeds. Of what is recorded once a session, the same session must
// have left it; that a repeat follows what it repeats, and changes nothing, is for
// TestT41RepeatsChangeNothing and TestMadeOnce to see.
var unlogged = map[string]string{
	"get /v1/conversations":                         once + "its first page",
	"get /v1/conversations/{id}":                    onceStaff + "a patient looks at their own, and the keeper at its work",
	"get /v1/conversations/{id}/frames":             once + "each conversation",
	"get /v1/conversations/{id}/certificates":       once + "each conversation",
	"put /v1/conversations/{id}":                    repeated + "the same conversation",
	"get /v1/attachments/{id}":                      once + "each file, which comes in parts",
	"get /v1/events/poll":                           once + "each poll belongs to the connection that the first opened",
	"get /v1/audit/sightings":                       once + "one's own page",
	"get /v1/events":                                "no hello came, or none that is good: nothing is pushed",
	"post /v1/key-packages":                         repeated + "none were given",
	"post /v1/guests":                               repeated + "the same key",
	"head /v1/attachments/{id}":                     "a length, unless it finds whole what nobody could get",
	"post /v1/conversations/{id}/attachments":       "room alone, unless it is asked again of what came whole and nobody could get",
	"patch /v1/attachments/{id}":                    "a part of a file that is not whole yet, and that nobody can get",
	"post /v1/conversations/{id}/frames":            repeated + "a frame that is there already",
	"post /v1/conversations/{id}/take":              repeated + "it is theirs",
	"post /v1/conversations/{id}/take-over":         repeated + "it is theirs",
	"post /v1/conversations/{id}/join":              repeated + "they are in it",
	"post /v1/conversations/{id}/leave":             repeated + "they are not in it",
	"post /v1/conversations/{id}/withdraw":          repeated + "it was taken back",
	"post /v1/consents/{id}/withdraw":               repeated + "it was taken back",
	"post /v1/staff/conversations/{id}/colleagues":  repeated + "they are in it",
	"post /v1/staff/conversations/{id}/break-glass": keyed,
	"post /v1/staff/relations":                      keyed,
	"post /v1/staff/person-links":                   keyed,
	"post /v1/admin/patients/{id}/disclosures":      keyed,
	"post /v1/admin/people/{id}/requests":           keyed,
	"post /v1/admin/departments":                    keyed,
	"post /v1/admin/patient-watches":                keyed,
	"post /v1/admin/reviews/activity":               keyed,
	"post /v1/staff/conversations/{id}/hold-backs":  keyed,
	"post /v1/staff/factors/apps":                   keyed,
	"post /v1/staff/factors/passkeys":               keyed,
}

const (
	once      = "once a session: "
	onceStaff = "staff " + once
	repeated  = "repeat: "
	keyed     = "under a key that it was made under"
)

// TestEveryRouteIsAudited goes through all that the router serves: what is in
// the API's description, and what is not.
func TestEveryRouteIsAudited(t *testing.T) {
	w := newWorld(t)
	seen := make(map[string]bool)
	for _, pattern := range w.api.Patterns() {
		route := routeNamed(pattern)
		seen[route] = true
		says, ok := leaves[route]
		if !ok {
			t.Errorf("%s: say in leaves which event it leaves, or why none", route)
		}
		if why, none := strings.CutPrefix(says, "- "); none && why == "" {
			t.Errorf("%s leaves nothing for no reason", route)
		} else if !none {
			for kind := range strings.FieldsSeq(says) {
				if _, known := audit.SpecOf(audit.Kind(kind)); !known {
					t.Errorf("%s: there is no kind %s", route, kind)
				}
			}
		}
	}
	for path, methods := range w.described().Paths {
		for method := range methods {
			if !seen[method+" "+path] {
				t.Errorf("%s %s is described and not served", method, path)
			}
		}
	}
	for route := range leaves {
		if !seen[route] {
			t.Errorf("%s is no route", route)
		}
	}
	for route, why := range unlogged {
		if says, ok := leaves[route]; !ok || strings.HasPrefix(says, "-") || why == "" {
			t.Errorf("%s is no route that leaves events now and then", route)
		}
	}
}

// routeNamed is how a pattern of the router is called here.
func routeNamed(pattern string) string {
	method, path, found := strings.Cut(pattern, " ")
	if !found {
		method, path = "any", pattern
	}
	return strings.ToLower(method) + " " + path
}

// watched collects, over all tests, the calls that succeeded and what they
// left.
var watched = struct {
	sync.Mutex
	succeeded, left, unlogged map[string]int
}{succeeded: make(map[string]int), left: make(map[string]int), unlogged: make(map[string]int)}

// A callWatch notes the successful calls of one world.
type callWatch struct {
	mu    sync.Mutex
	calls map[string]call // by request id
}

// A call is one that succeeded.
type call struct {
	route string
	about string // the id in its path
	token string // of a device's session
}

// routes finds the route of a request as the server does.
var routes = sync.OnceValue(func() *http.ServeMux {
	mux := http.NewServeMux()
	for route := range leaves {
		method, path, _ := strings.Cut(route, " ")
		mux.Handle(strings.TrimPrefix(strings.ToUpper(method)+" ", "ANY ")+path, http.NotFoundHandler())
	}
	return mux
})

func (c *callWatch) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := routes().Handler(r)
		done := call{route: routeNamed(pattern), token: r.Header.Get("Authorization")}
		if at := slices.Index(strings.Split(pattern, "/"), "{id}"); at > 0 {
			done.about = strings.Split(r.URL.Path, "/")[at]
		}
		status := &statusWriter{ResponseWriter: w}
		next.ServeHTTP(status, r)
		if status.status < http.StatusBadRequest { // 0 is 200; some only lead elsewhere
			c.mu.Lock()
			defer c.mu.Unlock()
			c.calls[w.Header().Get("X-Request-Id")] = done
		}
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (s *statusWriter) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// logged are all events of a world, by the id of their request, in their order.
func (w *world) logged() (by map[string][]audit.Event, err error) {
	ctx := context.Background() // the test's own has ended
	by = make(map[string][]audit.Event)
	practices, err := w.store.Practices(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range practices {
		entries, err := w.store.LogRange(ctx, p.ID, 0, 1<<20)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			by[e.Event.Request] = append(by[e.Event.Request], e.Event)
		}
		waiting, err := w.store.WaitingEvents(ctx, p.ID, 1<<20)
		if err != nil {
			return nil, err
		}
		for _, e := range waiting {
			by[e.Request] = append(by[e.Request], e)
		}
	}
	return by, nil
}

// callers are the devices that made the calls of a world, by request, as the
// server's own log has them.
func (w *world) callers() map[string]string {
	by := make(map[string]string)
	for line := range strings.Lines(w.logs.String()) {
		var of struct{ Msg, Request, Device string }
		if json.Unmarshal([]byte(line), &of) == nil && of.Msg == "call" {
			by[of.Request] = of.Device
		}
	}
	return by
}

// collect compares a world's calls with its logs, at its end: each call that
// succeeded left an event of its own, or its route says in unlogged when it
// leaves none.
func (c *callWatch) collect(w *world) {
	events, err := w.logged()
	if err != nil {
		return // the store is gone
	}
	callers := sync.OnceValue(w.callers)
	c.mu.Lock()
	defer c.mu.Unlock()
	watched.Lock()
	defer watched.Unlock()
	for id, done := range c.calls {
		route := done.route
		watched.succeeded[route]++
		says := strings.Fields(leaves[route])
		ofThese := func(e audit.Event) bool { return slices.Contains(says, string(e.Kind)) }
		why := unlogged[route]
		switch {
		case len(says) == 0 || says[0] == "-":
		case slices.ContainsFunc(events[id], ofThese):
			watched.left[route]++
		case why == "":
			w.t.Errorf("T41: a call of %s succeeded and left none of %v", route, says)
		case strings.HasPrefix(why, once), strings.HasPrefix(why, onceStaff) && w.isStaff(callers()[id]):
			if !c.leftOnce(events, done, callers()[id], ofThese) {
				w.t.Errorf("T41: a call of %s succeeded, and neither it nor another of its session left any of %v about %q", route, says, done.about)
			}
			watched.unlogged[route]++
		default:
			watched.unlogged[route]++
		}
	}
}

// leftOnce reports whether another call of the session left one of these events
// about what the call is about, or the push connection of its device did.
func (c *callWatch) leftOnce(events map[string][]audit.Event, done call, device string, ofThese func(audit.Event) bool) bool {
	for id, left := range events {
		if other := c.calls[id]; other.token != done.token && other.route != "get /v1/events" {
			continue
		}
		if slices.ContainsFunc(left, func(e audit.Event) bool {
			return ofThese(e) && e.Device == device && (done.about == "" || e.Conversation == done.about || e.Object == done.about)
		}) {
			return true
		}
	}
	return false
}

func (w *world) isStaff(device string) bool {
	ctx := context.Background()
	d, err := w.store.DeviceByID(ctx, device)
	if err != nil {
		return false
	}
	p, err := w.store.Person(ctx, d.Practice, d.Person)
	return err == nil && p.Kind == api.KindStaff
}

func TestMain(m *testing.M) {
	code := postgrestest.Run(m)
	failed := code != 0
	all := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == ""
	for route, says := range leaves {
		switch {
		case failed || !all:
		case route == "any /": // only refuses
		case watched.succeeded[route] == 0:
			fmt.Fprintf(os.Stderr, "T41: no test calls %s with success\n", route)
			code = 1
		case strings.HasSuffix(route, "/withdraw"): // a model repeats it, or not, as it happens
		case unlogged[route] != "" && watched.unlogged[route] == 0:
			fmt.Fprintf(os.Stderr, "T41: each call of %s leaves an event: it is no exception\n", route)
			code = 1
		case !strings.HasPrefix(says, "-") && watched.left[route] == 0:
			fmt.Fprintf(os.Stderr, "T41: %s succeeded %d times and never left %s\n", route, watched.succeeded[route], says)
			code = 1
		}
	}
	if os.Getenv("SOTTO_ROUTES") != "" {
		for route, says := range leaves {
			fmt.Printf("%-45s %6d calls %6d left %s\n", route, watched.succeeded[route], watched.left[route], says)
		}
	}
	os.Exit(code)
}
