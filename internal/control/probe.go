package control

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/doctor"
	"github.com/sotto-health/sotto/internal/installation"
	suites "github.com/sotto-health/sotto/mls/suite"
)

// probes are all queries, by name.
func probes() map[string]Probe {
	return map[string]Probe{
		"roles": roles, "unique-people": uniquePeople, "official": official, "administrators": administrators, "unused-accounts": unusedAccounts, "emergencies": emergencies, "access-reviews": accessReviews, "activity-reviews": activityReviews,
		"two-factors": twoFactors, "passkeys": passkeys, "devices-certified": devicesCertified, "sign-ins": signIns, "keeper": keeper,
		"idle-limit": idleLimit, "networks": networks, "queues": queues, "proofing": proofingAsked, "consent-form": consentForm, "suite": suite,
		"database-encrypted": databaseEncrypted, "database-link": databaseLink, "keys-guarded": keysGuarded, "keys-apart": keysApart,
		"tls": tlsInUse, "archive-verified": archiveVerified, "backup": backup, "backup-trial": backupTrial, "backup-apart": backupApart,
		"doctor": doctorFinds, "release": release, "inventory": inventoryMade, "stands-alone": standsAlone, "quiet-notices": quietNotices,
		"outside-services": outsideServices,
		"audit-log":        auditLog, "audit-stream": auditStream, "log-kept": logKept, "facility": facility, "no-deidentification": noDeidentification,
		"clearinghouse":     notApplicable("The product has no clearinghouse functions. If the practice is a clearinghouse, this control is its own."),
		"group-health-plan": notApplicable("The practice is a provider. If it sponsors a group health plan, this control is its own."),
	}
}

func notApplicable(says string) Probe {
	return func(*Subject) api.ControlFinding {
		return api.ControlFinding{State: api.ControlNotApplicable, Says: says}
	}
}

// working are the people who are not disabled.
func (s *Subject) working() []installation.Person {
	return slices.DeleteFunc(slices.Clone(s.Practice.People), func(p installation.Person) bool { return p.Disabled })
}

func (s *Subject) count(is func(*installation.Person) bool) int {
	n := 0
	for _, p := range s.working() {
		if is(&p) {
			n++
		}
	}
	return n
}

func roles(s *Subject) api.ControlFinding {
	without := s.count(func(p *installation.Person) bool { return p.Access == "" })
	if without > 0 {
		return short("Give each a role, or disable them.", "%d people have no role that the rules know.", without)
	}
	return met("%d people have one role each, by which the rules decide.", len(s.working()))
}

func uniquePeople(s *Subject) api.ControlFinding {
	seen := map[string]bool{}
	for _, p := range s.Practice.People {
		if p.ID == "" || seen[p.ID] {
			return short("Tell the project: this cannot be.", "Two people share one id.")
		}
		seen[p.ID] = true
	}
	return met("%d people, disabled ones too, each have an id of their own.", len(seen))
}

func official(s *Subject) api.ControlFinding {
	n := s.count(func(p *installation.Person) bool { return p.Access == "compliance" && p.CanSignIn() })
	if n == 0 {
		return decide("Give somebody the role compliance.", "Nobody who can sign in has the role compliance.")
	}
	return met("%d people with the role compliance can sign in.", n)
}

func administrators(s *Subject) api.ControlFinding {
	n := s.count(func(p *installation.Person) bool { return p.Access == "administrator" && p.CanSignIn() })
	switch n {
	case 0:
		return decide("Give somebody the role administrator.", "Nobody who can sign in has the role administrator: people are run by the command line alone.")
	case 1:
		return decide("Give the role to a second person.", "One person alone is administrator.")
	}
	return met("%d administrators can sign in.", n)
}

func emergencies(s *Subject) api.ControlFinding {
	reviewers := s.count(func(p *installation.Person) bool {
		return (p.Access == "supervisor" || p.Access == "compliance") && p.CanSignIn()
	})
	switch {
	case s.Practice.EmergenciesDue > 0:
		return short("Open Emergency access in the administrators' page and review each.", "%d emergency accesses should have been reviewed by now.", s.Practice.EmergenciesDue)
	case reviewers == 0:
		return decide("Give somebody the role supervisor or compliance.", "Nobody who can sign in reviews emergency accesses.")
	}
	return met("%d people review emergency accesses; %d wait for it, none for longer than three days.", reviewers, s.Practice.Emergencies)
}

