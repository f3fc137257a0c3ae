package audit

// A Kind names an act. The vocabulary is closed: [Vocabulary] has all of it.
type Kind string

// A Category is what a kind belongs to.
type Category string

// The categories.
const (
	Security   Category = "security"   // who came in, and how
	Access     Category = "access"     // who saw what
	Consent    Category = "consent"    // what a patient agreed to
	Membership Category = "membership" // who was let into a chat, and its course
	Keys       Category = "keys"       // devices, certificates, key packages
	Policy     Category = "policy"     // people, roles, settings
	Export     Category = "export"     // what left the system
	Running    Category = "system"     // how the system was run
)

// Categories lists all, in the order in which people should see them.
func Categories() []Category {
	return []Category{Security, Access, Consent, Membership, Keys, Policy, Export, Running}
}

// An Action is what an act does to its object, by the letter that FHIR R4 has
// for it (AuditEvent.action).
type Action string

// The actions.
const (
	Creates  Action = "C"
	Reads    Action = "R"
	Updates  Action = "U"
	Deletes  Action = "D"
	Executes Action = "E" // it does something else, such as signing in
)

// Security.
const (
	SignedIn           Kind = "sign-in.done"
	SignInRefused      Kind = "sign-in.refused"
	SignedOut          Kind = "sign-in.ended"
	SessionEnded       Kind = "session.ended"
	SessionLocked      Kind = "session.locked"
	SessionUnlocked    Kind = "session.proved"
	DeviceSignedIn     Kind = "device.signed-in"
	DeviceSignedOut    Kind = "device.signed-out"
	SetUpLinkMade      Kind = "set-up-link.made"
	SetUpLinkUsed      Kind = "set-up-link.used"
	SetUpLinkOpened    Kind = "set-up-link.opened"
	FactorAdded        Kind = "factor.added"
	FactorRenamed      Kind = "factor.renamed"
	FactorRemoved      Kind = "factor.removed"
	PasswordChanged    Kind = "password.changed"
	RecoveryCodes      Kind = "recovery-codes.made"
	CallRefused        Kind = "call.refused"
	PatientVerified    Kind = "patient.verified"
	PatientNotVerified Kind = "patient.not-verified"
	PatientAsked       Kind = "patient.asked"
	PatientTriesReset  Kind = "patient.tries-reset"
	PatientPasskeysOut Kind = "patient.passkeys-forgotten"
	PortalWaits        Kind = "patient.portal-waits"
	PortalLinked       Kind = "patient.portal-linked"
	PortalUnlinked     Kind = "patient.portal-unlinked"
	PatientPINIssued   Kind = "patient.pin-issued"
	ContactCodeSent    Kind = "contact-code.sent"
)

// Single sign-on, and the practice's directory.
const (
	IdentityLinked   Kind = "identity.linked"
	IdentityUnlinked Kind = "identity.unlinked"
	ProviderEnded    Kind = "provider.ended-sessions"
	DirectoryToken   Kind = "directory-token.made"
	DirectoryRevoked Kind = "directory-token.revoked"
	PersonEnabled    Kind = "person.enabled"
	DirectoryRead    Kind = "directory.read"
	GroupChanged     Kind = "directory-group.changed"
	GroupDeleted     Kind = "directory-group.deleted"
)

// Access.
const (
	ConversationSeen    Kind = "conversation.seen"
	ConversationOpened  Kind = "conversation.opened"
	ConversationsListed Kind = "conversations.listed"
	PushOpened          Kind = "push.opened"
	FileDownloaded      Kind = "file.downloaded"
	PeopleListed        Kind = "people.listed"
	ReadersExplained    Kind = "readers.explained"
	AuditRead           Kind = "audit.read"
	LogReviewed         Kind = "audit.reviewed"
	AccessRead          Kind = "access.read"
	GroupInfoRead       Kind = "group-info.read"
	MemberDevicesRead   Kind = "member-devices.read"
	ControlsRead        Kind = "controls.read"

	PatientVerificationRead Kind = "patient.verification-read"
	PersonSeen              Kind = "person.seen"
	EmergencyOpened         Kind = "emergency.opened"
	EmergencyEnded          Kind = "emergency.ended"
	EmergenciesListed       Kind = "emergencies.listed"
	EmergencyReviewed       Kind = "emergency.reviewed"
	AlertReviewed           Kind = "alert.reviewed"
)

