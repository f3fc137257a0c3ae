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
		"roles": roles, "unique-people": uniquePeople, "official": official, "administrators": administrators, "unused-accounts": unusedAccounts, "emergencies": emergencies, "access-reviews": accessReviews, "activity-reviews": activityReviews, "alerts": alerts,
		"two-factors": twoFactors, "passkeys": passkeys, "devices-certified": devicesCertified, "sign-ins": signIns, "keeper": keeper,
		"idle-limit": idleLimit, "networks": networks, "queues": queues, "proofing": proofingAsked, "consent-form": consentForm, "suite": suite,
		"database-encrypted": databaseEncrypted, "database-link": databaseLink, "keys-guarded": keysGuarded, "keys-apart": keysApart,
		"tls": tlsInUse, "archive-verified": archiveVerified, "backup": backup, "backup-trial": backupTrial, "backup-apart": backupApart,
		"doctor": doctorFinds, "release": release, "inventory": inventoryMade, "stands-alone": standsAlone, "quiet-notices": quietNotices,
		"outside-services": outsideServices,
		"audit-log":        auditLog, "audit-stream": auditStream, "log-kept": logKept, "facility": facility,
		"clearinghouse": clearinghouse, "group-health-plan": groupHealthPlan, "no-deidentification": noDeidentification,
	}
}

// clearinghouse and groupHealthPlan are the practice's to decide: what kind of
// entity it is, provider, insurer or more than one, is not told here.
func clearinghouse(*Subject) api.ControlFinding {
	return decide(say("fix.clearinghouse"), say("none.clearinghouse"))
}

func groupHealthPlan(*Subject) api.ControlFinding {
	return decide(say("fix.health-plan"), say("none.health-plan"))
}

func noDeidentification(*Subject) api.ControlFinding {
	return found(api.ControlNotApplicable, []api.ControlWords{say("none.deidentified")})
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
		return short(say("fix.give-role"), say("roles.without", without))
	}
	return met(say("roles.each", len(s.working())))
}

func uniquePeople(s *Subject) api.ControlFinding {
	seen := map[string]bool{}
	for _, p := range s.Practice.People {
		if p.ID == "" || seen[p.ID] {
			return short(say("fix.tell-project"), say("people.shared"))
		}
		seen[p.ID] = true
	}
	return met(say("people.unique", len(seen)))
}

func official(s *Subject) api.ControlFinding {
	n := s.count(func(p *installation.Person) bool { return p.Access == "compliance" && s.Practice.CanSignIn(p) })
	if n == 0 {
		return decide(say("fix.make-compliance"), say("official.none"))
	}
	return met(say("official.there", n))
}

func administrators(s *Subject) api.ControlFinding {
	n := s.count(func(p *installation.Person) bool { return p.Access == "administrator" && s.Practice.CanSignIn(p) })
	switch n {
	case 0:
		return decide(say("fix.make-administrator"), say("administrators.none"))
	case 1:
		return decide(say("fix.second-administrator"), say("administrators.one"))
	}
	return met(say("administrators.there", n))
}

func emergencies(s *Subject) api.ControlFinding {
	reviewers := s.count(func(p *installation.Person) bool {
		return (p.Access == "supervisor" || p.Access == "compliance") && s.Practice.CanSignIn(p)
	})
	switch {
	case s.Practice.EmergenciesDue > 0:
		return short(say("fix.review-emergencies"), say("emergencies.late", s.Practice.EmergenciesDue))
	case reviewers == 0:
		return decide(say("fix.make-reviewer"), say("emergencies.nobody"))
	}
	return met(say("emergencies.reviewed", reviewers, s.Practice.Emergencies))
}

func accessReviews(s *Subject) api.ControlFinding {
	if n := s.Practice.AccessLate; n > 0 {
		return short(say("fix.review-access"), say("access.late", n, s.Practice.AccessDays))
	}
	return met(say("access.confirmed", len(s.working()), s.Practice.AccessDays))
}

func activityReviews(s *Subject) api.ControlFinding {
	p := s.Practice
	reviewers := s.count(func(p *installation.Person) bool {
		return (p.Access == "auditor" || p.Access == "compliance") && s.Practice.CanSignIn(p)
	})
	switch {
	case p.ActivityGaps > 0:
		return short(say("fix.sign-off"), say("activity.late", p.ActivityGaps))
	case reviewers == 0:
		return decide(say("fix.make-auditor"), say("activity.nobody"))
	case p.ActivitySigned == 0:
		return decide(say("fix.sign-first"), say("activity.none"))
	}
	return met(say("activity.signed", p.ActivitySigned, p.ActivityWaits))
}