func accessReviews(s *Subject) api.ControlFinding {
	if n := s.Practice.AccessLate; n > 0 {
		return short("Open Reviews in the administrators' page, and keep, change or disable each.", "What %d people may do was not confirmed for more than %d days.", n, s.Practice.AccessDays)
	}
	return met("What each of %d people may do was confirmed or given in the last %d days, or since reviews began here.", len(s.working()), s.Practice.AccessDays)
}

func activityReviews(s *Subject) api.ControlFinding {
	p := s.Practice
	reviewers := s.count(func(p *installation.Person) bool {
		return (p.Access == "auditor" || p.Access == "compliance") && p.CanSignIn()
	})
	switch {
	case p.ActivityGaps > 0:
		return short("Open Reviews in the administrators' page, look at each period, and sign it off.", "%d periods of the log were not signed off within two weeks.", p.ActivityGaps)
	case reviewers == 0:
		return decide("Give somebody the role auditor or compliance.", "Nobody who can sign in signs off that the log was looked at.")
	case p.ActivitySigned == 0:
		return decide("Sign off the first period once it is over, on the page Reviews.", "No period of the log was signed off yet.")
	}
	return met("%d periods of the log were looked at and signed off; %d wait, none for longer than two weeks.", p.ActivitySigned, p.ActivityWaits)
}

const unusedAfter = 90 * 24 * time.Hour

func unusedAccounts(s *Subject) api.ControlFinding {
	n := s.count(func(p *installation.Person) bool {
		last := p.LastSignIn
		if last.IsZero() {
			last = p.CreatedAt
		}
		return s.Facts.At.Sub(last) > unusedAfter
	})
	if n > 0 {
		return decide("Ask whether they still work here, and disable who does not.", "%d accounts were not used for 90 days.", n)
	}
	return met("Every account was used, or made, in the last 90 days.")
}

func twoFactors(s *Subject) api.ControlFinding {
	can := s.count((*installation.Person).CanSignIn)
	two := s.count(func(p *installation.Person) bool { return p.CanSignIn() && p.TwoFactors() })
	if two < can {
		return short("sotto staff link for each of them.", "%d of %d people who can sign in have two factors.", two, can)
	}
	if can == 0 {
		return decide("Hand out the set-up links.", "Nobody has set up a sign-in yet.")
	}
	return met("All %d people who can sign in have two factors.", can)
}

func passkeys(s *Subject) api.ControlFinding {
	can := s.count((*installation.Person).CanSignIn)
	have := s.count(func(p *installation.Person) bool { return p.CanSignIn() && p.Passkeys > 0 })
	if can == 0 {
		return decide("Hand out the set-up links.", "Nobody has set up a sign-in yet.")
	}
	if have < can {
		return decide("Ask them to add a passkey in their settings.", "%d of %d people have a passkey; the others' factors can be phished.", have, can)
	}
	return met("%d of %d people have a passkey, which resists phishing.", have, can)
}

func devicesCertified(s *Subject) api.ControlFinding {
	if !s.Practice.Keeper {
		return short("sotto practice apply", "No keeper is enrolled, which alone confirms devices.")
	}
	if n := s.Practice.Uncertified; n > 0 {
		return decide("See whether the record keeper runs.", "%d devices wait for the practice's certificate.", n)
	}
	return met("Every device that can read has the practice's certificate.")
}

func signIns(s *Subject) api.ControlFinding {
	n := s.count(func(p *installation.Person) bool { return !p.LastSignIn.IsZero() })
	if n == 0 {
		return decide("Look again once people work with it.", "No sign-in is kept yet.")
	}
	return met("The sign-ins of %d people are kept for 180 days and shown to them.", n)
}

