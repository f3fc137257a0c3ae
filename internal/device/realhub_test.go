package device_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/certificate/authority"
	"github.com/sotto-health/sotto/internal/consent/form"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/hubclient"
	"github.com/sotto-health/sotto/internal/keeper"
	"github.com/sotto-health/sotto/internal/password"
	"github.com/sotto-health/sotto/internal/store/sqlite"
	"github.com/sotto-health/sotto/internal/store/sqlitefile"
	"github.com/sotto-health/sotto/mls/suite"
)

// A clinic is a real hub behind real HTTP on real storage, with its keeper.
type clinic struct {
	t       *testing.T
	url     string
	hub     *hub.Hub
	text    api.ConsentText
	archive *devicetest.Archive
	id      string
	store   hub.Store
	forgets *atomic.Int64 // how many more files the hub's store does not note as complete
}

// forgetful is a store that fails to note that a file is complete.
type forgetful struct {
	hub.Store
	left *atomic.Int64
}

func (f *forgetful) Recording(events ...audit.Event) hub.Store {
	return &forgetful{f.Store.Recording(events...), f.left}
}

func (f *forgetful) CompleteAttachment(ctx context.Context, practice, id string, at int64) error {
	if f.left.Add(-1) >= 0 {
		return hub.ErrUnavailable
	}
	return f.Store.CompleteAttachment(ctx, practice, id, at)
}

func newClinic(t *testing.T, options ...func(*hub.Config)) *clinic {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	stored, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "hub.db"), sqlitefile.Key{1}, sqlitefile.Config{})
	must(err)
	t.Cleanup(func() { _ = stored.Close() })
	forgets := new(atomic.Int64)
	hc := hub.Config{Store: &forgetful{stored, forgets}, Blobs: &memoryBlobs{kept: map[string][]byte{}}, Passwords: password.Cost{MemoryKiB: 64, Passes: 1, Rounds: 10}}
	for _, o := range options {
		o(&hc)
	}
	h, err := hub.New(hc)
	must(err)
	server, err := httpapi.New(h, httpapi.Config{Sockets: httpapi.SocketLimits{Ping: time.Second}})
	must(err)
	listening := httptest.NewServer(server.Handler())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = server.Shutdown(ctx)
		listening.Close()
	})
	c := &clinic{t: t, url: listening.URL, hub: h, archive: devicetest.NewArchive(), id: hub.NewID("t"), store: stored, forgets: forgets}
	a, err := authority.New(c.id)
	must(err)
	_, err = h.SavePractice(ctx, hub.Practice{ID: c.id, Slug: "clinic", Settings: hub.Settings{
		Name: "Clinic", Phone: "+1 555 0100", TimeZone: "America/Chicago", Country: "US", Languages: []string{"en"}, AlwaysOpen: true,
		AuthorityKey: a.Public(), Suite: uint16(suite.MLKEM768P256), Queues: []api.Queue{{ID: "general", Reason: map[string]string{"en": "Anything"}}},
		Consent: api.ConsentForm{ID: "chat", Version: 1}, MaxFileBytes: 25 << 20,
		ConsentParts: map[string]form.Parts{"en": {
			Title: "Consent", Points: []string{"One"}, Purpose: "All of it.", Collected: "What you write.", Kept: "Ten years.", Risks: "Few.",
			Withdraw: "You can stop.", Contact: "Call us.",
		}},
	}})
	must(err)
	published, err := h.ConsentForm(ctx, "clinic", "chat", 1)
	must(err)
	c.text = published.Texts["en"]

	signer := devicetest.NewSigner(t)
	d := api.Device{ID: hub.NewID("d"), Practice: c.id, Person: hub.NewID("p"), Kind: api.KindService, Role: "keeper"}
	d.Certificate, d.NameCard, err = keeper.OwnPapers(a, d.Person, d.ID, signer.Public(), "Clinic record", time.Now())
	must(err)
	must(h.EnrolService(ctx, hub.Service{
		Practice: c.id, Person: d.Person, Device: d.ID, Role: d.Role, Name: "Clinic record", PublicKey: signer.Public(), Certificate: d.Certificate, NameCard: d.NameCard,
	}))
	client := c.client()
	practice, err := client.Practice(ctx, "clinic")
	must(err)
	k, err := keeper.New(keeper.Config{
		Hub: client, Store: devicetest.NewStore(), Signer: signer, Authority: a, Archive: c.archive, Practice: *practice, Device: d,
		Reconcile: time.Second, Log: func(what string, err error) { c.log("keeper", what, err) },
	})
	must(err)
	must(k.Start(ctx))
	t.Cleanup(k.Close)
	return c
}