// Consent.
const (
	ConsentGiven     Kind = "consent.given"
	ConsentWithdrawn Kind = "consent.withdrawn"
	ConsentDeclined  Kind = "consent.declined"
	FormSaved        Kind = "consent-form.saved"
	FormSubmitted    Kind = "consent-form.submitted"
	FormReturned     Kind = "consent-form.returned"
	FormApproved     Kind = "consent-form.approved"
	FormPublished    Kind = "consent-form.published"
	FormAttached     Kind = "consent-form.attached"
	FormRetired      Kind = "consent-form.retired"
	ConsentsListed   Kind = "consents.listed"
)

// Membership, and the course of a conversation.
const (
	ConversationBegun     Kind = "conversation.begun"
	ConversationTaken     Kind = "conversation.taken"
	ConversationTakenOver Kind = "conversation.taken-over"
	ConversationJoined    Kind = "conversation.joined"
	ConversationLeft      Kind = "conversation.left"
	ColleagueBrought      Kind = "colleague.brought"
	ConversationMoved     Kind = "conversation.transferred"
	ConversationClosed    Kind = "conversation.closed"
	ConversationReopened  Kind = "conversation.reopened"
	ConversationRated     Kind = "conversation.rated"
	MemberAdded           Kind = "member.added"
	MemberRemoved         Kind = "member.removed"
	MemberRejoined        Kind = "member.rejoined"
	RemovalProposed       Kind = "removal.proposed"
	FrameSent             Kind = "frame.sent"
	HandshakeSent         Kind = "handshake.sent"
	FileAdded             Kind = "file.added"
	FileDropped           Kind = "file.dropped"
)

// Keys.
const (
	DeviceRegistered     Kind = "device.registered"
	DeviceVouched        Kind = "device.vouched"
	DeviceRevoked        Kind = "device.revoked"
	CertificateIssued    Kind = "certificate.issued"
	KeyPackagesPublished Kind = "key-packages.published"
	KeyPackageClaimed    Kind = "key-package.claimed"
	KeyMade              Kind = "key.made"
	KeyReplaced          Kind = "key.replaced"
	KeysCopied           Kind = "keys.copied"
	PersonReadmitted     Kind = "person.readmitted"
)

// Policy: people, roles and settings.
const (
	PersonAdded        Kind = "person.added"
	PersonChanged      Kind = "person.changed"
	PersonDisabled     Kind = "person.disabled"
	GrantRequested     Kind = "grant.requested"
	GrantApproved      Kind = "grant.approved"
	GrantRefused       Kind = "grant.refused"
	GrantWithdrawn     Kind = "grant.withdrawn"
	AccessConfirmed    Kind = "access.confirmed"
	AccessLapsed       Kind = "access.lapsed"
	DepartmentChanged  Kind = "department.changed"
	DepartmentRetired  Kind = "department.retired"
	PracticeConfigured Kind = "practice.configured"

	RelationGranted   Kind = "relation.granted"
	RelationEnded     Kind = "relation.ended"
	PersonsLinked     Kind = "persons.linked"
	PersonsUnlinked   Kind = "persons.unlinked"
	PersonLinksListed Kind = "persons.links-listed"
	InvitationMade    Kind = "invitation.made"
	InvitationOpened  Kind = "invitation.opened"
	InvitationRevoked Kind = "invitation.revoked"
	ChatHidden        Kind = "conversation.hidden"
	ChatShown         Kind = "conversation.shown"
	SentAllTheSame    Kind = "hold-back.confirmed"
	PatientSeen       Kind = "patient.seen"
	RosterChanged     Kind = "roster.changed"
	WatchBegun        Kind = "patient-watch.begun"
	WatchEnded        Kind = "patient-watch.ended"
)

