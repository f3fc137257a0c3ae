//go:build linux

package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
	"github.com/sotto-health/sotto/internal/hubclient"
	"github.com/sotto-health/sotto/internal/totp"
)

// slug is the demo practice's.
const slug = "riverside"

// A person is somebody with one device: the engine that runs in browsers, on a
// store that survives it.
type person struct {
	t       *testing.T
	surface string
	client  *hubclient.Client
	store   *devicetest.Store
	signer  device.Signer
	hub     func(*hubclient.Client) device.Hub // nil: the client itself
	heard   device.Listener                    // may be nil

	restart sync.RWMutex // held while the engine is replaced; before mu
	mu      sync.Mutex   // guards engine
	engine  *device.Engine
}

// newClient returns a client that asks for nothing to be compressed, so that
// recorded traffic can be searched.
func newClient(t *testing.T, url string) *hubclient.Client {
	t.Helper()
	client, err := hubclient.New(url, hubclient.Config{HTTP: &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 8}}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// newPerson returns somebody who has not started yet.
func newPerson(t *testing.T, surface string, client *hubclient.Client) *person {
	t.Helper()
	p := &person{t: t, surface: surface, client: client, store: devicetest.NewStore(), signer: devicetest.NewSigner(t)}
	t.Cleanup(p.close)
	return p
}

// close ends the engine that runs, if one does.
func (p *person) close() {
	p.mu.Lock()
	e := p.engine
	p.engine = nil
	p.mu.Unlock()
	if e != nil {
		e.Close()
	}
}

// now returns the engine that runs.
func (p *person) now() *device.Engine {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.engine
}

// begin starts the device, or starts it anew on what it has kept.
func (p *person) begin() error {
	p.close()
	config := device.Config{
		Store: p.store, Hub: p.client, Signer: p.signer, Listener: p.heard, KeyPackages: 8,
		Retry: 50 * time.Millisecond, RetryMost: time.Second,
		Log: func(what string, err error) {
			if os.Getenv("SOTTO_TRACE") != "" {
				fmt.Println(time.Now().Format("05.000"), p.surface, what, err)
			}
		},
	}
	if p.hub != nil {
		config.Hub = p.hub(p.client)
	}
	engine, err := device.New(config)
	if err != nil {
		return err
	}
	if _, err := engine.Start(context.Background(), device.StartOptions{Surface: p.surface, Practice: slug, DeviceName: "proof"}); err != nil {
		engine.Close()
		return err
	}
	p.mu.Lock()
	p.engine = engine
	p.mu.Unlock()
	return nil
}

// open begins a conversation under a name.
func (p *person) open(name string) string {
	p.t.Helper()
	practice, err := p.client.Practice(p.t.Context(), slug)
	if err != nil {
		p.t.Fatal(err)
	}
	id, err := p.now().Open(p.t.Context(), device.OpenOptions{
		Queue: practice.Queues[0].ID, Language: "en", Name: name,
		Consent: api.ConsentReceipt{
			Form: practice.Consent.ID, Version: practice.Consent.Version, Language: "en", SHA256: practice.Consent.Texts["en"].SHA256,
		},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return id
}

// take has a staff person take a conversation and waits until they are in it.
func (p *person) take(conversation string) {
	p.t.Helper()
	taken := false
	eventually(p.t, "staff can take the conversation", func() error {
		if !taken {
			if err := p.now().Act(p.t.Context(), conversation, "take"); err != nil {
				return err
			}
			taken = true
		}
		if in, err := p.now().Knows(p.t.Context(), conversation); !in {
			return fmt.Errorf("taken, and not in the group: %w", err)
		}
		return nil
	})
}

func (p *person) say(conversation, text string) string {
	p.t.Helper()
	id, err := p.now().SendText(p.t.Context(), conversation, text)
	if err != nil {
		p.t.Fatal(err)
	}
	return id
}

// lines returns all that the person sees of a conversation, oldest first.
func (p *person) lines(conversation string) ([]device.Line, error) {
	var all []device.Line
	before := uint64(0)
	for {
		page, err := p.now().Lines(context.Background(), conversation, before, 200)
		if err != nil || len(page) == 0 {
			return all, err
		}
		all = append(page, all...)
		next := positionOf(page[0])
		if next <= 1 || before != 0 && next >= before {
			return all, nil
		}
		before = next
	}
}

func positionOf(l device.Line) uint64 {
	if l.Message != nil {
		return l.Message.Position
	}
	return l.Notice.Position
}

// texts returns what the person sees of a conversation: texts, names of files,
// and notices that should never be there.
func (p *person) texts(conversation string) ([]string, error) {
	lines, err := p.lines(conversation)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, l := range lines {
		switch {
		case l.Notice != nil && (l.Notice.Kind == device.NoticeGap || l.Notice.Kind == device.NoticeRefused):
			texts = append(texts, "NOTICE "+l.Notice.Kind+" "+l.Notice.Rule)
		case l.Message == nil:
		default:
			texts = append(texts, said(l.Message))
		}
	}
	return texts, nil
}

// said is a message in a word: its text, or "file:" and the file's name.
func said(m *device.Message) string {
	switch m.Body.Kind {
	case device.BodyText:
		return m.Body.Text
	case device.BodyFile:
		return "file:" + m.Body.File.Name
	default:
		return "BODY " + m.Body.Kind
	}
}

// sees waits until the person sees these texts somewhere in a conversation.
func (p *person) sees(conversation string, want ...string) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%s sees %q", p.surface, want), func() error {
		texts, err := p.texts(conversation)
		if err != nil {
			return err
		}
		seen := make(map[string]bool)
		for _, text := range texts {
			seen[text] = true
		}
		for _, text := range want {
			if !seen[text] {
				return fmt.Errorf("sees %q", texts)
			}
		}
		return nil
	})
}

// demoStaff signs in the n-th staff person of the demo practice, whose
// passwords sotto serve --demo keeps in its data folder.
func demoStaff(t *testing.T, url, data string, n int) *person {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(data, "demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	var demo struct {
		SignIns []struct{ Login, Password, App string } `json:"sign_ins"`
	}
	if err := json.Unmarshal(b, &demo); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, url)
	in := demo.SignIns[n]
	secret, err := totp.ParseText(in.App)
	if err != nil {
		t.Fatal(err)
	}
	factors := api.Authentication{Password: in.Password, Code: totp.Code(secret, totp.Step(time.Now()))}
	if _, err := client.SignIn(t.Context(), api.SignIn{Practice: slug, Login: in.Login, Authentication: factors}); err != nil {
		t.Fatal(err)
	}
	p := newPerson(t, device.SurfaceStaff, client)
	p.begins()
	return p
}

// newPatient returns a patient whose device has started.
func newPatient(t *testing.T, url string) *person {
	t.Helper()
	p := newPerson(t, device.SurfacePatient, newClient(t, url))
	p.begins()
	return p
}

func (p *person) begins() {
	p.t.Helper()
	if err := p.begin(); err != nil {
		p.t.Fatal(err)
	}
}
