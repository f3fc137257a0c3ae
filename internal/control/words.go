package control

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sotto-health/sotto/api"
)

// say is the sentence of a code, with what stands in it.
func say(code string, args ...any) api.ControlWords {
	w := api.ControlWords{Code: code}
	for _, a := range args {
		w.Args = append(w.Args, fmt.Sprint(a))
	}
	return w
}

// inEnglish is what words say where nobody has others for their code.
func inEnglish(w api.ControlWords) string {
	var fill []string
	for i, a := range w.Args {
		fill = append(fill, "{"+strconv.Itoa(i)+"}", a)
	}
	return strings.NewReplacer(fill...).Replace(english[w.Code])
}

func found(state string, says []api.ControlWords) api.ControlFinding {
	var text []string
	for _, w := range says {
		text = append(text, inEnglish(w))
	}
	return api.ControlFinding{State: state, Says: strings.Join(text, " "), Words: says}
}

func fixedBy(fix api.ControlWords, f api.ControlFinding) api.ControlFinding {
	f.Fix, f.FixWords = inEnglish(fix), &fix
	return f
}

// english has the sentences that findings are made of, by code; those that begin
// with fix say what to do. A code keeps its meaning, and the places of its {0}
// and {1}: catalogues of other languages go by it (web/locales/controls).
var english = map[string]string{
	"roles.without": "{0} people have no role that the rules know.",
	"roles.each":    "{0} people have one role each, by which the rules decide.",

	"people.shared": "Two people share one id.",
	"people.unique": "{0} people, disabled ones too, each have an id of their own.",

	"official.none":  "Nobody who can sign in has the role compliance.",
	"official.there": "{0} people with the role compliance can sign in.",

	"administrators.none":  "Nobody who can sign in has the role administrator: people are run by the command line alone.",
	"administrators.one":   "One person alone is administrator.",
	"administrators.there": "{0} administrators can sign in.",

	"emergencies.late":     "{0} emergency accesses should have been reviewed by now.",
	"emergencies.nobody":   "Nobody who can sign in reviews emergency accesses.",
	"emergencies.reviewed": "{0} people review emergency accesses; {1} wait for it, none for longer than three days.",

	"access.late":      "What {0} people may do was not confirmed for more than {1} days.",
	"access.confirmed": "What each of {0} people may do was confirmed or given in the last {1} days, or since reviews began here.",

	"activity.late":   "{0} periods of the log were not signed off within two weeks.",
	"activity.nobody": "Nobody who can sign in signs off that the log was looked at.",
	"activity.none":   "No period of the log was signed off yet.",
	"alerts.late":     "{0} alerts of the log have waited for more than three days.",
	"alerts.searched": "The log is searched for what looks like curiosity; {0} alerts wait, none for longer than three days, and {1} entries are to be searched.",
	"activity.signed": "{0} periods of the log were looked at and signed off; {1} wait, none for longer than two weeks.",

	"accounts.unused": "{0} accounts were not used for 90 days.",
	"accounts.used":   "Every account was used, or made, in the last 90 days.",

	"factors.fewer": "{0} of {1} people who can sign in have two factors.",
	"factors.all":   "All {0} people who can sign in have two factors.",

	"factors.provider":     "{0} people sign in at {1}, which must say that they showed two.",
	"factors.provider-one": "{0} people sign in at {1}, and what it must say for that a password alone gives.",

	"sign-in.nobody": "Nobody has set up a sign-in yet.",

	"passkeys.fewer":    "{0} of {1} people have a passkey; the others' factors can be phished.",
	"passkeys.all":      "{0} of {1} people have a passkey, which resists phishing.",
	"passkeys.provider": "{0} people sign in at {1}: whether what they show there can be phished cannot be seen from here.",

	"devices.no-keeper": "No keeper is enrolled, which alone confirms devices.",
	"devices.wait":      "{0} devices wait for the practice's certificate.",
	"devices.certified": "Every device that can read has the practice's certificate.",

	"sign-ins.none": "No sign-in is kept yet.",
	"sign-ins.kept": "The sign-ins of {0} people are kept for 180 days and shown to them.",

	"keeper.none":  "No record keeper is enrolled: nobody is let in, and nothing is archived.",
	"keeper.there": "The record keeper, who alone lets members in, is enrolled.",

	"idle.after": "Screens lock after {0} minutes for staff and {1} for patients.",

	"networks.any": "Staff may sign in from any network.",
	"networks.own": "Staff sign in from the practice's networks alone.",

	"queues.none":  "There is no queue: chats are nobody's.",
	"queues.empty": "On {0} of {1} queues nobody works who can sign in.",
	"queues.all":   "{0} people see the chats of all {1} queues.",
	"queues.one":   "Chats wait in one queue, and who works on it sees them.",
	"queues.apart": "Chats wait in {0} queues, and all staff see those of theirs alone.",

	"proofing.open":  "In {0} of {1} queues staff may speak of health with somebody who has not shown who they are.",
	"proofing.asked": "In each of {0} queues patients show who they are before staff speak of health.",

	"form.no-text":   "The form has no text in {0}.",
	"form.none":      "No form is published.",
	"form.published": "Version {0} of the form is published in {1} languages.",

	"suite.quantum":      "The server offers new chats the cipher suite {0} ({1}), which is signed into each group: it holds against quantum computers too.",
	"suite.classic":      "The server offers new chats the cipher suite {0} ({1}): who records them now can read them once there are quantum computers.",
	"suite.unknown":      "The server offers new chats the cipher suite {0}, which is not one that is allowed.",
	"suite.unasked":      "Which cipher suite new chats get could not be asked: no server answers.",
	"suite.used":         "Open chats whose groups have the cipher suite {0} ({1}): {2}.",
	"suite.used-unknown": "Open chats whose groups have the cipher suite {0}, which is not one that is allowed: {1}.",

	"database.plain":     "Whether the disk of PostgreSQL is encrypted cannot be seen from here; who talked to whom, and when, lies on it as it is. Content is sealed in any case.",
	"database.encrypted": "The database file does not begin as a plain one does, and opens by its key (AES-256-XTS); content is sealed beside that.",
	"database.bare":      "The database file begins as one that is not encrypted.",
	"database.unseen":    "The database file could not be looked at, or does not open by its key.",
	"database.open":      "The way to the database is not checked.",
	"database.safe":      "Nothing on the way to the database is open to others.",

	"keys.lost":      "The key {0} is not there.",
	"keys.open":      "The key {0} is open to other users.",
	"keys.guarded":   "All {0} key files are for their owner alone.",
	"keys.same-disk": "Keys lie on the same disk as the data that they open: who takes the whole disk has both.",
	"keys.unseen":    "That keys and data are backed up apart cannot be seen from here.",

	"tls.no-answer": "No server answers, so that nothing could be looked at.",
	"tls.old":       "TLS 1.0 or 1.1 is spoken.",
	"tls.expired":   "The certificate has expired.",
	"tls.modern":    "TLS 1.2 and 1.3 alone are spoken.",
	"tls.none":      "The server listens on {0} without TLS.",
	"tls.proxy":     "A proxy in front speaks TLS as {0}; that cannot be seen from here.",
	"tls.local":     "The server can be reached from this machine alone, without TLS.",

	"record.elsewhere": "The record is kept on another machine, or there is none yet.",
	"record.unchecked": "The record was never checked as a whole.",
	"record.problems":  "The last check named {0} problems.",
	"record.old":       "The record was last checked on {0}.",
	"record.checked":   "All of the record was checked on {0}: {1} conversations, {2} records, none changed.",

	"backup.nowhere": "Nobody has said where backups go.",
	"backup.none":    "There is no whole backup in the folder.",
	"backup.old":     "The newest backup is {0} hours old.",
	"backup.broken":  "Of the backups {0} are not as they were made.",
	"backup.whole":   "The newest whole backup is {0} hours old, of {1}.",
	"backup.beside":  "Backups are on the disk that they are backups of.",
	"backup.apart":   "Backups are on another disk.",

	"trial.none":   "No backup was ever restored for a trial.",
	"trial.failed": "The backup {0} could not be restored as it was made: {1} problems.",
	"trial.old":    "A backup was last restored for a trial {0} days ago.",
	"trial.done":   "The backup {0} was restored for a trial {1} days ago, and all of it checked.",

	"doctor.nothing": "sotto doctor finds nothing.",
	"doctor.unsafe":  "sotto doctor finds unsafe: {0}.",
	"doctor.look-at": "sotto doctor finds to be looked at: {0}.",
	"doctor.more":    "It finds {0} more.",

	"release.none":    "The program is no release.",
	"release.old":     "The program is of {0}.",
	"release.version": "Version {0}.",

	"inventory.keeper":   "sotto inventory lacks the keys and the record of the keeper, which is on another machine.",
	"inventory.whole":    "sotto inventory lists {0} keys, {1} staff, {2} queues and the database of this installation, and leaves out nothing that it knows of.",
	"inventory.server":   "sotto inventory lacks what the server can be reached on, and what it sends by: it does not answer.",
	"inventory.database": "sotto inventory lacks what the database holds: it does not answer.",
	"inventory.keys":     "sotto inventory lacks keys: {0} are lost, of {1}.",

	"notices.none":  "The server sends no mail, text or push messages; notices in the browser hold no content.",
	"notices.email": "Codes and links leave as mail by {0}.",
	"notices.sms":   "Codes and links leave as text messages by {0}.",
	"notices.other": "Codes and links leave as {1} by {0}.",
	"notices.seen":  "Who carries them sees whom they are for, the link or code, and how the practice names itself. They hold nothing of a chat.",

	"facility.unseen": "Software cannot see doors. The data folder's disk has {0} GB.",

	"log.archive-damaged": "What was archived of the log is not there as it was written: {0}.",
	"log.contradicts":     "The log contradicts what was let out of it: {0}.",
	"log.unread":          "The log of who did what could not be read.",
	"log.stands":          "The log of who did what does not grow: since {0} what is done waits for its numbers in it, {1} events by now.",
	"log.changed":         "The log of who did what is not as it was written: {0} ({1} in all).",
	"log.empty":           "The log of who did what is empty.",
	"log.problems":        "The last whole check of the log, on {0}, named {1} problems.",
	"log.unchecked":       "The newest of {0} entries and some others are as they were written; all were not read for a month.",
	"log.no-head":         "The {0} entries of the log fit its tree; no earlier head is there that would show if all was made anew.",
	"log.lost":            "The log of who did what has lost entries: its head counts {0}.",
	"log.kept":            "The oldest entry of the audit log is its first, of {0}, {1} days old; none of {2} is gone.",
	"log.entries":         "The log of who did what has {0} entries.",
	"log.read-newest":     "The newest of them and some others were read now: they are as they were written, make the root that its head signs, and {0} earlier heads agree.",
	"log.read-all":        "All of them were read now: they are as they were written, make the root that its head signs, and {0} earlier heads agree.",

	"stream.none":           "The audit log is watched here alone: no SIEM gets it.",
	"stream.away":           "The audit log does not get to {0}: {1}.",
	"stream.late":           "The audit log does not get to {0}: {1} entries wait, and none was sent since {2}.",
	"stream.rejected":       "{0} took entries of the audit log and said that it did not keep {1}.",
	"stream.rejected-among": "{0} took entries of the audit log and said that it did not keep {1} of those numbered {2} to {3}.",
	"stream.unset":          "The audit log went to {0} until {1}, and does no more.",
	"stream.well":           "The audit log goes to {0} as it grows.",

	"none.clearinghouse": "The product has no clearinghouse functions. Whether the practice, or what it is part of, is a clearinghouse is not known here.",
	"none.health-plan":   "Whether the practice is, insures or sponsors a group health plan is not known here.",
	"none.deidentified":  "The product makes no de-identified data.",

	"services.unknown": "No server answers that says what it sends mail and text messages by.",

	"alone.database":      "Chat stops while the database's machine is away.",
	"alone.needs-none":    "Chat needs no service outside of this installation.",
	"alone.provider-only": "While {0} is away, nobody but an administrator with a passkey can sign in.",
	"alone.provider-some": "While {0} is away, {1} people have no other way to sign in.",
	"alone.provider":      "While {0} is away, everybody can sign in here.",
	"alone.portal":        "No patient can show who they are by the portal while {0} is away.",
	"alone.email":         "No codes and links reach patients by mail while {0} is away.",
	"alone.sms":           "No codes and links reach patients by text message while {0} is away.",
	"alone.other":         "No codes and links reach patients by {1} while {0} is away.",
	"alone.witnesses":     "Witnesses of the log hold nothing up.",

	"outside.email":     "Mail goes out by {0}.",
	"outside.sms":       "Text messages go out by {0}.",
	"outside.other":     "Messages of the kind {1} go out by {0}.",
	"outside.database":  "The database is on another machine.",
	"outside.provider":  "Staff sign in at {0}.",
	"outside.directory": "A directory adds, names and disables staff here: {0}.",
	"outside.portal":    "Patients sign in at {0}.",
	"outside.stream":    "The audit log goes to {0}.",
	"outside.none":      "Set up here is no mail or text message service, database elsewhere, identity provider, staff directory, patient portal or receiver of the audit log that is known.",
	"outside.hosts":     "Who hosts this machine and its backups cannot be seen from here.",

	"fix.give-role":            "Give each a role, or disable them.",
	"fix.tell-project":         "Tell the project: this cannot be.",
	"fix.make-compliance":      "Give somebody the role compliance.",
	"fix.make-administrator":   "Give somebody the role administrator.",
	"fix.second-administrator": "Give the role to a second person.",
	"fix.review-emergencies":   "Open Emergency access in the administrators' page and review each.",
	"fix.make-reviewer":        "Give somebody the role supervisor or compliance.",
	"fix.review-access":        "Open Reviews in the administrators' page, and keep, change or disable each.",
	"fix.sign-off":             "Open Reviews in the administrators' page, look at each period, and sign it off.",
	"fix.make-auditor":         "Give somebody the role auditor or compliance.",
	"fix.look-alerts":          "Open Reviews, Alerts in the administrators' page, look at each in the log, and say what it was.",
	"fix.sign-first":           "Sign off the first period once it is over, on the page Reviews.",
	"fix.ask-unused":           "Ask whether they still work here, and disable who does not.",
	"fix.link":                 "sotto staff link for each of them.",
	"fix.second-factor":        "In the practice's file have second_factor of sso ask for what no password alone gives, such as mfa in amr, and apply it.",
	"fix.provider-passkeys":    "See that the provider asks for passkeys or security keys, and write it down.",
	"fix.clearinghouse":        "Write down that there is none, or how its data are kept apart from the rest.",
	"fix.health-plan":          "Write down that it is none of these, or see that the plan's documents bind its sponsor.",
	"fix.hand-out":             "Hand out the set-up links.",
	"fix.add-passkey":          "Ask them to add a passkey in their settings.",
	"fix.apply":                "sotto practice apply",
	"fix.see-keeper":           "See whether the record keeper runs.",
	"fix.look-later":           "Look again once people work with it.",
	"fix.idle":                 "Set idle_minutes to 15 or less, or write down why not.",
	"fix.networks":             "Set access.networks, or write down that staff work from anywhere.",
	"fix.add-queue":            "Add one to the practice file and apply it.",
	"fix.fill-queues":          "Give each queue people, or take it out of the practice file.",
	"fix.divide-queues":        "Put them into departments, or give them queues; or write down why they need all.",
	"fix.proofing":             "Set the level of each queue in the practice file, or write down why nobody speaks of health there.",
	"fix.complete-file":        "Complete the practice file and apply it.",
	"fix.apply-version":        "sotto practice apply, with this version of the program.",
	"fix.close-chats":          "Close these chats, and have their patients begin new ones.",
	"fix.look-there":           "Look where the data folder is, as the server's user; sotto doctor says what keeps the database from opening.",
	"fix.plain-file":           "Stop the server, keep the file as evidence, and restore a backup into a new folder: sotto backup restore.",
	"fix.encrypt-disk":         "Encrypt the database server's disk, and write down how.",
	"fix.verify-database":      "Add sslmode=verify-full to SOTTO_POSTGRES.",
	"fix.restore-key":          "Restore it from its backup.",
	"fix.keys-elsewhere":       "Mount the keys from another place, or write down who can get to that disk.",
	"fix.keys-backup":          "Write down where the keys' backup is.",
	"fix.start-server":         "Start the server and look again.",
	"fix.old-tls-off":          "Turn TLS 1.0 and 1.1 off.",
	"fix.renew":                "Renew it.",
	"fix.certificate":          "Give --tls-cert and --tls-key.",
	"fix.check-proxy":          "Check the proxy's TLS with its own tools, and note it.",
	"fix.certificate-first":    "Before others use it: a certificate, or a TLS proxy in front.",
	"fix.controls-at-keeper":   "Run sotto controls where the record keeper runs.",
	"fix.verify-record":        "sotto record verify",
	"fix.name-folder":          "Name the folder of the copies: --backups or SOTTO_BACKUPS.",
	"fix.make-backup":          "Run sotto backup make, and see that it is run every day.",
	"fix.why-no-backup":        "Find out why none was made since.",
	"fix.broken-backups":       "sotto backup list names them. Find out who changed them.",
	"fix.try-backup":           "Run sotto backup verify each month.",
	"fix.another-backup":       "Make another, and find out what happened to this one.",
	"fix.copy-away":            "Copy them to another machine.",
	"fix.run-release":          "Run a released version.",
	"fix.newer":                "See whether there is a newer version.",
	"fix.inventory-at-keeper":  "Run sotto inventory where the record keeper runs too, and keep both.",
	"fix.write-doors":          "Write down who can get to the machines and how.",
	"fix.verify-log":           "sotto audit verify",
	"fix.keep-evidence":        "Keep what is there as evidence; sotto audit verify --checkpoint names what differs.",
	"fix.keep-changed":         "Keep what is there as evidence; sotto audit verify names each.",
	"fix.log-grows":            "See in the server's log since when the audit log cannot be continued, and keep a copy of the database as evidence before you mend anything. If no server runs, start it.",
	"fix.server-log":           "Look at the server's log.",
	"fix.publish-heads":        "Publish the log's heads (--audit-checkpoints), or run sotto audit verify.",
	"fix.stream":               "sotto doctor names what to do.",
	"fix.put-back":             "Run sotto audit verify: it names what is gone. Put back a backup that has it.",
	"fix.doctor":               "sotto doctor says what to do about each.",
	"fix.inventory":            "Start what does not answer, restore what is lost, and look again.",
	"fix.go-on-without":        "Write down how work goes on without each, and try it.",
	"fix.quiet-sender":         "Set identity.sender to a name that tells nothing of care. Have a business associate agreement with whoever carries them, or write down why none is needed (45 CFR 164.308(b)(1)).",
	"fix.agreements":           "Have a business associate agreement with whoever handles health information for you, and write down for each other why none is needed.",
	"fix.chmod":                "chmod 0600 {0}",
}
