// Package inventory lists what an installation consists of and where data flows
// (45 CFR 164.308(a)(1)(ii)(A); the proposed rule's inventory and network map),
// as a list and as a picture. It is made from facts of the live configuration:
// what is not set up is not in it, and what could not be looked at is said to be
// not known.
//
// It knows what the installation knows. Proxies, phones and people's habits are
// for the practice to add.
package inventory

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/installation"
)

// Zones, in the order in which data goes through them.
const (
	patients  = "patients"
	staff     = "staff"
	hub       = "hub"
	keeper    = "keeper"
	elsewhere = "elsewhere"
)

func zones() []string { return []string{patients, staff, hub, keeper, elsewhere} }

// logHolds is what an audit log holds, wherever a copy of it is. An operator's
// account often says who it is (audit.Account).
const logHolds = "who of our ids did what about which patient's id, when and from where; no content, and of names only the accounts and machines of who ran commands"

// Of makes the inventory of one practice.
func Of(f *installation.Facts, p *installation.Practice) *api.Inventory {
	i := &api.Inventory{At: f.At.UnixMilli(), Practice: p.Name, Version: f.Build.Version, Assets: []api.Asset{}, Flows: []api.Flow{}}
	add := func(a api.Asset) { i.Assets = append(i.Assets, a) }
	flow := func(from, to, carries, guarded string, open bool) {
		i.Flows = append(i.Flows, api.Flow{From: from, To: to, Carries: carries, Guarded: guarded, Open: open})
	}
	slug := ":" + p.Slug

	add(api.Asset{ID: "patient-devices", Kind: "device", Zone: patients, Name: "Patients' browsers", Holds: "their own chats", Guarded: "keys that the browser keeps; erased on devices of others", Weight: "medium"})
	working, devices := 0, 0
	for _, person := range p.People {
		if !person.Disabled {
			working++
			devices += person.Devices
		}
	}
	add(api.Asset{ID: "staff-devices", Kind: "device", Zone: staff, Name: "Staff browsers", Holds: "chats they take part in", Guarded: fmt.Sprintf("two factors; locks after %d minutes", p.IdleStaff), Weight: "high", Count: devices, CheckedBy: "two-factors" + slug})
	add(api.Asset{ID: "staff", Kind: "people", Zone: staff, Name: "Staff accounts", Holds: "access", Guarded: "roles of docs/policy.md", Weight: "high", Count: working, CheckedBy: "unused-accounts" + slug})

	add(api.Asset{ID: "hub", Kind: "program", Zone: hub, Name: "Hub " + f.Build.Version, Holds: "who talks with whom and when; what is on file of patients; no content", Guarded: "cannot open a chat; opens the roster", Weight: "high", CheckedBy: "running"})
	database := api.Asset{ID: "database", Kind: "data", Zone: hub, Name: "Hub's database (SQLite)", Holds: "sealed messages, accounts, consents, this inventory's looks", Guarded: "AES-256-XTS", Weight: "high", CheckedBy: "database"}
	if f.Database.Engine == installation.PostgreSQL {
		database.Name, database.Guarded = "Hub's database (PostgreSQL)", "its server's disk"
		if f.Database.Remote {
			database.Zone = elsewhere
		}
	}
	add(database)
	add(api.Asset{ID: "audit-log", Kind: "data", Zone: database.Zone, Name: "Audit log", Holds: logHolds, Guarded: "with the database; a Merkle log with signed heads", Weight: "high", Bytes: f.Database.LogBytes, CheckedBy: "database"})
	flow("hub", "audit-log", "each act, in its own transaction", databaseWay(f), f.Database.Remote && !f.Database.Verified)
	add(api.Asset{ID: "attachments", Kind: "data", Zone: hub, Name: "Attachments", Holds: "sealed files", Guarded: "sealed by the sender's device", Weight: "medium", CheckedBy: "attachments"})
	aboutPatients(database.Zone, databaseWay(f), f.Database.Remote && !f.Database.Verified, add, flow)
	for _, k := range f.Keys {
		zone := hub
		if strings.HasPrefix(k.Path, "keeper/") {
			if !strings.HasPrefix(k.Path, "keeper/"+p.Slug+"/") {
				continue // another practice's
			}
			zone = keeper
		}
		add(api.Asset{ID: "key:" + k.Path, Kind: "key", Zone: zone, Name: k.Path, Holds: "nothing; it opens what does", Guarded: "file mode " + k.Mode, Weight: "high", Secret: true, CheckedBy: "keys"})
	}
	if p.Keeper {
		where := keeper
		add(api.Asset{ID: "keeper", Kind: "program", Zone: where, Name: "Record keeper", Holds: "what is said, as a member that everybody sees", Guarded: "outgoing connections alone", Weight: "high", CheckedBy: "keeper" + slug})
		add(api.Asset{ID: "archive", Kind: "data", Zone: where, Name: "Record", Holds: "all that was said", Guarded: "sealed under the archive key", Weight: "high", CheckedBy: "archive" + slug})
		flow("hub", "keeper", "sealed messages", "MLS; this machine or TLS", false)
		flow("keeper", "archive", "the record", "sealed", false)
	}
	if f.Backup.Folder != "" {
		add(api.Asset{ID: "backups", Kind: "data", Zone: elsewhere, Name: "Backups", Holds: "what was copied", Guarded: "for the practice to say", Weight: "high", Count: f.Backup.Whole, CheckedBy: "backup"})
		flow("database", "backups", "copies", "for the practice to say", f.Backup.Beside)
	}

	way, open := "TLS by a proxy in front, or this machine alone", false
	if f.Server == nil || !f.Server.Answers {
		add(api.Asset{ID: "settings", Kind: "link", Zone: hub, Name: "The server's settings: not known", Holds: "no server answers that says where it listens, gives metrics, and puts the audit log's heads and archive; what is here of these is as a server last had it", Guarded: "not known", Weight: "medium", CheckedBy: "running"})
		way = "not known: no server answers"
	}
	if s := f.Server; s != nil && s.Answers {
		switch {
		case s.TLS:
			way = "TLS 1.2 or 1.3"
		case !installation.Loopback(s.Listen):
			way, open = "none: plain HTTP", true
		}
	}
	if s := f.Server; s != nil {
		if s.Metrics != "" {
			add(api.Asset{ID: "metrics", Kind: "link", Zone: hub, Name: "Metrics on " + s.Metrics, Holds: "counts", Guarded: "by where it listens", Weight: "low", CheckedBy: "metrics"})
			flow("hub", "metrics", "counts and times", "none", !installation.Loopback(s.Metrics))
		}
		auditFolders(s, add, flow)
	}
	flow("patient-devices", "hub", "sealed messages", "MLS end to end; "+way, open)
	flow("staff-devices", "hub", "sealed messages, sign-ins", "MLS end to end; "+way, open)
	flow("staff", "staff-devices", "what they read and write", "two factors, locks", false)
	flow("hub", "database", "sealed messages, accounts", databaseWay(f), f.Database.Remote && !f.Database.Verified)
	flow("hub", "attachments", "sealed files", "sealed by the sender's device", false)
	services(f, p, way, open, add, flow)
	for n, o := range p.Origins {
		id := fmt.Sprintf("page-%d", n+1)
		add(api.Asset{ID: id, Kind: "link", Zone: elsewhere, Name: o, Holds: "nothing; it shows the chat in a frame", Guarded: "a frame of its own origin", Weight: "low"})
		flow(id, "patient-devices", "the frame's address", "no content reaches the page", false)
	}
	return i
}

