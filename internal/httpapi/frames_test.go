package httpapi_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/wire"
)

func TestSendIsIdempotent(t *testing.T) {
	w := newWorld(t)
	d := w.patient()
	id := d.open("nurse")
	f := d.seal(id, "once")
	first, err := d.Send(w.ctx, id, f)
	w.must(err)
	again, err := d.Send(w.ctx, id, f)
	w.must(err)
	if *again != *first {
		t.Errorf("first %+v, then %+v", first, again)
	}
	other := d.seal(id, "other")
	other.ClientID = f.ClientID
	_, err = d.Send(w.ctx, id, other)
	wantCode(t, err, api.CodeConflict)
	page, err := d.Frames(w.ctx, id, 1, 0)
	w.must(err)
	if len(page.Frames) != 1 || page.Head != 2 || !bytes.Equal(page.Frames[0].Payload, f.Payload) {
		t.Errorf("the log holds %+v", page)
	}
}

// TestOneCommitAnEpoch: of two commits made in one epoch the first wins; the
// other's maker is told, catches up, and makes it again.
func TestOneCommitAnEpoch(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	nurse.take(id)
	patient.catchUp(id)
	stale := patient.seal(id, "made before the commit")

	w.must(nurse.commit(id, mls.CommitOptions{Path: true}))
	p := wantCode(t, patient.commit(id, mls.CommitOptions{Path: true}), api.CodeStaleEpoch)
	if p.Epoch != nurse.groups[id].Epoch() || p.Head == 0 || p.Status != http.StatusConflict {
		t.Errorf("told %+v, the group is at %d", p, nurse.groups[id].Epoch())
	}
	_, err := patient.Send(w.ctx, id, stale)
	wantCode(t, err, api.CodeStaleEpoch)
	patient.catchUp(id)
	w.must(patient.commit(id, mls.CommitOptions{Path: true}))
}

// TestCreateIsIdempotent: the answer to the founding of a conversation was lost
// and it is sent again. Another founding under the same id is refused.
func TestCreateIsIdempotent(t *testing.T) {
	w := newWorld(t)
	d := w.patient()
	id, n := d.founding("nurse")
	first, err := d.CreateConversation(w.ctx, id, n)
	w.must(err)
	again, err := d.CreateConversation(w.ctx, id, n)
	w.must(err)
	if again.ID != first.ID || again.Head != first.Head {
		t.Errorf("at first %+v, then %+v", first, again)
	}
	_, other := d.founding("nurse")
	_, err = d.CreateConversation(w.ctx, id, other)
	wantCode(t, err, api.CodeConflict)
}

// TestCommitIsIdempotent: the answer was lost and the commit is sent again,
// when the group has moved on by it and by another.
func TestCommitIsIdempotent(t *testing.T) {
	w := newWorld(t)
	d := w.patient()
	id := d.open("nurse")
	p, err := d.groups[id].Commit(mls.CommitOptions{Path: true})
	w.must(err)
	f := api.SendFrame{ClientID: d.clientID(), Kind: api.FrameCommit, Payload: p.Commit, GroupInfo: p.GroupInfo}
	first, err := d.Send(w.ctx, id, f)
	w.must(err)
	w.must(d.groups[id].MergePending())
	for range 2 {
		again, err := d.Send(w.ctx, id, f)
		w.must(err)
		if *again != *first {
			t.Errorf("first %+v, then %+v", first, again)
		}
		w.must(d.commit(id, mls.CommitOptions{Path: true}))
	}
}

