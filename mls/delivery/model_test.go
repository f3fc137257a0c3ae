package delivery_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/delivery"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

const modelMembers = 8

// A world is a service that orders handshakes, and devices that hear of them
// late, send at the same time, lose answers, crash, leave and come back.
// Everything said is checked against what the world knows to be true.
type world struct {
	suite   *suite.Suite
	hub     suite.Signer
	public  *delivery.PublicGroup
	devices []*device

	log      []entry           // handshakes accepted, in order
	views    map[uint64]string // what a member sees in each epoch
	members  map[uint64]map[string]bool
	info     []byte // of the latest epoch, if its committer gave one
	said     []*utterance
	refusals map[string]int
	unread   int // messages that came too late, or to the wrong
}

// An entry is an accepted handshake.
type entry struct {
	message []byte
	commit  bool
	by      *device
}

// A device is a client, in the group or not.
type device struct {
	name   string
	signer suite.Signer
	group  *mls.Group // nil before it first joins
	next   int        // the first entry of the log that it has not processed
	in     bool       // by its own account
	since  uint64     // the epoch in which it joined, or came back
	heard  map[*utterance]bool
	unread []*utterance // on their way to it, in any order
}

// GoString keeps what rapid prints short.
func (d *device) GoString() string { return d.name }

// An utterance is an application message.
type utterance struct {
	by      *device
	epoch   uint64
	text    string
	message []byte
}

func newWorld(t *rapid.T) *world {
	s, err := suite.Lookup(suite.X25519AES128)
	must(t, err)
	w := &world{
		suite: s, views: make(map[uint64]string), members: make(map[uint64]map[string]bool),
		refusals: make(map[string]int),
	}
	for i := range modelMembers {
		signer, err := s.NewSigner()
		must(t, err)
		w.devices = append(w.devices, &device{name: fmt.Sprintf("device %d", i), signer: signer, heard: make(map[*utterance]bool)})
	}
	w.hub, err = s.NewSigner()
	must(t, err)
	d := w.devices[0]
	d.group, err = mls.Create(config, s, []byte("world"), d.signer, d.credential(), mls.CreateOptions{
		Extensions: wire.Extensions{wire.ExternalSendersExtension([]wire.ExternalSender{
			{SignatureKey: w.hub.Public(), Credential: wire.BasicCredential([]byte("hub"))},
		})},
	})
	must(t, err)
	d.in = true
	w.info, err = d.group.GroupInfo()
	must(t, err)
	w.public, err = delivery.New(delivery.Config{Credentials: mls.AnyCredential{}}, w.info)
	must(t, err)
	w.noteRoster()
	for _, o := range w.devices[1 : 1+rapid.IntRange(0, 5).Draw(t, "members at first")] {
		w.addNow(t, d, o)
	}
	return w
}

// addNow has by add d, with nothing going wrong.
func (w *world) addNow(t *rapid.T, by, d *device) {
	kp, err := mls.NewKeyPackage(config, w.suite, d.signer, d.credential(), mls.KeyPackageOptions{})
	must(t, err)
	p, err := by.group.Commit(mls.CommitOptions{Add: []*wire.KeyPackage{kp.Package()}})
	must(t, err)
	if w.submit(t, by, p.Commit) == nil {
		t.Fatalf("a commit was refused")
	}
	must(t, by.group.MergePending())
	by.next, w.info = len(w.log), p.GroupInfo
	w.welcome(t, d, kp, p.Welcome)
}

func must(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
}

func (d *device) credential() wire.Credential { return wire.BasicCredential([]byte(d.name)) }

// noteRoster writes down who is a member in the service's epoch.
func (w *world) noteRoster() {
	roster := make(map[string]bool)
	for _, m := range w.public.Members() {
		roster[string(m.Credential.Identity)] = true
	}
	w.members[w.public.Epoch()] = roster
}

// pick draws one of the devices that fit, or skips the action.
func (w *world) pick(t *rapid.T, what string, fits func(*device) bool) *device {
	var list []*device
	for _, d := range w.devices {
		if fits(d) {
			list = append(list, d)
		}
	}
	if len(list) == 0 {
		t.Skip("nobody")
	}
	return rapid.SampledFrom(list).Draw(t, what)
}

