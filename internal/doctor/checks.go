package doctor

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/installation"
)

const day = 24 * time.Hour

// Limits of the checks.
const (
	certificateSoon = 21 * day
	strictLeast     = 180 * day
	leastFree       = 1 << 30 // bytes
	backupOld       = 24 * time.Hour
	backupTooOld    = 48 * time.Hour // the proposed rule's, 164.312(i)
	keyOld          = 2 * 365 * day
	unusedAccount   = 90 * day
	archiveOld      = 31 * day
	buildOld        = 180 * day
	clockApart      = 5 * time.Second
	witnessLate     = time.Hour
)

func (x *examination) program() {
	b := x.facts.Build
	x.expect("version", b.Version != "unreleased" && !b.Modified, "Version "+b.Version+".", Warn,
		"This program is not a release, or was built from changed files: nobody can tell what is in it.", "Run a released version.")
	if !b.Time.IsZero() {
		age := x.facts.At.Sub(b.Time)
		x.expect("version-age", age < buildOld, fmt.Sprintf("The program is %d days old.", days(age)), Warn,
			fmt.Sprintf("The program is %d days old.", days(age)), "See the changelog for a newer version, and update.")
	}
}

func (x *examination) server() {
	s := x.facts.Server
	if s == nil {
		x.expect("running", false, "", Warn, "No server runs on this folder: what it would serve could not be looked at.", "Start it (sotto serve) and ask again.")
		return
	}
	x.expect("running", s.Answers, "The server answers on "+s.Listen+".", Fail,
		"The server that noted itself on "+s.Listen+" does not answer.", "Look at its log; start it anew. If it runs on another machine, run sotto doctor there.")
	public := !installation.Loopback(s.Listen)
	x.expect("tls", s.TLS || !public, "The server speaks TLS, or listens for this machine alone.", Fail,
		"The server listens on "+s.Listen+" without TLS: others on the network can read sign-ins.",
		"Give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy that has TLS (45 CFR 164.312(e)(1)).")
	for _, o := range s.Origins {
		u, err := url.Parse(o)
		well := err == nil && (u.Scheme == "https" || u.Scheme == "http" && localName(u.Hostname()))
		x.expect("origin", well, "Browsers come by "+o+".", Fail, "Browsers come by "+o+", which is not HTTPS.", "Use an https:// address in --origin.")
	}
	if len(s.Messengers) > 0 {
		x.expect("links", len(s.Origins) > 0, "Links that are sent lead to "+strings.Join(s.Origins[:min(1, len(s.Origins))], "")+".", Warn,
			"Mail or text messages are set up, but no address that links could lead to: codes are sent, links are not.", "Give --origin, the address that browsers use.")
	}
	if c := s.Certificate; c != nil {
		x.certificate(c, "")
	}
	for i := range s.Fronts {
		x.front(&s.Fronts[i])
	}
	if s.Metrics != "" {
		x.expect("metrics", installation.Loopback(s.Metrics), "Metrics are served to this machine alone.", Fail,
			"Metrics are served on "+s.Metrics+", without sign-in or TLS.", "Use --metrics-listen 127.0.0.1:9480, and let the collector come through a tunnel.")
	}
	for _, r := range s.Receivers {
		x.expect("audit-stream-tls", !r.Plain, "The audit log is streamed to "+r.Host+" by TLS.", Warn,
			"The audit log is streamed to "+r.Host+" without TLS, on this machine.", "Use tls:// or https:// in "+variable(r.Name)+": plain is for trials.")
	}
	if s.Answers {
		x.ports(s)
	}
	x.expect("debug-routes", !s.DebugRoutes, "No profiler is served.", Fail,
		"The server's address answers for a profiler: memory, keys included, can be read through it.", "Do not serve /debug; look what is in front of the server.")
	x.expect("log-level", !s.Debug, "The log is not at level debug.", Warn, "The log is at level debug.", "Use --log-level info.")
	for _, p := range s.Proxies {
		n, err := netip.ParsePrefix(p)
		x.expect("proxies", err == nil && narrow(n), "The proxies in "+p+" are believed.", Fail,
			"Everybody in "+p+" is believed about where a call comes from: limits on guessing can be passed by.", "Name only the proxy's own address, with its length: --proxies 10.0.0.7/32, or /128 for IPv6.")
	}
}

