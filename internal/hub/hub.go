// Package hub is the MLS delivery service (RFC 9750, section 5). It admits,
// orders and stores frames that it cannot read, and hands them to devices.
//
// It is not trusted with content: it holds no group secret, and nothing it
// imports can decrypt. It speaks neither HTTP nor SQL: package httpapi calls
// it, and the stores implement the interfaces of store.go. Its promises are
// order, durability and admission:
//
//   - one commit for each epoch of a conversation, the first to arrive;
//   - a frame that Send acknowledged survives a crash, once and in order;
//   - no frame without consent, none from a device outside the group;
//   - nobody learns that something exists which they may not see.
package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/hub/quiet"
	"github.com/sotto-health/sotto/internal/oidc"
	"github.com/sotto-health/sotto/internal/password"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/internal/proofing"
)

// A Config sets up a [Hub]. Store and Blobs are required; for the rest the
// zero value works.
type Config struct {
	Store Store
	Blobs Blobs
	// Broker carries notices between hubs that share a store. Nil means this
	// hub is the only one.
	Broker Broker
	// Log gets identifiers, sizes and times, never content. Nil discards.
	Log *slog.Logger
	// Now tells the time. Nil means time.Now.
	Now func() time.Time
	// Limits bounds what a caller may ask for.
	Limits Limits
	// Sessions sets how long sign-ins last.
	Sessions SessionTimes
	// Passwords sets what one check of a password costs.
	Passwords password.Cost
	// Inspector looks at the installation, for its control map. May be nil.
	Inspector Inspector
	// FactorKey seals the secrets of authenticator apps in the store: 32 bytes
	// that outlive the process. Nil is for tests: a new key each time.
	FactorKey []byte
	// OIDC talks to the practices' OpenID providers. Nil means a usual one.
	OIDC *oidc.Client
	// PatientKey seals the roster and the contacts of patients: 32 bytes that
	// outlive the process. Nil is for tests: a new key each time.
	PatientKey []byte
	// Messengers send one-time codes. A channel that is not here is not
	// offered.
	Messengers map[proofing.Channel]Messenger
	// AuditSeed is what the keys are made from that sign the logs' checkpoints:
	// [auditlog.SeedBytes] that outlive the process. Nil is for tests: new keys
	// each time.
	AuditSeed []byte
}

// SessionTimes are how long sessions last. Zero fields get defaults.
type SessionTimes struct {
	Staff   time.Duration // 12 h
	Device  time.Duration // 1 h, and the device renews it; a staff device's ends with the staff session
	SetUp   time.Duration // set-up links: 72 h
	Offline time.Duration // from the last connection's end until shown as offline: 8 s
}

// A Hub is the delivery service of all practices in one store. Its methods
// may be called at once from many goroutines.
type Hub struct {
	store     Store
	blobs     Blobs
	policy    *policy.Engine
	broker    Broker
	log       *slog.Logger
	now       func() time.Time
	limits    Limits
	sessions  SessionTimes
	passwords *password.Hasher
	secrets   secrets
	oidc      *oidc.Client
	inspector Inspector
	patients  patientKey

	messengers map[proofing.Channel]Messenger

	challenges *challenges
	callers    *callers
	practices  *practices
	removals   removalKeys
	locks      *keyedLocks
	board      *switchboard
	peers      *peers
	mailboxes  *mailboxes
	rates      *rates
	guesses    *guesses
	counters   counters
	opened     *opened
	throttled  throttled
	exporting  sync.Map // of practice and person, while they take the log out
	auditSeed  []byte

	witnesses sync.Map // whether one has a problem, by its name
	streams   sync.Map // [auditlog.StreamFigures] of streams of the audit log, by name
	logParts  sync.Map // [LogPartFigures], by name

	logBytes, archiveBytes atomic.Int64 // what the audit logs take of disks

	logBacklog atomic.Pointer[LogBacklog] // what waited for numbers in the audit logs; nil before the first look

	lapsesTold atomic.Int64 // until when lapsed verifications were announced

	background sync.WaitGroup // what is done after its answer
}

