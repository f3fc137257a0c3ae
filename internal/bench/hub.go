package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/hubclient"
	"github.com/sotto-health/sotto/mls/wire"
)

// senders is how many frames a connection has on the way at once.
const senders = 16

// measureHub sends ready-made frames: well-formed to the hub, which cannot
// tell, and to nobody else.
func measureHub(ctx context.Context, c Config, s *Server, seats []seat) error {
	before, err := usageOf(s.PID)
	if err != nil {
		return err
	}
	stored, err := bytesIn(s.Data)
	if err != nil {
		return err
	}
	var sent atomic.Int64
	latencies := new(Latencies)
	group, groupCtx := errgroup.WithContext(ctx)
	begin := time.Now()
	phase, cancel := context.WithTimeout(groupCtx, c.Duration)
	defer cancel()
	for _, at := range seats {
		hub, err := connect(ctx, s.URL, at.token, nil)
		if err != nil {
			return err
		}
		frame := readyFrame(at, c.MessageBytes)
		for range senders {
			group.Go(func() error {
				for phase.Err() == nil {
					start := time.Now()
					_, err := hub.Send(groupCtx, at.conversation, api.SendFrame{ClientID: rand.Text(), Kind: api.FrameApplication, Payload: frame})
					if err != nil {
						return err
					}
					latencies.Add(time.Since(start))
					sent.Add(1)
				}
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	elapsed := time.Since(begin)
	after, err := usageOf(s.PID)
	if err != nil {
		return err
	}
	grown, err := bytesIn(s.Data)
	if err != nil {
		return err
	}
	n := sent.Load()
	q := latencies.Quantiles(0.50, 0.95, 0.99)
	fmt.Fprintf(c.Out, "%-22s %8.0f frames/s on disk           p50 %v  p95 %v  p99 %v   processor a frame: server %v   stored %d bytes a frame\n",
		"the hub alone", float64(n)/elapsed.Seconds(), q[0].Round(100*time.Microsecond), q[1].Round(100*time.Microsecond), q[2].Round(100*time.Microsecond),
		((after.cpu - before.cpu) / time.Duration(n)).Round(time.Microsecond), (grown-stored)/n)
	return nil
}

// readyFrame is a PrivateMessage with the right head and random insides.
func readyFrame(at seat, size int) []byte {
	m := wire.Message{Private: &wire.PrivateMessage{
		GroupID: []byte(at.conversation), Epoch: at.epoch, Type: wire.ContentApplication,
		EncryptedSenderData: random(28), Ciphertext: random(size + 200),
	}}
	return m.Marshal()
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand never fails
	return b
}

// connect opens a push connection and returns once frames go over it.
func connect(ctx context.Context, url, token string, shared *http.Client) (*hubclient.Client, error) {
	hub, err := hubclient.New(url, hubclient.Config{HTTP: shared})
	if err != nil {
		return nil, err
	}
	hub.SetToken(token)
	ready, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		ended <- hub.Events(ctx, func(e api.Event) {
			if e.Type == api.EventReady {
				ready <- struct{}{}
			}
		})
	}()
	select {
	case <-ready:
		return hub, nil
	case err := <-ended:
		return nil, fmt.Errorf("open a push connection: %w", err)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// measureIdle opens connections that do nothing, and prints what each costs
// the server in memory.
func measureIdle(ctx context.Context, c Config, s *Server) error {
	before, err := usageOf(s.PID)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(32)
	calls := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}} // shared, so that only push connections stay open
	for range c.Idle {
		group.Go(func() error {
			token, err := newGuest(groupCtx, s, calls)
			if err != nil {
				return err
			}
			_, err = connect(ctx, s.URL, token, calls)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := pause(ctx, 5*time.Second); err != nil {
		return err
	}
	after, err := usageOf(s.PID)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "%-22s %8d connections   %d MB resident, %d bytes a connection\n",
		"idle", c.Idle, after.resident>>20, (after.resident-before.resident)/int64(c.Idle))
	return nil
}

// newGuest registers a device and returns the token of its session.
func newGuest(ctx context.Context, s *Server, shared *http.Client) (string, error) {
	hub, err := hubclient.New(s.URL, hubclient.Config{HTTP: shared})
	if err != nil {
		return "", err
	}
	practice, err := hub.Practice(ctx, s.Practice)
	if err != nil {
		return "", err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	signer := guestKey{key}
	proof, err := hub.Prove(ctx, signer, certificate.PurposeRegister, practice.ID)
	if err != nil {
		return "", err
	}
	device, err := hub.NewGuest(ctx, api.NewGuest{Practice: s.Practice, PublicKey: signer.Public(), Proof: proof})
	if err != nil {
		return "", err
	}
	session, err := hub.SignInDevice(ctx, signer, device.ID)
	if err != nil {
		return "", err
	}
	return session.Token, nil
}

// A guestKey signs for a device that does nothing else.
type guestKey struct{ key *ecdsa.PrivateKey }

func (k guestKey) Public() []byte {
	b, err := k.key.PublicKey.Bytes()
	if err != nil {
		panic(errors.Join(errors.New("bench: a P-256 key has an encoding"), err))
	}
	return b
}

func (k guestKey) Sign(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	return ecdsa.SignASN1(rand.Reader, k.key, digest[:])
}