func alerts(s *Subject) api.ControlFinding {
	if n := s.Practice.AlertsLate; n > 0 {
		return short(say("fix.look-alerts"), say("alerts.late", n))
	}
	return met(say("alerts.searched", s.Practice.Alerts, s.Practice.Unsearched))
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
		return decide(say("fix.ask-unused"), say("accounts.unused", n))
	}
	return met(say("accounts.used"))
}

func twoFactors(s *Subject) api.ControlFinding {
	can := s.count(s.Practice.CanSignIn)
	two := s.count(func(p *installation.Person) bool { return s.Practice.CanSignIn(p) && s.Practice.TwoFactors(p) })
	said, fix := []api.ControlWords{say("factors.all", can)}, say("fix.link")
	if two < can {
		said[0] = say("factors.fewer", two, can)
	}
	if there := s.count(s.Practice.SignsInThere); there > 0 && s.Practice.Provider.TwoFactors {
		said = append(said, say("factors.provider", there, s.Practice.Provider.Host))
	} else if there > 0 {
		said, fix = append(said, say("factors.provider-one", there, s.Practice.Provider.Host)), say("fix.second-factor")
	}
	switch {
	case two < can:
		return short(fix, said...)
	case can == 0:
		return decide(say("fix.hand-out"), say("sign-in.nobody"))
	}
	return met(said...)
}

func passkeys(s *Subject) api.ControlFinding {
	there, here := s.count(s.Practice.SignsInThere), s.count(s.Practice.SignsInHere)
	have := s.count(func(p *installation.Person) bool { return s.Practice.SignsInHere(p) && p.Passkeys > 0 })
	switch {
	case have < here:
		return decide(say("fix.add-passkey"), say("passkeys.fewer", have, here))
	case there > 0: // what a provider's "two factors" are cannot be seen from here
		return decide(say("fix.provider-passkeys"), say("passkeys.provider", there, s.Practice.Provider.Host))
	case here == 0:
		return decide(say("fix.hand-out"), say("sign-in.nobody"))
	}
	return met(say("passkeys.all", have, here))
}

func devicesCertified(s *Subject) api.ControlFinding {
	if !s.Practice.Keeper {
		return short(say("fix.apply"), say("devices.no-keeper"))
	}
	if n := s.Practice.Uncertified; n > 0 {
		return decide(say("fix.see-keeper"), say("devices.wait", n))
	}
	return met(say("devices.certified"))
}

func signIns(s *Subject) api.ControlFinding {
	n := s.count(func(p *installation.Person) bool { return !p.LastSignIn.IsZero() })
	if n == 0 {
		return decide(say("fix.look-later"), say("sign-ins.none"))
	}
	return met(say("sign-ins.kept", n))
}

func keeper(s *Subject) api.ControlFinding {
	if !s.Practice.Keeper {
		return short(say("fix.apply"), say("keeper.none"))
	}
	return met(say("keeper.there"))
}

func idleLimit(s *Subject) api.ControlFinding {
	staff, patient := s.Practice.IdleStaff, s.Practice.IdlePatient
	if staff > 15 || patient > 15 {
		return decide(say("fix.idle"), say("idle.after", staff, patient))
	}
	return met(say("idle.after", staff, patient))
}

func networks(s *Subject) api.ControlFinding {
	if !s.Practice.Networks {
		return decide(say("fix.networks"), say("networks.any"))
	}
	return met(say("networks.own"))
}

func queues(s *Subject) api.ControlFinding {
	p := s.Practice
	everywhere := s.count(func(p *installation.Person) bool { return p.AllQueues })
	switch {
	case p.Queues == 0:
		return short(say("fix.add-queue"), say("queues.none"))
	case p.EmptyQueues > 0:
		return short(say("fix.fill-queues"), say("queues.empty", p.EmptyQueues, p.Queues))
	case p.Queues > 1 && everywhere > 0:
		return decide(say("fix.divide-queues"), say("queues.all", everywhere, p.Queues))
	case p.Queues == 1:
		return met(say("queues.one"))
	}
	return met(say("queues.apart", p.Queues))
}

