package device

import (
	"fmt"
	"slices"

	"github.com/sotto-health/sotto/internal/content/cbor"
)

// What a device keeps, as deterministic CBOR. Each record begins with its
// version, so that a later one can be told.

const recordVersion = 1

// maxKept bounds one field of a kept record; only size limits of what was put
// in matter, as the Store is our own.
const maxKept = 4 << 20

// Keys of the Store. Ids hold no slash.
const (
	keyDevice    = "device"
	prefixKP     = "kp/" // + key package reference, hex
	prefixConv   = "c/"  // + conversation
	prefixGroup  = "g/"  // + conversation
	prefixKeys   = "e/"  // + conversation: the group's keys of messages
	prefixDraft  = "d/"  // + conversation
	prefixNew    = "n/"  // + conversation: the call that creates it
	prefixOwn    = "p/"  // + conversation: a commit on its way
	prefixLost   = "t/"  // + conversation: its group is to be joined again, and why
	prefixBack   = "b/"  // + conversation: what is kept of it is an old copy
	prefixOut    = "o/"  // + conversation / number
	prefixLine   = "l/"  // + conversation / position / index
	prefixIndex  = "x/"  // + conversation / MIMI id, hex: its position
	prefixMsg    = "m/"  // + message id: where it is
	prefixFile   = "f/"  // + message id / number: sealed bytes to upload
	prefixDrop   = "a/"  // + conversation / attachment: an upload that was cancelled
	prefixShare  = "h/"  // + conversation / position: history to fetch
	prefixRecall = "r/"  // + conversation / MIMI id, hex: a message taken back that is not here
)

func lineKey(conversation string, position uint64, index int) string {
	return fmt.Sprintf("%s%s/%016x/%08x", prefixLine, conversation, position, index)
}

func outKey(conversation string, number uint64) string {
	return fmt.Sprintf("%s%s/%016x", prefixOut, conversation, number)
}

func fileKey(message string, n int) string { return fmt.Sprintf("%s%s/%06x", prefixFile, message, n) }

// Stages of a conversation on this device.
const (
	stageNew     = 1 // typed here; there is no group yet
	stageMade    = 2 // the group is made, the hub has not confirmed it
	stageOpen    = 3 // this device is in the group
	stageOutside = 4 // known, and not in the group
)

// A memberRecord is a person who is or was in the group.
type memberRecord struct {
	person, kind, role string
	name, title        string
	verified           bool
	since              int64
	devices            int // 0 once gone
	read, acked        uint64
	leaving            bool // said that they would
}

// A seqRecord is the newest message number of a sending device.
type seqRecord struct {
	sender []byte
	seq    uint64
}

// A summaryRecord is what the hub says of a conversation.
type summaryRecord struct {
	state, queue, language, patient, assignee, consent string
	createdAt, waitingFrom, lastAt                     int64
	place                                              int
	wanted                                             bool // policy wants me in
	closedBy                                           string
	left                                               bool // the patient left a message
	rating                                             int
	revision                                           uint64
	verification                                       Verification
	urgent                                             []string // persons who are in by breaking the glass
	reopens                                            bool     // closed, and mine to open again
	unconfirmed                                        bool     // they write for somebody else, by their own word
}

// levels are the steps of the identity ladder, lowest first: see api.Verification.
func levels() []string { return []string{"guest", "contact", "matched", "signed-in"} }

// shown returns how many steps the patient has shown of who they are, and whom
// they write for. What the hub has not said counts as none.
func (s *summaryRecord) shown(now int64) int {
	if v := s.verification; !s.unconfirmed && (v.Until == 0 || v.Until > now) {
		return max(0, slices.Index(levels(), v.Level))
	}
	return 0
}

// A convRecord is a conversation but for its group, lines and outbox.
type convRecord struct {
	stage      int
	cursor     uint64 // newest position that was processed
	head       uint64 // newest position that the hub has told
	joined     uint64 // position of the commit by which this device came in
	epoch      uint64 // newest epoch seen; never goes back
	transcript []byte // confirmed transcript hash of that epoch
	outNext    uint64 // number of the next outbox item
	seqOut     uint64 // message number of the newest own frame that was taken
	readUp     uint64
	unread     []uint64
	last       string
	updatedAt  int64 // own leaf was renewed, Unix milliseconds
	sentSince  int   // own messages since then
	name       string
	closing    string // person who said they would close it
	reopening  string
	notified   uint64 // head of a roll-back that was shown
	summary    summaryRecord
	members    []memberRecord
	seqs       []seqRecord
}

