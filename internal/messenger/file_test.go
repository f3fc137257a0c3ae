package messenger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFile: the newest messages are there, for the owner alone, also for
// another program; and what goes wrong says nothing of them.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "messages")
	f := NewFile(path)
	if sent, err := f.Sent(); err != nil || len(sent) != 0 {
		t.Fatalf("before any: %v, %v", sent, err)
	}
	for i := range fileSize + 3 {
		m := message
		m.Subject = fmt.Sprint(i)
		if err := f.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	sent, err := NewFile(path).Sent()
	if err != nil || len(sent) != fileSize {
		t.Fatalf("%d messages, %v", len(sent), err)
	}
	if newest, oldest := sent[0], sent[fileSize-1]; newest.Subject != "52" || oldest.Subject != "3" || newest.Text != message.Text || newest.To != message.To || newest.At.IsZero() {
		t.Errorf("newest %+v, oldest %+v", newest, oldest)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte(`{"To":"ann@mail.example","Text":"123456`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, damaged := f.Sent()
	for _, err := range []error{damaged, f.Send(t.Context(), message), NewFile(filepath.Join(path, "none")).Send(t.Context(), message)} {
		if err == nil || strings.Contains(err.Error(), "123456") || strings.Contains(err.Error(), "ann@") {
			t.Errorf("got %v", err)
		}
	}
	if err := f.Send(t.Context(), message); !errors.Is(err, ErrSend) {
		t.Errorf("got %v", err)
	}
}
