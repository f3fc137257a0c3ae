package keeper

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/certificate/authority"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/mls/suite"
)

// A Hub is the hub as the keeper calls it.
type Hub interface {
	device.Hub
	// Work is GET /v1/work.
	Work(ctx context.Context) (*api.Work, error)
	// PutCertificate is PUT /v1/devices/{id}/certificate.
	PutCertificate(ctx context.Context, device string, certificate api.PutCertificate) (*api.Device, error)
}

// A Config is what a [Keeper] needs. All but the last fields must be set.
type Config struct {
	Hub       Hub
	Store     device.Store
	Signer    device.Signer
	Authority *authority.Authority
	Archive   Archive
	// Practice is whose keeper it is, and Device its own device at the hub with
	// the certificate and name card that [OwnPapers] makes.
	Practice api.Practice
	Device   api.Device

	// RecordEvery is how often messages are taken in, as in device.Config.
	RecordEvery time.Duration
	// Suites are the cipher suites that are good enough, as in device.Config.
	Suites []suite.ID
	// Reconcile is how often the keeper asks for work unasked. Zero means a
	// minute.
	Reconcile time.Duration
	// AtOnce is how many groups are worked on at once. Zero means 8.
	AtOnce int
	// Retry is the shortest pause after a failure, as in device.Config.
	Retry time.Duration
	// Readmit reports whether the practice's operator lets a person begin anew,
	// who has lost every passkey that the keeper knows. It is asked once for
	// each yes. Nil means never.
	Readmit func(person string) bool
	// Now tells the time. Nil means time.Now.
	Now func() time.Time
	// Log is told, without content, names or keys, what went wrong. Nil drops it.
	Log func(what string, err error)
}

// A Keeper is the practice's own member.
type Keeper struct {
	cfg    Config
	engine *device.Engine

	ctx        context.Context // ends with Close
	stop       context.CancelFunc
	background sync.WaitGroup
	work       chan struct{} // there may be work at the hub
	jobs       chan struct{} // there are kept jobs
}

// OwnPapers makes the certificate and the name card of the keeper's own device,
// which its host puts at the hub before it starts the keeper. Nobody can ask the
// keeper for such a certificate.
func OwnPapers(a *authority.Authority, person, deviceID string, publicKey []byte, name string, now time.Time) (cert, card []byte, err error) {
	cert, err = a.Issue(&certificate.Certificate{
		Person: person, Device: deviceID, Kind: certificate.KindService, Role: certificate.RoleKeeper, PublicKey: publicKey,
	}, now)
	if err != nil {
		return nil, nil, err
	}
	card, err = a.IssueCard(&certificate.Card{Person: person, Name: name, Role: certificate.RoleKeeper}, now)
	return cert, card, err
}

// New returns a keeper that has not started.
func New(cfg Config) (*Keeper, error) {
	if cfg.Hub == nil || cfg.Store == nil || cfg.Signer == nil || cfg.Authority == nil || cfg.Archive == nil {
		return nil, errors.New("keeper: Hub, Store, Signer, Authority and Archive must be set")
	}
	if cfg.Authority.Practice() != cfg.Practice.ID {
		return nil, errors.New("keeper: the authority is of another practice")
	}
	if cfg.Reconcile == 0 {
		cfg.Reconcile = time.Minute
	}
	if cfg.AtOnce == 0 {
		cfg.AtOnce = 8
	}
	if cfg.Retry == 0 {
		cfg.Retry = 500 * time.Millisecond
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = func(string, error) {}
	}
	k := &Keeper{cfg: cfg, work: make(chan struct{}, 1), jobs: make(chan struct{}, 1)}
	k.ctx, k.stop = context.WithCancel(context.Background())
	var err error
	k.engine, err = device.New(device.Config{
		Store: cfg.Store, Hub: cfg.Hub, Signer: cfg.Signer, Sink: sink{k}, RecordEvery: cfg.RecordEvery, Suites: cfg.Suites, OnWork: func() { wake(k.work) },
		KeyPackages: 100, Retry: cfg.Retry, Now: cfg.Now, Log: cfg.Log,
	})
	return k, err
}

// Engine returns the device underneath.
func (k *Keeper) Engine() *device.Engine { return k.engine }

// Start resumes where the keeper stopped, and goes on in the background.
func (k *Keeper) Start(ctx context.Context) error {
	if err := k.engine.Adopt(ctx, &k.cfg.Practice, k.cfg.Device); err != nil {
		return fmt.Errorf("keeper: adopt device: %w", err)
	}
	started, err := k.engine.Start(ctx, device.StartOptions{Surface: device.SurfaceService, Practice: k.cfg.Practice.Slug})
	if err != nil {
		return fmt.Errorf("keeper: start: %w", err)
	}
	if err := k.meetPatients(ctx, started.Conversations); err != nil {
		return fmt.Errorf("keeper: note whom it knows: %w", err)
	}
	wake(k.work)
	wake(k.jobs)
	k.background.Go(func() { k.repeat(k.work, k.doWork) })
	k.background.Go(func() { k.repeat(k.jobs, k.doJobs) })
	return nil
}

// Close stops the keeper and returns when all its work has ended.
func (k *Keeper) Close() {
	k.stop()
	k.engine.Close()
	k.background.Wait()
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// repeat runs job whenever it is woken, and every now and then unasked. After a
// failure it runs again soon, and less soon after each more.
func (k *Keeper) repeat(woken chan struct{}, job func(context.Context) error) {
	pause, soon := k.cfg.Reconcile, k.cfg.Retry
	for {
		timer := time.NewTimer(pause)
		select {
		case <-woken:
		case <-timer.C:
		case <-k.ctx.Done():
		}
		timer.Stop()
		if k.ctx.Err() != nil {
			return
		}
		pause = k.cfg.Reconcile
		if err := job(k.ctx); err != nil && k.ctx.Err() == nil {
			k.cfg.Log("keeper", err)
			pause = min(pause, soon)
			soon *= 2
		} else {
			soon = k.cfg.Retry
		}
	}
}
