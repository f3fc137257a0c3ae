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

	WatcherContradicts Kind = "audit-watcher.contradicts"
	WatcherSettled     Kind = "audit-watcher.settled"
	UnreadableSetAside Kind = "audit-row.set-aside"
)

// A Spec says what a kind means and which fields its events have besides those
// that all have.
type Spec struct {
	Kind     Kind
	Category Category
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
		{SignedIn, Security, "session", false, "signed in"},
		{SignInRefused, Security, "person", false, "was not let in: what they showed was wrong"},
		{SignedOut, Security, "session", false, "signed out"},
		{SessionEnded, Security, "session", false, "ended another session of theirs"},
		{SessionLocked, Security, "session", false, "locked the session"},
		{SessionUnlocked, Security, "session", false, "showed both factors again, to unlock or before a change"},
		{DeviceSignedIn, Security, "device", false, "connected a device"},
		{DeviceSignedOut, Security, "device", false, "disconnected a device"},
		{SetUpLinkMade, Security, "person", false, "made a link with which a person sets up their sign-in"},
		{SetUpLinkOpened, Security, "person", false, "looked at whom a set-up link is for"},
		{SetUpLinkUsed, Security, "person", false, "set up their sign-in with a link"},
		{FactorAdded, Security, "factor", false, "added a passkey or an authenticator app"},
		{FactorRenamed, Security, "factor", false, "gave a passkey or an app another name"},
		{FactorRemoved, Security, "factor", false, "removed a passkey or an authenticator app"},
		{PasswordChanged, Security, "person", false, "chose another password"},
		{RecoveryCodes, Security, "person", false, "got new recovery codes"},
		{CallRefused, Security, "object", true, "asked for something that policy does not allow"},
		{PatientNotVerified, Security, "device", true, "tried to show who they are, and what they gave was wrong"},
		{PatientAsked, Security, "", true, "asked a patient to show who they are"},
		{PatientTriesReset, Security, "", true, "let a patient try again to show who they are"},
		{PatientPasskeysOut, Security, "", true, "removed all passkeys of a patient"},
		{PatientPINIssued, Security, "record", false, "gave a patient of the roster a PIN"},
		{ContactCodeSent, Security, "device", true, "had a one-time code sent to a contact"},
		{PortalWaits, Security, "device", true, "signed in at the practice's portal with an account of which nobody has said whose it is"},
		{PortalLinked, Security, "device", true, "said which patient on file has the portal account that a device signed in with"},
		{PortalUnlinked, Security, "", true, "said that a patient's portal account is not theirs"},
		{PatientVerified, Security, "device", true, "showed who a patient is, on a device of the patient's"},

		{IdentityLinked, Security, "person", false, "linked a person to their account at the practice's sign-in provider"},
		{IdentityUnlinked, Security, "person", false, "unlinked a person from their account at the practice's sign-in provider"},
		{DirectoryToken, Security, "token", false, "made a token with which the practice's directory keeps its people here"},
		{DirectoryRevoked, Security, "token", false, "revoked a token of the practice's directory"},
		{PersonEnabled, Policy, "person", false, "gave a person access again"},
		{DirectoryRead, Access, "object", false, "read a person or groups that the practice's directory keeps here"},
		{GroupChanged, Policy, "group", false, "made or changed a group of the practice's directory"},
		{GroupDeleted, Policy, "group", false, "removed a group of the practice's directory"},
		{ProviderEnded, Security, "", false, "ended the sessions that were opened with one account there"},
		{ConversationSeen, Access, "", true, "looked at how a conversation stands, without its messages"},
		{ConversationOpened, Access, "", true, "opened a conversation and got its messages"},
		{ConversationsListed, Access, "box", false, "listed conversations"},
		{PushOpened, Access, "device", false, "began to get new messages of their conversations as they come"},
		{FileDownloaded, Access, "file", true, "downloaded a sealed file"},
		{PeopleListed, Access, "", false, "listed the practice's staff"},
		{ReadersExplained, Access, "", true, "asked who can read a conversation"},
		{AuditRead, Access, "", true, "read this log"},
		{LogReviewed, Access, "", false, "signed off that they had looked at this log of a time"},
		{AccessRead, Access, "", true, "looked at who saw a patient's messages, or at what left the practice"},
		{GroupInfoRead, Access, "", true, "got what is needed to join a conversation from outside"},
		{ControlsRead, Access, "", false, "looked at how the installation meets the rules"},
		{MemberDevicesRead, Access, "person", true, "looked at which devices were ever certified for a person in the same conversation"},
		{PatientVerificationRead, Access, "", true, "saw how a patient was proved, and which record they are"},
		{PersonSeen, Access, "person", false, "looked at a staff person, with their sign-ins and devices"},
		{EmergencyOpened, Access, "emergency", true, "went into a conversation that was closed to them, in an emergency"},
		{EmergencyEnded, Access, "emergency", true, "ended an emergency access whose hour was over"},
		{EmergenciesListed, Access, "", false, "listed emergency accesses"},
		{EmergencyReviewed, Access, "emergency", true, "reviewed an emergency access"},

		{ConsentGiven, Consent, "form", true, "gave consent"},
		{ConsentWithdrawn, Consent, "", true, "took consent back"},
		{ConsentDeclined, Consent, "form", false, "said no to a consent form"},
		{FormSaved, Consent, "form", false, "wrote on the draft of a consent form"},
		{FormSubmitted, Consent, "form", false, "said that a consent form is done"},
		{FormReturned, Consent, "form", false, "made a consent form a draft again"},
		{FormApproved, Consent, "form", false, "approved a consent form that somebody else wrote"},
		{FormPublished, Consent, "form", false, "published a consent form: patients are asked again"},
		{FormAttached, Consent, "form", false, "chose the queues that a consent form stands before"},
		{FormRetired, Consent, "form", false, "ended a consent form"},
		{ConsentsListed, Consent, "", true, "looked at who agreed to what"},

		{ConversationBegun, Membership, "", true, "began a conversation"},
		{ConversationTaken, Membership, "", true, "took a waiting conversation"},
		{ConversationTakenOver, Membership, "", true, "took a conversation over from another"},
		{ConversationJoined, Membership, "", true, "joined a conversation"},
		{ConversationLeft, Membership, "", true, "left a conversation"},
		{ColleagueBrought, Membership, "person", true, "brought a colleague into a conversation"},
		{ConversationMoved, Membership, "target", true, "handed a conversation to a colleague or to another queue"},
		{ConversationClosed, Membership, "", true, "closed a conversation"},
		{ConversationReopened, Membership, "", true, "opened a closed conversation again"},
		{ConversationRated, Membership, "", true, "rated a closed conversation"},
		{MemberAdded, Membership, "device", true, "let a device into a conversation, with the keys to it"},
		{MemberRemoved, Membership, "device", true, "took a device out of a conversation"},
		{MemberRejoined, Membership, "device", true, "came back into a conversation with a device that had lost its state"},
		{RemovalProposed, Membership, "device", true, "proposed that a device be taken out of a conversation"},
		{FrameSent, Membership, "position", true, "sent a sealed message"},
		{HandshakeSent, Membership, "position", true, "changed the keys of a conversation"},
		{FileAdded, Membership, "file", true, "added a sealed file"},
		{FileDropped, Membership, "file", true, "dropped a file that was not finished"},

		{DeviceRegistered, Keys, "device", false, "registered a device's key"},
		{DeviceVouched, Keys, "device", false, "vouched for a device with a passkey"},
		{DeviceRevoked, Keys, "device", false, "took all access from a device"},
		{CertificateIssued, Keys, "device", false, "certified a device: it speaks for its person from now on"},
		{KeyPackagesPublished, Keys, "device", false, "published keys to be added by"},
		{KeyReplaced, Keys, "key", false, "made another key in place of one of the hub's that was lost"},
		{KeysCopied, Keys, "", false, "copied the keys of the installation: with them and a backup all can be read"},
		{PersonReadmitted, Keys, "person", false, "let a person begin anew without any passkey that was known of them"},
		{KeyPackageClaimed, Keys, "device", false, "took a key with which a device can be let into a conversation"},

		{PersonAdded, Policy, "person", false, "added a person"},
		{PersonChanged, Policy, "person", false, "changed a person's role, departments or queues"},
		{GrantRequested, Policy, "person", false, "asked for a role with much power for a person, or for a new sign-in of who has one"},
		{GrantApproved, Policy, "person", false, "approved what another asked for: a role with much power, or a new sign-in of who has one"},
		{GrantRefused, Policy, "person", false, "refused what another asked for: a role with much power, or a new sign-in of who has one"},
		{GrantWithdrawn, Policy, "person", false, "took back that they asked for a role with much power for a person, or for a new sign-in of who has one"},
		{AccessConfirmed, Policy, "person", false, "confirmed that what a person may do is right"},
		{AccessLapsed, Policy, "person", false, "took a role that nobody had confirmed for too long"},
		{DepartmentChanged, Policy, "department", false, "made or changed a department: its name, or the queues that belong to it"},
		{DepartmentRetired, Policy, "department", false, "retired a department"},
		{PersonDisabled, Policy, "person", false, "took all access from a person"},
		{RosterChanged, Policy, "practice", false, "changed what is on file of the practice's patients"},
		{PracticeConfigured, Policy, "practice", false, "changed the practice's settings"},

		{RelationGranted, Policy, "relation", false, "let one patient write for another"},
		{RelationEnded, Policy, "relation", false, "took back that one patient may write for another, or it came to its end"},
		{PersonsLinked, Policy, "link", false, "said that two persons are one"},
		{PersonLinksListed, Access, "", false, "listed which persons were said to be one"},
		{PersonsUnlinked, Policy, "link", false, "undid that two persons are one"},
		{InvitationMade, Policy, "invitation", false, "made a one-time link for a patient to begin a chat"},
		{InvitationOpened, Policy, "invitation", false, "opened a one-time link"},
		{InvitationRevoked, Policy, "invitation", false, "took back a one-time link"},
		{ChatHidden, Policy, "", true, "kept a conversation from whoever writes for somebody else in it"},
		{ChatShown, Policy, "", true, "no longer keeps a conversation from whoever writes for somebody else in it"},
		{SentAllTheSame, Policy, "hold-back", true, "sent what looks like health information to a patient who has not shown who they are, with a reason"},
		{PatientSeen, Access, "person", true, "looked at what is known of a patient beside a conversation"},

		{EvidenceExported, Export, "", false, "made an evidence pack for an auditor"},
		{AuditExported, Export, "", true, "exported this log"},
		{DisclosureMade, Export, "disclosure", true, "wrote down that something of a patient's left the practice"},
		{DisclosureStruck, Export, "disclosure", true, "struck what was written down as having left the practice"},
		{AccountTaken, Export, "", true, "took out the account of what left the practice"},
		{RecordRead, Export, "", true, "opened the sealed record of a conversation"},
		{RecordVerified, Export, "", false, "checked the sealed record"},
		{ConsentsExported, Export, "", false, "took out who agreed to what as a file"},
		{ReviewsExported, Export, "", false, "took out a history of reviews as a file"},
		{HistoryShared, Export, "position", true, "handed those who came late what was said before they joined"},

		{StreamConfigured, Export, "stream", false, "began to send this log to a receiver outside as it grows, or to another one"},
		{StreamStopped, Export, "stream", false, "ended the sending of this log to a receiver outside"},
		{WatcherConfigured, Export, "watcher", false, "began to have this log held to what it was by somebody outside the database: a witness, published heads or an archive"},
		{WatcherStopped, Export, "watcher", false, "ended that somebody outside the database holds this log to what it was"},

		{HubStarted, Running, "", false, "started the hub: detail says by what settings it is protected"},
		{HubStopped, Running, "", false, "stopped the hub"},
		{BackupMade, Running, "backup", false, "made a backup: reference is the SHA-256 of its manifest"},
		{BackupVerified, Running, "backup", false, "restored a backup for a trial and checked all of it"},
		{BackupRestored, Running, "backup", false, "put a backup in the place of what was here: this log goes on from where the backup's stopped"},
		{ClockChanged, Running, "", false, "went by a clock that was set, or woke from sleep: detail says by how many seconds"},
		{ControlsLooked, Running, "", false, "had all controls looked at anew"},
		{StreamFailed, Running, "stream", false, "could not get this log to a receiver outside; it waits"},
		{StreamResumed, Running, "stream", false, "gets this log to a receiver outside again"},
		{WatcherContradicts, Running, "watcher", false, "found that this log contradicts what somebody outside the database holds of it"},
		{WatcherSettled, Running, "watcher", false, "ended a contradiction of this log: the witness agrees again, or the operator said why"},
		{UnreadableSetAside, Running, "row", false, "took an event that waited for its number and could not be read out of the way of this log; it is kept: detail says where it waited, since when, and the SHA-256 of its bytes"},
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