func proofingAsked(s *Subject) api.ControlFinding {
	if n := s.Practice.OpenQueues; n > 0 {
		return decide(say("fix.proofing"), say("proofing.open", n, s.Practice.Queues))
	}
	return met(say("proofing.asked", s.Practice.Queues))
}

func consentForm(s *Subject) api.ControlFinding {
	for _, language := range s.Practice.Languages {
		if !slices.Contains(s.Practice.ConsentTexts, language) {
			return short(say("fix.complete-file"), say("form.no-text", language))
		}
	}
	if s.Practice.ConsentForm == "" {
		return short(say("fix.complete-file"), say("form.none"))
	}
	return met(say("form.published", s.Practice.ConsentVer, len(s.Practice.ConsentTexts)))
}

// suite looks at what the server offers new chats, and at the groups of those that
// are open. Suites are allowed by name: what is not known is not met.
func suite(s *Subject) api.ControlFinding {
	offered := suites.ID(s.Practice.Offered)
	if offered == 0 {
		return short(say("fix.start-server"), say("suite.unasked"))
	}
	worst, fix := strength(offered), say("fix.apply-version")
	hex := fmt.Sprintf("0x%04X", uint16(offered))
	said := []api.ControlWords{say("suite.unknown", hex)}
	switch worst {
	case api.ControlMet:
		said[0], fix = say("suite.quantum", offered, hex), say("fix.close-chats")
	case api.ControlDecision:
		said[0] = say("suite.classic", offered, hex)
	}
	for _, g := range s.Practice.Groups {
		id := suites.ID(g.Suite)
		state, hex := strength(id), fmt.Sprintf("0x%04X", g.Suite)
		if state == api.ControlShort {
			said = append(said, say("suite.used-unknown", hex, g.Conversations))
		} else {
			said = append(said, say("suite.used", id, hex, g.Conversations))
		}
		worst = worse(worst, state)
	}
	switch worst {
	case api.ControlMet:
		return met(said...)
	case api.ControlDecision:
		return decide(fix, said...)
	}
	return short(fix, said...)
}

// strength is what a cipher suite is worth alone.
func strength(id suites.ID) string {
	switch id {
	case suites.MLKEM768P256, suites.MLKEM1024P384:
		return api.ControlMet
	case suites.X25519AES128, suites.P256AES128, suites.X25519ChaCha, suites.P521AES256, suites.P384AES256:
		return api.ControlDecision
	}
	return api.ControlShort
}

// databaseEncrypted looks at the file. What PostgreSQL's disk does, it does not
// tell a client.
func databaseEncrypted(s *Subject) api.ControlFinding {
	d := s.Facts.Database
	switch {
	case d.Engine == installation.PostgreSQL:
		return decide(say("fix.encrypt-disk"), say("database.plain"))
	case d.File == installation.FilePlain:
		return short(say("fix.plain-file"), say("database.bare"))
	case d.File != installation.FileSealed || !d.Answers:
		return short(say("fix.look-there"), say("database.unseen"))
	}
	return met(say("database.encrypted"))
}

func databaseLink(s *Subject) api.ControlFinding {
	d := s.Facts.Database
	if d.Engine == installation.PostgreSQL && d.Remote && !d.Verified {
		return short(say("fix.verify-database"), say("database.open"))
	}
	return met(say("database.safe"))
}

func keysGuarded(s *Subject) api.ControlFinding {
	for _, k := range s.Facts.Keys {
		switch {
		case k.Lost:
			return short(say("fix.restore-key"), say("keys.lost", k.Path))
		case k.Open:
			return short(say("fix.chmod", k.Path), say("keys.open", k.Path))
		}
	}
	return met(say("keys.guarded", len(s.Facts.Keys)))
}

func keysApart(s *Subject) api.ControlFinding {
	if s.Facts.Database.Engine == installation.SQLite {
		return decide(say("fix.keys-elsewhere"), say("keys.same-disk"))
	}
	return decide(say("fix.keys-backup"), say("keys.unseen"))
}

