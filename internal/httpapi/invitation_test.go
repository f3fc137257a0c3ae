package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/proofing"
)

const chatOrigin = "https://chat.clinic.example"

// sentLink is the link of the newest message of a postbox, and its token.
func sentLink(t *testing.T, box *postbox) (m hub.Message, token string) {
	t.Helper()
	m, _ = box.next()
	at := strings.Index(m.Text, chatOrigin)
	if at < 0 {
		t.Fatalf("no link in %q", m.Text)
	}
	link, err := url.Parse(strings.Fields(m.Text[at:])[0])
	if err != nil || link.Path != "/c/riverside" || !strings.HasPrefix(link.Fragment, "i=") {
		t.Fatalf("link %v, %v", link, err)
	}
	return m, strings.TrimPrefix(link.Fragment, "i=")
}

// beginBy opens a link in a browser of its own and begins a chat by it, and
// returns the level that the chat then stands at.
func (w *world) beginBy(p *device, token string) (level string, err error) {
	w.t.Helper()
	holder := "holder-of-" + p.id
	if _, err := w.hub.OpenInvitation(w.ctx, api.OpenInvitation{Practice: p.practice.Slug, Token: token, Holder: holder}); err != nil {
		return "", err
	}
	id, n := p.founding("nurse")
	n.Invitation = &api.UseInvitation{Token: token, Holder: holder}
	if _, err := p.CreateConversation(w.ctx, id, n); err != nil {
		return "", err
	}
	v, err := p.Conversation(w.ctx, id)
	w.must(err)
	return v.Verification.Level, nil
}

// TestT57LevelOfInvitations: a link that the hub sent to a contact, and showed
// to nobody, proves that contact, of the device that used it, once. One that
// somebody was shown proves nothing, wherever they send it.
func TestT57LevelOfInvitations(t *testing.T) {
	w, box := identityWorld(t)
	dana := w.staff("dana")
	by := signedIn(w, dana)
	for channel, contact := range map[string]string{"email": " Ann@Mail.example", "sms": "(555) 555-0142"} {
		made, err := w.hub.Invite(w.ctx, by, api.NewInvitation{Queue: "nurse", Language: "en", Channel: channel, Contact: contact, Agreed: true}, chatOrigin)
		w.must(err)
		if made.Token != "" || made.Path != "" {
			t.Errorf("%s: who invites is shown the link: %+v", channel, made)
		}
		if i := made.Invitation; i.Level != "contact" || i.Channel != channel || i.Contact == "" || strings.Contains(i.Contact, "ann") {
			t.Errorf("%s: made %+v", channel, i)
		}
		m, token := sentLink(t, box)
		if want, _ := proofing.Channel(channel).Clean(contact); m.To != want {
			t.Errorf("%s: sent to %s", channel, m.To)
		}
		if strings.Contains(m.Text+m.Subject, "Dana") || strings.Contains(m.Text, "nurse") {
			t.Errorf("%s: the message says too much: %s", channel, m.Text)
		}
		patient, other := w.patient(), w.patient()
		if level, err := w.beginBy(patient, token); err != nil || level != "contact" {
			t.Errorf("%s: the chat begins as %q, %v", channel, level, err)
		}
		own, err := patient.Verification(w.ctx)
		w.must(err)
		if own.Verification.Level != "contact" || own.Verification.Method != "invitation" {
			t.Errorf("%s: the device stands at %+v", channel, own.Verification)
		}
		if level, err := w.beginBy(other, token); err == nil {
			t.Errorf("%s: used again, by another: %s", channel, level)
		}
		if own, err := other.Verification(w.ctx); err != nil || own.Verification.Level != "guest" {
			t.Errorf("%s: the other stands at %+v, %v", channel, own, err)
		}
	}
	shown, err := w.hub.Invite(w.ctx, by, api.NewInvitation{Queue: "nurse", Language: "en"}, chatOrigin)
	w.must(err)
	patient := w.patient()
	if level, err := w.beginBy(patient, shown.Token); err != nil || level != "guest" || shown.Invitation.Level != "guest" {
		t.Errorf("a link that was shown gives %q, %v", level, err)
	}
	if logs := w.logs.String(); strings.Contains(logs, "555014") || strings.Contains(strings.ToLower(logs), "ann@mail") {
		t.Error("the log holds a contact")
	}
}