// ports finds what other machines can reach, and nobody has set up.
func (x *examination) ports(s *installation.Server) {
	if !s.ListenersKnown {
		x.expect("ports", false, "", Warn, "Which ports other machines can reach could not be told.", "Run sotto doctor on the server's machine, as its user; or look yourself: ss -ltnp")
		return
	}
	well := true
	for _, l := range s.Listeners {
		switch {
		case l.Own && (samePort(l.Address, s.Listen) || samePort(l.Address, s.Metrics)):
		case l.Own:
			well = false
			x.expect("ports", false, "", Fail, "The server's process can be reached on "+l.Address+", which nobody has set up.",
				"Look what it is (ss -ltnp), start the server anew, and find out what is in it if it is there again (45 CFR 164.312(e)(1)).")
		default:
			well = false
			x.expect("ports", false, "", Warn, "Another program of the server's user can be reached on "+l.Address+": who breaks into it can read the keys.",
				"Run Sotto as a user of its own, or close that port.")
		}
	}
	if well {
		x.expect("ports", true, "Of the server's process and of other programs of its user, only what is set up listens for other machines; programs of root and of other users, and firewalls, were not looked at.", OK, "", "")
	}
}

func samePort(a, b string) bool {
	_, p, err1 := net.SplitHostPort(a)
	_, q, err2 := net.SplitHostPort(b)
	return err1 == nil && err2 == nil && p == q
}

// front judges what browsers meet, which can be a proxy's.
func (x *examination) front(f *installation.Front) {
	c := f.Certificate
	if c == nil {
		x.expect("origin-tls", false, "", Warn, f.Origin+" could not be looked at: nothing answers there by TLS.",
			"See whether the name leads to the proxy and the proxy runs. If this machine alone cannot reach it, look yourself: openssl s_client -connect HOST:443")
		return
	}
	at := " at " + f.Origin
	x.certificate(c, at)
	if !x.facts.At.Before(c.NotBefore) && x.facts.At.Before(c.NotAfter) { // or else that is the finding
		x.expect("origin-tls", f.Vouched, "The certificate"+at+" is one that browsers take.", Fail,
			"The certificate"+at+" is for another name, or by somebody whom this machine does not believe.",
			"Get one for this name from an authority that browsers know, and have the proxy send the certificates in between.")
	}
	x.expect("origin-hsts", f.HSTS >= strictLeast, "Browsers come by HTTPS alone"+at+".", Warn,
		"Browsers are not told"+at+" to come by HTTPS alone for half a year or more.",
		"Have the proxy send the header Strict-Transport-Security: max-age=63072000; or have it say X-Forwarded-Proto: https to the server, which sends that header then, and pass it on.")
}

// certificate judges one that was shown: by the server itself, or where at says.
func (x *examination) certificate(c *installation.Certificate, at string) {
	left := c.NotAfter.Sub(x.facts.At)
	switch {
	case x.facts.At.Before(c.NotBefore):
		x.expect("tls-expiry", false, "", Fail, "The certificate"+at+" is not valid yet.", "Check this machine's clock, then the certificate.")
	case left <= 0:
		x.expect("tls-expiry", false, "", Fail, "The certificate"+at+" has expired on "+c.NotAfter.Format(time.DateOnly)+".", "Renew it, and start what serves it anew.")
	default:
		x.expect("tls-expiry", left > certificateSoon, fmt.Sprintf("The certificate%s is good for %d days.", at, days(left)), Warn,
			fmt.Sprintf("The certificate%s expires in %d days.", at, days(left)), "Renew it, and see that it is renewed by itself.")
	}
	x.expect("tls-versions", !c.Old, "TLS 1.2 and 1.3 alone are spoken"+at+".", Fail, "TLS 1.0 or 1.1 is spoken"+at+" (NIST SP 800-52r2 forbids both).",
		"Turn both off in the proxy in front; the server itself does not speak them.")
}

func (x *examination) clock() {
	c := x.facts.Clock
	if c.Synchronised == nil {
		x.expect("clock", false, "", Warn, "This machine does not say whether its clock is synchronised.", "Run a time service: codes and the log rest on the clock.")
	} else {
		x.expect("clock", *c.Synchronised, "The clock is synchronised.", Warn, "The clock is not synchronised.",
			"Run chrony or systemd-timesyncd: codes of authenticator apps and the log rest on the clock.")
	}
	if b := x.facts.Build.Time; !b.IsZero() {
		x.expect("clock-behind", !x.facts.At.Before(b), "The clock is not behind the program's own date.", Fail,
			"The clock is behind the day on which this program was made.", "Set the clock.")
	}
	x.expect("clock-database", c.Database.Abs() < clockApart, "The database's clock agrees.", Warn,
		fmt.Sprintf("The database's clock differs by %s.", c.Database.Round(time.Second)), "Synchronise the clocks of both machines.")
}

