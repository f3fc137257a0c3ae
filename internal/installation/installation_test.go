package installation_test

import (
	"testing"

	"github.com/sotto-health/sotto/internal/installation"
)

func TestLoopback(t *testing.T) {
	for listen, want := range map[string]bool{
		"127.0.0.1:8443": true, "127.9.9.9:1": true, "[::1]:8443": true, "localhost:0": true,
		":8443": false, "0.0.0.0:8443": false, "[::]:8443": false, "192.0.2.1:8443": false, "hub.localhost:1": false, "clinic.example:443": false,
		"localhost": false, "127.0.0.1": false, "": false,
	} {
		if installation.Loopback(listen) != want {
			t.Errorf("%q: %v", listen, !want)
		}
	}
}