func (w *world) pickMember(t *rapid.T) *device {
	return w.pick(t, "device", func(d *device) bool { return d.in })
}

// outside are devices that are in no epoch that is still to come.
func (w *world) pickOutside(t *rapid.T) *device {
	now := w.members[w.public.Epoch()]
	return w.pick(t, "newcomer", func(d *device) bool { return !d.in && !now[d.name] })
}

// submit hands a handshake to the service, which accepts it or refuses it for a
// reason that an honest sender may give rise to.
func (w *world) submit(t *rapid.T, by *device, message []byte) *delivery.Handshake {
	h, err := w.public.Check(message)
	if err != nil {
		if !errors.Is(err, delivery.ErrStaleEpoch) && !errors.Is(err, delivery.ErrUnknownProposal) {
			t.Fatalf("refused: %v", err)
		}
		w.refusals[err.Error()]++
		return nil
	}
	must(t, w.public.Apply(h))
	w.log = append(w.log, entry{message, h.Kind == delivery.Commit, by})
	if h.Kind == delivery.Commit {
		w.info = nil
		w.noteRoster()
	}
	return h
}

// commit has a device, which may be behind, commit something. The answer of the
// service may get lost on the way back, or the commit on the way there.
func (w *world) commit(t *rapid.T) {
	d := w.pickMember(t)
	if rapid.Bool().Draw(t, "hears first") {
		for d.in && d.next < len(w.log) {
			w.hearOne(t, d)
		}
	}
	if !d.in || d.group.HasPending() {
		t.Skip("cannot commit")
	}
	var opt mls.CommitOptions
	var kp *mls.KeyPackageSecret
	var newcomer *device
	switch rapid.SampledFrom([]string{"nothing", "add", "add with a path", "remove", "replace", "key"}).Draw(t, "what") {
	case "add":
		newcomer = w.pickOutside(t)
	case "add with a path":
		newcomer = w.pickOutside(t)
		opt.Path = true
	case "remove":
		opt.Remove = w.drawOther(t, d)
	case "replace":
		newcomer = w.pickOutside(t)
		opt.Remove = w.drawOther(t, d)
	case "key":
		opt.Path = true
	}
	if newcomer != nil {
		var err error
		kp, err = mls.NewKeyPackage(config, w.suite, newcomer.signer, newcomer.credential(), mls.KeyPackageOptions{})
		must(t, err)
		if hasMember(d.group, newcomer) {
			t.Skip("is a member still, for all the committer knows")
		}
		opt.Add = []*wire.KeyPackage{kp.Package()}
	}
	p, err := d.group.Commit(opt)
	must(t, err)
	if rapid.IntRange(0, 9).Draw(t, "lost on the way there") == 0 {
		return // it stays pending
	}
	h := w.submit(t, d, p.Commit)
	if h == nil {
		d.group.DiscardPending()
		// Proposals that the service did not take cannot be committed.
		return
	}
	must(t, h.CheckGroupInfo(p.GroupInfo))
	if len(h.Added) > 0 {
		must(t, h.CheckWelcome(p.Welcome))
	}
	w.info = p.GroupInfo
	if newcomer != nil {
		w.welcome(t, newcomer, kp, p.Welcome)
	}
	if rapid.Bool().Draw(t, "answer lost") {
		return // it will see its own commit in the log
	}
	must(t, d.group.MergePending())
	d.next = len(w.log)
	w.see(t, d)
}

func hasMember(g *mls.Group, d *device) bool {
	for _, m := range g.Members() {
		if bytes.Equal(m.SignatureKey, d.signer.Public()) {
			return true
		}
	}
	return false
}

// drawOther draws a member other than d, by d's account.
func (w *world) drawOther(t *rapid.T, d *device) []wire.LeafIndex {
	var others []wire.LeafIndex
	for _, m := range d.group.Members() {
		if m.Leaf != d.group.OwnLeaf() {
			others = append(others, m.Leaf)
		}
	}
	if len(others) == 0 {
		t.Skip("alone")
	}
	return []wire.LeafIndex{rapid.SampledFrom(others).Draw(t, "whom")}
}