// TestRacingCommits lets members commit at the same moment: for each epoch
// exactly one is accepted, and none fails for another reason.
func TestRacingCommits(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	nurse.take(id)
	members := []*device{patient, nurse, w.clinic.keeper}
	for _, m := range members {
		m.catchUp(id)
	}
	before := patient.groups[id].Epoch()
	frames := make([]api.SendFrame, len(members))
	for i, m := range members {
		p, err := m.groups[id].Commit(mls.CommitOptions{Path: true})
		w.must(err)
		frames[i] = api.SendFrame{ClientID: m.clientID(), Kind: api.FrameCommit, Payload: p.Commit, GroupInfo: p.GroupInfo}
	}
	errs := make([]error, len(members))
	var wg sync.WaitGroup
	for i, m := range members {
		wg.Go(func() { _, errs[i] = m.Send(w.ctx, id, frames[i]) })
	}
	wg.Wait()
	won := 0
	for i, err := range errs {
		if err == nil {
			won++
			continue
		}
		wantCode(t, err, api.CodeStaleEpoch)
		members[i].groups[id].DiscardPending()
	}
	v, err := patient.Conversation(w.ctx, id)
	w.must(err)
	if won != 1 || v.Epoch != before+1 {
		t.Errorf("%d commits were accepted, the epoch went from %d to %d", won, before, v.Epoch)
	}
}