// removed reports whether a commit has taken this device out of the group: an
// epoch has begun without it, of which it cannot know the transcript.
func (c *convRecord) removed() bool {
	return c.stage == stageOutside && c.epoch > 0 && len(c.transcript) == 0
}

func (c *convRecord) marshal() []byte {
	var w cbor.Writer
	w.Array(23)
	w.Uint(recordVersion)
	w.Uint(uint64(c.stage))
	w.Uint(c.cursor)
	w.Uint(c.head)
	w.Uint(c.joined)
	w.Uint(c.epoch)
	w.Bytes(c.transcript)
	w.Uint(c.outNext)
	w.Uint(c.seqOut)
	w.Uint(c.readUp)
	w.Array(len(c.unread))
	for _, p := range c.unread {
		w.Uint(p)
	}
	w.Text(c.last)
	w.Int(c.updatedAt)
	w.Uint(uint64(c.sentSince))
	w.Text(c.name)
	w.Text(c.closing)
	w.Text(c.reopening)
	w.Uint(c.notified)
	s := &c.summary
	w.Array(22)
	for _, text := range []string{s.state, s.queue, s.language, s.patient, s.assignee, s.consent} {
		w.Text(text)
	}
	w.Int(s.createdAt)
	w.Int(s.waitingFrom)
	w.Int(s.lastAt)
	w.Uint(uint64(s.place))
	w.Bool(s.wanted)
	w.Text(s.closedBy)
	w.Bool(s.left)
	w.Uint(uint64(s.rating))
	w.Uint(s.revision)
	w.Text(s.verification.Level)
	w.Text(s.verification.Method)
	w.Int(s.verification.At)
	w.Int(s.verification.Until)
	w.Array(len(s.urgent))
	for _, person := range s.urgent {
		w.Text(person)
	}
	w.Bool(s.reopens)
	w.Bool(s.unconfirmed)
	w.Array(len(c.members))
	for _, m := range c.members {
		w.Array(11)
		for _, text := range []string{m.person, m.kind, m.role, m.name, m.title} {
			w.Text(text)
		}
		w.Bool(m.verified)
		w.Int(m.since)
		w.Uint(uint64(m.devices))
		w.Uint(m.read)
		w.Uint(m.acked)
		w.Bool(m.leaving)
	}
	w.Array(len(c.seqs))
	for _, s := range c.seqs {
		w.Array(2)
		w.Bytes(s.sender)
		w.Uint(s.seq)
	}
	w.Null() // room for a later field
	w.Null()
	return w.Written()
}

const anyUint = 1<<64 - 1

func parseConvRecord(b []byte) (*convRecord, error) {
	r := cbor.NewReader(b)
	r.Tuple(23)
	version(r)
	c := &convRecord{
		stage: int(r.Uint(stageOutside)), cursor: r.Uint(anyUint), head: r.Uint(anyUint), joined: r.Uint(anyUint),
		epoch: r.Uint(anyUint), transcript: r.Bytes(maxKept), outNext: r.Uint(anyUint), seqOut: r.Uint(anyUint), readUp: r.Uint(anyUint),
	}
	for n := r.Array(maxKept); n > 0 && r.Err() == nil; n-- {
		c.unread = append(c.unread, r.Uint(anyUint))
	}
	c.last, c.updatedAt, c.sentSince = r.Text(maxKept), r.Int(), int(r.Uint(1<<31))
	c.name, c.closing, c.reopening, c.notified = r.Text(maxKept), r.Text(maxKept), r.Text(maxKept), r.Uint(anyUint)
	fields := r.Array(22)
	c.summary = summaryRecord{
		state: r.Text(maxKept), queue: r.Text(maxKept), language: r.Text(maxKept), patient: r.Text(maxKept),
		assignee: r.Text(maxKept), consent: r.Text(maxKept), createdAt: r.Int(), waitingFrom: r.Int(), lastAt: r.Int(),
		place: int(r.Uint(1 << 31)), wanted: r.Bool(), closedBy: r.Text(maxKept),
	}
	if fields >= 15 { // 12 before messages could be left
		c.summary.left, c.summary.rating, c.summary.revision = r.Bool(), int(r.Uint(5)), r.Uint(anyUint)
	}
	if fields >= 19 { // 15 before patients could show who they are
		c.summary.verification = Verification{Level: r.Text(maxKept), Method: r.Text(maxKept), At: r.Int(), Until: r.Int()}
	}
	if fields >= 20 { // 19 before emergencies were kept
		for n := r.Array(maxKept); n > 0 && r.Err() == nil; n-- {
			c.summary.urgent = append(c.summary.urgent, r.Text(maxKept))
		}
	}
	if fields >= 21 { // 20 while all of a queue opened what was closed
		c.summary.reopens = r.Bool()
	}
	if fields == 22 { // 21 while who wrote for another was taken at their word
		c.summary.unconfirmed = r.Bool()
	}
	for n := r.Array(maxKept); n > 0 && r.Err() == nil; n-- {
		r.Tuple(11)
		c.members = append(c.members, memberRecord{
			person: r.Text(maxKept), kind: r.Text(maxKept), role: r.Text(maxKept), name: r.Text(maxKept), title: r.Text(maxKept),
			verified: r.Bool(), since: r.Int(), devices: int(r.Uint(1 << 31)), read: r.Uint(anyUint), acked: r.Uint(anyUint), leaving: r.Bool(),
		})
	}
	for n := r.Array(maxKept); n > 0 && r.Err() == nil; n-- {
		r.Tuple(2)
		c.seqs = append(c.seqs, seqRecord{r.Bytes(maxKept), r.Uint(anyUint)})
	}
	r.Null()
	r.Null()
	return c, finish(r)
}