func (w *world) welcome(t *rapid.T, d *device, kp *mls.KeyPackageSecret, welcome []byte) {
	group, err := mls.Join(config, d.signer, kp, welcome, mls.JoinOptions{})
	must(t, err)
	d.group, d.in, d.next, d.since = group, true, len(w.log), group.Epoch()
	w.see(t, d)
}

// propose has a device propose something.
func (w *world) propose(t *rapid.T) {
	d := w.pickMember(t)
	var message []byte
	var err error
	switch rapid.SampledFrom([]string{"update", "remove", "leave"}).Draw(t, "what") {
	case "update":
		message, err = d.group.ProposeUpdate(nil, nil)
	case "remove":
		message, err = d.group.Propose(&wire.Remove{Removed: w.drawOther(t, d)[0]}, nil)
	case "leave":
		message, err = d.group.Propose(&wire.Remove{Removed: d.group.OwnLeaf()}, nil)
	}
	must(t, err)
	if rapid.IntRange(0, 4).Draw(t, "lost") > 0 {
		w.submit(t, d, message)
	}
}

// hubRemoves has the service itself ask for a removal.
func (w *world) hubRemoves(t *rapid.T) {
	members := w.public.Members()
	m := rapid.SampledFrom(members).Draw(t, "whom")
	message, err := w.public.Propose(w.hub, 0, &wire.Remove{Removed: m.Leaf})
	must(t, err)
	w.submit(t, nil, message)
}

// enter has a device join by itself, or come back in its old place.
func (w *world) enter(t *rapid.T) {
	if w.info == nil {
		t.Skip("no group info")
	}
	d := w.pick(t, "who enters", func(*device) bool { return true })
	there := w.members[w.public.Epoch()][d.name]
	group, commit, err := mls.JoinExternal(config, d.signer, d.credential(), w.info, mls.ExternalOptions{Resync: there})
	must(t, err)
	if w.submit(t, d, commit) == nil {
		t.Fatalf("an external commit with the latest group info was refused")
	}
	d.group, d.in, d.next, d.since = group, true, len(w.log), group.Epoch()
	w.see(t, d)
	if rapid.Bool().Draw(t, "uploads a group info") {
		w.info, err = group.GroupInfo()
		must(t, err)
		must(t, w.public.CheckGroupInfo(w.info))
	}
}

// hear has a device process what is next for it in the log.
func (w *world) hear(t *rapid.T) {
	d := w.pick(t, "who hears", func(d *device) bool { return d.in && d.next < len(w.log) })
	for range rapid.IntRange(1, 5).Draw(t, "entries") {
		if !d.in || d.next >= len(w.log) {
			return
		}
		w.hearOne(t, d)
	}
}

func (w *world) hearOne(t *rapid.T, d *device) {
	e := w.log[d.next]
	d.next++
	event, err := d.group.Receive(e.message)
	switch {
	case errors.Is(err, mls.ErrOwnCommit):
		must(t, d.group.MergePending())
		w.see(t, d)
		return
	case err != nil && e.by == d && !e.commit:
		return // its own proposal come back
	case err != nil:
		t.Fatalf("%s in epoch %d: entry %d: %v", d.name, d.group.Epoch(), d.next-1, err)
	}
	staged, ok := event.(*mls.Staged)
	if !ok {
		return
	}
	must(t, d.group.Merge(staged))
	if staged.SelfRemoved {
		d.in = false
		if w.members[staged.Epoch][d.name] && !w.backByExternal(staged, d) {
			t.Fatalf("%s thinks it was removed in epoch %d", d.name, staged.Epoch)
		}
		return
	}
	w.see(t, d)
}

// backByExternal reports whether staged removed d and brought it back.
func (w *world) backByExternal(staged *mls.Staged, d *device) bool {
	return staged.External && bytes.Equal(staged.Committer.SignatureKey, d.signer.Public())
}

// see checks that d sees what all others see in its epoch.
func (w *world) see(t *rapid.T, d *device) {
	exported, err := d.group.Export("model", nil, 16)
	must(t, err)
	context := d.group.Context()
	view := fmt.Sprintf("%x %x %x", d.group.Authenticator(), exported, context.Marshal())
	epoch := d.group.Epoch()
	if first, seen := w.views[epoch]; !seen {
		w.views[epoch] = view
	} else if first != view {
		t.Fatalf("%s sees epoch %d as nobody else does", d.name, epoch)
	}
	for _, m := range d.group.Members() {
		if !w.members[epoch][string(m.Credential.Identity)] {
			t.Fatalf("%s sees a member in epoch %d whom the service does not", d.name, epoch)
		}
	}
	if !w.members[epoch][d.name] {
		t.Fatalf("%s is in epoch %d and should not be", d.name, epoch)
	}
}

