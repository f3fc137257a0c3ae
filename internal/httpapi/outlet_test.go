package httpapi

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestOutlet: what is written while it holds comes in one piece and in order,
// and what is written otherwise at once.
func TestOutlet(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	out := &outlet{conn: ours, spare: &newSockets(SocketLimits{}).spare}
	writes := make(chan string, 8)
	go func() {
		defer close(writes)
		b := make([]byte, 100)
		for {
			n, err := theirs.Read(b)
			if err != nil {
				return
			}
			writes <- string(b[:n])
		}
	}()
	write := func(s string) {
		t.Helper()
		if _, err := io.WriteString(out, s); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	out.hold()
	write("second ")
	write("third")
	if err := out.release(time.Minute); err != nil {
		t.Fatal(err)
	}
	write("fourth")
	_ = ours.Close()
	var got []string
	for w := range writes {
		got = append(got, w)
	}
	if s := strings.Join(got, "|"); s != "first|second third|fourth" {
		t.Errorf("got %s", s)
	}
}

// TestOutletToNobody: a peer that does not read does not hold us for ever.
func TestOutletToNobody(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	out := &outlet{conn: ours, spare: &newSockets(SocketLimits{}).spare}
	out.hold()
	if _, err := io.WriteString(out, "x"); err != nil {
		t.Fatal(err)
	}
	if err := out.release(time.Millisecond); err == nil {
		t.Error("released to nobody")
	}
}
