package inventory

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/installation"
)

func facts() *installation.Facts {
	return &installation.Facts{
		Server: &installation.Server{
			Answers: true, Listen: "0.0.0.0:80", Metrics: "0.0.0.0:9480",
			AuditArchive: &installation.AuditFolder{Folder: "/mnt/worm/log", Bytes: 5 << 30}, AuditCheckpoints: &installation.AuditFolder{Folder: "/data/heads", Beside: true},
		},
		Database: installation.Database{Engine: installation.PostgreSQL, Remote: true, LogBytes: 7 << 30},
		Backup:   installation.Backup{Folder: "/b", Whole: 3},
		Keys:     []installation.Key{{Path: "hub/factors.key"}, {Path: "keeper/oak/keys/archive.key"}, {Path: "keeper/elm/keys/archive.key"}},
		Practices: []installation.Practice{{
			Slug: "oak", Name: `Oak & "Elm" <Clinic>`, Keeper: true, Origins: []string{"https://www.clinic.example"},
			People: []installation.Person{{Devices: 2}, {Devices: 5, Disabled: true}},
		}},
	}
}

func asset(i *api.Inventory, id string) *api.Asset {
	if n := slices.IndexFunc(i.Assets, func(a api.Asset) bool { return a.ID == id }); n >= 0 {
		return &i.Assets[n]
	}
	return nil
}

// TestInventory: what is set up is there, what is not is not, and what is
// another practice's neither.
func TestInventory(t *testing.T) {
	f := facts()
	i := Of(f, &f.Practices[0])
	for _, id := range []string{"hub", "database", "keeper", "archive", "backups", "metrics", "page-1", "audit-archive", "audit-checkpoints", "roster", "contact-codes", "disclosures", "key:hub/factors.key", "key:keeper/oak/keys/archive.key"} {
		if asset(i, id) == nil {
			t.Errorf("no %s", id)
		}
	}
	if asset(i, "key:keeper/elm/keys/archive.key") != nil {
		t.Error("another practice's key is there")
	}
	if a := asset(i, "staff-devices"); a.Count != 2 {
		t.Errorf("%d devices of staff", a.Count)
	}
	for id, zone := range map[string]string{"audit-archive": elsewhere, "audit-checkpoints": hub} {
		if a := asset(i, id); a == nil || a.Zone != zone {
			t.Errorf("%s is %+v, want it in %q", id, a, zone)
		}
		if !slices.ContainsFunc(i.Flows, func(f api.Flow) bool { return f.From == "hub" && f.To == id && f.Open == (zone == hub) }) {
			t.Errorf("nothing flows to %s, or is open where it is not", id)
		}
	}
	if log, archive := asset(i, "audit-log"), asset(i, "audit-archive"); log == nil || log.Bytes != 7<<30 || log.Zone != elsewhere || archive.Bytes != 5<<30 {
		t.Errorf("the log is %+v, its archive %+v", log, archive)
	}
	open := 0
	for _, flow := range i.Flows {
		if asset(i, flow.From) == nil || asset(i, flow.To) == nil {
			t.Errorf("%+v goes nowhere", flow)
		}
		if flow.Open {
			open++
		}
	}
	if open != 9 { // both kinds of browser, the metrics, the database with the log and three more in it, heads of the log beside it
		t.Errorf("%d flows are open, want 9", open)
	}
	for id, holds := range map[string]string{"roster": "birth dates", "contact-codes": "telephone numbers", "disclosures": "recipients"} {
		if a := asset(i, id); a.Zone != elsewhere || !strings.Contains(a.Holds, holds) {
			t.Errorf("%s is %+v", id, a)
		}
	}

	ways := func() (known bool) {
		i := Of(f, &f.Practices[0])
		unknown := asset(i, "settings")
		for _, flow := range i.Flows {
			if flow.From == "patient-devices" && flow.To == "hub" {
				known = !strings.Contains(flow.Guarded, "not known")
			}
		}
		if known == (unknown != nil) {
			t.Errorf("the way is known %v, and %+v", known, unknown)
		}
		return known
	}
	if !ways() {
		t.Error("a server that answers is not known")
	}
	if f.Server.Answers = false; ways() {
		t.Error("how a server that does not answer is reached is taken for known")
	}
	if f.Server = nil; ways() {
		t.Error("how no server is reached is taken for known")
	}

	f = &installation.Facts{Database: installation.Database{Engine: installation.SQLite}, Practices: []installation.Practice{{Slug: "oak"}}}
	i = Of(f, &f.Practices[0])
	for _, id := range []string{"keeper", "archive", "backups", "metrics", "page-1", "messenger:email", "messenger:sms", "provider", "directory-1", "witness-1", "audit-archive", "audit-checkpoints"} {
		if asset(i, id) != nil {
			t.Errorf("%s is there", id)
		}
	}
}

