package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hubclient"
)

// TestProxiesThatBreakWebSockets: whatever something between the client and
// the hub does to the push connection, events come.
func TestProxiesThatBreakWebSockets(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, breaks := range map[string]http.HandlerFunc{
		"refuses it":           status(http.StatusForbidden),
		"does not know it":     status(http.StatusOK),
		"fails":                status(http.StatusBadGateway),
		"waits in vain":        status(http.StatusGatewayTimeout),
		"lets nothing through": silence,
		"hangs up":             hangUp,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			to, err := url.Parse(w.server.URL)
			w.must(err)
			through := httputil.NewSingleHostReverseProxy(to)
			through.FlushInterval = -1
			proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v1/events" {
					breaks(rw, r)
					return
				}
				through.ServeHTTP(rw, r)
			}))
			defer proxy.Close()
			d := w.patient()
			id := d.open("nurse")
			c, err := hubclient.New(proxy.URL, hubclient.Config{ReadyWithin: 300 * time.Millisecond})
			w.must(err)
			c.SetToken(d.Token())
			l := listenWith(w, c.Follow)
			sent := d.say(id, "x")
			l.until("the frame", func(e api.Event) bool { return e.Frame != nil && e.Frame.Position == sent.Position })
			l.stop()
			<-l.ended
		})
	}
}

// silence opens a WebSocket and says nothing.
func silence(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	for {
		if _, _, err := conn.Read(r.Context()); err != nil {
			return
		}
	}
}

// hangUp opens a WebSocket and closes it.
func hangUp(w http.ResponseWriter, r *http.Request) {
	if conn, err := websocket.Accept(w, r, nil); err == nil {
		_ = conn.CloseNow()
	}
}