func (x *examination) files() {
	for _, p := range x.facts.Paths {
		x.expect("file-modes", false, "", Fail, p.Path+" is open to other users of this machine ("+p.Mode+").", "chmod go-rwx "+p.Path)
	}
	if len(x.facts.Paths) == 0 {
		x.expect("file-modes", true, "No file is open to other users.", OK, "", "")
	}
	well := true
	for _, k := range x.facts.Keys {
		switch {
		case k.Lost:
			well = false
			x.expect("keys", false, "", Fail, "The key "+k.Path+" is not there.", "Restore it from its backup; what it seals cannot be read without it.")
		case k.Open:
			well = false
			x.expect("keys", false, "", Fail, "The key "+k.Path+" is open to other users ("+k.Mode+").", "chmod 0600 "+k.Path+", and think whether somebody has copied it.")
		case x.facts.At.Sub(k.MadeAt) > keyOld:
			x.keyAge(&k)
		}
	}
	if well {
		x.expect("keys", true, fmt.Sprintf("All %d keys are there, for their owner alone.", len(x.facts.Keys)), OK, "", "")
	}
	x.disks()
	x.expect("attachments", x.facts.Blobs.Writable, "The folder of attachments can be written.", Fail,
		"The folder of attachments cannot be written.", "Check its owner and whether the disk is there.")
}

// keyAge names how an old key is changed. What nobody can change is said, and is
// no finding: docs/decisions/0259-a-finding-has-a-fix.md.
func (x *examination) keyAge(k *installation.Key) {
	then := map[string]string{
		"audit":    "Keep its public part for what it signed, and tell monitors and witnesses of the new one.",
		"evidence": "Give its public part to who verifies evidence packs: sotto controls key.",
		"factors":  "No authenticator app opens anything then: sotto staff link for whoever has no passkey.",
	}
	name := strings.TrimSuffix(strings.TrimPrefix(k.Path, "hub/"), ".key")
	says := fmt.Sprintf("The key %s is %d days old", k.Path, days(x.facts.At.Sub(k.MadeAt)))
	x.expect("key-age", then[name] == "", says+", and no command changes it without a loss: keep asking who could have copied it.", Warn, says+".",
		fmt.Sprintf("Stop the hub, move %s out of the data folder to a safe place, run sotto key replace %s, and start the hub. %s", k.Path, name, then[name]))
}

func (x *examination) database() {
	d := x.facts.Database
	x.expect("database", d.Answers, "The database answers.", Fail, "The database does not answer.", "Check that it runs, its address and its key.")
	if d.Engine != installation.PostgreSQL {
		return
	}
	x.expect("database-tls", !d.Remote || d.Verified, "The database is reached safely.", Fail,
		"The database is on another machine, and its certificate is not checked.", "Add sslmode=verify-full to SOTTO_POSTGRES.")
	x.expect("database-password", !d.WeakPassword, "The database's password is not one that everybody tries.", Fail,
		"The database's password is one that everybody tries first.", "Choose a random one.")
}

func (x *examination) backup() {
	b := x.facts.Backup
	if b.Folder == "" {
		x.expect("backup", false, "", Fail, "Nobody has said where backups go.",
			"Run sotto backup make every day, and name its folder to the server too: --backups FOLDER or SOTTO_BACKUPS (45 CFR 164.308(a)(7)(ii)(A)).")
		return
	}
	if b.Newest.IsZero() {
		x.expect("backup", false, "", Fail, "There is no whole backup in "+b.Folder+".", "Run sotto backup make, and see that it is run every day.")
		return
	}
	age := x.facts.At.Sub(b.Newest)
	level := Warn
	if age > backupTooOld {
		level = Fail
	}
	says := fmt.Sprintf("The newest whole backup is %d hours old.", int(age.Hours()))
	x.expect("backup", age <= backupOld, says, level, says, "Find out why none was made since.")
	x.expect("backup-whole", b.Broken == 0, "No backup was changed.", Fail, fmt.Sprintf("Of the backups %d are not as they were made, or of another installation.", b.Broken),
		"sotto backup list names them, sotto backup verify says which files. Find out who changed them.")
	x.backupTrial()
	x.expect("backup-place", !b.Beside, "Backups are on another disk.", Warn, "Backups are on the disk that they are backups of.", "Copy them to another machine.")
}