// TestServicesOfOthers: mail and text gateways, an identity provider and
// witnesses are assets with flows if they are set up, in the picture too; that
// nothing is known of them is said.
func TestServicesOfOthers(t *testing.T) {
	f := facts()
	f.Server.Answers, f.Server.Messengers = true, []installation.Messenger{}
	before := Of(f, &f.Practices[0])
	f.Server.Messengers = []installation.Messenger{{Channel: "email", Host: "mail.clinic.example"}, {Channel: "sms", Host: "127.0.0.1"}}
	f.Practices[0].Provider = &installation.Provider{Host: "login.clinic.example"}
	f.Practices[0].Directories = []installation.Token{{Name: "Entra ID", ExpiresAt: time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)}}
	f.Practices[0].Monitors = []installation.Token{{Name: "Quarry audits", ExpiresAt: time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)}}
	f.Practices[0].Portal = []string{"portal.clinic.example", "fhir.clinic.example"}
	f.Practices[0].Witnesses = []installation.Witness{{Name: "witness.example/sotto"}}
	f.Practices[0].Streams = []installation.Stream{{Name: "syslog", Target: "tls://siem.clinic.example:6514"}, {Name: "otlp", Target: "http://127.0.0.1:4318/v1/logs"}}
	i := Of(f, &f.Practices[0])
	var b bytes.Buffer
	if err := WriteSVG(&b, i); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]struct{ name, zone string }{
		"messenger:email": {"Mail: mail.clinic.example", elsewhere}, "messenger:sms": {"Text messages: 127.0.0.1", hub},
		"provider": {"Staff sign-in: login.clinic.example", elsewhere}, "portal-1": {"Patient portal: portal.clinic.example", elsewhere}, "portal-2": {"Patient portal: fhir.clinic.example", elsewhere},
		"monitor-1":           {"Monitor of the audit log: Quarry audits", elsewhere},
		"directory-1":         {"Staff directory: Entra ID", elsewhere},
		"witness-1":           {"Witness: witness.example/sotto", elsewhere},
		"audit-stream:syslog": {"Audit log to a SIEM: siem.clinic.example", elsewhere}, "audit-stream:otlp": {"Audit log to a SIEM: 127.0.0.1", hub},
	} {
		if asset(before, id) != nil {
			t.Errorf("%s is there before it is set up", id)
		}
		if a := asset(i, id); a == nil || a.Name != want.name || a.Zone != want.zone {
			t.Errorf("%s is %+v", id, a)
		}
		if !strings.Contains(b.String(), want.name) {
			t.Errorf("the picture has no %q", want.name)
		}
		if !slices.ContainsFunc(i.Flows, func(flow api.Flow) bool {
			if id == "directory-1" { // it writes here, as openly as the hub is called
				return flow.From == id && flow.To == "hub" && flow.Carries == "people, roles" && flow.Open
			}
			return flow.From == "hub" && flow.To == id
		}) {
			t.Errorf("nothing flows to %s", id)
		}
	}
	for _, flow := range i.Flows {
		if asset(i, flow.From) == nil || asset(i, flow.To) == nil {
			t.Errorf("%+v goes nowhere", flow)
		}
		if strings.HasPrefix(flow.From, "messenger:") && !flow.Open {
			t.Errorf("%+v counts as guarded", flow)
		}
	}
	if asset(i, "messengers") != nil {
		t.Error("what is known is not known")
	}
	f.Server.Answers = false
	if i = Of(f, &f.Practices[0]); asset(i, "messengers") == nil || asset(i, "messenger:email") == nil {
		t.Error("a server that does not answer is believed to send by nothing else, or by nothing")
	}
}

// TestLogsHoldAccounts: wherever the audit log goes, it is said that the accounts
// of operators are in it, as they are (audit.Account).
func TestLogsHoldAccounts(t *testing.T) {
	f := facts()
	f.Practices[0].Streams = []installation.Stream{{Name: "syslog", Target: "tls://siem.clinic.example:6514"}}
	n := 0
	for _, a := range Of(f, &f.Practices[0]).Assets {
		if strings.Contains(a.Holds, "who of our ids did what") {
			if n++; !strings.Contains(a.Holds, "accounts and machines of who ran commands") {
				t.Errorf("%s holds %q", a.ID, a.Holds)
			}
		}
	}
	if n != 3 {
		t.Errorf("%d copies of the audit log, want 3", n)
	}
}

// TestPicture: it is whole XML, whatever names hold, and says in words what it
// shows.
func TestPicture(t *testing.T) {
	f := facts()
	var b bytes.Buffer
	if err := WriteSVG(&b, Of(f, &f.Practices[0])); err != nil {
		t.Fatal(err)
	}
	text := ""
	for d := xml.NewDecoder(bytes.NewReader(b.Bytes())); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if c, ok := token.(xml.CharData); ok {
			text += string(c) + "\n"
		}
	}
	for _, want := range []string{`Where data flows at Oak & "Elm" <Clinic>`, "Record keeper to Record: the record; sealed.", "Hub's database (PostgreSQL)"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
}
