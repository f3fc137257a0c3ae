package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/messenger"
	"github.com/sotto-health/sotto/internal/totp"
)

type demoCommand struct {
	Code demoCodeCommand `cmd:"" help:"Print the code that a demo person's authenticator app would show now."`
	Sent demoSentCommand `cmd:"" help:"Print the messages that the demo would have sent to patients, newest first."`
}

type demoCodeCommand struct {
	Login string `arg:"" help:"What the person signs in as."`
}

// Run prints a code. It reads the demo's file and nothing of a real practice.
func (c demoCodeCommand) Run(_ context.Context, cli *commands, s streams) error {
	d, err := readDemo(host.Folder(cli.Data))
	if err != nil {
		return err
	}
	for _, in := range d.SignIns {
		if in.Login == c.Login {
			code, left, err := in.code(time.Now())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.out, "%s (for %d more seconds)\n", code, left)
			return err
		}
	}
	return errors.New("the demo knows nobody of that name: check --data")
}

type demoSentCommand struct{}

// Run prints what a demo's sender has kept.
func (demoSentCommand) Run(_ context.Context, cli *commands, s streams) error {
	sent, err := demoMessages(host.Folder(cli.Data)).Sent()
	if err != nil {
		return err
	}
	if len(sent) == 0 {
		fmt.Fprintln(s.err, "None yet.")
	}
	for _, m := range sent {
		if _, err := fmt.Fprintf(s.out, "%s to %s\n  %s\n", m.At.Local().Format(time.TimeOnly), m.To, m.Text); err != nil {
			return err
		}
	}
	return nil
}

// code is what the person's app shows, and for how many seconds more.
func (in demoSignIn) code(now time.Time) (code string, left int, err error) {
	secret, err := totp.ParseText(in.App)
	if err != nil {
		return "", 0, errors.New("demo.json is damaged")
	}
	return totp.Code(secret, totp.Step(now)), 30 - int(now.Unix()%30), nil
}

var signInPage = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Sign-ins of the demo</title>
<link rel="stylesheet" href="/sign-ins.css"></head>
<body><main><h1>Sign-ins of the demo</h1>
<p>Every person is made up. In a real practice the code is on the person’s own phone, or they use a passkey.</p>
<table><thead><tr><th scope="col">Person</th><th scope="col">Sign-in name</th><th scope="col">Password</th><th scope="col">Code, works once</th></tr></thead>
<tbody>{{range .Staff}}<tr><th scope="row">{{.Name}}<br><small>{{.Title}}</small></th><td><code>{{.Login}}</code></td><td><code>{{.Password}}</code></td>
<td><code class="code">{{.Code}}</code> <small>{{.Left}} s</small></td></tr>{{end}}</tbody></table>
<p><a href="/sign-ins">Show the newest codes</a></p>
<h2>Patients on file</h2>
<p>Start a chat as one of them, and tell the clinic who you are: by date of birth, and the PIN or the phone number.</p>
<table id="patients"><thead><tr><th scope="col">Patient</th><th scope="col">Born</th><th scope="col">Phone</th><th scope="col">PIN</th></tr></thead>
<tbody>{{range .Patients}}<tr><th scope="row">{{.Name}}</th><td>{{.Born}}</td><td>{{.Phone}}</td><td><code>{{.PIN}}</code></td></tr>{{end}}</tbody></table>
<h2>Messages sent</h2>
<p>A demo sends nothing. What it would have sent, newest first:</p>
<ul id="outbox">{{range .Sent}}<li><small>{{.At.Local.Format "15:04:05"}} to {{.To}}</small><br>{{.Text}}</li>{{else}}<li>None yet.</li>{{end}}</ul></main></body></html>
`))

const signInStyle = `:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 56rem; margin: 3rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin-block: 1.5rem; }
th, td { text-align: start; padding: 0.75rem 1rem 0.75rem 0; border-block-end: 1px solid color-mix(in srgb, currentColor 20%, transparent); vertical-align: top; }
thead th { font-size: 0.875rem; font-weight: 600; }
code { font: 1rem ui-monospace, monospace; }
.code { font-size: 1.375rem; font-weight: 700; letter-spacing: 0.08em; }
`

// serveSignIns shows what the demo's people carry in their heads and on their
// phones. It is served beside the sample clinic page, and only there.
func (d *demonstration) serveSignIns(w http.ResponseWriter, _ *http.Request) {
	type row struct {
		demoSignIn
		Code string
		Left int
	}
	var rows []row
	for _, in := range d.SignIns {
		code, left, err := in.code(time.Now())
		if err != nil {
			http.Error(w, "demo.json is damaged", http.StatusInternalServerError)
			return
		}
		rows = append(rows, row{in, code, left})
	}
	sent, err := d.sent.Sent()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var page bytes.Buffer
	err = signInPage.Execute(&page, struct {
		Staff    []row
		Patients []demoPatient
		Sent     []messenger.Sent
	}{rows, d.Patients, sent})
	if err != nil {
		http.Error(w, "the page cannot be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	_, _ = w.Write(page.Bytes())
}

func serveSignInStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write([]byte(signInStyle))
}