// backupTrial looks at when a backup was last restored for a trial.
func (x *examination) backupTrial() {
	const fix = "Run sotto backup verify each month: it restores a backup into a folder of its own and checks all of it (45 CFR 164.308(a)(7)(ii)(D))."
	t := x.facts.Backup.Trial
	switch {
	case t == nil:
		x.expect("backup-trial", false, "", Warn, "No backup was ever restored for a trial.", fix)
	case t.Problems > 0:
		x.expect("backup-trial", false, "", Fail, fmt.Sprintf("The backup %s could not be restored as it was made: %d problems.", t.Name, t.Problems), "Make another and verify that; find out what happened to this one.")
	default:
		days := int(x.facts.At.Sub(t.At).Hours() / 24)
		says := fmt.Sprintf("A backup was restored for a trial %d days ago.", days)
		x.expect("backup-trial", days <= installation.BackupTrialDays, says, Warn, says, fix)
	}
}

// witnesses finds those who do not sign the audit log's heads. That there is
// none is no finding: it is an option.
func (x *examination) witnesses(check string, p *installation.Practice) {
	for _, w := range p.Witnesses {
		late := x.facts.At.Sub(w.At)
		switch {
		case w.Contradicts:
			x.expect(check, false, "", Fail, "The witness "+w.Name+" has signed another history of the audit log: it was rewritten, or an old backup was put back.",
				"Keep what is there as evidence. Compare with the checkpoints that were published: sotto audit verify --checkpoint FILE (45 CFR 164.312(c)(1)). It is named until you say why: sotto audit settle "+w.Name+".")
		case w.Problem != "":
			x.expect(check, false, "", Warn, "The witness "+w.Name+" did not sign the audit log's head when it was asked last ("+w.Problem+").",
				"Ask who runs it; check its key and address in --audit-witness. The log goes on without it.")
		default:
			x.expect(check, late < witnessLate, fmt.Sprintf("The witness %s has signed the first %d entries of the audit log.", w.Name, w.Size), Warn,
				fmt.Sprintf("The witness %s has signed nothing of the audit log for %s.", w.Name, late.Round(time.Minute)),
				"See that the server runs with --audit-witness, and look at its log.")
		}
	}
}

// manyUnsearched is how many entries of a log are more than what comes in a
// moment.
const manyUnsearched = 20_000

