package httpapi_test

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
)

// TestT07EachCallerHasLimitsOfItsOwn: who asks too much is refused, and nobody
// else is.
func TestT07EachCallerHasLimitsOfItsOwn(t *testing.T) {
	few, many := hub.Rate{PerSecond: 0.01, Burst: 3}, hub.Rate{PerSecond: 1e6, Burst: 1e6}
	for name, test := range map[string]struct {
		limit func(*hub.Limits) *hub.Rate
		call  func(w *world, d *device, id string) error
	}{
		"calls": {
			func(l *hub.Limits) *hub.Rate { return &l.Calls },
			func(w *world, d *device, _ string) error { _, err := d.Self(w.ctx); return err },
		},
		"frames": {
			func(l *hub.Limits) *hub.Rate { return &l.Sends },
			func(_ *world, d *device, id string) error { return d.trySend(id) },
		},
		"key packages": {
			func(l *hub.Limits) *hub.Rate { return &l.Claims },
			func(w *world, d *device, _ string) error {
				_, err := d.ClaimKeyPackages(w.ctx, api.ClaimKeyPackages{Person: "keeper"})
				return err
			},
		},
		"attachments": {
			func(l *hub.Limits) *hub.Rate { return &l.Uploads },
			func(w *world, d *device, id string) error {
				_, err := d.NewAttachment(w.ctx, id, api.NewAttachment{Size: 1})
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *hub.Config, _ *httpapi.Config) {
				l := &c.Limits
				l.Anonymous, l.Guests, l.Calls, l.Sends, l.Claims, l.Uploads = many, many, many, many, many, many
				*test.limit(l) = hub.Rate{PerSecond: 0.01, Burst: 30}
			})
			greedy, other := w.patient(), w.patient()
			one, two := greedy.open("nurse"), other.open("nurse")
			var err error
			for range 31 {
				if err = test.call(w, greedy, one); err != nil {
					break
				}
			}
			wantCode(t, err, api.CodeRateLimited)
			w.must(test.call(w, other, two))
		})
	}
	for name, test := range map[string]struct {
		limit        func(*hub.Limits) *hub.Rate
		method, path string
		bearer       string
	}{
		"calls of strangers": {func(l *hub.Limits) *hub.Rate { return &l.Anonymous }, "GET", "/v1/practices/riverside", ""},
		"calls of strangers with a bearer that nobody looks at": {func(l *hub.Limits) *hub.Rate { return &l.Anonymous }, "POST", "/v1/challenges", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *hub.Config, ac *httpapi.Config) {
				*test.limit(&c.Limits) = few
				ac.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			})
			from := func(address string) int {
				resp, _ := w.raw(test.method, test.path, "", "X-Forwarded-For", address, "Authorization", test.bearer)
				return resp.StatusCode
			}
			status := 0
			for range few.Burst + 1 {
				status = from("198.51.100.7")
			}
			if status != http.StatusTooManyRequests {
				t.Errorf("the greedy one gets %d", status)
			}
			if status := from("203.0.113.7"); status >= 400 {
				t.Errorf("the other one gets %d", status)
			}
		})
	}
}

// TestT07DeadPeers: 200 signed-in connections whose other end is gone without
// a word are found by their silence: nobody is shown as present, the
// connections are freed, and others are served meanwhile.
func TestT07DeadPeers(t *testing.T) {
	w := newWorld(t, func(hc *hub.Config, c *httpapi.Config) {
		c.Sockets.Ping = time.Second
		hc.Limits.Calls, hc.Limits.Anonymous, hc.Limits.Guests = hub.Rate{PerSecond: 1e6, Burst: 1e6}, hub.Rate{PerSecond: 1e6, Burst: 1e6}, hub.Rate{PerSecond: 1e6, Burst: 1e6}
	})
	nurse := w.staff("dana")
	patients := make([]*device, 50)
	for i := range patients {
		patients[i] = w.patient()
	}
	id := patients[0].open("nurse")
	nurse.take(id)
	nl := nurse.listen()
	for i := range 200 {
		conn := w.dial()
		w.must(wsjson.Write(w.ctx, conn, api.Hello{Type: "hello", Token: patients[i%50].Token()}))
		var ready api.Event
		w.must(wsjson.Read(w.ctx, conn, &ready)) // and nothing more is read: a ping gets no answer
		if i%50 == 0 {
			w.must(conn.Write(w.ctx, websocket.MessageText, []byte(`{"type":"ping","call":1}`)))
		}
	}
	if e := nl.next(api.EventPresence); e.Person != patients[0].person || !e.Online {
		t.Errorf("on coming: %+v", e)
	}
	if e := nl.next(api.EventPresence); e.Person != patients[0].person || e.Online {
		t.Errorf("once it is silent: %+v", e)
	}
	deadline := time.Now().Add(30 * time.Second)
	for w.hub.Stats().Connections > 1 && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	if n := w.hub.Stats().Connections; n != 1 {
		t.Errorf("%d connections are open, of which one is alive", n)
	}
	_, err := nurse.Conversation(w.ctx, id)
	w.must(err)
	patients[0].listen()
	if e := nl.next(api.EventPresence); e.Person != patients[0].person || !e.Online {
		t.Errorf("on coming back: %+v", e)
	}
}
