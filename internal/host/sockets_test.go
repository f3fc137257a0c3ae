package host

import (
	"net"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/sotto-health/sotto/internal/installation"
)

func TestParseSockets(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("the sample is of a little-endian machine")
	}
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2120 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41 1 0000000000000000 100 0 0 10 0
   1: 0700000A:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 42 1 0000000000000000 100 0 0 10 0
   2: 0700000A:01BB 0900000A:D431 01 00000000:00000000 00:00000000 00000000  1000        0 43 1 0000000000000000 20 4 30 10 -1
   3: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 44 1 0000000000000000 100 0 0 10 0
   4: 0000000000000000FFFF00000700000A:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 45 1 0000000000000000 100 0 0 10 0
   5: nonsense 0A
   6: 01:1 0:0 0A 0 0 0 x 0 46
`
	var got []string
	for _, s := range parseSockets(table) {
		got = append(got, s.address.String()+" "+s.inode)
	}
	if want := []string{"127.0.0.1:8480 41", "10.0.0.7:443 42", "[::1]:8080 44", "10.0.0.7:8081 45"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestT54OpenPorts opens a port to all in this very process: it is found, and a
// port that only this machine can reach is not.
func TestT54OpenPorts(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	open, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	local, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	all, known := listeners(os.Getpid())
	if !known || !slices.Contains(all, installation.Listener{Address: open.Addr().String(), Own: true}) {
		t.Errorf("%s is not in %+v, %v", open.Addr(), all, known)
	}
	if slices.ContainsFunc(all, func(l installation.Listener) bool { return l.Address == local.Addr().String() }) {
		t.Errorf("%s is in %+v", local.Addr(), all)
	}
	if _, known := listeners(0); known {
		t.Error("a process that is not there is known")
	}
}
