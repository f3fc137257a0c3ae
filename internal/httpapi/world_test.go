package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/certificate/authority"
	"github.com/sotto-health/sotto/internal/consent"
	"github.com/sotto-health/sotto/internal/consent/form"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/hubclient"
	"github.com/sotto-health/sotto/internal/password"
	"github.com/sotto-health/sotto/internal/store/sqlite"
	"github.com/sotto-health/sotto/internal/store/sqlitefile"
	"github.com/sotto-health/sotto/internal/totp"
	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// canary stands for a name, a number, a message: it must not be in any log.
const canary = "canary-5d1f"

const phrase = "correct horse battery " + canary

// A world is a hub with real storage behind real HTTP, and its practices.
type world struct {
	t      testing.TB
	ctx    context.Context
	hub    *hub.Hub
	api    *httpapi.Server
	server *httptest.Server
	logs   *safeBuffer
	store  *faultyStore
	clock  *clock
	suite  *suite.Suite
	clinic *practice
	path   string // of the database
}

// A practice is a clinic with its authority and keeper.
type practice struct {
	hub.Practice
	authority *authority.Authority
	keeper    *device
}

type worldOption func(*hub.Config, *httpapi.Config)

func newWorld(t testing.TB, options ...worldOption) *world {
	t.Helper()
	s, err := suite.Lookup(suite.ID(0xF001))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ctx: t.Context(), logs: &safeBuffer{}, clock: &clock{}, suite: s}
	w.path = filepath.Join(t.TempDir(), "hub.db")
	stored, err := sqlite.Open(w.ctx, w.path, sqlitefile.Key{1}, sqlitefile.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stored.Close()
		if t.Failed() {
			t.Log(w.logs.String())
		}
	})
	w.store = &faultyStore{Store: stored, full: new(atomic.Bool), incomplete: new(atomic.Int64), unwritten: new(atomic.Pointer[audit.Kind]), unchanged: new(atomic.Int64)}
	log := slog.New(slog.NewJSONHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	hc := hub.Config{
		Store: w.store, Blobs: newMemoryBlobs(), Log: log, Now: w.clock.now,
		Passwords: password.Cost{MemoryKiB: 64, Passes: 1, Rounds: 10},
		Sessions:  hub.SessionTimes{Offline: time.Millisecond, Device: 12 * time.Hour}, // they sign in once, whatever they do to the clock
	}
	ac := httpapi.Config{Log: log, PollWait: 200 * time.Millisecond, Web: builtWeb()}
	for _, o := range options {
		o(&hc, &ac)
	}
	if w.hub, err = hub.New(hc); err != nil {
		t.Fatal(err)
	}
	if w.api, err = httpapi.New(w.hub, ac); err != nil {
		t.Fatal(err)
	}
	watch := &callWatch{calls: make(map[string]call)}
	w.server = httptest.NewServer(watch.handler(w.api.Handler()))
	t.Cleanup(func() {
		watch.collect(w)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := w.api.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		w.server.Close()
	})
	w.clinic = w.newPractice("riverside")
	return w
}

func builtWeb() fstest.MapFS {
	return fstest.MapFS{
		"c/index.html":           {Data: []byte("<!doctype html><title>Chat</title>")},
		"c/index.html.br":        {Data: []byte("brotli-page")},
		"staff/index.html":       {Data: []byte("<!doctype html><title>Staff</title>")},
		"admin/index.html":       {Data: []byte("<!doctype html><title>People</title>")},
		"launcher.js":            {Data: []byte("launch()")},
		"service-worker.js":      {Data: []byte("keep()")},
		"icons/chat-192.png":     {Data: []byte("png")},
		"assets/main-abc.js":     {Data: []byte("main()")},
		"assets/main-abc.js.gz":  {Data: []byte("gzip-main")},
		"core/0123.wasm":         {Data: []byte("\x00asm")},
		"core/0123.wasm.br":      {Data: []byte("brotli-core")},
		"core/core.json":         {Data: []byte(`{"file":"0123.wasm"}`)},
		"assets/secret.map.hide": {Data: []byte("x")},
	}
}