// some takes a byte string, and nil for an empty one.
func some(r *cbor.Reader) []byte {
	if b := r.Bytes(maxKept); len(b) > 0 {
		return b
	}
	return nil
}

func version(r *cbor.Reader) {
	if v := r.Uint(anyUint); r.Err() == nil && v != recordVersion {
		r.Fail("record of another version")
	}
}

func finish(r *cbor.Reader) error {
	if err := r.Finish(); err != nil {
		return fmt.Errorf("device: kept record: %w", err)
	}
	return nil
}

// Kinds of outbox item.
const (
	outText    = 1
	outFile    = 2
	outControl = 3 // introductions, receipts, notes: not shown as messages
	outHistory = 4
	outReceipt = 5 // a control that a newer one replaces
	outRecall  = 6 // its id is recallID of the message that it takes back
)

// An outRecord is something of our own that the hub has not confirmed, or that
// is confirmed at a position that this device has not come to.
type outRecord struct {
	number   uint64
	kind     int
	id       string // message id
	salt     []byte
	at       int64
	content  []byte // encoded; empty while a file is on its way
	failure  Failure
	clientID string // set once sealed, with payload and seq
	payload  []byte
	seq      uint64
	position uint64 // set once the hub has taken it
	file     *fileRecord
	count    int    // of a history: how many entries
	shown    int    // of a message of staff: how far the patient had shown who they are when it was written
	line     uint64 // in memory alone: the connection in which it was written; see [Engine.line]
	full     bool   // for show: the hub had no room for it when it was last tried
}

// A fileRecord is a file on its way up.
type fileRecord struct {
	info       FileInfo
	key        []byte
	hash       []byte // of the sealed bytes
	sealed     int64  // how many there are
	pieces     int
	attachment string // its id at the hub, once the hub may have heard of it
	uploaded   int64  // for show: the hub knows better
	// up is the line on which the hub said that it has all of it; not kept. One
	// that comes back from a backup has lost what came after.
	up uint64
}

func (o *outRecord) marshal() []byte {
	var w cbor.Writer
	w.Array(15)
	w.Uint(recordVersion)
	w.Uint(o.number)
	w.Uint(uint64(o.kind))
	w.Text(o.id)
	w.Bytes(o.salt)
	w.Int(o.at)
	w.Bytes(o.content)
	w.Text(string(o.failure))
	w.Text(o.clientID)
	w.Bytes(o.payload)
	w.Uint(o.seq)
	w.Uint(o.position)
	w.Uint(uint64(o.count))
	if f := o.file; f == nil {
		w.Null()
	} else {
		w.Array(11)
		w.Text(f.info.Name)
		w.Text(f.info.MediaType)
		w.Uint(uint64(f.info.Size))
		w.Bytes(f.info.Preview)
		w.Uint(uint64(f.info.Width))
		w.Uint(uint64(f.info.Height))
		w.Bytes(f.key)
		w.Bytes(f.hash)
		w.Uint(uint64(f.sealed))
		w.Uint(uint64(f.pieces))
		w.Text(f.attachment)
	}
	w.Uint(uint64(o.shown))
	return w.Written()
}

