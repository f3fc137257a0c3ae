package httpapi_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/wire"
)

// afterWithdrawal says what comes of each route by which something of a
// conversation could flow, once consent was taken back. A route that is not
// here fails the test: say first why it may be open.
var afterWithdrawal = map[string]string{
	"post /v1/conversations/{id}/frames":      "refused",
	"post /v1/conversations/{id}/typing":      "refused",
	"post /v1/conversations/{id}/attachments": "refused",
	"post /v1/conversations/{id}/take":        "refused",
	"post /v1/conversations/{id}/take-over":   "refused",
	"post /v1/conversations/{id}/join":        "refused",
	"post /v1/conversations/{id}/reopen":      "refused",
	"patch /v1/attachments/{id}":              "refused",
	"post /v1/conversations/{id}/ack":         "a place in what was said before",
	"get /v1/conversations/{id}/certificates": "whose keys they were, as the log says",
	"post /v1/conversations/{id}/leave":       "to go is always right",
	"post /v1/conversations/{id}/close":       "it is closed",
	"post /v1/conversations/{id}/withdraw":    "it is taken back",
	"post /v1/conversations/{id}/rating":      "a number, of what was",
	"put /v1/conversations/{id}":              "another conversation, with a consent of its own",
	"delete /v1/attachments/{id}":             "drops what is not finished",

	"get /v1/conversations/{id}":            "that it is, and that consent was taken back",
	"get /v1/conversations/{id}/frames":     "what was said before",
	"get /v1/conversations/{id}/group-info": "for who may rejoin, and staff may not",
	"get /v1/attachments/{id}":              "what was said before",
	"head /v1/attachments/{id}":             "what was said before",
	"post /v1/key-packages":                 "public keys of a device, for any conversation",

	"get /v1/staff/conversations/{id}/colleagues":                    "names of staff",
	"get /v1/staff/conversations/{id}/consents":                      "what it stood on",
	"get /v1/staff/conversations/{id}/patient":                       "who the patient is, not what is said",
	"get /v1/staff/conversations/{id}/verification":                  "who the patient is, not what is said",
	"post /v1/staff/conversations/{id}/verification/ask":             "who somebody is, not what is said",
	"post /v1/staff/conversations/{id}/verification/confirm":         "who somebody is, not what is said",
	"post /v1/staff/conversations/{id}/verification/reset":           "who somebody is, not what is said",
	"post /v1/staff/conversations/{id}/verification/forget-passkeys": "who somebody is, not what is said",
	"post /v1/staff/conversations/{id}/verification/portal":          "who somebody is, not what is said",
	"post /v1/staff/conversations/{id}/verification/portal/unlink":   "who somebody is, not what is said",
	"put /v1/staff/conversations/{id}/confidential":                  "hides what was said, and shows nothing",
	"post /v1/staff/conversations/{id}/hold-backs":                   "a note that something was not sent",
	"post /v1/staff/conversations/{id}/colleagues":                   "staff refused",
	"post /v1/staff/conversations/{id}/transfer":                     "staff refused",
	"post /v1/staff/conversations/{id}/break-glass":                  "staff refused",
}

// afterWithdrawalSaid says the same of the messages of a push connection.
var afterWithdrawalSaid = map[string]string{
	"send":   "refused",
	"typing": "refused",
	"ack":    "a place in what was said before",
	"ping":   "nothing of a conversation",
}

