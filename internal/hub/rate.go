package hub

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A Rate is how often something may happen: a bucket of Burst that refills
// PerSecond.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Limits bounds what one caller may ask for. Zero fields get defaults that no
// person reaches and few programs need more than.
type Limits struct {
	Anonymous Rate // calls without a session, by address
	Guests    Rate // new guests, by address
	// Invitations are one-time links for patients, by who makes them.
	Invitations Rate
	SignIns     Rate // password checks: of strangers by address, else by person
	AppCodes    Rate // an app's codes after the right password: of one person, by strangers and else
	Calls       Rate // calls of one device
	Sends       Rate // frames of one device
	Claims      Rate // key packages claimed by one patient or staff device
	Uploads     Rate // attachments begun by one device

	CodesDevice   Rate // one-time codes to one device
	CodesContact  Rate // to one contact, asked for from one network
	CodesNetwork  Rate // asked for from one network
	CodesPractice Rate // of one practice

	Matches Rate // facts and PINs given from one network, right or wrong

	Exports Rate // of the audit log, by who takes them out

	Service    Rate // calls and frames of a service, such as the keeper
	Provider   Rate // logout tokens for one practice
	Directory  Rate // calls with one token of a practice's directory
	OpenChats  int  // conversations of one patient that are not closed: 5
	Pending    int64
	KeyPackage int // unused key packages kept for a device: 200
}

func (l *Limits) setDefaults() {
	or := func(r *Rate, perSecond float64, burst int) {
		if r.PerSecond == 0 {
			r.PerSecond = perSecond
		}
		if r.Burst == 0 {
			r.Burst = burst
		}
	}
	or(&l.Anonymous, 20, 200)
	or(&l.Guests, 1, 120)
	or(&l.Invitations, 0.1, 30)
	or(&l.SignIns, 0.5, 30)
	or(&l.AppCodes, 0.1, 10)
	or(&l.Calls, 50, 300)
	or(&l.Sends, 20, 200)
	or(&l.Claims, 0.2, 30)
	or(&l.Uploads, 1, 60)
	or(&l.CodesDevice, 1.0/300, 5)
	or(&l.CodesContact, 1.0/600, 5)
	or(&l.CodesNetwork, 1.0/60, 30)
	or(&l.CodesPractice, 1, 1000)
	or(&l.Matches, 1.0/60, 30)
	or(&l.Exports, 0.05, 20)
	or(&l.Service, 5000, 20_000)
	or(&l.Provider, 20, 200)
	or(&l.Directory, 25, 500)
	if l.OpenChats == 0 {
		l.OpenChats = 5
	}
	if l.Pending == 0 {
		l.Pending = 256 << 20
	}
	if l.KeyPackage == 0 {
		l.KeyPackage = 200
	}
}

// generation is how many buckets are kept before the older half is dropped.
// A dropped bucket starts full again, which favours the caller.
const generation = 20_000

// rates holds one bucket for each kind of call and caller, in bounded memory.
type rates struct {
	limits Limits
	now    func() time.Time

	mu       sync.Mutex // guards kinds
	kinds    map[string]*buckets
	capacity int // of each
}

// buckets are those of one kind: however many come with calls of another kind,
// none of these is dropped for them.
type buckets struct{ young, old map[string]*rate.Limiter }

func newRates(l Limits, now func() time.Time) *rates {
	return &rates{limits: l, now: now, kinds: make(map[string]*buckets), capacity: generation}
}

// allow takes one from who's bucket of a kind, or says how long to wait.
func (r *rates) allow(kind, who string, limit Rate) error {
	now := r.now()
	b := r.bucket(kind, who, limit)
	if b.AllowN(now, 1) {
		return nil
	}
	missing := 1 - b.TokensAt(now)
	wait := time.Duration(math.Ceil(missing/limit.PerSecond*1000)) * time.Millisecond
	return &RateError{RetryAfter: max(wait, time.Millisecond)}
}

func (r *rates) bucket(kind, who string, limit Rate) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.kinds[kind]
	if of == nil {
		of = &buckets{young: make(map[string]*rate.Limiter)}
		r.kinds[kind] = of
	}
	if b := of.young[who]; b != nil {
		return b
	}
	b := of.old[who]
	if b == nil {
		b = rate.NewLimiter(rate.Limit(limit.PerSecond), limit.Burst)
	}
	if len(of.young) >= r.capacity {
		of.old, of.young = of.young, make(map[string]*rate.Limiter)
	}
	of.young[who] = b
	return b
}

// AllowAnonymous bounds the calls without a session from one
// network: see [network].
func (h *Hub) AllowAnonymous(address string) error {
	return h.rates.allow("anonymous", network(address), h.limits.Anonymous)
}

// AllowGuest bounds new guests and sessions from one
// network: see [network].
func (h *Hub) AllowGuest(address string) error {
	return h.rates.allow("guest", network(address), h.limits.Guests)
}

// AllowCall bounds all calls of one device.
func (h *Hub) AllowCall(c *Caller) error {
	return h.allowDevice("call", c, h.limits.Calls)
}

func (h *Hub) allowDevice(kind string, c *Caller, limit Rate) error {
	if c.Service() {
		limit = h.limits.Service
	}
	return h.rates.allow(kind, c.Device.ID, limit)
}
