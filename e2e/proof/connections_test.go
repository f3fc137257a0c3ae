//go:build linux

package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestHalfOpenConnections opens 200 push connections that never say hello and
// 50 calls that never get beyond half of a header, from two addresses: a patient
// and a nurse who come then are served, and the hub hangs up on the silent ones.
func TestHalfOpenConnections(t *testing.T) {
	data, address := t.TempDir(), freeAddress(t)
	start(t, "sotto", "--data", data, "serve", "--demo", "--listen", address, "--clinic-listen", freeAddress(t))
	awaitReady(t, address)
	url := "http://" + address
	// The nurse is there before: what waits is the hub's and not the sign-in's.
	nurse := demoStaff(t, url, data, 0)

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	silent := make(chan error, 250)
	var from [2]*http.Client
	for n := range from {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+n))}}
		from[n] = &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}
	}
	for n := range 200 {
		conn, _, err := websocket.Dial(ctx, "ws://"+address+"/v1/events", &websocket.DialOptions{HTTPClient: from[n%2]})
		if err != nil {
			t.Fatalf("silent connection %d: %v", n, err)
		}
		defer func() { _ = conn.CloseNow() }()
		go func() {
			_, _, err := conn.Read(ctx)
			silent <- err
		}()
	}
	for range 50 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := fmt.Fprintf(conn, "POST /v1/challenges HTTP/1.1\r\nHost: %s\r\nX-Ha", address); err != nil {
			t.Fatal(err)
		}
		go func() {
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			_, err := io.Copy(io.Discard, conn) // until the hub hangs up
			if err == nil {
				err = io.EOF
			}
			silent <- err
		}()
	}

	patient := newPatient(t, url)
	id := patient.open("Real Patient")
	patient.say(id, "can you hear me")
	nurse.take(id)
	nurse.sees(id, "can you hear me")
	nurse.say(id, "I can")
	patient.sees(id, "I can")

	for n := range cap(silent) {
		select {
		case err := <-silent:
			var timeout net.Error
			if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
				t.Errorf("a silent connection got %v, and should be closed", err)
			}
		case <-ctx.Done():
			t.Fatalf("the hub has hung up on %d of %d silent connections", n, cap(silent))
		}
	}
	patient.say(id, "and now")
	nurse.sees(id, "and now")
}