func parseOutRecord(b []byte) (*outRecord, error) {
	r := cbor.NewReader(b)
	fields := r.Array(15)
	version(r)
	o := &outRecord{
		number: r.Uint(anyUint), kind: int(r.Uint(outRecall)), id: r.Text(maxKept), salt: r.Bytes(maxKept), at: r.Int(),
		content: some(r), failure: Failure(r.Text(maxKept)), clientID: r.Text(maxKept), payload: some(r),
		seq: r.Uint(anyUint), position: r.Uint(anyUint), count: int(r.Uint(1 << 31)),
	}
	if !r.Null() {
		r.Tuple(11)
		o.file = &fileRecord{
			info: FileInfo{Name: r.Text(maxKept), MediaType: r.Text(maxKept), Size: int64(r.Uint(1 << 62)), Preview: r.Bytes(maxKept), Width: int(r.Uint(1 << 31)), Height: int(r.Uint(1 << 31))},
			key:  r.Bytes(maxKept), hash: r.Bytes(maxKept), sealed: int64(r.Uint(1 << 62)), pieces: int(r.Uint(1 << 31)), attachment: r.Text(maxKept),
		}
	}
	if fields == 15 { // 14 while what waited went out whatever had become of the patient's level
		o.shown = int(r.Uint(uint64(len(levels()))))
	}
	return o, finish(r)
}

// A lineRecord is a line of the log: a message if content is set.
type lineRecord struct {
	position uint64
	index    int
	id       string
	kind     string // RecordMessage or a kind of Notice
	at       int64
	person   string
	device   string
	sender   []byte
	content  []byte
	shared   bool
	count    int
	rule     string
	recalled int64 // when it was taken back; content is then the recall
}

func (l *lineRecord) marshal() []byte {
	var w cbor.Writer
	w.Array(14)
	w.Uint(recordVersion)
	w.Uint(l.position)
	w.Uint(uint64(l.index))
	w.Text(l.id)
	w.Text(l.kind)
	w.Int(l.at)
	w.Text(l.person)
	w.Text(l.device)
	w.Bytes(l.sender)
	w.Bytes(l.content)
	w.Bool(l.shared)
	w.Uint(uint64(l.count))
	w.Text(l.rule)
	w.Int(l.recalled)
	return w.Written()
}

func parseLineRecord(b []byte) (*lineRecord, error) {
	r := cbor.NewReader(b)
	fields := r.Array(14)
	version(r)
	l := &lineRecord{
		position: r.Uint(anyUint), index: int(r.Uint(1 << 31)), id: r.Text(maxKept), kind: r.Text(maxKept), at: r.Int(),
		person: r.Text(maxKept), device: r.Text(maxKept), sender: r.Bytes(maxKept), content: r.Bytes(maxKept),
		shared: r.Bool(), count: int(r.Uint(1 << 31)), rule: r.Text(maxKept),
	}
	if fields == 14 { // 13 before messages could be taken back
		l.recalled = r.Int()
	}
	return l, finish(r)
}

// An ownCommit is a commit of our own on its way to the hub. If rejoin is set
// it is an external one, and group is the state to take up once it is taken.
type ownCommit struct {
	clientID  string
	payload   []byte
	welcome   []byte
	groupInfo []byte
	rejoin    bool
	group     []byte
}

func (o *ownCommit) marshal() []byte {
	var w cbor.Writer
	w.Array(7)
	w.Uint(recordVersion)
	w.Text(o.clientID)
	w.Bytes(o.payload)
	w.Bytes(o.welcome)
	w.Bytes(o.groupInfo)
	w.Bool(o.rejoin)
	w.Bytes(o.group)
	return w.Written()
}

func parseOwnCommit(b []byte) (*ownCommit, error) {
	r := cbor.NewReader(b)
	r.Tuple(7)
	version(r)
	o := &ownCommit{
		clientID: r.Text(maxKept), payload: some(r), welcome: some(r), groupInfo: some(r),
		rejoin: r.Bool(), group: some(r),
	}
	return o, finish(r)
}
