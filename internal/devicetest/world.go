package devicetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate/authority"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/keeper"
	"github.com/sotto-health/sotto/mls/suite"
)

// A World is a practice with a hub and a keeper, to which tests add people.
type World struct {
	T         *testing.T
	Hub       *Hub
	Authority *authority.Authority
	Archive   *Archive
	Keeper    *keeper.Keeper
	// KeeperStore and KeeperClient are what the keeper runs on.
	KeeperStore  *Store
	KeeperClient *Client
	// RecordEvery is the keeper's, for its next start.
	RecordEvery  time.Duration
	keeperSigner device.Signer
	keeperDevice api.Device
}

// NewWorld returns a world whose keeper is at work.
func NewWorld(t *testing.T) *World {
	t.Helper()
	w := NewWorldWithoutKeeper(t)
	w.StartKeeper()
	return w
}

// NewSigner returns a new device key.
func NewSigner(t *testing.T) device.Signer {
	t.Helper()
	s, err := suite.Lookup(suite.MLKEM768P256)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := s.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// NewWorldWithoutKeeper returns a world whose keeper has not started.
func NewWorldWithoutKeeper(t *testing.T) *World {
	t.Helper()
	a, err := authority.New("pr_1")
	if err != nil {
		t.Fatal(err)
	}
	w := &World{
		T: t, Hub: NewHub(a.Public(), uint16(suite.MLKEM768P256)), Authority: a, Archive: NewArchive(),
		KeeperStore: NewStore(), RecordEvery: 100 * time.Millisecond, keeperSigner: NewSigner(t),
	}
	d := api.Device{ID: "d_keeper", Practice: "pr_1", Person: "p_keeper", Kind: api.KindService, Role: "keeper"}
	d.Certificate, d.NameCard, err = keeper.OwnPapers(a, d.Person, d.ID, w.keeperSigner.Public(), "Clinic's record", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	w.keeperDevice = w.Hub.AddDevice(d, w.keeperSigner.Public(), "Clinic's record", "")
	return w
}

// StartKeeper starts the keeper on what is kept of it.
func (w *World) StartKeeper() {
	w.T.Helper()
	w.KeeperClient = w.Hub.Client()
	k, err := keeper.New(keeper.Config{
		Hub: w.KeeperClient, Store: w.KeeperStore, Signer: w.keeperSigner, Authority: w.Authority, Archive: w.Archive,
		Practice: w.Hub.Practice, Device: w.keeperDevice, RecordEvery: w.RecordEvery,
		Retry: 10 * time.Millisecond, Reconcile: 200 * time.Millisecond, Log: w.log("keeper"),
	})
	if err != nil {
		w.T.Fatal(err)
	}
	if err := k.Start(context.Background()); err != nil {
		w.T.Fatal(err)
	}
	w.Keeper = k
	w.T.Cleanup(k.Close)
}

func (w *World) log(who string) func(string, error) {
	return func(what string, err error) {
		if testing.Verbose() {
			fmt.Printf("%s %s: %s: %v\n", time.Now().Format("05.000"), who, what, err)
		}
	}
}

// A Person is somebody's device.
type Person struct {
	*device.Engine
	W      *World
	Name   string
	Store  *Store
	Client *Client
	Signer device.Signer
	Tune   func(*device.Config)

	surface string
	mu      sync.Mutex // guards events
	events  []device.Event
}

// Patient returns a patient's device, started.
func (w *World) Patient(name string, tune ...func(*device.Config)) *Person {
	return w.person(name, device.SurfacePatient, tune)
}

// Staff returns a staff person's device, started. Devices of equal name are one
// person's.
func (w *World) Staff(name string, tune ...func(*device.Config)) *Person {
	return w.person(name, device.SurfaceStaff, tune)
}

func (w *World) person(name, surface string, tune []func(*device.Config)) *Person {
	w.T.Helper()
	p := &Person{W: w, Name: name, Store: NewStore(), Client: w.Hub.Client(), Signer: NewSigner(w.T), surface: surface}
	if len(tune) > 0 {
		p.Tune = tune[0]
	}
	if err := p.Restart(); err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(func() { p.Close() })
	return p
}

// Restart starts the device anew on what is kept, as after a crash.
func (p *Person) Restart() error {
	if p.Engine != nil {
		p.Close()
	}
	cfg := device.Config{Store: p.Store, Hub: p.Client, Signer: p.Signer, Listener: p.hear, Retry: 10 * time.Millisecond, RetryMost: 100 * time.Millisecond, KeyPackages: 4, Log: p.W.log(p.Name)}
	if p.Tune != nil {
		p.Tune(&cfg)
	}
	engine, err := device.New(cfg)
	if err != nil {
		return err
	}
	p.Engine = engine
	_, err = engine.Start(context.Background(), device.StartOptions{Surface: p.surface, Practice: "clinic", DeviceName: p.Name})
	return err
}

func (p *Person) hear(e device.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, e)
}

// Heard reports whether an event came that match accepts.
func (p *Person) Heard(match func(device.Event) bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.events, match)
}

// Open begins a conversation as the given name.
func (p *Person) Open(name string) string {
	p.W.T.Helper()
	id, err := p.Engine.Open(context.Background(), device.OpenOptions{
		Queue: "general", Language: "en", Name: name,
		Consent: api.ConsentReceipt{Form: "cf_1", Version: 1, Language: "en", SHA256: make([]byte, 32)},
	})
	if err != nil {
		p.W.T.Fatalf("%s opens: %v", p.Name, err)
	}
	return id
}

