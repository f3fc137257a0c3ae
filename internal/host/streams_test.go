package host

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog/stream"
	"github.com/sotto-health/sotto/internal/auditlog/stream/streamtest"
	"github.com/sotto-health/sotto/internal/certificate/authority"
	"github.com/sotto-health/sotto/internal/hub"
)

// childEnv makes this test program a hub that serves the data folder it names.
const childEnv = "SOTTO_TEST_STREAM_CHILD"

// TestStreamChild is no test by itself: TestKillNineLosesNoEntry runs it as a
// program of its own. It makes entries as fast as it can and says on standard
// output how many it has made for certain.
func TestStreamChild(t *testing.T) {
	folder := os.Getenv(childEnv)
	if folder == "" {
		t.Skip("run by TestKillNineLosesNoEntry")
	}
	h, settings := openStreamed(t, folder)
	listening := make(chan struct{})
	go func() {
		t.Error(Serve(t.Context(), h, ServeConfig{
			Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler), AuditStreams: settings, Listening: func(net.Addr) { close(listening) },
		}))
	}()
	<-listening
	for {
		if err := h.NoteAuditExport(t.Context()); err != nil { // any act will do
			t.Fatal(err)
		}
		size, err := h.LogSize(t.Context(), "t_here")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = os.Stdout.WriteString("size " + strconv.FormatInt(size, 10) + "\n")
		time.Sleep(time.Millisecond)
	}
}

// openHub opens the hub in a folder for as long as the test runs.
func openHub(t *testing.T, folder string) *OpenHub {
	t.Helper()
	h, err := Open(t.Context(), HubConfig{Folder: Folder(folder), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func openStreamed(t *testing.T, folder string) (*OpenHub, []stream.Setting) {
	t.Helper()
	h := openHub(t, folder)
	settings, err := stream.FromEnvironment(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	return h, settings
}

func makePractice(t *testing.T, h *OpenHub) {
	t.Helper()
	a, err := authority.New("t_here")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.SavePractice(t.Context(), hub.Practice{ID: "t_here", Slug: "here", Settings: hub.Settings{Name: "Here", AuthorityKey: a.Public()}}); err != nil {
		t.Fatal(err)
	}
}

// TestKillNineLosesNoEntry kills a hub that streams, twice, in the midst, and
// opens its database anew: the receiver gets every entry that was in the log, in
// order.
func TestKillNineLosesNoEntry(t *testing.T) {
	folder, ca := t.TempDir(), streamtest.NewAuthority(t)
	siem := streamtest.NewSyslog(t, ca.Server())
	t.Setenv("SOTTO_SYSLOG", "tls://"+siem.Address())
	t.Setenv("SOTTO_SYSLOG_CA", ca.File)
	h, _ := openStreamed(t, folder)
	makePractice(t, h)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	var size int64
	for round := range int64(2) {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestStreamChild$")
		child.Env = append(os.Environ(), childEnv+"="+folder)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		enough := size + 100*(round+1)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if n, ok := strings.CutPrefix(lines.Text(), "size "); ok {
				size, _ = strconv.ParseInt(n, 10, 64)
			}
			if size >= enough && len(streamtest.Numbers(siem.Messages(), "t_here")) > 20 {
				break
			}
		}
		_ = child.Process.Kill() // SIGKILL
		_ = child.Wait()
	}
	h, settings := openStreamed(t, folder)
	now, err := h.LogSize(t.Context(), "t_here")
	if err != nil || now < size {
		t.Fatalf("the log has %d entries and had %d, %v", now, size, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	streams := runStreams(ctx, h, settings, slog.New(slog.DiscardHandler))
	all := siem.Until("every entry", func(all []streamtest.Message) bool { return int64(len(streamtest.Numbers(all, "t_here"))) >= now })
	stop()
	streams.Wait()
	for i, n := range streamtest.Numbers(all, "t_here") {
		if n != int64(i) {
			t.Fatalf("entry %d came in the place of %d", n, i)
		}
	}
}

// TestStreamsServed: a server streams, notes to whom without a secret, shows
// figures, and lets its streams go when it stops.
func TestStreamsServed(t *testing.T) {
	folder, ca := t.TempDir(), streamtest.NewAuthority(t)
	c := streamtest.NewCollector(t, ca.Server())
	headers := folder + "/headers"
	if err := os.WriteFile(headers, []byte("Authorization: Bearer canary-5d1f\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOTTO_OTLP", c.URL())
	t.Setenv("SOTTO_OTLP_CA", ca.File)
	t.Setenv("SOTTO_OTLP_HEADERS", headers)
	h, settings := openStreamed(t, folder)
	makePractice(t, h)
	ctx, stop := context.WithCancel(t.Context())
	listening, ended := make(chan struct{}), make(chan error, 1)
	const metrics = "127.0.0.1:0"
	probe, err := net.Listen("tcp", metrics)
	if err != nil {
		t.Fatal(err)
	}
	address := probe.Addr().String()
	_ = probe.Close()
	go func() {
		ended <- Serve(ctx, h, ServeConfig{
			Listen: "127.0.0.1:0", MetricsListen: address, Log: slog.New(slog.DiscardHandler), AuditStreams: settings, Listening: func(net.Addr) { close(listening) },
		})
	}()
	<-listening
	c.Until("the log", func() bool { return len(c.Records()) >= 3 })
	c.Until("the figures", func() bool { return h.Stats().Streams[stream.OTLP].Position >= 3 })
	answer, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	for _, want := range []string{`sotto_audit_stream_lag{stream="otlp"} `, `sotto_audit_stream_position{stream="otlp"} `, `sotto_audit_stream_problem{stream="otlp"} 0`, `sotto_audit_stream_failures_total{stream="otlp"} 0`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	facts, err := Inspect(ctx, h, InspectConfig{Folder: Folder(folder)})
	if err != nil {
		t.Fatal(err)
	}
	if r := facts.Server.Receivers; len(r) != 1 || r[0].Name != stream.OTLP || r[0].Host != "127.0.0.1" || r[0].Plain {
		t.Errorf("receivers are %+v", r)
	}
	if s := facts.Practices[0].Streams; len(s) != 1 || s[0].Position < 1 || s[0].SentAt.IsZero() || s[0].Problem != "" {
		t.Errorf("streams are %+v", s)
	}
	note, err := os.ReadFile(folder + "/hub/" + runningFile)
	if err != nil || strings.Contains(string(note)+string(text), "canary") {
		t.Errorf("the secret is in the server's note or its metrics, %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := h.StopStreams(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	all, err := h.LogStreams(t.Context(), "t_here")
	if err != nil || len(all) != 1 || all[0].StoppedAt == 0 {
		t.Errorf("a stopped server holds its stream: %+v, %v", all, err)
	}
	if slices.ContainsFunc(c.Records(), func(r streamtest.Record) bool { return strings.Contains(r.Body, "canary") }) {
		t.Error("the secret was sent")
	}
}
