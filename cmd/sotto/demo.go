package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/demo"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/messenger"
	"github.com/sotto-health/sotto/internal/practice"
	"github.com/sotto-health/sotto/internal/proofing"
	"github.com/sotto-health/sotto/internal/roster"
	"github.com/sotto-health/sotto/internal/totp"
	"github.com/sotto-health/sotto/internal/vault"
	"github.com/sotto-health/sotto/web"
)

// A demonstration is the demo practice as it is served: demo.json in the data
// folder holds the same, so that a demo started again has the same sign-ins.
type demonstration struct {
	Chat    string       `json:"chat"`
	Staff   string       `json:"staff"`
	Admin   string       `json:"admin"`
	Clinic  string       `json:"clinic"`
	Pin     string       `json:"authority"`
	SignIns []demoSignIn `json:"sign_ins"`
	// Patients are on file, each with a PIN.
	Patients []demoPatient `json:"patients"`

	sent *messenger.File

	listen   string
	chatBase string
}

// A demoPatient is somebody of the demo practice's roster.
type demoPatient struct {
	Name  string `json:"name"`
	Born  string `json:"born"`
	Phone string `json:"phone"`
	PIN   string `json:"pin"`
}

type demoSignIn struct {
	Login    string `json:"login"`
	Name     string `json:"name"`
	Title    string `json:"title"`
	Password string `json:"password"`
	App      string `json:"app"` // secret of an authenticator app, as it is typed
}

func demoFile(folder host.Folder) string { return filepath.Join(string(folder), "demo.json") }

// demoMessages keeps what the demo would have sent. No backup copies the file:
// its name does not end as the files of settings do.
func demoMessages(folder host.Folder) *messenger.File {
	return messenger.NewFile(filepath.Join(string(folder), "demo-messages"))
}

// prepareDemo makes the demo practice, or finds the one that is there.
func prepareDemo(ctx context.Context, h *host.OpenHub, folder host.Folder, c serveCommand, sender *messenger.File) (*demonstration, error) {
	file, err := practice.Parse(demo.PracticeFile)
	if err != nil {
		return nil, err
	}
	chat, clinic := localAddress(c.Listen), localAddress(c.ClinicListen)
	file.EmbedOrigins = []string{clinic}
	var meant []string
	err = applyPractice(ctx, h, folder, file, meant, io.Discard)
	var weaker *host.WeakenError
	if errors.As(err, &weaker) { // the demo follows its file, whatever it was before
		meant = weaker.IDs()
		err = applyPractice(ctx, h, folder, file, meant, io.Discard)
	}
	if errors.Is(err, host.ErrFormChanged) { // but for its form, which patients agreed to
		file.Consent = practice.Consent{}
		err = applyPractice(ctx, h, folder, file, meant, io.Discard)
	}
	if err != nil {
		return nil, err
	}
	v, err := vault.Open(keeperFolder(folder, file.Slug))
	if err != nil {
		return nil, err
	}
	d, err := readDemo(folder)
	if err != nil {
		return nil, err
	}
	d.Chat, d.Staff, d.Clinic = chat+"/c/"+file.Slug, chat+"/staff/?practice="+file.Slug, clinic+"/"
	d.Admin = chat + "/admin/?practice=" + file.Slug
	d.Pin, d.listen, d.chatBase = pin(v.Authority.Public()), c.ClinicListen, chat
	if len(d.SignIns) == 0 || d.SignIns[0].App == "" { // none yet, or of before there were two factors
		if d.SignIns, err = demoSignIns(ctx, h, v.Practice, file.Staff); err != nil {
			return nil, err
		}
	}
	d.sent = sender
	if len(d.Patients) == 0 {
		if d.Patients, err = demoPatients(ctx, h, v.Practice); err != nil {
			return nil, err
		}
	}
	b, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, err
	}
	return d, durable.WriteFile(demoFile(folder), append(b, '\n'), 0o600)
}