func keeper(s *Subject) api.ControlFinding {
	if !s.Practice.Keeper {
		return short("sotto practice apply", "No record keeper is enrolled: nobody is let in, and nothing is archived.")
	}
	return met("The record keeper, who alone lets members in, is enrolled.")
}

func idleLimit(s *Subject) api.ControlFinding {
	staff, patient := s.Practice.IdleStaff, s.Practice.IdlePatient
	if staff > 15 || patient > 15 {
		return decide("Set idle_minutes to 15 or less, or write down why not.", "Screens lock after %d minutes for staff and %d for patients.", staff, patient)
	}
	return met("Screens lock after %d minutes for staff and %d for patients.", staff, patient)
}

func networks(s *Subject) api.ControlFinding {
	if !s.Practice.Networks {
		return decide("Set access.networks, or write down that staff work from anywhere.", "Staff may sign in from any network.")
	}
	return met("Staff sign in from the practice's networks alone.")
}

func queues(s *Subject) api.ControlFinding {
	p := s.Practice
	everywhere := s.count(func(p *installation.Person) bool { return p.AllQueues })
	switch {
	case p.Queues == 0:
		return short("Add one to the practice file and apply it.", "There is no queue: chats are nobody's.")
	case p.EmptyQueues > 0:
		return short("Give each queue people, or take it out of the practice file.", "On %d of %d queues nobody works who can sign in.", p.EmptyQueues, p.Queues)
	case p.Queues > 1 && everywhere > 0:
		return decide("Put them into departments, or give them queues; or write down why they need all.", "%d people see the chats of all %d queues.", everywhere, p.Queues)
	case p.Queues == 1:
		return met("Chats wait in one queue, and who works on it sees them.")
	}
	return met("Chats wait in %d queues, and all staff see those of theirs alone.", p.Queues)
}

func proofingAsked(s *Subject) api.ControlFinding {
	if n := s.Practice.OpenQueues; n > 0 {
		return decide("Set the level of each queue in the practice file, or write down why nobody speaks of health there.", "In %d of %d queues staff may speak of health with somebody who has not shown who they are.", n, s.Practice.Queues)
	}
	return met("In each of %d queues patients show who they are before staff speak of health.", s.Practice.Queues)
}

func consentForm(s *Subject) api.ControlFinding {
	for _, language := range s.Practice.Languages {
		if !slices.Contains(s.Practice.ConsentTexts, language) {
			return short("Complete the practice file and apply it.", "The form has no text in %s.", language)
		}
	}
	if s.Practice.ConsentForm == "" {
		return short("Complete the practice file and apply it.", "No form is published.")
	}
	return met("Version %d of the form is published in %d languages.", s.Practice.ConsentVer, len(s.Practice.ConsentTexts))
}

// suite allows the suites by name: what is not known is not met.
func suite(s *Subject) api.ControlFinding {
	const fix = "sotto practice apply, with this version of the program."
	switch id := suites.ID(s.Practice.Suite); id {
	case suites.MLKEM768P256, suites.MLKEM1024P384:
		return met("New chats use the cipher suite %v (0x%04X), signed into each group: it holds against quantum computers too.", id, uint16(id))
	case suites.X25519AES128, suites.P256AES128, suites.X25519ChaCha, suites.P521AES256, suites.P384AES256:
		return decide(fix, "New chats use the cipher suite %v (0x%04X): who records them now can read them once there are quantum computers.", id, uint16(id))
	default:
		return short(fix, "New chats use the cipher suite 0x%04X, which is not one that is allowed.", uint16(id))
	}
}

func databaseEncrypted(s *Subject) api.ControlFinding {
	if s.Facts.Database.Engine == installation.PostgreSQL {
		return decide("Encrypt the database server's disk, and write down how.", "PostgreSQL keeps who talked to whom, and when, as its disk does; content is sealed in any case.")
	}
	return met("The database file is encrypted (AES-256-XTS); content is sealed beside that.")
}

func databaseLink(s *Subject) api.ControlFinding {
	d := s.Facts.Database
	if d.Engine == installation.PostgreSQL && d.Remote && !d.Verified {
		return short("Add sslmode=verify-full to SOTTO_POSTGRES.", "The way to the database is not checked.")
	}
	return met("Nothing on the way to the database is open to others.")
}