func tlsInUse(s *Subject) api.ControlFinding {
	server := s.Facts.Server
	switch {
	case server == nil || !server.Answers:
		return short(say("fix.start-server"), say("tls.no-answer"))
	case server.Certificate != nil && server.Certificate.Old:
		return short(say("fix.old-tls-off"), say("tls.old"))
	case server.Certificate != nil && !s.Facts.At.Before(server.Certificate.NotAfter):
		return short(say("fix.renew"), say("tls.expired"))
	case server.TLS:
		return met(say("tls.modern"))
	case !installation.Loopback(server.Listen):
		return short(say("fix.certificate"), say("tls.none", server.Listen))
	}
	for _, o := range server.Origins {
		if u, err := url.Parse(o); err == nil && u.Scheme == "https" {
			return decide(say("fix.check-proxy"), say("tls.proxy", o))
		}
	}
	return decide(say("fix.certificate-first"), say("tls.local"))
}

const archiveCheckedWithin = 31 * 24 * time.Hour

func archiveVerified(s *Subject) api.ControlFinding {
	fix := say("fix.verify-record")
	a := s.Practice.Archive
	switch {
	case a == nil:
		return decide(say("fix.controls-at-keeper"), say("record.elsewhere"))
	case a.Check == nil:
		return short(fix, say("record.unchecked"))
	case a.Check.Problems > 0:
		return short(fix, say("record.problems", a.Check.Problems))
	case s.Facts.At.Sub(a.Check.At) > archiveCheckedWithin:
		return short(fix, say("record.old", a.Check.At.Format(time.DateOnly)))
	}
	return met(say("record.checked", a.Check.At.Format(time.DateOnly), a.Check.Conversations, a.Check.Records))
}

const backupWithin = 48 * time.Hour

func backup(s *Subject) api.ControlFinding {
	b := s.Facts.Backup
	switch {
	case b.Folder == "":
		return short(say("fix.name-folder"), say("backup.nowhere"))
	case b.Newest.IsZero():
		return short(say("fix.make-backup"), say("backup.none"))
	case s.Facts.At.Sub(b.Newest) > backupWithin:
		return short(say("fix.why-no-backup"), say("backup.old", int(s.Facts.At.Sub(b.Newest).Hours())))
	case b.Broken > 0:
		return short(say("fix.broken-backups"), say("backup.broken", b.Broken))
	}
	return met(say("backup.whole", int(s.Facts.At.Sub(b.Newest).Hours()), b.Whole))
}

// backupTrial looks at when a backup was last restored for a trial.
func backupTrial(s *Subject) api.ControlFinding {
	t := s.Facts.Backup.Trial
	switch {
	case t == nil:
		return short(say("fix.try-backup"), say("trial.none"))
	case t.Problems > 0:
		return short(say("fix.another-backup"), say("trial.failed", t.Name, t.Problems))
	}
	days := int(s.Facts.At.Sub(t.At).Hours() / 24)
	if days > installation.BackupTrialDays {
		return short(say("fix.try-backup"), say("trial.old", days))
	}
	return met(say("trial.done", t.Name, days))
}

func backupApart(s *Subject) api.ControlFinding {
	if s.Facts.Backup.Folder == "" {
		return short(say("fix.name-folder"), say("backup.nowhere"))
	}
	if s.Facts.Backup.Beside {
		return short(say("fix.copy-away"), say("backup.beside"))
	}
	return met(say("backup.apart"))
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
		return short(say("fix.doctor"), checks("doctor.unsafe", fails)...)
	case len(warns) > 0:
		return decide(say("fix.doctor"), checks("doctor.look-at", warns)...)
	}
	return met(say("doctor.nothing"))
}

// checks names the first four.
func checks(code string, found []string) []api.ControlWords {
	if more := len(found) - 4; more > 0 {
		return []api.ControlWords{say(code, strings.Join(found[:4], ", ")), say("doctor.more", more)}
	}
	return []api.ControlWords{say(code, strings.Join(found, ", "))}
}

const releaseWithin = 180 * 24 * time.Hour

func release(s *Subject) api.ControlFinding {
	b := s.Facts.Build
	switch {
	case b.Version == "unreleased" || b.Modified:
		return decide(say("fix.run-release"), say("release.none"))
	case !b.Time.IsZero() && s.Facts.At.Sub(b.Time) > releaseWithin:
		return decide(say("fix.newer"), say("release.old", b.Time.Format(time.DateOnly)))
	}
	return met(say("release.version", b.Version))
}