func (x *examination) practice(p *installation.Practice) {
	of := func(check string) string { return check + ":" + p.Slug }
	if s := x.facts.Server; p.Demo && s != nil {
		open := !installation.Loopback(s.Listen) || slices.ContainsFunc(s.Origins, func(o string) bool {
			u, err := url.Parse(o)
			return err != nil || !localName(u.Hostname())
		})
		x.expect(of("demo"), !open, "The demo practice is for this machine alone.", Fail,
			"A demo practice, whose sign-ins anybody can see, is served to others.", "Serve a practice of your own from a new data folder.")
	}
	x.auditLog(of("audit-log"), p)
	x.logGrows(of("audit-backlog"), p)
	x.witnesses(of("audit-witness"), p)
	x.streams(of("audit-stream"), p)
	x.expect(of("emergency-reviews"), p.EmergenciesDue == 0, fmt.Sprintf("No review of an emergency access is late; %d wait.", p.Emergencies), Fail,
		fmt.Sprintf("%s should have been reviewed by now, three days after it was.", accesses(p.EmergenciesDue)),
		"Open Emergency access in the administrators' page and review each (45 CFR 164.308(a)(1)(ii)(D), 164.312(a)(2)(ii)).")
	x.expect(of("form-reviews"), p.FormsLate == 0, "No consent form waits long for its approval.", Warn,
		fmt.Sprintf("Of the consent forms that their authors are done with, %d wait for somebody's approval for more than %d days.", p.FormsLate, days(installation.FormReviewTime)),
		"Somebody else than the author opens Consent forms in the administrators' page, and approves each or gives it back.")
	x.expect(of("access-reviews"), p.AccessLate == 0, "Nobody's access waits for too long to be confirmed.", Fail,
		fmt.Sprintf("What %s may do was not confirmed for more than %d days.", somebody(p.AccessLate), p.AccessDays),
		"An administrator or compliance officer opens Reviews in the administrators' page, and keeps, changes or disables each (45 CFR 164.308(a)(4)(ii)(C)).")
	x.expect(of("activity-reviews"), p.ActivityGaps == 0, fmt.Sprintf("No period of the audit log went by unsigned; %d wait.", p.ActivityWaits), Fail,
		fmt.Sprintf("Of the audit log, %d periods were not signed off within two weeks.", p.ActivityGaps),
		"An auditor or compliance officer opens Reviews in the administrators' page, looks at each, and signs it off with what they found (45 CFR 164.308(a)(1)(ii)(D)).")
	x.expect(of("alerts"), p.AlertsLate == 0, fmt.Sprintf("No alert of the audit log waits for more than three days; %d wait.", p.Alerts), Fail,
		fmt.Sprintf("Of the alerts of the audit log, %d have waited for more than three days.", p.AlertsLate),
		"An auditor or compliance officer opens Reviews, Alerts in the administrators' page, looks at each in the log, and says what it was (45 CFR 164.308(a)(1)(ii)(D)).")
	x.expect(of("alerts-search"), p.Unsearched <= manyUnsearched, "The audit log is searched for alerts as it grows.", Warn,
		fmt.Sprintf("%d entries of the audit log were not searched for alerts yet.", p.Unsearched),
		"Wait if the log was long when this version was installed: twenty thousand entries are searched every half minute. Otherwise look into the server's log for why the search fails.")
	var one, never, unused, admins int
	for i := range p.People {
		person := &p.People[i]
		if person.Disabled {
			continue
		}
		last := person.LastSignIn
		if last.IsZero() {
			last = person.CreatedAt
		}
		switch {
		case !p.CanSignIn(person):
			if x.facts.At.Sub(last) > unusedAccount {
				never++
			}
			continue
		case !p.TwoFactors(person):
			one++
		case x.facts.At.Sub(last) > unusedAccount:
			unused++
		}
		if person.Access == "administrator" {
			admins++
		}
	}
	fix := "sotto staff link for each of them (45 CFR 164.312(d))."
	if p.Provider != nil && !p.Provider.TwoFactors {
		fix = "In the practice's file have second_factor of sso ask for what no password alone gives, such as mfa in amr, and apply it; for who signs in here, " + fix
	}
	x.expect(of("two-factors"), one == 0, "Everybody who can sign in has two factors.", Fail,
		fmt.Sprintf("%s can sign in with one factor.", people(one)), fix)
	x.expect(of("unused-accounts"), unused+never == 0, "Every account was used in the last 90 days.", Warn,
		fmt.Sprintf("%s did not sign in for 90 days, or never.", people(unused+never)), "Ask whether they still work here; sotto staff disable (45 CFR 164.308(a)(3)(ii)(C)).")
	x.expect(of("administrators"), admins >= 2, "There are two administrators or more.", Warn,
		fmt.Sprintf("There is no second administrator (%d can sign in): if one cannot work, nobody can run the people.", admins), "Give the role to a second person.")
	x.expect(of("keeper"), p.Keeper, "The record keeper is enrolled.", Fail, "No record keeper is enrolled: nothing is archived, and nobody new is let in.", "sotto practice apply")
	x.expect(of("devices"), p.Uncertified == 0, "No device waits for its certificate.", Warn,
		fmt.Sprintf("%d devices wait for a certificate.", p.Uncertified), "See whether the record keeper runs.")
	if a := p.Archive; a != nil {
		x.expect(of("record-folder"), a.Writable, "The folder of the record can be written.", Fail,
			"The folder of the record cannot be written: what is said is not archived.", "Check its owner and whether the disk is there and has room.")
	}
	if a := p.Archive; a != nil && a.Bytes > 0 {
		switch {
		case a.Check == nil:
			x.expect(of("archive"), false, "", Warn, "The record was never checked as a whole.", "sotto record verify")
		case a.Check.Problems > 0:
			x.expect(of("archive"), false, "", Fail, fmt.Sprintf("The last check of the record named %d problems.", a.Check.Problems), "sotto record verify names each.")
		default:
			age := x.facts.At.Sub(a.Check.At)
			x.expect(of("archive"), age <= archiveOld, fmt.Sprintf("The record was whole %d days ago.", days(age)), Warn,
				fmt.Sprintf("The record was last checked %d days ago.", days(age)), "sotto record verify")
		}
	}
	x.expect(of("consent-form"), p.ConsentForm != "" && subset(p.Languages, p.ConsentTexts), "The consent form is there in every language.", Fail,
		"There is no consent form in every language of the practice.", "Complete the practice file and apply it.")
}

func subset(all, of []string) bool {
	return !slices.ContainsFunc(all, func(s string) bool { return !slices.Contains(of, s) })
}

func days(d time.Duration) int { return int(d / day) }

func people(n int) string {
	if n == 1 {
		return "One person"
	}
	return fmt.Sprintf("%d people", n)
}

func somebody(n int) string {
	if n == 1 {
		return "one person"
	}
	return fmt.Sprintf("%d people", n)
}

func accesses(n int) string {
	if n == 1 {
		return "One emergency access"
	}
	return fmt.Sprintf("%d emergency accesses", n)
}

func localName(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// narrow reports whether a network is one that a practice could own.
func narrow(n netip.Prefix) bool {
	if n.Addr().Is4() {
		return n.Bits() >= 8
	}
	return n.Bits() >= 32
}