// New returns a hub that is ready to be called.
func New(c Config) (*Hub, error) {
	if c.Store == nil || c.Blobs == nil {
		return nil, errors.New("hub: a store and blobs are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	others := &peers{hubs: make(map[string]*peer)}
	if c.Broker == nil {
		c.Broker = &localBroker{}
	} else {
		others.self = NewID("h")
	}
	setDefault(&c.Sessions.Staff, 12*time.Hour)
	setDefault(&c.Sessions.Device, time.Hour)
	setDefault(&c.Sessions.SetUp, 72*time.Hour)
	setDefault(&c.Sessions.Offline, 8*time.Second)
	c.Limits.setDefaults()
	if c.OIDC == nil {
		c.OIDC = oidc.New(oidc.Config{Now: c.Now})
	}

	rules, err := policy.New()
	if err != nil {
		return nil, err
	}
	h := &Hub{
		store: c.Store, blobs: c.Blobs, policy: rules, broker: c.Broker, log: slog.New(quiet.NewHandler(c.Log.Handler())), now: c.Now,
		limits: c.Limits, sessions: c.Sessions, passwords: password.NewHasher(c.Passwords), oidc: c.OIDC, inspector: c.Inspector,
		peers: others, callers: newCallers(), practices: &practices{}, locks: &keyedLocks{},
		mailboxes: newMailboxes(c.Now), rates: newRates(c.Limits, c.Now), guesses: newGuesses(c.Now),
		opened: newOpened(), auditSeed: c.AuditSeed,
	}
	if h.auditSeed == nil {
		h.auditSeed = make([]byte, auditlog.SeedBytes)
		_, _ = rand.Read(h.auditSeed) // never fails (crypto/rand)
	}
	h.challenges = &challenges{shared: c.Store, now: c.Now}
	if h.secrets, err = newSecrets(c.FactorKey); err != nil {
		return nil, err
	}
	if h.patients, err = newPatientKey(c.PatientKey); err != nil {
		return nil, err
	}
	h.messengers = c.Messengers
	h.board = newSwitchboard(c.Sessions.Offline, h.presenceChanged)
	if err := h.broker.Subscribe(h.deliver); err != nil {
		return nil, fmt.Errorf("hub: subscribe to broker: %w", err)
	}
	if others.self != "" {
		h.notify(context.Background(), Notice{Here: &Here{Hub: others.self, Ask: true, Count: 0}})
	}
	return h, nil
}

// Ready reports whether the hub can serve calls.
func (h *Hub) Ready(ctx context.Context) error { return h.store.Ping(ctx) }

// Close tells every connection that the hub is going away and lets it go. The
// store is not the hub's to close.
func (h *Hub) Close() {
	h.board.closeAll(ReasonStopping)
	h.background.Wait()
}

// Sweep drops what has expired. Call it every few minutes.
func (h *Hub) Sweep(ctx context.Context) error {
	now := h.now()
	h.callers.sweep(now.UnixMilli())
	h.guesses.sweep()
	if err := h.announceLapses(ctx); err != nil {
		return err
	}
	h.opened.sweep(now.UnixMilli())
	if err := h.settleRelations(ctx); err != nil {
		return err
	}
	if err := h.dropUnconfirmed(ctx); err != nil {
		return err
	}
	if err := h.settleGroups(ctx); err != nil {
		return err
	}
	if err := h.settleServing(ctx); err != nil {
		return err
	}
	notLocked := h.lockQuiet(ctx) // which keeps nothing else from being dropped
	if err := h.store.DeleteExpired(ctx, now.UnixMilli()); err != nil {
		return errors.Join(notLocked, at("drop what has expired", err))
	}
	return errors.Join(notLocked, h.dropUnfinished(ctx, now.Add(-unfinishedAge)))
}

func (h *Hub) millis() int64 { return h.now().UnixMilli() }

func setDefault(d *time.Duration, to time.Duration) {
	if *d == 0 {
		*d = to
	}
}