// TestT57SentInvitations: what cannot be sent is not; and a link that was sent
// is over, taken back, of another practice, or without consent as any other.
func TestT57SentInvitations(t *testing.T) {
	w, box := identityWorld(t)
	elsewhere := w.newPractice("lakeside")
	by := signedIn(w, w.staff("dana"))
	good := api.NewInvitation{Queue: "nurse", Language: "en", Channel: "email", Contact: "ann@mail.example", Agreed: true}
	for what, change := range map[string]func(n *api.NewInvitation){
		"without the patient's word": func(n *api.NewInvitation) { n.Agreed = false },
		"to nobody":                  func(n *api.NewInvitation) { n.Contact = "" },
		"to two":                     func(n *api.NewInvitation) { n.Contact = "ann@mail.example, bo@mail.example" },
		"with another header":        func(n *api.NewInvitation) { n.Contact = "ann@mail.example\r\nBcc: bo@mail.example" },
		"by no channel":              func(n *api.NewInvitation) { n.Channel = "fax" },
		"shown and sent":             func(n *api.NewInvitation) { n.Channel = "link" },
		"a number by mail":           func(n *api.NewInvitation) { n.Contact = "+15555550142" },
	} {
		n := good
		change(&n)
		var malformed *hub.MalformedError
		if _, err := w.hub.Invite(w.ctx, by, n, chatOrigin); !errors.As(err, &malformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	invite := func() (api.StaffInvitation, string) {
		t.Helper()
		made, err := w.hub.Invite(w.ctx, by, good, chatOrigin)
		w.must(err)
		_, token := sentLink(t, box)
		return made.Invitation, token
	}
	_, token := invite()
	stranger := w.patientOf(elsewhere)
	if _, err := w.beginBy(stranger, token); err == nil {
		t.Error("it opens at another practice")
	}
	patient := w.patient()
	holder := "holder-of-" + patient.id
	_, err := w.hub.OpenInvitation(w.ctx, api.OpenInvitation{Practice: "riverside", Token: token, Holder: holder})
	w.must(err)
	id, n := patient.founding("nurse")
	n.Invitation, n.Consent = &api.UseInvitation{Token: token, Holder: holder}, api.ConsentReceipt{}
	if _, err := patient.CreateConversation(w.ctx, id, n); err == nil {
		t.Error("a chat began without consent")
	}
	if own, err := patient.Verification(w.ctx); err != nil || own.Verification.Level != "guest" {
		t.Errorf("an opened link alone gives %+v, %v", own, err)
	}
	revoked, withdrawn := invite()
	_, err = w.hub.RevokeInvitation(w.ctx, by, revoked.ID)
	w.must(err)
	if _, err := w.beginBy(w.patient(), withdrawn); err == nil {
		t.Error("one that was taken back begins a chat")
	}
	_, late := invite()
	tardy := w.patient()
	w.clock.advance(72*time.Hour + time.Second)
	for _, d := range []*device{tardy, patient, w.clinic.keeper} {
		d.signIn()
	}
	if _, err := w.beginBy(tardy, late); err == nil {
		t.Error("one that is over begins a chat")
	}
	if level, err := w.beginBy(patient, token); err == nil {
		t.Errorf("one that is over, opened before, gives %s", level)
	}
	for range 6 {
		_, err = w.hub.Invite(w.ctx, by, good, chatOrigin)
	}
	var rate *hub.RateError
	if !errors.As(err, &rate) {
		t.Errorf("one contact is written to without end: %v", err)
	}
}

// failing is a messenger that reaches nobody.
type failing struct{ tried chan struct{} }

func (f failing) Send(context.Context, hub.Message) error {
	defer func() { f.tried <- struct{}{} }()
	return errors.New("no route to " + canary)
}

// TestInvitationsShowWhatBecameOfThem: who invites sees that a message could not
// be sent, and over the API which channels there are.
func TestInvitationsShowWhatBecameOfThem(t *testing.T) {
	f := failing{make(chan struct{}, 1)}
	w := newWorld(t, func(c *hub.Config, ac *httpapi.Config) {
		c.Messengers = map[proofing.Channel]hub.Messenger{proofing.SMS: f}
		ac.Origins = []string{chatOrigin}
	})
	dana := w.staff("dana")
	call := func(method, body string) (int, string) {
		resp, answer := w.raw(method, "/v1/staff/invitations", body, "Cookie", "__Host-sotto_staff="+dana.Cookie())
		return resp.StatusCode, answer
	}
	status, said := call("POST", `{"queue":"nurse","language":"en","channel":"sms","contact":"+15555550142","agreed":true}`)
	if status != http.StatusOK || strings.Contains(said, "token") || !strings.Contains(said, `"contact":"•••42"`) {
		t.Fatalf("%d %s", status, said)
	}
	if status, said := call("POST", `{"queue":"nurse","language":"en","channel":"email","contact":"a@b.example","agreed":true}`); status != http.StatusUnprocessableEntity {
		t.Errorf("by a channel that is not there: %d %s", status, said)
	}
	<-f.tried
	seen := false
	for range 200 { // it is noted after the attempt
		list, err := w.hub.Invitations(w.ctx, signedIn(w, dana), chatOrigin)
		w.must(err)
		if !slices.Equal(list.Channels, []string{"sms"}) {
			t.Fatalf("channels %v", list.Channels)
		}
		if seen = list.Invitations[0].State == "failed"; seen {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if !seen {
		t.Error("it still counts as sent")
	}
	page, err := w.hub.AuditEventsFor(w.ctx, w.clinic.ID, hub.AuditFilter{Kind: string(audit.InvitationMade), Outcome: string(audit.Failed)})
	w.must(err)
	if len(page.Events) != 1 || page.Events[0].Reason != "unsent" {
		t.Errorf("the log of what was not sent: %+v", page.Events)
	}
	if strings.Contains(w.logs.String(), canary) {
		t.Error("the log holds what a messenger said")
	}
}

// TestT57LinksLeadToConfiguredOrigins: nobody makes the practice send a link to
// a host of theirs, by what a request says of where it went.
func TestT57LinksLeadToConfiguredOrigins(t *testing.T) {
	for _, configured := range [][]string{nil, {chatOrigin}} {
		box := &postbox{came: make(chan struct{}, 64)}
		w := newWorld(t, func(c *hub.Config, ac *httpapi.Config) {
			c.Messengers = map[proofing.Channel]hub.Messenger{proofing.Email: box}
			ac.Origins = configured
		})
		dana := w.staff("dana")
		forged := func(method, body string) (int, string) {
			t.Helper()
			resp, got := w.raw(method, "/v1/staff/invitations", body, "Host", "evil.example", "Cookie", "__Host-sotto_staff="+dana.Cookie())
			return resp.StatusCode, got
		}
		body := mustJSON(api.NewInvitation{Queue: "nurse", Language: "en", Channel: "email", Contact: "ann@mail.example", Agreed: true})
		status, got := forged("POST", body)
		_, list := forged("GET", "")
		switch {
		case configured == nil && (status != http.StatusUnprocessableEntity || !strings.Contains(list, `"channels":[]`)):
			t.Errorf("no origin is configured: status %d, %s, list %s", status, got, list)
		case configured != nil && status != http.StatusOK:
			t.Errorf("with an origin: status %d, %s", status, got)
		case configured != nil:
			sentLink(t, box)
		}
		w.hub.Close() // what is on its way is sent
		for _, m := range box.sent {
			if strings.Contains(m.Text, "evil.example") {
				t.Errorf("the practice sent %q", m.Text)
			}
		}
	}
}