func keysGuarded(s *Subject) api.ControlFinding {
	for _, k := range s.Facts.Keys {
		switch {
		case k.Lost:
			return short("Restore it from its backup.", "The key %s is not there.", k.Path)
		case k.Open:
			return short("chmod 0600 "+k.Path, "The key %s is open to other users.", k.Path)
		}
	}
	return met("All %d key files are for their owner alone.", len(s.Facts.Keys))
}

func keysApart(s *Subject) api.ControlFinding {
	if s.Facts.Database.Engine == installation.SQLite {
		return decide("Mount the keys from another place, or write down who can get to that disk.", "Keys lie on the same disk as the data that they open: who takes the whole disk has both.")
	}
	return decide("Write down where the keys' backup is.", "That keys and data are backed up apart cannot be seen from here.")
}

func tlsInUse(s *Subject) api.ControlFinding {
	server := s.Facts.Server
	switch {
	case server == nil || !server.Answers:
		return short("Start the server and look again.", "No server answers, so that nothing could be looked at.")
	case server.Certificate != nil && server.Certificate.Old:
		return short("Turn TLS 1.0 and 1.1 off.", "TLS 1.0 or 1.1 is spoken.")
	case server.Certificate != nil && !s.Facts.At.Before(server.Certificate.NotAfter):
		return short("Renew it.", "The certificate has expired.")
	case server.TLS:
		return met("TLS 1.2 and 1.3 alone are spoken.")
	case !installation.Loopback(server.Listen):
		return short("Give --tls-cert and --tls-key.", "The server listens on %s without TLS.", server.Listen)
	}
	for _, o := range server.Origins {
		if u, err := url.Parse(o); err == nil && u.Scheme == "https" {
			return decide("Check the proxy's TLS with its own tools, and note it.", "A proxy in front speaks TLS as %s; that cannot be seen from here.", o)
		}
	}
	return decide("Before others use it: a certificate, or a TLS proxy in front.", "The server can be reached from this machine alone, without TLS.")
}

const archiveCheckedWithin = 31 * 24 * time.Hour

func archiveVerified(s *Subject) api.ControlFinding {
	const fix = "sotto record verify"
	a := s.Practice.Archive
	switch {
	case a == nil:
		return decide("Run sotto controls where the record keeper runs.", "The record is kept on another machine, or there is none yet.")
	case a.Check == nil:
		return short(fix, "The record was never checked as a whole.")
	case a.Check.Problems > 0:
		return short(fix, "The last check named %d problems.", a.Check.Problems)
	case s.Facts.At.Sub(a.Check.At) > archiveCheckedWithin:
		return short(fix, "The record was last checked on %s.", a.Check.At.Format(time.DateOnly))
	}
	return met("All of the record was checked on %s: %d conversations, %d records, none changed.", a.Check.At.Format(time.DateOnly), a.Check.Conversations, a.Check.Records)
}

const backupWithin = 48 * time.Hour

func backup(s *Subject) api.ControlFinding {
	b := s.Facts.Backup
	switch {
	case b.Folder == "":
		return short("Name the folder of the copies: --backups or SOTTO_BACKUPS.", "Nobody has said where backups go.")
	case b.Newest.IsZero():
		return short("Run sotto backup make, and see that it is run every day.", "There is no whole backup in the folder.")
	case s.Facts.At.Sub(b.Newest) > backupWithin:
		return short("Find out why none was made since.", "The newest backup is %d hours old.", int(s.Facts.At.Sub(b.Newest).Hours()))
	case b.Broken > 0:
		return short("sotto backup list names them. Find out who changed them.", "Of the backups %d are not as they were made.", b.Broken)
	}
	return met("The newest whole backup is %d hours old, of %d.", int(s.Facts.At.Sub(b.Newest).Hours()), b.Whole)
}