// TestPolicyOfHandshakes: the hub refuses what honest members would have to
// refuse, and what policy does not want.
func TestPolicyOfHandshakes(t *testing.T) {
	w := newWorld(t)
	patient, nurse, other := w.patient(), w.staff("dana"), w.staff("sam")
	keeper := w.clinic.keeper
	id := patient.open("nurse")
	nurse.take(id)
	patient.catchUp(id)
	keeper.catchUp(id)
	claim := func(d *device) *wire.KeyPackage {
		c, err := keeper.ClaimKeyPackages(w.ctx, api.ClaimKeyPackages{Person: d.person})
		w.must(err)
		return parseKeyPackage(t, c[0].Package)
	}
	tests := []struct {
		name string
		by   *device
		opt  mls.CommitOptions
	}{
		{"a nurse adds a colleague", nurse, mls.CommitOptions{Add: []*wire.KeyPackage{claim(other)}}},
		{"a nurse removes the keeper", nurse, mls.CommitOptions{Remove: []wire.LeafIndex{leafOf(t, nurse.groups[id], keeper.id)}}},
		{"the keeper adds who is not wanted", keeper, mls.CommitOptions{Add: []*wire.KeyPackage{claim(other)}}},
		{"the keeper removes who is wanted", keeper, mls.CommitOptions{Remove: []wire.LeafIndex{leafOf(t, keeper.groups[id], nurse.id)}}},
		{"the keeper removes the patient", keeper, mls.CommitOptions{Remove: []wire.LeafIndex{leafOf(t, keeper.groups[id], patient.id)}}},
		{"the keeper changes the group's extensions", keeper, mls.CommitOptions{Proposals: []wire.Proposal{&wire.GroupContextExtensions{}}}},
		{"the keeper ends the group", keeper, mls.CommitOptions{Proposals: []wire.Proposal{&wire.ReInit{GroupID: []byte("x"), Version: wire.MLS10, Suite: w.suite.ID()}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := wantCode(t, tt.by.commit(id, tt.opt), api.CodeInvalidHandshake)
			if p.Status != http.StatusUnprocessableEntity || p.Hint == "" {
				t.Errorf("%+v", p)
			}
		})
	}

	t.Run("another's commit", func(t *testing.T) {
		p, err := nurse.groups[id].Commit(mls.CommitOptions{Path: true})
		w.must(err)
		defer nurse.groups[id].DiscardPending()
		_, err = patient.Send(w.ctx, id, api.SendFrame{ClientID: patient.clientID(), Kind: api.FrameCommit, Payload: p.Commit, GroupInfo: p.GroupInfo})
		wantCode(t, err, api.CodeInvalidHandshake)
	})
	t.Run("an altered commit", func(t *testing.T) {
		p, err := nurse.groups[id].Commit(mls.CommitOptions{Path: true})
		w.must(err)
		defer nurse.groups[id].DiscardPending()
		bad := bytes.Clone(p.Commit)
		bad[len(bad)/2] ^= 1
		_, err = nurse.Send(w.ctx, id, api.SendFrame{ClientID: nurse.clientID(), Kind: api.FrameCommit, Payload: bad, GroupInfo: p.GroupInfo})
		if err == nil {
			t.Error("accepted")
		}
	})
	t.Run("a commit with the old group info", func(t *testing.T) {
		p, err := nurse.groups[id].Commit(mls.CommitOptions{Path: true})
		w.must(err)
		defer nurse.groups[id].DiscardPending()
		old, err := nurse.groups[id].GroupInfo()
		w.must(err)
		_, err = nurse.Send(w.ctx, id, api.SendFrame{ClientID: nurse.clientID(), Kind: api.FrameCommit, Payload: p.Commit, GroupInfo: old})
		wantCode(t, err, api.CodeInvalidHandshake)
	})
	t.Run("a commit in a private message", func(t *testing.T) {
		f := nurse.seal(id, "x")
		f.Kind, f.GroupInfo = api.FrameCommit, []byte{1}
		_, err := nurse.Send(w.ctx, id, f)
		wantCode(t, err, api.CodeMalformed)
	})
	if v, err := patient.Conversation(w.ctx, id); err != nil || v.Epoch != patient.groups[id].Epoch() {
		t.Errorf("a refused commit moved the epoch to %d, %v", v.Epoch, err)
	}
}

// TestConsent: without a valid receipt nothing begins; after withdrawal
// nothing goes on.
func TestConsent(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	spoil := map[string]func(*api.ConsentReceipt){
		"another form":     func(r *api.ConsentReceipt) { r.Form = "other" },
		"an old version":   func(r *api.ConsentReceipt) { r.Version = 7 },
		"another language": func(r *api.ConsentReceipt) { r.Language = "xx" },
		"another text":     func(r *api.ConsentReceipt) { r.SHA256 = make([]byte, 32) },
		"not signed":       func(r *api.ConsentReceipt) { r.Signature = []byte{1} },
		"moved in time":    func(r *api.ConsentReceipt) { r.At++ },
		"of another chat":  func(r *api.ConsentReceipt) { *r = patient.receipt(hub.NewID("c")) },
	}
	for name, change := range spoil {
		t.Run(name, func(t *testing.T) {
			id, n := patient.founding("nurse")
			change(&n.Consent)
			_, err := patient.CreateConversation(w.ctx, id, n)
			wantCode(t, err, api.CodeConsentMissing)
			_, err = patient.Conversation(w.ctx, id)
			wantCode(t, err, api.CodeNotFound)
		})
	}

	id := patient.open("nurse")
	nurse.take(id)
	patient.catchUp(id)
	before, after := patient.seal(id, "with consent"), nurse.seal(id, "without")
	_, err := patient.Send(w.ctx, id, before)
	w.must(err)
	_, err = patient.Act(w.ctx, id, "close")
	w.must(err)
	r, err := patient.Act(w.ctx, id, "withdraw") // also of a chat that is over
	w.must(err)
	if r.Conversation.Consent != "withdrawn" || r.Conversation.State != api.StateClosed {
		t.Errorf("after withdrawal: %+v", r.Conversation)
	}
	for who, call := range map[string]func() error{
		"the nurse sends":     func() error { _, err := nurse.Send(w.ctx, id, after); return err },
		"the patient sends":   func() error { _, err := patient.Send(w.ctx, id, patient.seal(id, "x")); return err },
		"the keeper sends":    func() error { _, err := w.clinic.keeper.Send(w.ctx, id, w.clinic.keeper.seal(id, "x")); return err },
		"the nurse reopens":   func() error { _, err := nurse.Act(w.ctx, id, "reopen"); return err },
		"the patient reopens": func() error { _, err := patient.Act(w.ctx, id, "reopen"); return err },
		"the nurse takes it":  func() error { _, err := nurse.Act(w.ctx, id, "take-over"); return err },
		"the nurse uploads":   func() error { _, err := nurse.NewAttachment(w.ctx, id, api.NewAttachment{Size: 1}); return err },
	} {
		t.Run(who, func(t *testing.T) { wantCode(t, call(), api.CodeConsentWithdrawn) })
	}
	if again, err := patient.Send(w.ctx, id, before); err != nil || again.Position == 0 {
		t.Errorf("what was acknowledged before stays so: %v", err)
	}
	w.clinic.keeper.admit() // takes staff out
	v, err := patient.Conversation(w.ctx, id)
	w.must(err)
	for _, p := range v.Participant {
		if p.Person.Kind == api.KindStaff {
			t.Errorf("staff are still in: %+v", p)
		}
	}
}

// TestLeavingEndsReading: one who was taken out gets nothing later (T05).
func TestLeavingEndsReading(t *testing.T) {
	w := newWorld(t)
	patient, nurse, other := w.patient(), w.staff("dana"), w.staffAs(w.clinic, "supervisor", "sam")
	id := patient.open("nurse")
	nurse.take(id)
	_, err := other.Act(w.ctx, id, "take")
	p := wantCode(t, err, api.CodeTaken)
	if p.Person != nurse.person || !strings.Contains(p.Name, "Dana") {
		t.Errorf("taken by %q %q", p.Person, p.Name)
	}
	_, err = other.Client.Act(w.ctx, id, "take-over", "absent")
	w.must(err)
	w.clinic.keeper.admit()
	other.join()
	patient.catchUp(id)
	patient.say(id, "for the new one")
	page, err := nurse.Frames(w.ctx, id, 0, 0)
	w.must(err)
	last := page.Frames[len(page.Frames)-1]
	if last.Kind != api.FrameCommit || page.Head != last.Position {
		t.Errorf("the former one reads up to %+v", last)
	}
	_, err = nurse.Send(w.ctx, id, api.SendFrame{ClientID: nurse.clientID(), Kind: api.FrameApplication, Payload: patient.seal(id, "x").Payload})
	wantCode(t, err, api.CodeNotAMember)
	_, err = nurse.GroupInfo(w.ctx, id)
	wantCode(t, err, api.CodeForbidden)
	if got := other.catchUp(id); len(got) != 1 {
		t.Errorf("the new one reads %q", got)
	}
}

// TestT05WhoLeftIsSentNothingMore: while no keeper takes them out of the group, who
// left gets nothing that is said from then on, by push or when they ask, though
// they have the keys; and all of it once they are wanted again.
func TestT05WhoLeftIsSentNothingMore(t *testing.T) {
	bySocketAndPoll(t, func(t *testing.T, w *world, listen func(*device) *listener) {
		patient, nurse, id, other := w.twoTaken()
		file, err := patient.NewAttachment(w.ctx, id, api.NewAttachment{Size: 4})
		w.must(err)
		_, err = patient.Upload(w.ctx, file.ID, 0, []byte("file"))
		w.must(err)
		told := patient.say(id, "while they were in")
		is := func(at uint64) func(api.Event) bool {
			return func(e api.Event) bool {
				return e.Frame != nil && e.ConversationID == id && e.Frame.Position == at
			}
		}
		lines := []*listener{listen(nurse)}
		leave := func() {
			_, err := nurse.Act(w.ctx, id, "leave")
			w.must(err)
		}
		// The keeper is away: their device stays in the group. Nobody can be told
		// how the chat stands now: so much the more.
		w.store.unnamed.Store(true)
		if _, err := nurse.Act(w.ctx, id, "leave"); err == nil {
			t.Error("the chat was described")
		}
		w.store.unnamed.Store(false)
		later := patient.say(id, "not for who left")
		lines = append(lines, listen(nurse))
		patient.say(id, "nor this")
		fence := patient.say(other, "this they may")
		nothing := func() {
			t.Helper()
			for _, l := range lines {
				l.until("the other chat", func(e api.Event) bool {
					if e.Frame != nil && e.ConversationID == id && e.Frame.Kind == api.FrameApplication && e.Frame.Position > told.Position {
						t.Error("who left was pushed what was said later")
					}
					return e.Frame != nil && e.ConversationID == other && e.Frame.Position == fence.Position
				})
			}
			page, err := nurse.Frames(w.ctx, id, 0, 0)
			w.must(err)
			if last := page.Frames[len(page.Frames)-1].Position; last < told.Position || last >= later.Position || page.Head != last {
				t.Errorf("who left at %d reads up to %d of %d, and more was said at %d", told.Position, last, page.Head, later.Position)
			}
			_, err = nurse.Download(w.ctx, file.ID, 0, 4)
			wantCode(t, err, api.CodeNotFound)
		}
		nothing()
		if page, err := nurse.Frames(w.ctx, id, later.Position, 0); err != nil || len(page.Frames) != 0 {
			t.Errorf("asking for what came later: %+v, %v", page, err)
		}

		_, err = nurse.Act(w.ctx, id, "take") // before the keeper is back
		w.must(err)
		again := patient.say(id, "for who is back")
		for _, l := range lines {
			l.until("what is said to who is back", is(again.Position))
		}
		if got := nurse.catchUp(id); !slices.Contains(got, "not for who left") {
			t.Errorf("back, they read %q", got)
		}
		leave()
		told, later = again, patient.say(id, "gone for good")
		fence = patient.say(other, "and this")
		nothing()
		w.clinic.keeper.admit()
		for _, l := range lines {
			l.until("the commit that takes them out", func(e api.Event) bool {
				return e.Frame != nil && e.ConversationID == id && e.Frame.Kind == api.FrameCommit
			})
		}
		_, err = nurse.Frames(w.ctx, id, later.Position-1, 0)
		wantCode(t, err, api.CodeNotAMember)
	})
}

// TestRejoin: a device that lost its state joins by an external commit.
func TestRejoin(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	_, err := nurse.GroupInfo(w.ctx, id)
	wantCode(t, err, api.CodeForbidden)

	info, err := patient.GroupInfo(w.ctx, id)
	w.must(err)
	g, commit, err := mls.JoinExternal(patient.config(), patient.signer, patient.credential(), info.GroupInfo, mls.ExternalOptions{Resync: true})
	w.must(err)
	groupInfo, err := g.GroupInfo()
	w.must(err)
	_, err = patient.Send(w.ctx, id, api.SendFrame{ClientID: patient.clientID(), Kind: api.FrameCommit, Payload: commit, GroupInfo: groupInfo})
	w.must(err)
	patient.groups[id] = g
	patient.say(id, "back again")
	w.clinic.keeper.catchUp(id)
	if got := w.clinic.keeper.read; len(got) != 1 || got[0] != "back again" {
		t.Errorf("the keeper reads %q", got)
	}
}

// TestT03ExternalCommitsAreAdmitted: a commit from outside is taken of whom policy
// admits as it comes, whatever they could read before: a GroupInfo that was kept
// or that leaked lets nobody in.
func TestT03ExternalCommitsAreAdmitted(t *testing.T) {
	w := newWorld(t)
	patient, nurse, stranger := w.patient(), w.staff("dana"), w.staff("lee")
	id := patient.open("nurse")
	info, err := patient.GroupInfo(w.ctx, id)
	w.must(err)
	outside := func(d *device, leaked []byte, resync bool) error {
		g, commit, err := mls.JoinExternal(d.config(), d.signer, d.credential(), leaked, mls.ExternalOptions{Resync: resync})
		w.must(err)
		groupInfo, err := g.GroupInfo()
		w.must(err)
		_, err = d.Send(w.ctx, id, api.SendFrame{ClientID: d.clientID(), Kind: api.FrameCommit, Payload: commit, GroupInfo: groupInfo})
		return err
	}
	wantCode(t, outside(stranger, info.GroupInfo, false), api.CodeNotAMember) // of the queue, and not in the chat
	nurse.take(id)
	info, err = nurse.GroupInfo(w.ctx, id)
	w.must(err)
	w.must(outside(nurse, info.GroupInfo, true)) // who is in it comes back
	info, err = nurse.GroupInfo(w.ctx, id)
	w.must(err)
	_, err = nurse.Act(w.ctx, id, "leave")
	w.must(err)
	// They are in the group still, and have the keys: the keeper has yet to come.
	if p := wantCode(t, outside(nurse, info.GroupInfo, true), api.CodeInvalidHandshake); !strings.Contains(p.Hint, "external-not-admit") {
		t.Errorf("who has left: %s", p.Hint)
	}

	other := w.patient()
	id = other.open("nurse")
	nurse.take(id)
	info, err = nurse.GroupInfo(w.ctx, id)
	w.must(err)
	second := nurse.another("dana")
	w.clinic.keeper.certify()
	self, err := second.Self(w.ctx)
	w.must(err)
	second.certificate = self.Certificate
	w.clinic.keeper.listen()
	wantCode(t, outside(second, info.GroupInfo, false), api.CodeNotAMember) // the keeper is there to let it in
	_, err = other.Act(w.ctx, id, "withdraw")
	w.must(err)
	wantCode(t, outside(other, info.GroupInfo, true), api.CodeConsentWithdrawn)
}

func TestBounds(t *testing.T) {
	w := newWorld(t)
	d := w.patient()
	id := d.open("nurse")
	f := api.SendFrame{ClientID: "12345678", Kind: api.FrameApplication, Payload: make([]byte, api.MaxFrameBytes+1)}
	_, err := d.Send(w.ctx, id, f)
	wantCode(t, err, api.CodeTooLarge)
	f.Payload = make([]byte, 5<<20) // past the bound of the body
	_, err = d.Send(w.ctx, id, f)
	wantCode(t, err, api.CodeTooLarge)
	resp, body := w.raw("POST", "/v1/staff/sign-in", `{"login":"`+strings.Repeat("x", 7<<20)+`"}`)
	if resp.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(body, "too-large") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	for _, clientID := range []string{"1234567", strings.Repeat("x", 65), "with space", "ünïcode!"} {
		g := d.seal(id, "x")
		g.ClientID = clientID
		_, err := d.Send(w.ctx, id, g)
		wantCode(t, err, api.CodeMalformed)
	}
}

func TestRateLimits(t *testing.T) {
	w := newWorld(t, func(c *hub.Config, _ *httpapi.Config) {
		c.Limits = hub.Limits{Sends: hub.Rate{PerSecond: 1, Burst: 3}}
	})
	d := w.patient()
	id := d.open("nurse")
	for range 3 {
		d.say(id, "x")
	}
	f := d.seal(id, "one too many")
	_, err := d.Send(w.ctx, id, f)
	wantCode(t, err, api.CodeRateLimited)
	resp, _ := w.raw("POST", "/v1/conversations/"+id+"/frames", mustJSON(f), "Authorization", "Bearer "+d.Token())
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("%d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	w.clock.advance(2 * time.Second)
	_, err = d.Send(w.ctx, id, f)
	w.must(err)

	// Guesses at one login, with any spelling.
	for _, login := range []string{"dana", " Dana", "dAna", "daNa ", "danA"} {
		_, err := d.SignIn(w.ctx, api.SignIn{Practice: "riverside", Login: login, Authentication: api.Authentication{Password: "guess"}})
		wantCode(t, err, api.CodeUnauthenticated)
	}
	_, err = d.SignIn(w.ctx, api.SignIn{Practice: "riverside", Login: "DANA", Authentication: api.Authentication{Password: "guess"}})
	wantCode(t, err, api.CodeRateLimited)
}

// TestDiskFull: nothing is stored, the caller is told, and once there is room
// the same frame goes through.
func TestDiskFull(t *testing.T) {
	w := newWorld(t)
	d := w.patient()
	id := d.open("nurse")
	f := d.seal(id, "kept by the device")
	w.store.full.Store(true)
	_, err := d.Send(w.ctx, id, f)
	if p := wantCode(t, err, api.CodeFull); p.Status != http.StatusInsufficientStorage {
		t.Errorf("status %d", p.Status)
	}
	w.store.full.Store(false)
	s, err := d.Send(w.ctx, id, f)
	w.must(err)
	if s.Position != 2 {
		t.Errorf("position %d", s.Position)
	}
}