// say has a device, which may be behind, say something. The message is on its
// way to every device there is, those removed too.
func (w *world) say(t *rapid.T) {
	d := w.pickMember(t)
	if len(d.group.Members()) == 1 {
		t.Skip("talks to itself")
	}
	u := &utterance{by: d, epoch: d.group.Epoch(), text: fmt.Sprintf("%s, %d", d.name, len(w.said))}
	message, err := d.group.Seal([]byte(u.text), nil)
	must(t, err)
	u.message = message
	w.said = append(w.said, u)
	for _, o := range w.devices {
		if o != d && o.group != nil {
			o.unread = append(o.unread, u)
		}
	}
}

// listen has a device read messages that are on their way to it, in any order.
func (w *world) listen(t *rapid.T) {
	d := w.pick(t, "who listens", func(d *device) bool { return len(d.unread) > 0 })
	for range rapid.IntRange(1, 4).Draw(t, "messages") {
		if len(d.unread) == 0 {
			return
		}
		i := rapid.IntRange(0, len(d.unread)-1).Draw(t, "which")
		u := d.unread[i]
		d.unread = append(d.unread[:i:i], d.unread[i+1:]...)
		if later := w.read(t, d, u); later {
			d.unread = append(d.unread, u)
		}
	}
}

// read has d read u, and reports whether it cannot yet.
func (w *world) read(t *rapid.T, d *device, u *utterance) (later bool) {
	event, err := d.group.Receive(u.message)
	if err == nil {
		a, ok := event.(*mls.Application)
		switch {
		case !ok || string(a.Data) != u.text || string(a.Member.Credential.Identity) != u.by.name:
			t.Fatalf("%s reads %v", d.name, event)
		case d.heard[u]:
			t.Fatalf("%s reads a message twice", d.name)
		case !w.members[u.epoch][d.name]:
			t.Fatalf("%s reads a message of epoch %d and was no member", d.name, u.epoch)
		}
		d.heard[u] = true
		return false
	}
	if errors.Is(err, mls.ErrFutureEpoch) {
		return d.in
	}
	// Why a member may fail to read: the message is from before it joined or
	// came back, or is too old, or it reads a second time.
	before := u.epoch < d.since
	past := d.group.Epoch() - u.epoch
	if !d.in {
		past++ // its last epoch is one of those kept
	}
	old := past > mls.DefaultPastEpochs
	switch {
	case d.heard[u] && (errors.Is(err, mls.ErrReplayed) || errors.Is(err, mls.ErrStaleEpoch)):
	case (before || old) && errors.Is(err, mls.ErrStaleEpoch):
	case !w.members[u.epoch][d.name] && errors.Is(err, mls.ErrRemoved):
	default:
		t.Fatalf("%s, since %d, in epoch %d: message of epoch %d: %v", d.name, d.since, d.group.Epoch(), u.epoch, err)
	}
	w.unread++
	return false
}

// again delivers a message that was delivered before.
func (w *world) again(t *rapid.T) {
	d := w.pick(t, "who hears again", func(d *device) bool { return len(d.heard) > 0 })
	for _, u := range w.said {
		if d.heard[u] {
			w.read(t, d, u)
			return
		}
	}
}

// stale delivers an entry of the log a second time.
func (w *world) stale(t *rapid.T) {
	d := w.pick(t, "who hears", func(d *device) bool { return d.in && d.next > 0 })
	e := w.log[rapid.IntRange(0, d.next-1).Draw(t, "entry")]
	if event, err := d.group.Receive(e.message); err == nil {
		if _, ok := event.(*mls.Proposed); !ok {
			t.Fatalf("%s takes a commit twice", d.name)
		}
	}
}