func readDemo(folder host.Folder) (*demonstration, error) {
	d := new(demonstration)
	b, err := os.ReadFile(demoFile(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	} else if err != nil {
		return nil, err
	}
	return d, json.Unmarshal(b, d)
}

// demoSignIns gives each staff person a random password and the secret of an
// authenticator app: two factors, as everybody has.
func demoSignIns(ctx context.Context, h *host.OpenHub, practiceID string, staff []practice.Staff) ([]demoSignIn, error) {
	people, err := h.Staff(ctx, practiceID)
	if err != nil {
		return nil, err
	}
	byLogin := make(map[string]hub.Person)
	for _, p := range people {
		byLogin[p.Login] = p
	}
	var all []demoSignIn
	for _, s := range staff {
		password, secret := demoPassword(), totp.NewSecret()
		if err := h.EnrolApp(ctx, practiceID, byLogin[s.Login].ID, password, secret); err != nil {
			return nil, err
		}
		all = append(all, demoSignIn{s.Login, s.Name, s.Title, password, totp.Text(secret)})
	}
	return all, nil
}

// demoPatients puts the demo's patients on file and gives each a PIN.
func demoPatients(ctx context.Context, h *host.OpenHub, practiceID string) ([]demoPatient, error) {
	entries, err := roster.ParseCSV(bytes.NewReader(demo.Roster), time.Now())
	if err != nil {
		return nil, err
	}
	if err := h.ImportRoster(ctx, practiceID, entries); err != nil {
		return nil, err
	}
	var all []demoPatient
	for _, e := range entries {
		pin := proofing.NewCode()
		if err := h.IssuePIN(ctx, practiceID, e.Number, pin); err != nil {
			return nil, err
		}
		all = append(all, demoPatient{e.Name, e.Born, e.Phone, pin})
	}
	return all, nil
}

// demoPassword returns 80 random bits in four groups that can be typed.
func demoPassword() string {
	text := strings.ToLower(rand.Text())[:16]
	return text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
}

// localAddress is how a browser on this machine reaches what listens there.
func localAddress(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "http://" + listen
	}
	if host == "" || host == "127.0.0.1" || host == "0.0.0.0" || host == "::" || host == "[::1]" {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// print says where everything is. program is how this one is called again.
func (d *demonstration) print(s streams, program string) {
	fmt.Fprintf(s.out, `
Riverside Family Clinic is open (a demo: every person is invented).

  the clinic's web page      %s
  the chat as a full page    %s
  the staff console          %s
  people, roles and settings %s

`, d.Clinic, d.Chat, d.Staff, d.Admin)
	for _, in := range d.SignIns {
		fmt.Fprintf(s.out, "  %-14s %s   %s, %s\n", in.Login, in.Password, in.Name, in.Title)
	}
	fmt.Fprintf(s.out, `
Everybody signs in with two factors. The code that goes with a password is new every 30 seconds and works once:

  %s
  %s demo code dana.ortiz

The codes that patients are sent are there too, or: %[2]s demo sent
`, d.Clinic+"sign-ins", program)
	fmt.Fprintf(s.out, "\nStop with Ctrl-C.\n\n")
}

// serveClinic serves the sample page of the clinic on its own origin, so that
// the chat in it is as cross-origin as it will be.
func (d *demonstration) serveClinic(ctx context.Context) error {
	clinic, err := fs.Sub(web.Clinic, "src/clinic")
	if err != nil {
		return err
	}
	page, err := fs.ReadFile(clinic, "index.html")
	if err != nil {
		return err
	}
	// The page is written for the default address and pins nothing.
	page = bytes.ReplaceAll(page, []byte("http://localhost:8480"), []byte(d.chatBase))
	const attribute = `data-practice="riverside"`
	page = bytes.ReplaceAll(page, []byte(attribute), []byte(attribute+` data-authority="`+d.Pin+`"`))
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(clinic))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; script-src "+d.chatBase+"; style-src 'self'; img-src 'self'; frame-src "+d.chatBase+"; base-uri 'none'; form-action 'none'")
		_, _ = w.Write(page)
	})
	mux.HandleFunc("GET /sign-ins", d.serveSignIns)
	mux.HandleFunc("GET /sign-ins.css", serveSignInStyle)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", d.listen)
	if err != nil {
		return fmt.Errorf("listen for the clinic's page: %w", err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
