package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/totp"
)

// TestDemoSent: what a demo would have sent is told to who asks on its machine.
func TestDemoSent(t *testing.T) {
	data := t.TempDir()
	does(t, data, []string{"demo", "sent"})
	m := hub.Message{To: "ann@mail.example", Sender: "Riverside", Text: "123456 is your code."}
	if err := demoMessages(host.Folder(data)).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	does(t, data, []string{"demo", "sent"}, "to ann@mail.example\n  123456 is your code.\n")
}

// TestDemoPrintsWhatCanBeRun: what the demo prints to be run is this program,
// called as it was, with the same data.
func TestDemoPrintsWhatCanBeRun(t *testing.T) {
	data := t.TempDir()
	d := &demonstration{SignIns: []demoSignIn{{Login: "dana.ortiz", App: totp.Text(totp.NewSecret())}}}
	for folder, program := range map[string]string{kong.ExpandPath("data"): os.Args[0], data: os.Args[0] + " --data '" + data + "'"} {
		var out bytes.Buffer
		d.print(streams{&out, &out}, (&commands{Data: folder}).again())
		for _, command := range []string{"demo code dana.ortiz\n", "demo sent\n"} {
			if !strings.Contains(out.String(), " "+program+" "+command) {
				t.Errorf("no %s %s in\n%s", program, command, out.String())
			}
		}
	}
}