// aboutPatients lists what the database has of patients that the hub can read, as
// it cannot read a chat. Way is how it is written there, and whether that is open.
func aboutPatients(zone, way string, open bool, add func(api.Asset), flow func(from, to, carries, guarded string, open bool)) {
	const ours = "by hub/patients.key, which the hub has: it can open them"
	add(api.Asset{ID: "roster", Kind: "data", Zone: zone, Name: "Patient roster", Holds: "names, birth dates, record numbers, mail addresses, telephone numbers and postcodes of the practice's patients", Guarded: "sealed " + ours, Weight: "high", CheckedBy: "database"})
	add(api.Asset{ID: "contact-codes", Kind: "data", Zone: zone, Name: "Contact codes", Holds: "mail addresses and telephone numbers to which codes and links were sent", Guarded: "contacts sealed " + ours + "; codes hashed", Weight: "medium", CheckedBy: "database"})
	add(api.Asset{ID: "disclosures", Kind: "data", Zone: zone, Name: "Accounting of disclosures", Holds: "of which patient what was told to whom and why: recipients' names and addresses", Guarded: "with the database; the hub can read it", Weight: "high", CheckedBy: "database"})
	flow("hub", "roster", "names, birth dates and contacts, sealed", way, open)
	flow("hub", "contact-codes", "contacts, sealed, and hashes of codes", way, open)
	flow("hub", "disclosures", "recipients and what they were told of", way, open)
}

// auditFolders lists where the audit log goes that the database holds. What lies
// beside the database is open to whoever could rewrite both.
func auditFolders(s *installation.Server, add func(api.Asset), flow func(from, to, carries, guarded string, open bool)) {
	zoneOf := func(f *installation.AuditFolder) string {
		if f.Beside {
			return hub
		}
		return elsewhere
	}
	if f := s.AuditArchive; f != nil {
		add(api.Asset{ID: "audit-archive", Kind: "data", Zone: zoneOf(f), Name: "Archive of the audit log", Holds: "the whole audit log in clear: " + logHolds, Guarded: "the folder's modes; whoever runs its disk; changes show against the signed heads", Weight: "high", Bytes: f.Bytes, CheckedBy: "audit-archive"})
		flow("hub", "audit-archive", "the audit log as it grows", "in clear, signed; a folder's way, for the practice to say", f.Beside)
	}
	if f := s.AuditCheckpoints; f != nil {
		add(api.Asset{ID: "audit-checkpoints", Kind: "data", Zone: zoneOf(f), Name: "Heads of the audit log", Holds: "size, hash and signature of the audit log; nothing of patients", Guarded: "signed by the hub", Weight: "low", CheckedBy: "audit-checkpoints"})
		flow("hub", "audit-checkpoints", "size, hash and signature of the audit log", "signed; a folder's way, for the practice to say", f.Beside)
	}
}