// Export.
const (
	AuditExported    Kind = "audit.exported"
	EvidenceExported Kind = "evidence.exported"
	DisclosureMade   Kind = "disclosure.recorded"
	DisclosureStruck Kind = "disclosure.struck"
	AccountTaken     Kind = "disclosures.exported"
	RecordRead       Kind = "record.read"
	RecordVerified   Kind = "record.verified"
	HistoryShared    Kind = "history.shared"
	ConsentsExported Kind = "consents.exported"
	ReviewsExported  Kind = "reviews.exported"
	StreamConfigured Kind = "audit-stream.configured"
	StreamStopped    Kind = "audit-stream.stopped"

	WatcherConfigured Kind = "audit-watcher.configured"
	WatcherStopped    Kind = "audit-watcher.stopped"
)

// Running.
const (
	HubStarted     Kind = "hub.started"
	HubStopped     Kind = "hub.stopped"
	BackupMade     Kind = "backup.made"
	BackupVerified Kind = "backup.verified"
	BackupRestored Kind = "backup.restored"
	ClockChanged   Kind = "clock.changed"
	ControlsLooked Kind = "controls.looked-at"
	StreamFailed   Kind = "audit-stream.failed"
	StreamResumed  Kind = "audit-stream.resumed"
	AlertRaised    Kind = "alert.raised"

	WatcherContradicts Kind = "audit-watcher.contradicts"
	WatcherSettled     Kind = "audit-watcher.settled"
	UnreadableSetAside Kind = "audit-row.set-aside"
)

// A Spec says what a kind means and which fields its events have besides those
// that all have.
type Spec struct {
	Kind     Kind
	Category Category
	Action   Action
	// Object is what the event's Object is the id of; empty if it has none.
	Object string
	// Chat says that the event is about a conversation.
	Chat bool
	// Says is the kind in plain words, with the actor as its subject.
	Says string
}