// inventoryMade is met by an inventory that knows all there is to know of.
func inventoryMade(s *Subject) api.ControlFinding {
	var unknown []api.ControlWords
	if _, known := s.Facts.Messengers(); !known {
		unknown = append(unknown, say("inventory.server"))
	}
	if !s.Facts.Database.Answers {
		unknown = append(unknown, say("inventory.database"))
	}
	lost := 0
	for i := range s.Facts.Keys {
		if s.Facts.Keys[i].Lost {
			lost++
		}
	}
	if lost > 0 || len(s.Facts.Keys) == 0 {
		unknown = append(unknown, say("inventory.keys", lost, len(s.Facts.Keys)))
	}
	if len(unknown) > 0 {
		return short(say("fix.inventory"), unknown...)
	}
	if s.Practice.Keeper && s.Practice.Archive == nil {
		return decide(say("fix.inventory-at-keeper"), say("inventory.keeper"))
	}
	return met(say("inventory.whole", len(s.Facts.Keys), len(s.working()), s.Practice.Queues))
}

// messengers says of each service that the server sends by what there is to say
// of its kind: codes end in its channel. What or whether that is all could not be
// looked at, if the server does not answer.
func (s *Subject) messengers(of string) (said []api.ControlWords, known bool) {
	all, known := s.Facts.Messengers()
	for _, m := range all {
		host := cmp.Or(m.Host, "?")
		switch m.Channel {
		case "email":
			said = append(said, say(of+".email", host))
		case "sms":
			said = append(said, say(of+".sms", host))
		default:
			said = append(said, say(of+".other", host, m.Channel))
		}
	}
	return said, known
}

func standsAlone(s *Subject) api.ControlFinding {
	var waits []api.ControlWords
	if s.Facts.Database.Remote {
		waits = append(waits, say("alone.database"))
	}
	alone := []api.ControlWords{say("alone.needs-none")}
	if p := s.Practice.Provider; p != nil {
		without := s.count(func(p *installation.Person) bool { return !s.Practice.SignsInHere(p) })
		switch {
		case p.Only:
			waits = append(waits, say("alone.provider-only", p.Host))
		case without > 0:
			waits = append(waits, say("alone.provider-some", p.Host, without))
		default:
			alone = append(alone, say("alone.provider", p.Host))
		}
	}
	for _, portal := range s.Practice.Portal {
		waits = append(waits, say("alone.portal", portal))
	}
	carried, known := s.messengers("alone")
	waits = append(waits, carried...)
	switch {
	case !known:
		return short(say("fix.start-server"), append([]api.ControlWords{say("services.unknown")}, waits...)...)
	case len(waits) > 0:
		return decide(say("fix.go-on-without"), waits...)
	}
	if len(s.Practice.Witnesses) > 0 {
		alone = append(alone, say("alone.witnesses"))
	}
	return met(alone...)
}

func quietNotices(s *Subject) api.ControlFinding {
	carried, known := s.messengers("notices")
	var unknown []api.ControlWords
	if !known {
		unknown = append(unknown, say("services.unknown"))
	}
	switch {
	case len(carried) > 0:
		return decide(say("fix.quiet-sender"), slices.Concat(unknown, carried, []api.ControlWords{say("notices.seen")})...)
	case !known:
		return short(say("fix.start-server"), unknown...)
	}
	return met(say("notices.none"))
}

// outsideServices is never met: who runs the machines cannot be seen.
func outsideServices(s *Subject) api.ControlFinding {
	all, known := s.messengers("outside")
	if s.Facts.Database.Remote {
		all = append(all, say("outside.database"))
	}
	if p := s.Practice.Provider; p != nil {
		all = append(all, say("outside.provider", p.Host))
	}
	for _, d := range s.Practice.Directories {
		all = append(all, say("outside.directory", d.Name))
	}
	for _, portal := range s.Practice.Portal {
		all = append(all, say("outside.portal", portal))
	}
	for i := range s.Practice.Streams {
		if r := &s.Practice.Streams[i]; !r.Local() {
			all = append(all, say("outside.stream", r.Host()))
		}
	}
	if len(all) == 0 {
		all = append(all, say("outside.none"))
	}
	if !known {
		all = append([]api.ControlWords{say("services.unknown")}, all...)
	}
	return decide(say("fix.agreements"), append(all, say("outside.hosts"))...)
}

func facility(s *Subject) api.ControlFinding {
	return decide(say("fix.write-doors"), say("facility.unseen", s.Facts.Disk.TotalBytes>>30))
}