// backupTrial looks at when a backup was last restored for a trial.
func backupTrial(s *Subject) api.ControlFinding {
	t := s.Facts.Backup.Trial
	switch {
	case t == nil:
		return short("Run sotto backup verify each month.", "No backup was ever restored for a trial.")
	case t.Problems > 0:
		return short("Make another, and find out what happened to this one.", "The backup %s could not be restored as it was made: %d problems.", t.Name, t.Problems)
	}
	days := int(s.Facts.At.Sub(t.At).Hours() / 24)
	if days > installation.BackupTrialDays {
		return short("Run sotto backup verify each month.", "A backup was last restored for a trial %d days ago.", days)
	}
	return met("The backup %s was restored for a trial %d days ago, and all of it checked.", t.Name, days)
}

func backupApart(s *Subject) api.ControlFinding {
	if s.Facts.Backup.Folder == "" {
		return short("Name the folder of the copies.", "Nobody has said where backups go.")
	}
	if s.Facts.Backup.Beside {
		return short("Copy them to another machine.", "Backups are on the disk that they are backups of.")
	}
	return met("Backups are on another disk.")
}

func doctorFinds(s *Subject) api.ControlFinding {
	var fails, warns []string
	for _, f := range doctor.Check(s.Facts).Findings {
		switch f.Level {
		case doctor.Fail:
			fails = append(fails, f.Check)
		case doctor.Warn:
			warns = append(warns, f.Check)
		}
	}
	switch {
	case len(fails) > 0:
		return short("sotto doctor says how to mend each.", "%s.", named(fails, "unsafe"))
	case len(warns) > 0:
		return decide("sotto doctor says what to do about each.", "%s.", named(warns, "to be looked at"))
	}
	return met("sotto doctor finds nothing.")
}

func named(checks []string, what string) string {
	more := ""
	if len(checks) > 4 {
		more = fmt.Sprintf(" and %d more", len(checks)-4)
		checks = checks[:4]
	}
	return "sotto doctor finds " + what + ": " + strings.Join(checks, ", ") + more
}

const releaseWithin = 180 * 24 * time.Hour

func release(s *Subject) api.ControlFinding {
	b := s.Facts.Build
	switch {
	case b.Version == "unreleased" || b.Modified:
		return decide("Run a released version.", "The program is no release.")
	case !b.Time.IsZero() && s.Facts.At.Sub(b.Time) > releaseWithin:
		return decide("See whether there is a newer version.", "The program is of %s.", b.Time.Format(time.DateOnly))
	}
	return met("Version %s.", b.Version)
}

// inventoryMade is met by an inventory that knows all there is to know of.
func inventoryMade(s *Subject) api.ControlFinding {
	var unknown []string
	if _, known := s.Facts.Messengers(); !known {
		unknown = append(unknown, "what the server can be reached on, and sends by (it does not answer)")
	}
	if !s.Facts.Database.Answers {
		unknown = append(unknown, "what the database holds (it does not answer)")
	}
	lost := 0
	for i := range s.Facts.Keys {
		if s.Facts.Keys[i].Lost {
			lost++
		}
	}
	if lost > 0 || len(s.Facts.Keys) == 0 {
		unknown = append(unknown, fmt.Sprintf("keys (%d are lost, of %d)", lost, len(s.Facts.Keys)))
	}
	if len(unknown) > 0 {
		return short("Start what does not answer, restore what is lost, and look again.", "sotto inventory lacks %s.", strings.Join(unknown, "; "))
	}
	if s.Practice.Keeper && s.Practice.Archive == nil {
		return decide("Run sotto inventory where the record keeper runs too, and keep both.", "sotto inventory lacks the keys and the record of the keeper, which is on another machine.")
	}
	return met("sotto inventory lists %d keys, %d staff, %d queues and the database of this installation, and leaves out nothing that it knows of.", len(s.Facts.Keys), len(s.working()), s.Practice.Queues)
}

// messengers names what the server sends by. notLooked is what to say if that,
// or whether that is all, could not be looked at.
func (s *Subject) messengers() (named, notLooked string) {
	all, known := s.Facts.Messengers()
	var names []string
	for _, m := range all {
		way := map[string]string{"email": "mail", "sms": "text messages"}[m.Channel]
		names = append(names, cmp.Or(way, m.Channel)+" by "+cmp.Or(m.Host, "a service that does not tell its name"))
	}
	if !known {
		notLooked = "No server answers that says what it sends mail and text messages by. "
	}
	return strings.Join(names, ", "), notLooked
}

