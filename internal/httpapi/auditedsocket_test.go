package httpapi_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/mls"
)

// saying says of each type of message that a push connection takes which events
// it leaves, or "-" and why it leaves none, as leaves does of routes. Where the
// reason says that nothing is stored, TestT41WhatIsSaidIsAudited sees that.
var saying = map[string]string{
	"send":   "frame.sent handshake.sent history.shared",
	"ack":    "- bookkeeping of a device in the group, for every message",
	"typing": unstored + "who is told forgets it after seconds",
	"ping":   unstored + "a sign of life",
}

const unstored = "- nothing is stored: "

// A speaker is a bare push connection, and the request that opened it.
type speaker struct {
	w       *world
	conn    *websocket.Conn
	request string
}

func (d *device) speaker() *speaker {
	d.w.t.Helper()
	conn, response, err := websocket.Dial(d.w.ctx, "ws"+strings.TrimPrefix(d.w.server.URL, "http")+"/v1/events", nil)
	d.w.must(err)
	d.w.t.Cleanup(func() { _ = conn.CloseNow() })
	d.w.must(wsjson.Write(d.w.ctx, conn, api.Hello{Type: "hello", Token: d.Token()}))
	var ready api.Event
	d.w.must(wsjson.Read(d.w.ctx, conn, &ready))
	return &speaker{d.w, conn, response.Header.Get("X-Request-Id")}
}

// say returns the reply.
func (s *speaker) say(m api.ClientMessage) (r api.Reply) {
	s.w.t.Helper()
	m.Call = 7
	s.w.must(wsjson.Write(s.w.ctx, s.conn, m))
	for r.Call != m.Call {
		r = api.Reply{}
		s.w.must(wsjson.Read(s.w.ctx, s.conn, &r))
	}
	return r
}

// TestT41WhatIsSaidIsAudited says over connections all that they take, as the
// hub's own dispatcher lists it, and looks for the events of the connection's
// request. While no event can be written, what would leave one is refused.
func TestT41WhatIsSaidIsAudited(t *testing.T) {
	w := newWorld(t)
	patient, keeper := w.patient(), w.clinic.keeper
	id := patient.open("nurse")
	patient.say(id, "hello")
	keeper.catchUp(id)
	ofPatient, ofKeeper := patient.speaker(), keeper.speaker()
	frame := func(f api.SendFrame) api.ClientMessage {
		return api.ClientMessage{Type: "send", ConversationID: id, Frame: &f}
	}
	shared := keeper.seal(id, "the transcript so far")
	shared.History = true
	head := func() uint64 {
		_, at, err := w.store.Frames(w.ctx, w.clinic.ID, id, 0, 0, 1)
		w.must(err)
		return at
	}
	left := make(map[string][]string) // by type
	for _, said := range []struct {
		by *speaker
		m  api.ClientMessage
	}{
		{ofPatient, api.ClientMessage{Type: "ack", ConversationID: id, Position: 1}},
		{ofPatient, api.ClientMessage{Type: "typing", ConversationID: id, Typing: true}},
		{ofPatient, api.ClientMessage{Type: "ping"}},
		{ofPatient, frame(patient.seal(id, "are you there?"))},
		{ofKeeper, frame(shared)},
		{ofKeeper, frame(keeper.committed(id))}, // the last: the others are of the epoch before
	} {
		m, say := said.m, said.by.say
		before, disk, at := w.leftBy(said.by.request), w.disk(), head()
		if strings.HasPrefix(saying[m.Type], unstored) {
			if r := say(m); r.Problem != nil || w.disk() != disk {
				t.Errorf("%s: answered %+v, and something is stored", m.Type, r)
			}
		} else if says := saying[m.Type]; !strings.HasPrefix(says, "-") {
			w.store.unwritten.Store(new(audit.Kind))
			r := say(m)
			w.store.unwritten.Store(nil)
			if r.Problem == nil || r.Problem.Status < 500 || head() != at {
				t.Errorf("%s: answered %+v, and its event cannot be written", m.Type, r)
			}
		}
		if r := say(m); r.Problem != nil {
			t.Errorf("%s: refused with %+v", m.Type, r.Problem)
		}
		left[m.Type] = append(left[m.Type], w.leftBy(said.by.request)[len(before):]...)
	}
	for _, kind := range w.api.ClientMessages() {
		says := strings.Fields(saying[kind])
		got, tried := left[kind]
		switch {
		case len(says) == 0 || says[0] == "-" && len(says) == 1:
			t.Errorf("%s: say in saying which events it leaves, or why none", kind)
		case !tried:
			t.Errorf("nobody says %s here", kind)
		case says[0] == "-" && len(got) > 0:
			t.Errorf("%s leaves %v, and should leave none", kind, got)
		case says[0] != "-":
			if slices.Sort(got); !slices.Equal(got, says) {
				t.Errorf("%s leaves %v, want %v", kind, got, says)
			}
		}
	}
	if len(saying) != len(w.api.ClientMessages()) {
		t.Errorf("a connection takes %v, and not all of %v", w.api.ClientMessages(), saying)
	}
}

// leftBy are the kinds of events of a request, in order.
func (w *world) leftBy(request string) (kinds []string) {
	w.t.Helper()
	events, err := w.logged()
	w.must(err)
	for _, e := range events[request] {
		kinds = append(kinds, string(e.Kind))
	}
	return kinds
}

// disk is what the store has on disk: it is another once anything is written.
func (w *world) disk() string {
	w.t.Helper()
	h := sha256.New()
	for _, name := range []string{w.path, w.path + "-wal"} {
		b, err := os.ReadFile(name)
		w.must(err)
		h.Write(b)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// committed is the frame of a commit that changes keys alone.
func (d *device) committed(id string) api.SendFrame {
	d.w.t.Helper()
	p, err := d.groups[id].Commit(mls.CommitOptions{})
	d.w.must(err)
	return api.SendFrame{ClientID: d.clientID(), Kind: api.FrameCommit, Payload: p.Commit, GroupInfo: p.GroupInfo}
}