// Vocabulary lists every kind there is.
func Vocabulary() []Spec {
	return []Spec{
		{SignedIn, Security, Executes, "session", false, "signed in"},
		{SignInRefused, Security, Executes, "person", false, "was not let in: what they showed was wrong"},
		{SignedOut, Security, Executes, "session", false, "signed out"},
		{SessionEnded, Security, Deletes, "session", false, "ended another session of theirs"},
		{SessionLocked, Security, Executes, "session", false, "locked the session"},
		{SessionUnlocked, Security, Executes, "session", false, "showed both factors again, to unlock or before a change"},
		{DeviceSignedIn, Security, Executes, "device", false, "connected a device"},
		{DeviceSignedOut, Security, Executes, "device", false, "disconnected a device"},
		{SetUpLinkMade, Security, Creates, "person", false, "made a link with which a person sets up their sign-in"},
		{SetUpLinkOpened, Security, Reads, "person", false, "looked at whom a set-up link is for"},
		{SetUpLinkUsed, Security, Executes, "person", false, "set up their sign-in with a link"},
		{FactorAdded, Security, Creates, "factor", false, "added a passkey or an authenticator app"},
		{FactorRenamed, Security, Updates, "factor", false, "gave a passkey or an app another name"},
		{FactorRemoved, Security, Deletes, "factor", false, "removed a passkey or an authenticator app"},
		{PasswordChanged, Security, Updates, "person", false, "chose another password"},
		{RecoveryCodes, Security, Creates, "person", false, "got new recovery codes"},
		{CallRefused, Security, Executes, "object", true, "asked for something that policy does not allow"},
		{PatientNotVerified, Security, Executes, "device", true, "tried to show who they are, and what they gave was wrong"},
		{PatientAsked, Security, Executes, "", true, "asked a patient to show who they are"},
		{PatientTriesReset, Security, Updates, "", true, "let a patient try again to show who they are"},
		{PatientPasskeysOut, Security, Deletes, "", true, "removed all passkeys of a patient"},
		{PatientPINIssued, Security, Creates, "record", false, "gave a patient of the roster a PIN"},
		{ContactCodeSent, Security, Creates, "device", true, "had a one-time code sent to a contact"},
		{PortalWaits, Security, Executes, "device", true, "signed in at the practice's portal with an account of which nobody has said whose it is"},
		{PortalLinked, Security, Updates, "device", true, "said which patient on file has the portal account that a device signed in with"},
		{PortalUnlinked, Security, Updates, "", true, "said that a patient's portal account is not theirs"},
		{PatientVerified, Security, Executes, "device", true, "showed who a patient is, on a device of the patient's"},

		{IdentityLinked, Security, Updates, "person", false, "linked a person to their account at the practice's sign-in provider"},
		{IdentityUnlinked, Security, Updates, "person", false, "unlinked a person from their account at the practice's sign-in provider"},
		{DirectoryToken, Security, Creates, "token", false, "made a token, with which the practice's directory keeps its people here or a monitor follows the heads of this log"},
		{DirectoryRevoked, Security, Deletes, "token", false, "revoked a token of the practice's directory"},
		{PersonEnabled, Policy, Updates, "person", false, "gave a person access again"},
		{DirectoryRead, Access, Reads, "object", false, "read a person or groups that the practice's directory keeps here"},
		{GroupChanged, Policy, Updates, "group", false, "made or changed a group of the practice's directory"},
		{GroupDeleted, Policy, Deletes, "group", false, "removed a group of the practice's directory"},
		{ProviderEnded, Security, Deletes, "", false, "ended the sessions that were opened with one account there"},
		{ConversationSeen, Access, Reads, "", true, "looked at how a conversation stands, without its messages"},
		{ConversationOpened, Access, Reads, "", true, "opened a conversation and got its messages"},
		{ConversationsListed, Access, Reads, "box", false, "listed conversations"},
		{PushOpened, Access, Reads, "device", false, "began to get new messages of their conversations as they come"},
		{FileDownloaded, Access, Reads, "file", true, "downloaded a sealed file"},
		{PeopleListed, Access, Reads, "", false, "listed the practice's staff"},
		{ReadersExplained, Access, Reads, "", true, "asked who can read a conversation"},
		{AuditRead, Access, Reads, "", true, "read this log"},
		{LogReviewed, Access, Reads, "", false, "signed off that they had looked at this log of a time"},
		{AccessRead, Access, Reads, "", true, "looked at who saw a patient's messages, or at what left the practice"},
		{GroupInfoRead, Access, Reads, "", true, "got what is needed to join a conversation from outside"},
		{ControlsRead, Access, Reads, "", false, "looked at how the installation meets the rules"},
		{MemberDevicesRead, Access, Reads, "person", true, "looked at which devices were ever certified for a person in the same conversation"},
		{PatientVerificationRead, Access, Reads, "", true, "saw how a patient was proved, and which record they are"},
		{PersonSeen, Access, Reads, "person", false, "looked at a staff person, with their sign-ins and devices"},
		{EmergencyOpened, Access, Reads, "emergency", true, "went into a conversation that was closed to them, in an emergency"},
		{EmergencyEnded, Access, Deletes, "emergency", true, "ended an emergency access whose hour was over"},
		{EmergenciesListed, Access, Reads, "", false, "listed emergency accesses"},
		{EmergencyReviewed, Access, Reads, "emergency", true, "reviewed an emergency access"},
		{AlertReviewed, Access, Reads, "alert", false, "said what an alert of this log was"},

		{ConsentGiven, Consent, Creates, "form", true, "gave consent"},
		{ConsentWithdrawn, Consent, Deletes, "", true, "took consent back"},
		{ConsentDeclined, Consent, Executes, "form", false, "said no to a consent form"},
		{FormSaved, Consent, Updates, "form", false, "wrote on the draft of a consent form"},
		{FormSubmitted, Consent, Updates, "form", false, "said that a consent form is done"},
		{FormReturned, Consent, Updates, "form", false, "made a consent form a draft again"},
		{FormApproved, Consent, Updates, "form", false, "approved a consent form that somebody else wrote"},
		{FormPublished, Consent, Updates, "form", false, "published a consent form: patients are asked again"},
		{FormAttached, Consent, Updates, "form", false, "chose the queues that a consent form stands before"},
		{FormRetired, Consent, Deletes, "form", false, "ended a consent form"},
		{ConsentsListed, Consent, Reads, "", true, "looked at who agreed to what"},

		{ConversationBegun, Membership, Creates, "", true, "began a conversation"},
		{ConversationTaken, Membership, Updates, "", true, "took a waiting conversation"},
		{ConversationTakenOver, Membership, Updates, "", true, "took a conversation over from another"},
		{ConversationJoined, Membership, Updates, "", true, "joined a conversation"},
		{ConversationLeft, Membership, Updates, "", true, "left a conversation"},
		{ColleagueBrought, Membership, Updates, "person", true, "brought a colleague into a conversation"},
		{ConversationMoved, Membership, Updates, "target", true, "handed a conversation to a colleague or to another queue"},
		{ConversationClosed, Membership, Updates, "", true, "closed a conversation"},
		{ConversationReopened, Membership, Updates, "", true, "opened a closed conversation again"},
		{ConversationRated, Membership, Updates, "", true, "rated a closed conversation"},
		{MemberAdded, Membership, Creates, "device", true, "let a device into a conversation, with the keys to it"},
		{MemberRemoved, Membership, Deletes, "device", true, "took a device out of a conversation"},
		{MemberRejoined, Membership, Updates, "device", true, "came back into a conversation with a device that had lost its state"},
		{RemovalProposed, Membership, Creates, "device", true, "proposed that a device be taken out of a conversation"},
		{FrameSent, Membership, Creates, "position", true, "sent a sealed message"},
		{HandshakeSent, Membership, Updates, "position", true, "changed the keys of a conversation"},
		{FileAdded, Membership, Creates, "file", true, "added a sealed file"},
		{FileDropped, Membership, Deletes, "file", true, "dropped a file that was not finished"},

		{DeviceRegistered, Keys, Creates, "device", false, "registered a device's key"},
		{DeviceVouched, Keys, Updates, "device", false, "vouched for a device with a passkey"},
		{DeviceRevoked, Keys, Deletes, "device", false, "took all access from a device"},
		{CertificateIssued, Keys, Creates, "device", false, "certified a device: it speaks for its person from now on"},
		{KeyPackagesPublished, Keys, Creates, "device", false, "published keys to be added by"},
		{KeyMade, Keys, Creates, "key", false, "made a key of the hub's"},
		{KeyReplaced, Keys, Updates, "key", false, "made another key in place of one of the hub's that was lost"},
		{KeysCopied, Keys, Reads, "", false, "copied the keys of the installation: with them and a backup all can be read"},
		{PersonReadmitted, Keys, Updates, "person", false, "let a person begin anew without any passkey that was known of them"},
		{KeyPackageClaimed, Keys, Updates, "device", false, "took a key with which a device can be let into a conversation"},

		{PersonAdded, Policy, Creates, "person", false, "added a person"},
		{PersonChanged, Policy, Updates, "person", false, "changed a person's role, departments or queues"},
		{GrantRequested, Policy, Creates, "person", false, "asked for a role with much power for a person, or for a new sign-in of who has one"},
		{GrantApproved, Policy, Updates, "person", false, "approved what another asked for: a role with much power, or a new sign-in of who has one"},
		{GrantRefused, Policy, Updates, "person", false, "refused what another asked for: a role with much power, or a new sign-in of who has one"},
		{GrantWithdrawn, Policy, Deletes, "person", false, "took back that they asked for a role with much power for a person, or for a new sign-in of who has one"},
		{AccessConfirmed, Policy, Updates, "person", false, "confirmed that what a person may do is right"},
		{AccessLapsed, Policy, Updates, "person", false, "took a role that nobody had confirmed for too long"},
		{DepartmentChanged, Policy, Updates, "department", false, "made or changed a department: its name, or the queues that belong to it"},
		{DepartmentRetired, Policy, Deletes, "department", false, "retired a department"},
		{PersonDisabled, Policy, Updates, "person", false, "took all access from a person"},
		{RosterChanged, Policy, Updates, "practice", false, "changed what is on file of the practice's patients"},
		{PracticeConfigured, Policy, Updates, "practice", false, "changed the practice's settings"},

		{RelationGranted, Policy, Creates, "relation", false, "let one patient write for another"},
		{RelationEnded, Policy, Deletes, "relation", false, "took back that one patient may write for another, or it came to its end"},
		{PersonsLinked, Policy, Creates, "link", false, "said that two persons are one"},
		{PersonLinksListed, Access, Reads, "", false, "listed which persons were said to be one"},
		{PersonsUnlinked, Policy, Deletes, "link", false, "undid that two persons are one"},
		{InvitationMade, Policy, Creates, "invitation", false, "made a one-time link for a patient to begin a chat"},
		{InvitationOpened, Policy, Executes, "invitation", false, "opened a one-time link"},
		{InvitationRevoked, Policy, Deletes, "invitation", false, "took back a one-time link"},
		{WatchBegun, Policy, Creates, "watch", false, "had this log searched for who sees a patient"},
		{WatchEnded, Policy, Deletes, "watch", false, "ended that this log is searched for who sees a patient"},
		{ChatHidden, Policy, Updates, "", true, "kept a conversation from whoever writes for somebody else in it"},
		{ChatShown, Policy, Updates, "", true, "no longer keeps a conversation from whoever writes for somebody else in it"},
		{SentAllTheSame, Policy, Executes, "hold-back", true, "sent what looks like health information to a patient who has not shown who they are, with a reason"},
		{PatientSeen, Access, Reads, "person", true, "looked at what is known of a patient beside a conversation"},

		{EvidenceExported, Export, Reads, "", false, "made an evidence pack for an auditor"},
		{AuditExported, Export, Reads, "", true, "exported this log"},
		{DisclosureMade, Export, Creates, "disclosure", true, "wrote down that something of a patient's left the practice"},
		{DisclosureStruck, Export, Deletes, "disclosure", true, "struck what was written down as having left the practice"},
		{AccountTaken, Export, Reads, "", true, "took out the account of what left the practice"},
		{RecordRead, Export, Reads, "", true, "opened the sealed record of a conversation"},
		{RecordVerified, Export, Reads, "", false, "checked the sealed record"},
		{ConsentsExported, Export, Reads, "", false, "took out who agreed to what as a file"},
		{ReviewsExported, Export, Reads, "", false, "took out a history of reviews as a file"},
		{HistoryShared, Export, Reads, "position", true, "handed those who came late what was said before they joined"},

		{StreamConfigured, Export, Updates, "stream", false, "began to send this log to a receiver outside as it grows, or to another one"},
		{StreamStopped, Export, Deletes, "stream", false, "ended the sending of this log to a receiver outside"},
		{WatcherConfigured, Export, Updates, "watcher", false, "began to have this log held to what it was by somebody outside the database: a witness, published heads or an archive"},
		{WatcherStopped, Export, Deletes, "watcher", false, "ended that somebody outside the database holds this log to what it was"},

		{HubStarted, Running, Executes, "", false, "started the hub: detail says by what settings it is protected"},
		{HubStopped, Running, Executes, "", false, "stopped the hub"},
		{BackupMade, Running, Creates, "backup", false, "made a backup: reference is the SHA-256 of its manifest"},
		{BackupVerified, Running, Reads, "backup", false, "restored a backup for a trial and checked all of it"},
		{BackupRestored, Running, Executes, "backup", false, "put a backup in the place of what was here: this log goes on from where the backup's stopped"},
		{ClockChanged, Running, Updates, "", false, "went by a clock that was set, or woke from sleep: detail says by how many seconds"},
		{ControlsLooked, Running, Executes, "", false, "had all controls looked at anew"},
		{StreamFailed, Running, Executes, "stream", false, "could not get this log to a receiver outside; it waits"},
		{StreamResumed, Running, Executes, "stream", false, "gets this log to a receiver outside again"},
		{AlertRaised, Running, Creates, "alert", false, "found in this log what somebody should look at: detail says by which rule"},
		{WatcherContradicts, Running, Executes, "watcher", false, "found that this log contradicts what somebody outside the database holds of it"},
		{WatcherSettled, Running, Executes, "watcher", false, "ended a contradiction of this log: the witness agrees again, or the operator said why"},
		{UnreadableSetAside, Running, Updates, "row", false, "took an event that waited for its number and could not be read out of the way of this log; it is kept: detail says where it waited, since when, and the SHA-256 of its bytes"},
	}
}

// specs is [Vocabulary] by kind.
var specs = func() map[Kind]Spec {
	m := make(map[Kind]Spec)
	for _, s := range Vocabulary() {
		m[s.Kind] = s
	}
	return m
}()

// SpecOf returns what a kind means.
func SpecOf(k Kind) (Spec, bool) {
	s, ok := specs[k]
	return s, ok
}