func (w *world) newPractice(slug string) *practice {
	w.t.Helper()
	id := hub.NewID("t")
	a, err := authority.New(id)
	if err != nil {
		w.t.Fatal(err)
	}
	parts := form.Parts(plainParts())
	parts.Purpose = "All of it."
	p := &practice{authority: a}
	p.Practice, err = w.hub.SavePractice(w.ctx, hub.Practice{ID: id, Slug: slug, Settings: hub.Settings{
		Name: "Riverside Family Clinic", Phone: "+1 555 0100", TimeZone: "America/Chicago", Country: "US",
		Languages: []string{"en"}, AlwaysOpen: true, AuthorityKey: a.Public(), Suite: uint16(w.suite.ID()),
		Queues:       []api.Queue{{ID: "front-desk", Reason: map[string]string{"en": "Anything"}}, {ID: "nurse", Reason: map[string]string{"en": "A question"}}},
		Consent:      api.ConsentForm{ID: "chat", Kind: "chat", Version: 1},
		ConsentParts: map[string]form.Parts{"en": parts},
		MaxFileBytes: 25 << 20, Origins: []string{"https://www.clinic.example"},
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	p.Consent, err = w.hub.ConsentForm(w.ctx, slug, "chat", 1)
	w.must(err)
	p.keeper = w.enrolKeeper(p)
	return p
}

// A device is a member's device: its keys, its groups, and its line to the hub.
type device struct {
	*hubclient.Client
	w           *world
	practice    *practice
	id, person  string
	signer      *suite.SoftwareSigner
	certificate []byte
	packages    []*mls.KeyPackageSecret
	groups      map[string]*mls.Group
	read        []string // all texts so far
	secret      []byte   // of a staff person's authenticator app
	sent        atomic.Int64
}

// Act does an act for no reason, as anybody but a supervisor may.
func (d *device) Act(ctx context.Context, id, act string) (*api.ActResult, error) {
	return d.Client.Act(ctx, id, act, "")
}

func (w *world) newDevice(p *practice) *device {
	w.t.Helper()
	s, err := w.suite.NewSigner()
	if err != nil {
		w.t.Fatal(err)
	}
	return &device{Client: w.client(), w: w, practice: p, signer: s, groups: make(map[string]*mls.Group)}
}

func (w *world) client() *hubclient.Client {
	w.t.Helper()
	c, err := hubclient.New(w.server.URL, hubclient.Config{HTTP: w.server.Client()})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) enrolKeeper(p *practice) *device {
	w.t.Helper()
	k := w.enrolService(p, certificate.RoleKeeper, "Clinic archive", "Archive")
	k.signIn()
	k.publish(4)
	return k
}

func (w *world) enrolService(p *practice, role, name, title string) *device {
	w.t.Helper()
	k := w.newDevice(p)
	k.id, k.person = hub.NewID("d"), hub.NewID("p")
	k.certificate = w.issue(p, k, certificate.KindService, role)
	card, err := p.authority.IssueCard(&certificate.Card{Person: k.person, Name: name, Title: title, Role: role}, w.clock.now())
	w.must(err)
	w.must(w.hub.EnrolService(w.ctx, hub.Service{
		Practice: p.ID, Person: k.person, Device: k.id, Role: role, Name: name, Title: title,
		PublicKey: k.signer.Public(), Certificate: k.certificate, NameCard: card,
	}))
	return k
}

func (w *world) issue(p *practice, d *device, kind, role string) []byte {
	w.t.Helper()
	cert, err := p.authority.Issue(&certificate.Certificate{Person: d.person, Device: d.id, Kind: kind, Role: role, PublicKey: d.signer.Public()}, w.clock.now())
	w.must(err)
	return cert
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// patient makes a guest whose device is signed in and certified.
func (w *world) patient() *device { return w.patientOf(w.clinic) }

func (w *world) patientOf(p *practice) *device {
	w.t.Helper()
	d := w.newDevice(p)
	proof, err := d.Prove(w.ctx, d.signer, certificate.PurposeRegister, p.ID)
	w.must(err)
	made, err := d.NewGuest(w.ctx, api.NewGuest{Practice: p.Slug, PublicKey: d.signer.Public(), Proof: proof})
	w.must(err)
	d.id, d.person = made.ID, made.Person
	d.signIn()
	p.keeper.certify()
	self, err := d.Self(w.ctx)
	w.must(err)
	d.certificate = self.Certificate
	return d
}

// staff sets a person up by a link, adds a device, and publishes key packages.
func (w *world) staff(login string, queues ...string) *device {
	w.t.Helper()
	return w.staffOf(w.clinic, login, queues...)
}

func (w *world) staffOf(p *practice, login string, queues ...string) *device {
	w.t.Helper()
	return w.staffAs(p, "nurse", login, queues...)
}

func (w *world) staffAs(p *practice, role, login string, queues ...string) *device {
	w.t.Helper()
	person, err := w.hub.AddStaff(w.ctx, hub.Person{Practice: p.ID, Role: role, Name: "Dana " + canary, Title: "RN", Login: login, Queues: queues})
	w.must(err)
	token, err := w.hub.NewSetUpLink(w.ctx, p.ID, person.ID)
	w.must(err)
	d := w.newDevice(p)
	d.secret, _, err = d.SetUpApp(w.ctx, token, phrase, w.clock.now())
	w.must(err)
	proof, err := d.Prove(w.ctx, d.signer, certificate.PurposeRegister, p.ID)
	w.must(err)
	made, err := d.NewStaffDevice(w.ctx, api.NewStaffDevice{PublicKey: d.signer.Public(), Name: "Chrome", Proof: proof})
	w.must(err)
	d.id, d.person = made.ID, made.Person
	d.signIn()
	p.keeper.certify()
	self, err := d.Self(w.ctx)
	w.must(err)
	d.certificate = self.Certificate
	d.publish(3)
	return d
}

// code is what the person's app shows. Each is good once: time passes before
// another is asked for.
func (d *device) code() string {
	d.w.clock.advance(30 * time.Second)
	return totp.Code(d.secret, totp.Step(d.w.clock.now()))
}

// in is a good sign-in of the person at the demo practice.
func (d *device) in(login string) api.SignIn {
	return api.SignIn{Practice: "riverside", Login: login, Authentication: api.Authentication{Password: phrase, Code: d.code()}}
}

func (d *device) signIn() {
	d.w.t.Helper()
	_, err := d.SignInDevice(d.w.ctx, d.signer, d.id)
	d.w.must(err)
}

func (d *device) config() mls.Config {
	return mls.Config{Credentials: mls.AnyCredential{}, Now: d.w.clock.now}
}

func (d *device) credential() wire.Credential { return wire.BasicCredential(d.certificate) }

func (d *device) publish(n int) {
	d.w.t.Helper()
	var pub api.PublishKeyPackages
	for range n {
		k, err := mls.NewKeyPackage(d.config(), d.w.suite, d.signer, d.credential(), mls.KeyPackageOptions{})
		d.w.must(err)
		d.packages = append(d.packages, k)
		pub.Packages = append(pub.Packages, keyPackageMessage(k))
	}
	last, err := mls.NewKeyPackage(d.config(), d.w.suite, d.signer, d.credential(), mls.KeyPackageOptions{LastResort: true})
	d.w.must(err)
	d.packages = append(d.packages, last)
	pub.LastResort = keyPackageMessage(last)
	d.w.must(d.PublishKeyPackages(d.w.ctx, pub))
}

func keyPackageMessage(k *mls.KeyPackageSecret) []byte {
	return (&wire.Message{KeyPackage: k.Package()}).Marshal()
}

// certify is the keeper's: it certifies every device that waits.
func (d *device) certify() {
	d.w.t.Helper()
	work, err := d.Work(d.w.ctx)
	d.w.must(err)
	for _, r := range work.Certificates {
		now := d.w.clock.now()
		cert, err := d.practice.authority.Issue(&certificate.Certificate{
			Person: r.Device.Person, Device: r.Device.ID, Kind: r.Device.Kind, Role: r.Device.Role, PublicKey: r.PublicKey,
		}, now)
		d.w.must(err)
		put := api.PutCertificate{Certificate: cert}
		if r.Device.Kind != api.KindPatient {
			put.NameCard, err = d.practice.authority.IssueCard(&certificate.Card{Person: r.Device.Person, Name: r.Name, Title: r.Title, Role: r.Device.Role}, now)
			d.w.must(err)
		}
		_, err = d.PutCertificate(d.w.ctx, r.Device.ID, put)
		d.w.must(err)
	}
}

// admit is the keeper's: it adds and removes whom policy says.
func (d *device) admit() {
	d.w.t.Helper()
	work, err := d.Work(d.w.ctx)
	d.w.must(err)
	for _, g := range work.Groups {
		d.join()
		d.w.must(d.tryAdmit(g))
	}
}

func (d *device) tryAdmit(g api.GroupWork) error {
	d.catchUp(g.Conversation)
	group := d.groups[g.Conversation]
	var opt mls.CommitOptions
	for _, a := range g.Add {
		claimed, err := d.ClaimKeyPackages(d.w.ctx, api.ClaimKeyPackages{Person: a.Person, Devices: []string{a.ID}})
		if err != nil {
			return err
		}
		opt.Add = append(opt.Add, parseKeyPackage(d.w.t, claimed[0].Package))
	}
	for _, r := range g.Remove {
		opt.Remove = append(opt.Remove, leafOf(d.w.t, group, r.ID))
	}
	return d.commit(g.Conversation, opt)
}

func parseKeyPackage(t testing.TB, b []byte) *wire.KeyPackage {
	t.Helper()
	m, err := wire.ParseMessage(b)
	if err != nil || m.KeyPackage == nil {
		t.Fatalf("not a key package: %v", err)
	}
	return m.KeyPackage
}

func leafOf(t testing.TB, g *mls.Group, device string) wire.LeafIndex {
	t.Helper()
	for _, m := range g.Members() {
		c, err := certificate.Parse(m.Credential.Identity)
		if err == nil && c.Device == device {
			return m.Leaf
		}
	}
	t.Fatalf("%s is not in the group", device)
	return 0
}

// commit makes a commit and sends it; on success it is merged, else dropped.
func (d *device) commit(id string, opt mls.CommitOptions) error {
	d.w.t.Helper()
	g := d.groups[id]
	p, err := g.Commit(opt)
	d.w.must(err)
	_, err = d.Send(d.w.ctx, id, api.SendFrame{ClientID: d.clientID(), Kind: api.FrameCommit, Payload: p.Commit, Welcome: p.Welcome, GroupInfo: p.GroupInfo})
	if err != nil {
		g.DiscardPending()
		return err
	}
	return g.MergePending()
}

func (d *device) clientID() string { return fmt.Sprintf("%s-%d", d.id, d.sent.Add(1)) }

// founding is what a patient's device sends to start a conversation.
func (d *device) founding(queue string) (id string, n api.CreateConversation) {
	d.w.t.Helper()
	id = hub.NewID("c")
	g, err := mls.Create(d.config(), d.w.suite, []byte(id), d.signer, d.credential(), mls.CreateOptions{})
	d.w.must(err)
	n.Founding, err = g.GroupInfo()
	d.w.must(err)
	claimed, err := d.ClaimKeyPackages(d.w.ctx, api.ClaimKeyPackages{Person: "keeper"})
	d.w.must(err)
	p, err := g.Commit(mls.CommitOptions{Add: []*wire.KeyPackage{parseKeyPackage(d.w.t, claimed[0].Package)}})
	d.w.must(err)
	d.w.must(g.MergePending())
	d.groups[id] = g
	n.Queue, n.Language, n.Commit, n.Welcome, n.GroupInfo = queue, "en", p.Commit, p.Welcome, p.GroupInfo
	n.Consent = d.receipt(id)
	return id, n
}

func (d *device) receipt(conversation string) api.ConsentReceipt {
	form := d.practice.Consent
	r := api.ConsentReceipt{Form: form.ID, Kind: form.Kind, Method: consent.Checkbox, Version: form.Version, Language: "en", SHA256: form.Texts["en"].SHA256, At: d.w.clock.now().UnixMilli()}
	sig, err := d.signer.Sign(consent.Of(d.practice.ID, conversation, d.id, r).Signed())
	d.w.must(err)
	r.Signature = sig
	return r
}

// open starts a conversation, which the keeper joins.
func (d *device) open(queue string) string {
	d.w.t.Helper()
	id, n := d.founding(queue)
	_, err := d.CreateConversation(d.w.ctx, id, n)
	d.w.must(err)
	d.practice.keeper.join()
	return id
}

// join uses every welcome that waits.
func (d *device) join() {
	d.w.t.Helper()
	ws, err := d.Welcomes(d.w.ctx)
	d.w.must(err)
	for _, w := range ws {
		for _, k := range d.packages {
			g, err := mls.Join(d.config(), d.signer, k, w.Payload, mls.JoinOptions{})
			if err == nil {
				d.groups[w.Conversation] = g
				break
			}
		}
		if d.groups[w.Conversation] == nil {
			d.w.t.Fatal("no key package fits the welcome")
		}
		d.w.must(d.DeleteWelcome(d.w.ctx, w.ID))
	}
}

// seal is an application frame of the text.
func (d *device) seal(id, text string) api.SendFrame {
	d.w.t.Helper()
	b, err := d.groups[id].Seal([]byte(text), nil)
	d.w.must(err)
	return api.SendFrame{ClientID: d.clientID(), Kind: api.FrameApplication, Payload: b}
}

// say sends a text.
func (d *device) say(id, text string) *api.Sent {
	d.w.t.Helper()
	s, err := d.Send(d.w.ctx, id, d.seal(id, text))
	d.w.must(err)
	return s
}

// catchUp processes the handshakes of the log that the group lacks, and
// returns the texts it could read.
func (d *device) catchUp(id string) (texts []string) {
	d.w.t.Helper()
	page, err := d.Frames(d.w.ctx, id, 0, 0)
	d.w.must(err)
	for _, f := range page.Frames {
		e, err := d.groups[id].Receive(f.Payload)
		if err != nil {
			continue // of before this device was in, or its own
		}
		switch e := e.(type) {
		case *mls.Application:
			texts = append(texts, string(e.Data))
			d.read = append(d.read, string(e.Data))
		case *mls.Staged:
			d.w.must(d.groups[id].Merge(e))
		}
	}
	return texts
}

// take has a staff person take a conversation and the keeper let them in.
func (d *device) take(id string) {
	d.w.t.Helper()
	_, err := d.Act(d.w.ctx, id, "take")
	d.w.must(err)
	d.practice.keeper.admit()
	d.join()
}

func wantCode(t testing.TB, err error, code api.Code) *api.Problem {
	t.Helper()
	var p *api.Problem
	if !errors.As(err, &p) {
		t.Fatalf("got %v, want a refusal with %s", err, code)
	}
	if p.Code != code {
		t.Fatalf("refused with %s (%d, %s), want %s", p.Code, p.Status, p.Hint, code)
	}
	return p
}

// A clock can be moved.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// memoryBlobs keeps blobs for a test.
type memoryBlobs struct {
	mu sync.Mutex
	b  map[string][]byte
}

func newMemoryBlobs() *memoryBlobs { return &memoryBlobs{b: make(map[string][]byte)} }

func (m *memoryBlobs) Append(_ context.Context, _, id string, offset, most int64, r io.Reader) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if offset != int64(len(m.b[id])) {
		return 0, &hub.OffsetError{Length: int64(len(m.b[id]))}
	}
	b, err := io.ReadAll(io.LimitReader(r, most))
	m.b[id] = append(m.b[id], b...)
	return int64(len(m.b[id])), err
}

func (m *memoryBlobs) Length(_ context.Context, _, id string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.b[id])), nil
}

type closer struct{ *bytes.Reader }

func (closer) Close() error { return nil }

func (m *memoryBlobs) Open(_ context.Context, _, id string) (io.ReadSeekCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.b[id] == nil {
		return nil, hub.ErrNotFound
	}
	return closer{bytes.NewReader(m.b[id])}, nil
}

func (m *memoryBlobs) Delete(_ context.Context, _, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.b, id)
	return nil
}

// raw makes a call as a stranger would, with headers of its choice.
func (w *world) raw(method, path, body string, headers ...string) (*http.Response, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx, method, w.server.URL+path, bytes.NewReader([]byte(body)))
	w.must(err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if req.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	resp, err := w.server.Client().Do(req)
	w.must(err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	w.must(err)
	return resp, string(b)
}