// services lists what others run for the practice, as far as it is set up. Way is
// how the hub is called, and whether that is open.
func services(f *installation.Facts, p *installation.Practice, way string, open bool, add func(api.Asset), flow func(from, to, carries, guarded string, open bool)) {
	messengers, known := f.Messengers()
	if !known {
		add(api.Asset{ID: "messengers", Kind: "link", Zone: elsewhere, Name: "Mail and text messages: not known", Holds: "no server answers that says what it sends by", Guarded: "not known", Weight: "medium", CheckedBy: "running"})
	}
	for _, m := range messengers {
		name, guarded, zone := map[string]string{"email": "Mail", "sms": "Text messages"}[m.Channel], "TLS", elsewhere
		if m.Local() {
			guarded, zone = "this machine alone", hub
		}
		id := "messenger:" + m.Channel
		add(api.Asset{ID: id, Kind: "link", Zone: zone, Name: cmp.Or(name, m.Channel) + ": " + cmp.Or(m.Host, "not told"), Holds: "patients' contacts, codes, links, the practice's name; no content", Guarded: "by an agreement with who runs it", Weight: "medium", CheckedBy: "links"})
		flow("hub", id, "contacts, codes and links", guarded, false)
		flow(id, "patient-devices", "codes and links, which work once", "not end to end; who carries them can read them", true)
	}
	if s := p.Provider; s != nil {
		holds := "who of the staff signs in and when; nothing of patients"
		add(api.Asset{ID: "provider", Kind: "link", Zone: elsewhere, Name: "Staff sign-in: " + s.Host, Holds: holds, Guarded: "by who runs it: who rules there signs in here", Weight: "high"})
		flow("staff-devices", "provider", "sign-ins of staff", "TLS", false)
		flow("hub", "provider", "one-time codes for who signed in", "TLS", false)
	}
	for n, d := range p.Directories {
		id := fmt.Sprintf("directory-%d", n+1)
		add(api.Asset{ID: id, Kind: "link", Zone: elsewhere, Name: "Staff directory: " + d.Name, Holds: "who works here and in which groups; nothing of patients", Guarded: "by who runs it: who rules there says who works here; a token until " + d.ExpiresAt.Format(time.DateOnly), Weight: "high"})
		flow(id, "hub", "people, roles", way, open)
	}
	for n, m := range p.Monitors {
		id := fmt.Sprintf("monitor-%d", n+1)
		add(api.Asset{ID: id, Kind: "link", Zone: elsewhere, Name: "Monitor of the audit log: " + m.Name, Holds: "size, hash and signature of the audit log; nothing of patients", Guarded: "by who runs it; a token until " + m.ExpiresAt.Format(time.DateOnly), Weight: "low"})
		flow("hub", id, "size, hash and signature of the audit log", "signed; "+way, open)
	}
	for n, host := range p.Portal {
		id := fmt.Sprintf("portal-%d", n+1)
		add(api.Asset{ID: id, Kind: "link", Zone: elsewhere, Name: "Patient portal: " + host, Holds: "which patients sign in for the chat and when; no content", Guarded: "by who runs it: it says who a patient is", Weight: "high"})
		flow("patient-devices", id, "sign-ins of patients", "TLS", false)
		flow("hub", id, "one-time codes for who signed in, and their record numbers back", "TLS", false)
	}
	for i := range p.Streams {
		r := &p.Streams[i]
		id, guarded, zone := "audit-stream:"+r.Name, "TLS", elsewhere
		if r.Local() {
			zone = hub
		}
		if !r.TLS() {
			guarded = "this machine alone"
		}
		add(api.Asset{ID: id, Kind: "link", Zone: zone, Name: "Audit log to a SIEM: " + r.Host(), Holds: "the audit log: " + logHolds, Guarded: "by an agreement with who runs it", Weight: "medium", CheckedBy: "audit-stream:" + p.Slug})
		flow("hub", id, "the audit log as it grows", guarded, false)
	}
	for n, w := range p.Witnesses {
		id := fmt.Sprintf("witness-%d", n+1)
		add(api.Asset{ID: id, Kind: "link", Zone: elsewhere, Name: "Witness: " + w.Name, Holds: "size and hash of the audit log; nothing of patients", Guarded: "by who runs it", Weight: "low", CheckedBy: "audit-witness:" + p.Slug})
		flow("hub", id, "size and hash of the audit log", "signed; TLS or this machine alone", false)
	}
}

func databaseWay(f *installation.Facts) string {
	switch {
	case f.Database.Engine == installation.SQLite:
		return "a file of this machine"
	case !f.Database.Remote:
		return "this machine alone"
	case f.Database.Verified:
		return "TLS, verified"
	}
	return "not verified"
}