// crash has a device, or the service, come back from what it stored.
func (w *world) crash(t *rapid.T) {
	if rapid.IntRange(0, 4).Draw(t, "the service") == 0 {
		public, err := delivery.Restore(delivery.Config{Credentials: mls.AnyCredential{}}, w.public.Marshal())
		must(t, err)
		w.public = public
		return
	}
	d := w.pick(t, "who crashes", func(d *device) bool { return d.group != nil })
	state, err := d.group.Marshal()
	must(t, err)
	d.group, err = mls.Restore(config, d.signer, state)
	must(t, err)
}

// giveUp has a device forget a commit of which it has heard nothing.
func (w *world) giveUp(t *rapid.T) {
	d := w.pick(t, "who gives up", func(d *device) bool { return d.in && d.group.HasPending() && d.next == len(w.log) })
	d.group.DiscardPending()
}

// pry has a device that is out try everything said and done since.
func (w *world) pry(t *rapid.T) {
	d := w.pick(t, "who pries", func(d *device) bool { return !d.in && d.group != nil })
	for _, u := range w.said {
		if !w.members[u.epoch][d.name] {
			if event, err := d.group.Receive(u.message); err == nil {
				t.Fatalf("%s was removed and reads epoch %d: %v", d.name, u.epoch, event)
			}
		}
	}
	for i := d.next; i < len(w.log); i++ {
		if _, err := d.group.Receive(w.log[i].message); err == nil {
			t.Fatalf("%s was removed and follows", d.name)
		}
	}
	if _, err := d.group.Seal([]byte("still here"), nil); err == nil {
		t.Fatalf("%s was removed and sends", d.name)
	}
	if _, err := d.group.Export("model", nil, 16); err == nil {
		t.Fatalf("%s was removed and exports", d.name)
	}
}

// settle has everybody hear everything, and checks that they agree and have
// read what they can.
func (w *world) settle(t *rapid.T) {
	for _, d := range w.devices {
		for d.in && d.next < len(w.log) {
			w.hearOne(t, d)
		}
		if d.in != w.members[w.public.Epoch()][d.name] {
			t.Fatalf("%s: in the group by its own account: %v", d.name, d.in)
		}
		if d.in && d.group.Epoch() != w.public.Epoch() {
			t.Fatalf("%s is left behind in epoch %d", d.name, d.group.Epoch())
		}
		for _, u := range d.unread {
			if w.read(t, d, u) {
				t.Fatalf("%s still cannot read a message of epoch %d", d.name, u.epoch)
			}
		}
		d.unread = nil
	}
	// What is said now, everybody hears.
	for _, d := range w.devices {
		if !d.in {
			continue
		}
		message, err := d.group.Seal([]byte("the end"), nil)
		must(t, err)
		for _, o := range w.devices {
			if o == d || o.group == nil {
				continue
			}
			event, err := o.group.Receive(message)
			if o.in && err != nil {
				t.Fatalf("%s cannot read the end: %v", o.name, err)
			} else if !o.in && err == nil {
				t.Fatalf("%s is out and reads the end: %v", o.name, event)
			}
		}
	}
}

// TestModel drives random groups. -rapid.checks and -rapid.steps make it longer.
func TestModel(t *testing.T) {
	counts := make(map[string]int)
	epochs, said, heard, unread := uint64(0), 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		actions := map[string]func(*rapid.T){
			"commit": w.commit, "commit too": w.commit, "propose": w.propose, "hub removes": w.hubRemoves, "enter": w.enter,
			"hear": w.hear, "hear more": w.hear, "say": w.say, "say more": w.say, "listen": w.listen, "listen more": w.listen, "again": w.again, "stale": w.stale,
			"crash": w.crash, "give up": w.giveUp, "pry": w.pry,
		}
		t.Repeat(actions)
		w.settle(t)
		for reason, n := range w.refusals {
			counts[reason] += n
		}
		epochs += w.public.Epoch()
		said += len(w.said)
		unread += w.unread
		for _, d := range w.devices {
			heard += len(d.heard)
		}
	})
	var refused []string
	for reason, n := range counts {
		refused = append(refused, fmt.Sprintf("%d: %s", n, reason))
	}
	t.Logf("%d epochs, %d messages said, %d times read, %d times not; refused: %s", epochs, said, heard, unread, strings.Join(refused, "; "))
}
