package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/hubclient"
	"github.com/sotto-health/sotto/internal/totp"
	"github.com/sotto-health/sotto/mls/suite"
)

// A talk is a number of conversations, each of one patient and one staff
// person, both in this process.
type talk struct {
	config   Config
	server   *Server
	patients []*client
	staff    []*client
	padding  string

	byConversation sync.Map // of id to *client, the patient

	latencies atomic.Pointer[Latencies] // of the phase that runs
	opened    atomic.Int64              // messages decrypted by staff
}

// A client is one device.
type client struct {
	hub          *hubclient.Client
	engine       *device.Engine
	conversation string        // a patient's
	arrived      chan struct{} // a patient's: its message has been decrypted
}

// newTalk begins the conversations and returns once staff are in all of them.
func newTalk(ctx context.Context, c Config, s *Server) (*talk, error) {
	t := &talk{config: c, server: s, padding: strings.Repeat("x", max(0, c.MessageBytes-textStamp))}
	t.latencies.Store(new(Latencies))
	for _, in := range s.SignIns {
		member, err := t.newStaff(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("sign in: %w", err)
		}
		t.staff = append(t.staff, member)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	var mu sync.Mutex
	for i := range c.Conversations {
		group.Go(func() error {
			p, err := t.newPatient(ctx, t.staff[i%len(t.staff)])
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			t.patients = append(t.patients, p)
			return nil
		})
	}
	return t, group.Wait()
}

func (t *talk) newEngine(hub *hubclient.Client, surface string, listener device.Listener) (*device.Engine, error) {
	s, err := suite.Lookup(suite.MLKEM768P256)
	if err != nil {
		return nil, err
	}
	signer, err := s.NewSigner()
	if err != nil {
		return nil, err
	}
	packages := 4
	if surface == device.SurfaceStaff {
		packages = 100 // each conversation uses one up
	}
	return device.New(device.Config{
		Store: newMemory(), Hub: hub, Signer: signer, Listener: listener, KeyPackages: packages,
		UpdateAfter: 1 << 30, // key renewal is measured by package mls
	})
}

func (t *talk) newStaff(ctx context.Context, in SignIn) (*client, error) {
	hub, err := hubclient.New(t.server.URL, hubclient.Config{})
	if err != nil {
		return nil, err
	}
	secret, err := totp.ParseText(in.App)
	if err != nil {
		return nil, err
	}
	factors := api.Authentication{Password: in.Password, Code: totp.Code(secret, totp.Step(time.Now()))}
	if _, err := hub.SignIn(ctx, api.SignIn{Practice: t.server.Practice, Login: in.Login, Authentication: factors}); err != nil {
		return nil, err
	}
	c := &client{hub: hub}
	if c.engine, err = t.newEngine(hub, device.SurfaceStaff, t.heard); err != nil {
		return nil, err
	}
	_, err = c.engine.Start(ctx, device.StartOptions{Surface: device.SurfaceStaff, Practice: t.server.Practice, DeviceName: "bench"})
	return c, err
}

// newPatient opens a conversation and waits until the staff person, who takes
// it, has decrypted a first message.
func (t *talk) newPatient(ctx context.Context, staff *client) (*client, error) {
	hub, err := hubclient.New(t.server.URL, hubclient.Config{})
	if err != nil {
		return nil, err
	}
	p := &client{hub: hub, arrived: make(chan struct{}, 64)}
	if p.engine, err = t.newEngine(hub, device.SurfacePatient, nil); err != nil {
		return nil, err
	}
	if _, err = p.engine.Start(ctx, device.StartOptions{Surface: device.SurfacePatient, Practice: t.server.Practice, DeviceName: "bench"}); err != nil {
		return nil, err
	}
	practice, err := hub.Practice(ctx, t.server.Practice)
	if err != nil {
		return nil, err
	}
	text := practice.Consent.Texts["en"]
	p.conversation, err = p.engine.Open(ctx, device.OpenOptions{
		Queue: practice.Queues[0].ID, Language: "en", Name: "Bench Patient",
		Consent: api.ConsentReceipt{Form: practice.Consent.ID, Version: practice.Consent.Version, Language: "en", SHA256: text.SHA256},
	})
	if err != nil {
		return nil, err
	}
	t.byConversation.Store(p.conversation, p)
	if err := t.join(ctx, staff, p.conversation); err != nil {
		return nil, err
	}
	return p, nil
}

// join has the staff person take the conversation, and waits until the keeper
// has added their device.
func (t *talk) join(ctx context.Context, staff *client, conversation string) error {
	deadline := time.Now().Add(60 * time.Second)
	taken := false
	for time.Now().Before(deadline) {
		if !taken {
			taken = staff.engine.Act(ctx, conversation, "take") == nil
		} else if in, _ := staff.engine.Knows(ctx, conversation); in {
			return nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("a staff person could not join within a minute")
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