// Say sends a text.
func (p *Person) Say(conversation, text string) string {
	p.W.T.Helper()
	id, err := p.SendText(context.Background(), conversation, text)
	if err != nil {
		p.W.T.Fatalf("%s says %q: %v", p.Name, text, err)
	}
	return id
}

// All returns the lines of a conversation, as the person sees them.
func (p *Person) All(conversation string) []device.Line {
	lines, err := p.Lines(context.Background(), conversation, 0, 500)
	if err != nil {
		return nil
	}
	return lines
}

// Texts returns what was said, in order.
func (p *Person) Texts(conversation string) []string {
	var texts []string
	for _, l := range p.All(conversation) {
		if l.Message != nil {
			switch l.Message.Body.Kind {
			case device.BodyText:
				texts = append(texts, l.Message.Body.Text)
			case device.BodyFile:
				texts = append(texts, "file:"+l.Message.Body.File.Name)
			default:
				texts = append(texts, l.Message.Body.Kind)
			}
		}
	}
	return texts
}

// Notices returns the lines that are no messages, as "kind person" or "refused
// rule".
func (p *Person) Notices(conversation string) []string {
	var notices []string
	for _, l := range p.All(conversation) {
		if n := l.Notice; n != nil {
			text := n.Kind
			if n.Person != "" {
				text += " " + n.Person
			}
			if n.Rule != "" {
				text += " " + n.Rule
			}
			notices = append(notices, text)
		}
	}
	return notices
}

// View returns the conversation as the person sees it, or nil.
func (p *Person) View(conversation string) *device.Conversation {
	views, err := p.Conversations(context.Background())
	if err != nil {
		return nil
	}
	for i := range views {
		if views[i].ID == conversation {
			return &views[i]
		}
	}
	return nil
}

// Joined reports whether the person's device is in the group.
func (p *Person) Joined(conversation string) bool {
	v := p.View(conversation)
	return v != nil && v.Joined
}

// State returns how far an own message has come.
func (p *Person) State(conversation, message string) string {
	for _, l := range p.All(conversation) {
		if l.Message != nil && l.Message.ID == message && l.Message.State != nil {
			return l.Message.State.Kind
		}
	}
	return ""
}

// Eventually waits until ok holds, and fails the test if it does not in time.
func (w *World) Eventually(what string, ok func() bool) {
	w.T.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	w.T.Fatalf("never: %s", what)
}

// SeesTexts waits until a person sees exactly these texts.
func (p *Person) SeesTexts(conversation string, want ...string) {
	p.W.T.Helper()
	ok := false
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline) && !ok; time.Sleep(5 * time.Millisecond) {
		ok = slices.Equal(p.Texts(conversation), want)
	}
	if !ok {
		p.W.T.Fatalf("%s sees %q, want %q; notices %q", p.Name, p.Texts(conversation), want, p.Notices(conversation))
	}
}

// SeesNotice waits until a person sees a notice.
func (p *Person) SeesNotice(conversation, want string) {
	p.W.T.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if slices.Contains(p.Notices(conversation), want) {
			return
		}
	}
	p.W.T.Fatalf("%s never sees %q but %q", p.Name, want, p.Notices(conversation))
}

// An Archive keeps records in memory. It implements keeper.Archive.
type Archive struct {
	mu      sync.Mutex // guards all below
	records map[string][]keeper.Record
	files   map[string][]byte
	fail    error
	before  func(conversation string, records []keeper.Record)
}

// NewArchive returns an empty archive.
func NewArchive() *Archive {
	return &Archive{records: map[string][]keeper.Record{}, files: map[string][]byte{}}
}

// Fail makes the archive refuse everything, or work again if err is nil.
func (a *Archive) Fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fail = err
}

// Before has a function called before records of a conversation are kept.
func (a *Archive) Before(do func(conversation string, records []keeper.Record)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.before = do
}

// Append implements keeper.Archive.
func (a *Archive) Append(_ context.Context, conversation string, records []keeper.Record) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.before != nil {
		a.before(conversation, records)
	}
	if a.fail != nil {
		return a.fail
	}
	for _, r := range records {
		if !slices.ContainsFunc(a.records[conversation], func(have keeper.Record) bool { return have.Position == r.Position && have.Index == r.Index }) {
			a.records[conversation] = append(a.records[conversation], r)
		}
	}
	return nil
}

// Records implements keeper.Archive.
func (a *Archive) Records(_ context.Context, conversation string, each func(keeper.Record) error) error {
	a.mu.Lock()
	records := slices.Clone(a.records[conversation])
	a.mu.Unlock()
	for _, r := range records {
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

// PutAttachment implements keeper.Archive.
func (a *Archive) PutAttachment(_ context.Context, conversation, attachment string, sealed io.Reader) error {
	b, err := io.ReadAll(sealed)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.files[conversation+"/"+attachment] = bytes.Clone(b)
	return a.fail
}

// HasAttachment implements keeper.Archive.
func (a *Archive) HasAttachment(_ context.Context, conversation, attachment string) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.files[conversation+"/"+attachment] != nil, a.fail
}

// Files returns how many attachments are kept.
func (a *Archive) Files() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.files)
}