func standsAlone(s *Subject) api.ControlFinding {
	var waits []string
	if s.Facts.Database.Remote {
		waits = append(waits, "Chat stops while the database's machine is away.")
	}
	alone := "Chat needs no service outside of this installation."
	if p := s.Practice.Provider; p != nil {
		without := s.count(func(p *installation.Person) bool { return !p.CanSignIn() })
		switch {
		case p.Only:
			waits = append(waits, fmt.Sprintf("While %s is away, nobody but an administrator with a passkey can sign in.", p.Host))
		case without > 0:
			waits = append(waits, fmt.Sprintf("While %s is away, %d people have no other way to sign in.", p.Host, without))
		default:
			alone += fmt.Sprintf(" While %s is away, everybody can sign in here.", p.Host)
		}
	}
	if portal := strings.Join(s.Practice.Portal, " or "); portal != "" {
		waits = append(waits, fmt.Sprintf("No patient can show who they are by the portal while %s is away.", portal))
	}
	messengers, notLooked := s.messengers()
	if messengers != "" {
		waits = append(waits, fmt.Sprintf("No codes and links reach patients while what carries them is away (%s).", messengers))
	}
	switch {
	case notLooked != "":
		return short("Start the server and look again.", "%s", strings.TrimSpace(notLooked+strings.Join(waits, " ")))
	case len(waits) > 0:
		return decide("Write down how work goes on without each, and try it.", "%s", strings.Join(waits, " "))
	}
	if len(s.Practice.Witnesses) > 0 {
		alone += " Witnesses of the log hold nothing up."
	}
	return met("%s", alone)
}

func quietNotices(s *Subject) api.ControlFinding {
	messengers, notLooked := s.messengers()
	if messengers != "" {
		return decide("Set identity.sender to a name that tells nothing of care. Have a business associate agreement with whoever carries them, or write down why none is needed (45 CFR 164.308(b)(1)).",
			"%sCodes and links leave as %s: who carries them sees whom they are for, the link or code, and how the practice names itself. They hold nothing of a chat.", notLooked, messengers)
	}
	if notLooked != "" {
		return short("Start the server and look again.", "%s", strings.TrimSpace(notLooked))
	}
	return met("The server sends no mail, text or push messages; notices in the browser hold no content.")
}

// outsideServices is never met: who runs the machines cannot be seen.
func outsideServices(s *Subject) api.ControlFinding {
	messengers, notLooked := s.messengers()
	var all []string
	if messengers != "" {
		all = append(all, messengers)
	}
	if s.Facts.Database.Remote {
		all = append(all, "a database on another machine")
	}
	if p := s.Practice.Provider; p != nil {
		all = append(all, "sign-ins of staff at "+p.Host)
	}
	if portal := strings.Join(s.Practice.Portal, " and "); portal != "" {
		all = append(all, "sign-ins of patients at "+portal)
	}
	for i := range s.Practice.Streams {
		if r := &s.Practice.Streams[i]; !r.Local() {
			all = append(all, "the audit log to "+r.Host())
		}
	}
	if len(all) == 0 {
		all = []string{"no mail or text message service, database elsewhere, identity provider, patient portal or receiver of the audit log that is known"}
	}
	return decide("Have a business associate agreement with whoever handles health information for you, and write down for each other why none is needed.",
		"%sSet up here: %s. Who hosts this machine and its backups cannot be seen from here.", notLooked, strings.Join(all, "; "))
}

func facility(s *Subject) api.ControlFinding {
	return decide("Write down who can get to the machines and how.", "Software cannot see doors. The data folder's disk has %d GB.", s.Facts.Disk.TotalBytes>>30)
}

func noDeidentification(*Subject) api.ControlFinding {
	return api.ControlFinding{State: api.ControlNotApplicable, Says: "The product makes no de-identified data."}
}