// A routeBody is what the test reads of the description: what a route takes.
type routeBody struct {
	Paths map[string]map[string]struct {
		RequestBody struct {
			Content map[string]struct {
				Schema json.RawMessage `json:"schema"`
			} `json:"content"`
		} `json:"requestBody"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]json.RawMessage `json:"schemas"`
	} `json:"components"`
}

var (
	schemaRef  = regexp.MustCompile(`"#/components/schemas/(\w+)"`)
	mlsMessage = regexp.MustCompile(`"(payload|commit|welcome|packages|group_info|frame|frames)":\s*\{`)
)

// carries reports whether a schema, or one that it is made of, has room for a
// message of MLS.
func (b *routeBody) carries(schema json.RawMessage, seen map[string]bool) bool {
	if mlsMessage.Match(schema) {
		return true
	}
	for _, m := range schemaRef.FindAllSubmatch(schema, -1) {
		if name := string(m[1]); !seen[name] {
			seen[name] = true
			if b.carries(b.Components.Schemas[name], seen) {
				return true
			}
		}
	}
	return false
}

// carriers are the routes by which content can come: within a conversation, or
// with a body that has room for it.
func (w *world) carriers() (routes []string) {
	w.t.Helper()
	description, err := w.api.OpenAPI()
	w.must(err)
	var b routeBody
	w.must(json.Unmarshal(description, &b))
	for path, methods := range b.Paths {
		for method, o := range methods {
			is := strings.Contains(path, "/conversations/{id}") || strings.HasPrefix(path, "/v1/attachments/{id}")
			for as, body := range o.RequestBody.Content {
				is = is || as != "application/json" || b.carries(body.Schema, map[string]bool{})
			}
			if is && !strings.HasPrefix(path, "/v1/admin/") {
				routes = append(routes, method+" "+path)
			}
		}
	}
	return routes
}

// A withdrawnChat is a conversation with everybody in it, whose patient took
// consent back while all had something on the way.
type withdrawnChat struct {
	id                     string
	patient, nurse, second *device // second is the nurse's other device, not let in yet
	everybody              map[string]*device
	frames                 map[string]api.SendFrame
	sockets                map[string]*websocket.Conn // opened before
	files                  map[string]string
	admits                 api.SendFrame // the keeper's commit that lets second in
	receipt                api.ConsentReceipt
	head                   uint64
}

func (w *world) withdrawnChat() *withdrawnChat {
	w.t.Helper()
	c := &withdrawnChat{patient: w.patient(), nurse: w.staff("dana"), second: w.newDevice(w.clinic)}
	keeper := w.clinic.keeper
	c.receipt = c.patient.receipt("")
	c.id = c.patient.open("nurse")
	c.nurse.take(c.id)
	c.patient.catchUp(c.id)
	keeper.catchUp(c.id)
	c.addDevice(w)
	c.everybody = map[string]*device{"patient": c.patient, "nurse": c.nurse, "keeper": keeper}
	c.frames, c.files, c.sockets = map[string]api.SendFrame{}, map[string]string{}, map[string]*websocket.Conn{}
	for who, d := range c.everybody {
		c.frames[who] = d.seal(c.id, "under way")
		a, err := d.NewAttachment(w.ctx, c.id, api.NewAttachment{Size: 5})
		w.must(err)
		c.files[who] = a.ID
		conn := w.dial()
		w.must(wsjson.Write(w.ctx, conn, api.Hello{Type: "hello", Token: d.Token()}))
		var ready api.Event
		w.must(wsjson.Read(w.ctx, conn, &ready))
		c.sockets[who] = conn
	}
	_, err := c.patient.Act(w.ctx, c.id, "withdraw")
	w.must(err)
	v, err := c.patient.Conversation(w.ctx, c.id)
	w.must(err)
	c.head = v.Head
	return c
}

// addDevice signs the nurse in on a second device and has the keeper make the
// commit that would let it in, without sending it.
func (c *withdrawnChat) addDevice(w *world) {
	w.t.Helper()
	_, err := c.second.SignIn(w.ctx, c.nurse.in("dana"))
	w.must(err)
	proof, err := c.second.Prove(w.ctx, c.second.signer, "register", w.clinic.ID)
	w.must(err)
	made, err := c.second.NewStaffDevice(w.ctx, api.NewStaffDevice{PublicKey: c.second.signer.Public(), Name: "Phone", Proof: proof})
	w.must(err)
	c.second.id, c.second.person = made.ID, made.Person
	c.second.signIn()
	w.clinic.keeper.certify()
	self, err := c.second.Self(w.ctx)
	w.must(err)
	c.second.certificate = self.Certificate
	c.second.publish(1)
	keeper := w.clinic.keeper
	claimed, err := keeper.ClaimKeyPackages(w.ctx, api.ClaimKeyPackages{Person: c.second.person, Devices: []string{c.second.id}})
	w.must(err)
	p, err := keeper.groups[c.id].Commit(mls.CommitOptions{Add: []*wire.KeyPackage{parseKeyPackage(w.t, claimed[0].Package)}})
	w.must(err)
	keeper.groups[c.id].DiscardPending()
	c.admits = api.SendFrame{ClientID: keeper.clientID(), Kind: api.FrameCommit, Payload: p.Commit, Welcome: p.Welcome, GroupInfo: p.GroupInfo}
}

// TestT50NoConsentNoFrame tries every route that the description has, as
// everybody who was in the conversation, after consent was taken back in its
// midst.
func TestT50NoConsentNoFrame(t *testing.T) {
	w := newWorld(t)
	c := w.withdrawnChat()
	routes := w.carriers()
	for route := range afterWithdrawal {
		if !slices.Contains(routes, route) {
			t.Errorf("%s: no such route carries anything", route)
		}
	}
	for _, route := range routes {
		method, path, _ := strings.Cut(route, " ")
		meaning, known := afterWithdrawal[route]
		switch {
		case !known:
			t.Errorf("%s: what comes of it once consent was taken back?", route)
		case meaning == "staff refused":
			resp, answer := w.raw(strings.ToUpper(method), fill(path, c.id), staffBody(path, c.second.person), "Cookie", "__Host-sotto_staff="+c.nurse.Cookie())
			if resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s: got %d %s", route, resp.StatusCode, answer)
			}
		case meaning == "refused":
			for who, d := range c.everybody {
				body, of := `{"typing":true}`, c.id
				switch {
				case strings.HasSuffix(path, "/frames"):
					body = mustJSON(c.frames[who])
				case strings.HasSuffix(path, "/join"), strings.HasSuffix(path, "/take-over"), strings.HasSuffix(path, "/reopen"):
					body = `{"reason":"asked"}`
				case strings.HasSuffix(path, "/attachments"):
					body = `{"size":5}`
				case method == "patch":
					body, of = "12345", c.files[who]
				}
				resp, answer := w.raw(strings.ToUpper(method), fill(path, of), body,
					"Authorization", "Bearer "+d.Token(), "Upload-Offset", "0", "Content-Type", contentType(method))
				if resp.StatusCode != http.StatusForbidden {
					t.Errorf("%s: %s got %d %s", route, who, resp.StatusCode, answer)
				}
			}
		}
	}
	c.nothingCame(w)
}

// nothingCame holds that the log is as it was when consent was taken back.
func (c *withdrawnChat) nothingCame(w *world) {
	w.t.Helper()
	after, err := c.patient.Conversation(w.ctx, c.id)
	w.must(err)
	if after.Head != c.head || after.Consent != "withdrawn" || after.State != api.StateClosed {
		w.t.Errorf("the log grew from %d to %d; it is %s, consent %s", c.head, after.Head, after.State, after.Consent)
	}
	work, err := w.clinic.keeper.Work(w.ctx)
	w.must(err)
	for _, g := range work.Groups {
		if g.Conversation == c.id && len(g.Add) > 0 {
			w.t.Errorf("the keeper is asked to let in %+v", g.Add)
		}
	}
	for who, d := range map[string]*device{"nurse": c.nurse, "nurse's phone": c.second} {
		if _, err := d.GroupInfo(w.ctx, c.id); err == nil {
			w.t.Errorf("the %s got what is needed to join from outside", who)
		}
	}
}

var saidOnSocket = regexp.MustCompile(`m\.Type == "(\w+)"`)

// TestT50NoConsentOnSockets: connections that were open before are told the
// same, as text and as binary messages; and no kind of message is forgotten.
func TestT50NoConsentOnSockets(t *testing.T) {
	source, err := os.ReadFile("socket.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range saidOnSocket.FindAllSubmatch(source, -1) {
		if afterWithdrawalSaid[string(m[1])] == "" {
			t.Errorf("message %s: what comes of it once consent was taken back?", m[1])
		}
	}
	w := newWorld(t)
	c := w.withdrawnChat()
	for who, conn := range c.sockets {
		frame := c.frames[who]
		binary, err := api.ClientMessage{Type: "send", Call: 1, ConversationID: c.id, Frame: &frame}.Binary()
		w.must(err)
		w.must(conn.Write(w.ctx, websocket.MessageBinary, binary))
		w.must(wsjson.Write(w.ctx, conn, api.ClientMessage{Type: "send", Call: 2, ConversationID: c.id, Frame: &frame}))
		w.must(wsjson.Write(w.ctx, conn, api.ClientMessage{Type: "typing", Call: 3, ConversationID: c.id, Typing: true}))
		for answers := map[uint64]bool{}; len(answers) < 3; {
			var e struct {
				api.Reply
				Frame *api.Frame `json:"frame"`
			}
			w.must(wsjson.Read(w.ctx, conn, &e))
			switch {
			case e.Frame != nil || e.Type == api.EventTyping:
				t.Errorf("the %s was pushed %+v", who, e)
			case e.Type == "reply":
				answers[e.Call] = true
				if e.Problem == nil || e.Problem.Code != api.CodeConsentWithdrawn {
					t.Errorf("the %s's message %d was answered %+v", who, e.Call, e.Reply)
				}
			}
		}
	}
	c.nothingCame(w)
}

// TestT50NoConsentOtherWays: what was agreed to for the chat does not come back
// by a second device, by agreeing again, by an invitation, or by writing for
// somebody.
func TestT50NoConsentOtherWays(t *testing.T) {
	w := newWorld(t)
	c := w.withdrawnChat()
	_, err := w.clinic.keeper.Send(w.ctx, c.id, c.admits)
	var problem *api.Problem
	if !errors.As(err, &problem) || problem.Code != api.CodeInvalidHandshake {
		t.Errorf("the keeper let the nurse's second device in: %v", err)
	}
	wantCode(t, c.patient.agree(c.id, "chat"), api.CodeConsentWithdrawn)

	made, err := w.hub.Invite(w.ctx, signedIn(w, c.nurse), api.NewInvitation{Queue: "nurse", Language: "en"}, "https://chat.clinic.example")
	w.must(err)
	const holder = "holder-of-this-browser"
	_, err = w.hub.OpenInvitation(w.ctx, api.OpenInvitation{Practice: "riverside", Token: made.Token, Holder: holder})
	w.must(err)
	former := c.patient.receipt(c.id)
	for name, change := range map[string]func(n *api.CreateConversation){
		"invited":     func(n *api.CreateConversation) { n.Invitation = &api.UseInvitation{Token: made.Token, Holder: holder} },
		"for a child": func(n *api.CreateConversation) { n.For = &api.WritingFor{Kind: "parent"} },
		"by itself":   func(*api.CreateConversation) {},
	} {
		for receipt, r := range map[string]api.ConsentReceipt{"none": {}, "of the chat before": former, "of no chat": c.receipt} {
			id, n := c.patient.founding("nurse")
			change(&n)
			n.Consent = r
			_, err := c.patient.CreateConversation(w.ctx, id, n)
			if !errors.As(err, &problem) || problem.Code != api.CodeConsentMissing && problem.Code != api.CodeMalformed {
				t.Errorf("%s, receipt %s: a chat began: %v", name, receipt, err)
			}
		}
		id, n := c.patient.founding("nurse")
		change(&n)
		if _, err := c.patient.CreateConversation(w.ctx, id, n); err != nil { // agreed anew: and the refusals have spent nothing
			t.Errorf("%s, agreed anew: %v", name, err)
		}
	}
	c.nothingCame(w)
}

// TestT50NoConsentForOthers: who writes for a child takes consent back for that
// chat, and nobody goes on in it: not they, not the child, not another parent.
func TestT50NoConsentForOthers(t *testing.T) {
	w := newWorld(t)
	super, nurse := w.member("sam", "supervisor"), w.staff("dana")
	people := map[string]*device{"mother": w.patient(), "father": w.patient(), "child": w.patient()}
	for _, who := range []string{"mother", "father"} {
		_, err := w.hub.GrantRelation(w.ctx, super, api.NewRelation{
			Holder: people[who].person, Subject: people["child"].person, Kind: "parent", Born: "2015-06-01", Evidence: "birth-certificate",
		})
		w.must(err)
	}
	id := people["mother"].beginFor("nurse", "parent")
	nurse.take(id)
	people["mother"].catchUp(id)
	waiting := map[string]api.SendFrame{"mother": people["mother"].seal(id, "x"), "nurse": nurse.seal(id, "x")}
	_, err := people["mother"].Act(w.ctx, id, "withdraw")
	w.must(err)
	for who, d := range people {
		frame, ok := waiting[who]
		if !ok {
			frame = waiting["mother"]
			frame.ClientID = d.clientID()
		}
		for _, try := range []func() error{
			func() error { _, err := d.Send(w.ctx, id, frame); return err },
			func() error { _, err := d.Act(w.ctx, id, "reopen"); return err },
			func() error { return d.agree(id, "chat") },
		} {
			if err := try(); err == nil {
				t.Errorf("the %s went on", who)
			}
		}
	}
	_, err = nurse.Send(w.ctx, id, waiting["nurse"])
	wantCode(t, err, api.CodeConsentWithdrawn)
	_, err = w.hub.Hide(w.ctx, signedIn(w, nurse), id, false)
	if v, verr := w.store.Conversation(w.ctx, w.clinic.ID, id); verr != nil || v.WithdrawnAt == 0 || v.State != api.StateClosed {
		t.Errorf("after hiding and showing (%v): %+v, %v", err, v, verr)
	}
}

// staffBody is a good body for what a staff session asks of a chat.
func staffBody(path, person string) string {
	switch {
	case strings.HasSuffix(path, "/colleagues"):
		return `{"person":"` + person + `"}`
	case strings.HasSuffix(path, "/transfer"):
		return `{"queue":"front-desk"}`
	}
	return `{"reason":"urgent","words":"the patient does not answer"}`
}