func (c *clinic) log(who, what string, err error) {
	if testing.Verbose() {
		fmt.Println(time.Now().Format("05.000"), who, what, err)
	}
}

func (c *clinic) client() *hubclient.Client {
	client, err := hubclient.New(c.url, hubclient.Config{})
	if err != nil {
		c.t.Fatal(err)
	}
	return client
}

func (c *clinic) start(name, surface string, client *hubclient.Client) *device.Engine {
	c.t.Helper()
	return c.startOn(name, surface, client, devicetest.NewStore(), devicetest.NewSigner(c.t))
}

func (c *clinic) startOn(name, surface string, client *hubclient.Client, store *devicetest.Store, signer device.Signer) *device.Engine {
	c.t.Helper()
	e, err := device.New(device.Config{
		Store: store, Hub: client, Signer: signer,
		Log: func(what string, err error) { c.log(name, what, err) },
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := e.Start(c.t.Context(), device.StartOptions{Surface: surface, Practice: "clinic", DeviceName: "Test"}); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(e.Close)
	return e
}

func (c *clinic) staff(name string) *device.Engine {
	c.t.Helper()
	return c.start(name, device.SurfaceStaff, c.signIn(name, "nurse"))
}

// signIn adds a staff person and returns a client with their session.
func (c *clinic) signIn(name, role string) *hubclient.Client {
	c.t.Helper()
	ctx := c.t.Context()
	person, err := c.hub.AddStaff(ctx, hub.Person{Practice: c.id, Role: role, Name: name, Title: "RN", Login: name, Queues: []string{"general"}})
	if err != nil {
		c.t.Fatal(err)
	}
	token, err := c.hub.NewSetUpLink(ctx, c.id, person.ID)
	if err != nil {
		c.t.Fatal(err)
	}
	client := c.client()
	if _, _, err := client.SetUpApp(ctx, token, "correct horse battery staple", time.Now()); err != nil {
		c.t.Fatal(err)
	}
	return client
}

func (c *clinic) eventually(what string, ok func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	c.t.Fatalf("never: %s", what)
}

func texts(e *device.Engine, id string) []string {
	lines, _ := e.Lines(context.Background(), id, 0, 500)
	var out []string
	for _, l := range lines {
		if l.Message != nil {
			text := l.Message.Body.Text
			if l.Message.Body.File != nil {
				text = l.Message.Body.File.Name
			}
			out = append(out, text)
		}
	}
	return out
}

// begins has a patient open a conversation and say "Hello?".
func (c *clinic) begins(patient *device.Engine) (id string) {
	c.t.Helper()
	return c.beginsFor(patient, nil)
}

func (c *clinic) beginsFor(patient *device.Engine, other *api.WritingFor) (id string) {
	c.t.Helper()
	ctx := c.t.Context()
	id, err := patient.Open(ctx, device.OpenOptions{
		Queue: "general", Language: "en", Name: "Sam", For: other,
		Consent: api.ConsentReceipt{Form: "chat", Kind: "chat", Version: 1, Language: "en", SHA256: c.text.SHA256},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := patient.SendText(ctx, id, "Hello?"); err != nil {
		c.t.Fatal(err)
	}
	return id
}

// takes has maria take the conversation and read what was said.
func (c *clinic) takes(maria *device.Engine, id string) {
	c.t.Helper()
	c.eventually("maria takes it", func() bool { return maria.Act(c.t.Context(), id, "take") == nil })
	c.eventually("maria reads", func() bool { return slices.Equal(texts(maria, id), []string{"Hello?"}) })
}

// TestRealHub is the story through the real hub, over HTTP and WebSocket.
func TestRealHub(t *testing.T) {
	ctx := t.Context()
	c := newClinic(t)
	sam := c.start("sam", device.SurfacePatient, c.client())
	id := c.begins(sam)
	maria := c.staff("maria")
	c.takes(maria, id)
	reply, err := maria.SendText(ctx, id, "Good morning")
	if err != nil {
		t.Fatal(err)
	}
	c.eventually("sam reads", func() bool { return slices.Equal(texts(sam, id), []string{"Hello?", "Good morning"}) })
	lines, _ := sam.Lines(ctx, id, 0, 100)
	if err := sam.MarkRead(ctx, id, lines[len(lines)-1].Message.Position); err != nil {
		t.Fatal(err)
	}
	c.eventually("maria sees it was read", func() bool {
		lines, _ := maria.Lines(ctx, id, 0, 100)
		for _, l := range lines {
			if l.Message != nil && l.Message.ID == reply && l.Message.State != nil && l.Message.State.Kind == device.StateRead {
				return true
			}
		}
		return false
	})
	file := bytes.Repeat([]byte("rash"), 200_000)
	sent, err := sam.SendFile(ctx, id, device.FileInfo{Name: "rash.jpg", MediaType: "image/jpeg", Size: int64(len(file))}, bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	c.eventually("maria has the file", func() bool { return len(texts(maria, id)) == 3 })
	var got bytes.Buffer
	if _, err := maria.OpenFile(ctx, sent, &got, nil); err != nil || !bytes.Equal(got.Bytes(), file) {
		t.Errorf("the file: %d bytes, %v", got.Len(), err)
	}
	c.eventually("the archive has the file", func() bool { return c.archive.Files() == 1 })

	jonas := c.start("jonas", device.SurfaceStaff, c.signIn("jonas", "supervisor"))
	c.eventually("jonas joins", func() bool { return jonas.ActFor(ctx, id, "join", "asked") == nil })
	c.eventually("jonas reads", func() bool { return len(texts(jonas, id)) == 3 })
	if err := maria.Act(ctx, id, "leave"); err != nil {
		t.Fatal(err)
	}
	c.eventually("sam sees maria go", func() bool {
		lines, _ := sam.Lines(ctx, id, 0, 100)
		return slices.ContainsFunc(lines, func(l device.Line) bool { return l.Notice != nil && l.Notice.Kind == device.NoticeLeft })
	})
	// By the hub's word, as maria's device can not see for itself any more.
	c.eventually("maria is told who is in it", func() bool {
		chats, _ := maria.Conversations(ctx)
		return slices.ContainsFunc(chats, func(v device.Conversation) bool {
			return v.ID == id && !v.Joined && len(v.Members) == 3 && slices.ContainsFunc(v.Members, func(m device.Member) bool { return m.Name == "jonas" && !m.Verified })
		})
	})
	if _, err := jonas.SendText(ctx, id, "I take over"); err != nil {
		t.Fatal(err)
	}
	c.eventually("sam reads jonas", func() bool { return len(texts(sam, id)) == 4 })
	if err := sam.Act(ctx, id, "close"); err != nil {
		t.Fatal(err)
	}
	c.eventually("jonas sees it closed by sam", func() bool {
		lines, _ := jonas.Lines(ctx, id, 0, 100)
		return slices.ContainsFunc(lines, func(l device.Line) bool {
			return l.Notice != nil && l.Notice.Kind == device.NoticeClosed && l.Notice.Person != ""
		})
	})
	if n := len(texts(maria, id)); n != 3 {
		t.Errorf("maria, who left, has %d messages", n)
	}
	lines, _ = sam.Lines(ctx, id, 0, 100)
	for _, l := range lines {
		if l.Notice != nil && (l.Notice.Kind == device.NoticeRefused || l.Notice.Kind == device.NoticeGap) {
			t.Errorf("sam sees %s %s", l.Notice.Kind, l.Notice.Rule)
		}
	}
}

// memoryBlobs keeps sealed files for a test.
type memoryBlobs struct {
	mu   sync.Mutex // guards kept
	kept map[string][]byte
}

func (m *memoryBlobs) Append(_ context.Context, _, id string, offset, most int64, r io.Reader) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if have := int64(len(m.kept[id])); offset != have {
		return 0, &hub.OffsetError{Length: have}
	}
	b, err := io.ReadAll(io.LimitReader(r, most))
	m.kept[id] = append(m.kept[id], b...)
	return int64(len(m.kept[id])), err
}

func (m *memoryBlobs) Length(_ context.Context, _, id string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.kept[id])), nil
}

type openBlob struct{ *bytes.Reader }

func (openBlob) Close() error { return nil }

func (m *memoryBlobs) Open(_ context.Context, _, id string) (io.ReadSeekCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept[id] == nil {
		return nil, hub.ErrNotFound
	}
	return openBlob{bytes.NewReader(bytes.Clone(m.kept[id]))}, nil
}

func (m *memoryBlobs) Delete(_ context.Context, _, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.kept, id)
	return nil
}

// TestRealHubRejoin: a device that has lost what it had of its conversations,
// but not its key, takes its place again.
func TestRealHubRejoin(t *testing.T) {
	ctx := t.Context()
	c := newClinic(t)
	sam := c.start("sam", device.SurfacePatient, c.client())
	id := c.begins(sam)
	client, store, signer := c.signIn("maria", "nurse"), devicetest.NewStore(), devicetest.NewSigner(t)
	maria := c.startOn("maria", device.SurfaceStaff, client, store, signer)
	c.takes(maria, id)
	maria.Close()
	lose(t, store, append([]string{"kp/"}, conversationParts...)...)
	if _, err := sam.SendText(ctx, id, "Anybody?"); err != nil {
		t.Fatal(err)
	}
	maria = c.startOn("maria", device.SurfaceStaff, client, store, signer)
	c.eventually("maria has all again", func() bool { return slices.Equal(texts(maria, id), []string{"Hello?", "Anybody?"}) })
	if _, err := maria.SendText(ctx, id, "Here I am"); err != nil {
		t.Fatal(err)
	}
	c.eventually("sam reads", func() bool { return slices.Equal(texts(sam, id), []string{"Hello?", "Anybody?", "Here I am"}) })
}

// TestT50TakenBackFromAKeptChat: whoever wrote for somebody else takes consent
// back from either button of their page, also once the chat is kept from them.
func TestT50TakenBackFromAKeptChat(t *testing.T) {
	for button, press := range map[string]func(sam *device.Engine, id string) error{
		"the chat's": func(sam *device.Engine, id string) error { return sam.Act(t.Context(), id, "withdraw") },
		"the agreement's": func(sam *device.Engine, _ string) error {
			mine, err := sam.Agreements(t.Context())
			if err != nil {
				return err
			}
			return sam.TakeBack(t.Context(), mine.Agreements[0].ID)
		},
	} {
		t.Run(button, func(t *testing.T) {
			c := newClinic(t)
			sam := c.start("sam", device.SurfacePatient, c.client())
			id := c.beginsFor(sam, &api.WritingFor{Kind: "carer", Age: "minor"})
			maria := c.staff("maria")
			c.takes(maria, id)
			staff, err := c.hub.Staff(t.Context(), c.id)
			if err != nil {
				t.Fatal(err)
			}
			by := &hub.StaffCaller{Person: staff[0]}
			if panel, err := c.hub.PatientPanel(t.Context(), by, id); err != nil || panel.Chats[0].For != "carer" || !panel.Chats[0].Minor {
				t.Errorf("begun as %+v, %v", panel.Chats, err)
			}
			if _, err := c.hub.Hide(t.Context(), by, id, true); err != nil {
				t.Fatal(err)
			}
			if err := press(sam, id); err != nil {
				t.Fatal(err)
			}
			consent := func(e *device.Engine) string {
				all, err := e.Conversations(t.Context())
				if err != nil || len(all) != 1 {
					t.Fatalf("%v, %v", all, err)
				}
				return all[0].Consent
			}
			if got := consent(sam); got != "withdrawn" {
				t.Errorf("their page shows it as %s", got)
			}
			c.eventually("maria is told", func() bool { return consent(maria) == "withdrawn" })
		})
	}
}

// TestRealHubFileIsNotLost: the hub has all bytes of a file, fails to note it
// twice, and is asked by devices that know no more than that. Everybody has the
// file, the record too; and a file that is cancelled leaves no room taken.
func TestRealHubFileIsNotLost(t *testing.T) {
	ctx := t.Context()
	c := newClinic(t)
	sam := c.start("sam", device.SurfacePatient, c.client())
	id := c.begins(sam)
	maria := c.staff("maria")
	c.takes(maria, id)
	c.forgets.Store(2)
	info, file := scan()
	sent, err := sam.SendFile(ctx, id, info, bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	c.eventually("maria is told of it", func() bool { return len(texts(maria, id)) == 2 })
	var got bytes.Buffer
	if _, err := maria.OpenFile(ctx, sent, &got, nil); err != nil || !bytes.Equal(got.Bytes(), file) {
		t.Errorf("maria opens %d bytes, %v", got.Len(), err)
	}
	c.eventually("the record has it", func() bool { return c.archive.Files() == 1 })

	c.forgets.Store(1 << 20)
	never, err := sam.SendFile(ctx, id, info, bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	pending := func() int64 {
		n, err := c.store.PendingBytes(ctx, c.id, id)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	c.eventually("the hub has begun", func() bool { return pending() > 0 })
	if err := sam.Cancel(ctx, never); err != nil {
		t.Fatal(err)
	}
	c.eventually("the hub has its room again", func() bool { return pending() == 0 })
}
