// Package installation says what there is: the program, the server that runs,
// its folders, keys and database, the practices and their people. [Facts] are
// gathered from a live installation by package host, and read by the packages
// that judge: doctor, control and inventory.
//
// It judges nothing, and holds no secret, no content, and no name of a person.
package installation

import (
	"net"
	"net/url"
	"strings"
	"time"
)

// Facts are what was found at one moment.
type Facts struct {
	At       time.Time `json:"at"`
	Build    Build     `json:"build"`
	Server   *Server   `json:"server,omitempty"` // nil if none is running
	Clock    Clock     `json:"clock"`
	Disk     Disk      `json:"disk"` // that holds the data folder
	Places   []Place   `json:"places"`
	Paths    []Path    `json:"paths"`
	Keys     []Key     `json:"keys"`
	Database Database  `json:"database"`
	Blobs    Blobs     `json:"blobs"`
	Backup   Backup    `json:"backup"`
	// LogParts are the ways in which the audit logs are let out of the database.
	LogParts []LogPart `json:"audit_parts"`
	// Practices are those that the database holds, by slug.
	Practices []Practice `json:"practices"`
}

// Practice returns the practice of that id, or nil.
func (f *Facts) Practice(id string) *Practice {
	for i := range f.Practices {
		if f.Practices[i].ID == id {
			return &f.Practices[i]
		}
	}
	return nil
}

// Build is the program that looked.
type Build struct {
	Version  string    `json:"version"` // "unreleased" if it has none
	Revision string    `json:"revision,omitempty"`
	Modified bool      `json:"modified"` // built from files that no revision holds
	Time     time.Time `json:"time"`     // of the revision; zero if unknown
	Go       string    `json:"go"`
	Platform string    `json:"platform"`
	FIPS     bool      `json:"fips"` // Go's FIPS 140-3 module is in use
}

// A Server is a running hub, as it wrote of itself, and as it answered.
type Server struct {
	PID       int       `json:"pid"`
	StartedAt time.Time `json:"started_at"`
	Listen    string    `json:"listen"`
	Metrics   string    `json:"metrics,omitempty"`
	TLS       bool      `json:"tls"`
	KeyFile   string    `json:"key_file,omitempty"` // of TLS; empty without
	Origins   []string  `json:"origins"`
	Proxies   []string  `json:"proxies"`
	Debug     bool      `json:"debug"` // its log is at level debug
	// Messengers are what it sends codes and links by; nil if it did not say.
	Messengers []Messenger `json:"messengers"`
	// Receivers are where it streams the audit logs to; nil if it did not say.
	Receivers []Receiver `json:"receivers"`
	// AuditArchive and AuditCheckpoints are where it keeps the audit logs of all
	// practices, and the signed heads of them, beside the database; nil if nowhere.
	AuditArchive     *AuditFolder `json:"audit_archive,omitempty"`
	AuditCheckpoints *AuditFolder `json:"audit_checkpoints,omitempty"`

	// Listeners are what other machines can reach of it and of the programs of its
	// user, if that could be told.
	Listeners      []Listener `json:"listeners"`
	ListenersKnown bool       `json:"listeners_known"`

	// What it answered when it was asked:
	Answers     bool         `json:"answers"`
	DebugRoutes bool         `json:"debug_routes"` // it serves a profiler
	Certificate *Certificate `json:"certificate,omitempty"`
	// Fronts are what browsers meet at each of Origins that is https.
	Fronts []Front `json:"fronts,omitempty"`
}

// A Front is what answers at an address that browsers come by: the server
// itself or a proxy in front of it.
type Front struct {
	Origin string `json:"origin"`
	// Certificate is what it showed; nil if it could not be reached.
	Certificate *Certificate `json:"certificate,omitempty"`
	// Vouched says that the certificate is for this name, and by somebody whom
	// this machine believes.
	Vouched bool          `json:"vouched"`
	HSTS    time.Duration `json:"hsts"` // how long browsers come by HTTPS alone (RFC 6797); 0 if not
}

// A Messenger is a service outside of the program that carries messages to
// patients.
type Messenger struct {
	Channel string `json:"channel"` // email or sms
	Host    string `json:"host"`    // without port, path and sign-in; empty if it does not say
}

// Local reports whether it is on this very machine.
func (m *Messenger) Local() bool { return thisMachine(m.Host) }

// Messengers returns what the server sends by, and whether all of it is known:
// it is not if no server answers.
func (f *Facts) Messengers() (all []Messenger, known bool) {
	if f.Server == nil {
		return nil, false
	}
	return f.Server.Messengers, f.Server.Answers && f.Server.Messengers != nil
}

// A Listener is an address on which a program can be reached from other
// machines.
type Listener struct {
	Address string `json:"address"`
	Own     bool   `json:"own"` // by the server itself; if not, by another program of its user
}

// A Receiver gets the audit logs of all practices as they grow.
type Receiver struct {
	Name  string `json:"name"`  // syslog or otlp
	Host  string `json:"host"`  // without port, path and sign-in
	Plain bool   `json:"plain"` // without TLS, on this very machine
}

// An AuditFolder is one that a server keeps audit logs or their heads in.
type AuditFolder struct {
	Folder string `json:"folder"`
	Bytes  int64  `json:"bytes,omitempty"` // of the archive, when it was looked at
	Beside bool   `json:"beside"`          // it is within the data folder, or on the same disk
}

// A Certificate is what the server showed, and how it speaks TLS.
type Certificate struct {
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	Names     []string  `json:"names"`
	// Old says that it accepts TLS 1.0 or 1.1 (NIST SP 800-52r2, section 3.1).
	Old bool `json:"old"`
}

// A Clock is this machine's.
type Clock struct {
	// Synchronised is what the kernel says of itself; nil if it cannot say.
	Synchronised *bool `json:"synchronised,omitempty"`
	// Database is how far the database's clock is ahead, as far as it could be
	// told; 0 for one that uses this machine's.
	Database time.Duration `json:"database"`
}

// A Disk is how full one is.
type Disk struct {
	FreeBytes  uint64 `json:"free_bytes"`
	TotalBytes uint64 `json:"total_bytes"` // 0 if it could not be told
}

// A Place is a folder that is written to and is not on the disk of the data
// folder.
type Place struct {
	Holds  string `json:"holds"` // one of the constants below
	Folder string `json:"folder"`
	Disk   Disk   `json:"disk"`
}

// What a [Place] holds.
const (
	PlaceAttachments = "attachments"
	PlaceRecord      = "record"
	PlaceBackups     = "backups"
	PlaceLogArchive  = "audit-archive"
	PlaceCheckpoints = "audit-checkpoints"
)

// A Path is a file or folder that others than its owner may use.
type Path struct {
	Path string `json:"path"` // below the data folder
	Mode string `json:"mode"` // as ls prints it
}

// A Key is a key file.
type Key struct {
	Path   string    `json:"path"` // below the data folder
	MadeAt time.Time `json:"made_at"`
	Mode   string    `json:"mode"`
	Open   bool      `json:"open"` // others than its owner may read or write it
	Lost   bool      `json:"lost"` // it is not there, and what it opens is
}

// Engines.
const (
	SQLite     = "sqlite"
	PostgreSQL = "postgresql"
)

// A Database is the hub's.
type Database struct {
	Engine   string `json:"engine"`
	Answers  bool   `json:"answers"`
	Remote   bool   `json:"remote"`   // on another machine
	Verified bool   `json:"verified"` // reached by TLS that checks the other end
	// WeakPassword says that its password is one that everybody tries first.
	WeakPassword bool  `json:"weak_password"`
	Bytes        int64 `json:"bytes"` // of the file; 0 for PostgreSQL
	// LogBytes is what the audit logs of all practices take of it, with indexes;
	// for SQLite an estimate.
	LogBytes int64 `json:"log_bytes"`
	// File is how SQLite's file begins; empty if that could not be looked at.
	File string `json:"file,omitempty"`
}

// How a file of a [Database] begins: as any SQLite file, or as an encrypted one.
const (
	FilePlain  = "plain"
	FileSealed = "sealed"
)

// A SuiteUse is how many conversations have a cipher suite; 0 is one that could
// not be told.
type SuiteUse struct {
	Suite         uint16 `json:"suite"`
	Conversations int    `json:"conversations"`
}

// Blobs is the folder of sealed attachments.
type Blobs struct {
	Writable bool `json:"writable"` // a file was written there, read back and deleted
}

// Backup is what there is of backups.
type Backup struct {
	Folder string    `json:"folder"` // empty if nobody said
	Newest time.Time `json:"newest"` // when the newest whole one was made; zero if there is none
	Whole  int       `json:"whole"`  // sealed by this installation, with every file in its length
	Broken int       `json:"broken"` // changed, of another installation, or lacking files
	Half   int       `json:"half"`   // begun and not finished
	Bytes  int64     `json:"bytes"`  // in the newest whole one
	Beside bool      `json:"beside"` // on the disk, or in the folder, that they are backups of
	// Trial is the last restore of one for a trial; nil if there was none.
	Trial *BackupTrial `json:"trial,omitempty"`
}

// BackupTrialDays is within how many days a backup should be restored for a
// trial: monthly, as the proposed rule would have it, and a few to do it in.
const BackupTrialDays = 35

// A BackupTrial is what came of restoring a backup for a trial.
type BackupTrial struct {
	At       time.Time `json:"at"`
	Name     string    `json:"name"`
	Manifest string    `json:"manifest"` // SHA-256, hex
	Problems int       `json:"problems"`
}

// A Practice is what one practice has set, and who works there.
type Practice struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
	Name string `json:"name"`
	Demo bool   `json:"demo"`

	IdleStaff    int      `json:"idle_staff"`   // minutes, as it is enforced
	IdlePatient  int      `json:"idle_patient"` // minutes
	Languages    []string `json:"languages"`
	ConsentForm  string   `json:"consent_form"` // id; empty if none is published
	ConsentVer   int      `json:"consent_version"`
	ConsentTexts []string `json:"consent_texts"` // languages that the form is written in
	Origins      []string `json:"origins"`       // that may embed the chat
	Networks     bool     `json:"networks"`      // staff are held to networks
	Queues       int      `json:"queues"`
	EmptyQueues  int      `json:"empty_queues"` // of these, on how many nobody works who can sign in
	OpenQueues   int      `json:"open_queues"`  // of these, in how many health is spoken of with whom nobody knows
	// Offered is the MLS cipher suite that the running server offers new
	// conversations; 0 if it could not be asked. Groups are those of the
	// conversations that are not closed, by the suite in their signed context.
	Offered       uint16     `json:"offered_suite"`
	Groups        []SuiteUse `json:"groups"`
	RiskLanguages []string   `json:"risk_languages"`

	People         []Person `json:"people"` // staff
	Keeper         bool     `json:"keeper"` // a keeper is enrolled and certified
	Uncertified    int      `json:"uncertified_devices"`
	Conversations  int      `json:"conversations"`
	Consents       int      `json:"consents_withdrawn"`
	Emergencies    int      `json:"emergencies_open"` // emergency accesses that nobody has reviewed
	EmergenciesDue int      `json:"emergencies_late"` // of these, for longer than they should have been
	// AccessDays is how long a confirmation of somebody's access holds, and
	// AccessLate whose confirmation is late.
	AccessDays int `json:"access_review_days"`
	AccessLate int `json:"access_reviews_late"`
	// Activity is how far the log was looked at: periods that are over, of which
	// some were signed off, some wait, and some nobody signed off in time.
	ActivitySigned int `json:"activity_signed"`
	ActivityWaits  int `json:"activity_waits"`
	ActivityGaps   int `json:"activity_gaps"`
	// Alerts are those of the log at which nobody has looked, and how many of them
	// have waited for more than three days; Unsearched is how many entries of the
	// log were not searched for any yet.
	Alerts     int   `json:"alerts"`
	AlertsLate int   `json:"alerts_late"`
	Unsearched int64 `json:"unsearched"`
	// LogSize is how many entries the log of who did what has; below 0 if it
	// could not be read.
	LogSize int64 `json:"log_size"`
	// LogWaits is how many events wait for their numbers in it, and LogWaitsSince
	// when the oldest was made; zero if none waits.
	LogWaits      int64     `json:"log_waits"`
	LogWaitsSince time.Time `json:"log_waits_since"`
	// LogUnreadable are those of them that cannot be read: the first stops it.
	LogUnreadable []UnreadableEvent `json:"log_unreadable,omitempty"`
	// Log is what was read of it now; nil if it could not be.
	Log *LogCheck `json:"log,omitempty"`
	// LogBegan is when the oldest entry that is there was made, zero if there is
	// none; LogWhole whether it is the first, and none after it is gone.
	LogBegan time.Time `json:"log_began"`
	LogWhole bool      `json:"log_whole"`
	// FormsLate is how many consent forms wait for somebody's approval for longer
	// than [FormReviewTime].
	FormsLate int `json:"forms_late"`
	// Witnesses are those who sign the heads of that log.
	Witnesses []Witness `json:"witnesses"`
	// Streams are how far that log has come to receivers outside.
	Streams []Stream `json:"streams"`
	// StoppedStreams are those that were set up before.
	StoppedStreams []Stream `json:"stopped_streams,omitempty"`
	// Provider is where its staff sign in beside here; nil if there is none.
	Provider *Provider `json:"provider,omitempty"`
	// Directories are the tokens, live ones, with which a directory writes its
	// people and their groups here (SCIM).
	Directories []Token `json:"directories,omitempty"`
	// Monitors are those with which the log's signed heads are watched.
	Monitors []Token `json:"monitors,omitempty"`
	// Portal are the machines at which its patients can sign in, without port and
	// path: the portal's, and the FHIR server's that it guards. None without one.
	Portal  []string `json:"portal,omitempty"`
	Archive *Archive `json:"archive,omitempty"` // nil if the keeper's folder is not here
}

// Ways in which audit logs are let out of the database.
const (
	Checkpoints = "checkpoints" // their signed heads, published and given to witnesses
	LogArchive  = "archive"     // the logs themselves
)

// A LogPart is one such way, of all practices, as the server last noted it.
type LogPart struct {
	Name        string    `json:"name"`   // [Checkpoints] or [LogArchive]
	Folder      string    `json:"folder"` // empty for heads that witnesses alone get
	BegunAt     time.Time `json:"begun_at"`
	SucceededAt time.Time `json:"succeeded_at"` // zero if it never did
	Problem     string    `json:"problem"`      // empty, [PartFails], [PartContradicts] or [PartDamaged]
	Damage      string    `json:"damage"`       // what contradicts what, in plain words
	Since       time.Time `json:"since"`        // of the problem
	// Sizes are those of the longest heads that were let out, by the practice's
	// short name: what is there now has to go as far.
	Sizes map[string]int64 `json:"sizes,omitempty"`
}

// Problems of a [LogPart].
const (
	PartFails       = "fails"       // it could not be written or asked for
	PartContradicts = "contradicts" // the log is not what was let out of it before
	PartDamaged     = "damaged"     // what was let out is not there as it was written
)

// A LogCheck is what was seen of a practice's audit log: the newest entries and
// some others, by chance, with the tree over all, whose root was made anew.
type LogCheck struct {
	Whole    bool   `json:"whole"` // all entries were read
	Problems int    `json:"problems"`
	First    string `json:"first"` // of the problems, in plain words
	// Heads is how many heads that were signed before it was compared with:
	// published, archived, signed by a witness, or kept by a whole check.
	Heads int `json:"heads"`
	// Verified is the newest whole check of it; nil if none was noted.
	Verified *LogVerified `json:"verified,omitempty"`
}

// LogVerifiedWithin is how old the last whole check of a log may be that is too
// long to be read whole with each look.
const LogVerifiedWithin = 31 * 24 * time.Hour

// LogGrowsWithin is within what time an event has its number in the log, if the
// log grows: a server gives them every second.
const LogGrowsWithin = 5 * time.Minute

// An UnreadableEvent waits for its number in a log and cannot be read.
type UnreadableEvent struct {
	Row    int64     `json:"row"`
	At     time.Time `json:"at"`
	SHA256 string    `json:"sha256"` // of its bytes, base64url
}

// LogStands reports whether events have waited for their numbers for longer than
// they do in a log that grows.
func (p *Practice) LogStands(now time.Time) bool {
	return p.LogWaits > 0 && now.Sub(p.LogWaitsSince) > LogGrowsWithin
}

// A LogVerified is what sotto audit verify noted.
type LogVerified struct {
	At       time.Time `json:"at"`
	Entries  int64     `json:"entries"`
	Problems int       `json:"problems"`
}

// FormReviewTime is how long a consent form that its author is done with may
// wait for whoever approves it.
const FormReviewTime = 14 * 24 * time.Hour

// A Witness signs the heads of a practice's audit log.
type Witness struct {
	Name        string    `json:"name"`
	Size        int64     `json:"size"`        // of the log when it last signed
	At          time.Time `json:"at"`          // when; zero if it never did
	Problem     string    `json:"problem"`     // why it did not sign when asked last; empty if it did
	Contradicts bool      `json:"contradicts"` // it has signed another history
}

// A Stream is how far a practice's audit log has come to a receiver outside.
type Stream struct {
	Name     string    `json:"name"`     // syslog or otlp
	Target   string    `json:"target"`   // its address, without anything secret
	Position int64     `json:"position"` // entries that it has for certain
	SentAt   time.Time `json:"sent_at"`  // when it last got one; zero if it never did
	BegunAt  time.Time `json:"begun_at"`
	Problem  string    `json:"problem"`  // why entries wait; empty if none do
	Since    time.Time `json:"since"`    // of the problem
	Rejected int64     `json:"rejected"` // entries that it said it did not keep
	// RejectedFirst and RejectedLast are numbers of entries that those are
	// between; 0 if nobody noted them.
	RejectedFirst int64 `json:"rejected_first"`
	RejectedLast  int64 `json:"rejected_last"`
	// StoppedAt is when no server had it set up any more; zero if one has.
	StoppedAt time.Time `json:"stopped_at,omitzero"`
}

// StreamStands is after how long without an entry arriving a stream that should
// go on does not.
const StreamStands = 15 * time.Minute

// StreamMissed is for how long it is named that a stream was switched off beside
// another that goes on.
const StreamMissed = 31 * 24 * time.Hour

// Last is when it last got an entry, or began if it never did.
func (s *Stream) Last() time.Time {
	if s.SentAt.IsZero() {
		return s.BegunAt
	}
	return s.SentAt
}

// Lag is how many entries of a log of so many it has not.
func (s *Stream) Lag(size int64) int64 { return max(0, size-s.Position) }

// Stands reports whether entries of a log of so many wait for it for longer than
// they do while it goes on.
func (s *Stream) Stands(size int64, now time.Time) bool {
	return s.Lag(size) > 0 && now.Sub(s.Last()) > StreamStands
}

// Unset lists the streams of a practice's log that were set up and are no more:
// all, if nothing is streamed now, else those of late.
func (p *Practice) Unset(now time.Time) (gone []Stream) {
	for i := range p.StoppedStreams {
		if s := &p.StoppedStreams[i]; len(p.Streams) == 0 || now.Sub(s.StoppedAt) < StreamMissed {
			gone = append(gone, *s)
		}
	}
	return gone
}

// Host is the receiver's name, without port and path.
func (s *Stream) Host() string { return Hostname(s.Target) }

// TLS reports whether it is reached by TLS.
func (s *Stream) TLS() bool {
	return strings.HasPrefix(s.Target, "tls://") || strings.HasPrefix(s.Target, "https://")
}

// Local reports whether it is on this very machine.
func (s *Stream) Local() bool { return thisMachine(s.Host()) }

// A Person is one of the staff, without their name.
type Person struct {
	ID         string    `json:"id"`
	Role       string    `json:"role"`   // or profession
	Access     string    `json:"access"` // the role that policy knows
	CreatedAt  time.Time `json:"created_at"`
	Disabled   bool      `json:"disabled"`
	Passkeys   int       `json:"passkeys"`
	Apps       int       `json:"apps"`
	Password   bool      `json:"password"`
	Linked     bool      `json:"linked"`       // to an account at the practice's provider
	LastSignIn time.Time `json:"last_sign_in"` // zero if none is kept
	Devices    int       `json:"devices"`      // not revoked
	AllQueues  bool      `json:"all_queues"`   // is given the chats of every queue
}

// An Archive is the practice's sealed record.
type Archive struct {
	Bytes int64 `json:"bytes"`
	// Writable says that a file was written there, read back and deleted.
	Writable bool `json:"writable"`
	// Check is the newest whole check of it; nil if none was noted.
	Check *ArchiveCheck `json:"check,omitempty"`
}

// An ArchiveCheck is what sotto record verify noted.
type ArchiveCheck struct {
	At            time.Time `json:"at"`
	Conversations int       `json:"conversations"`
	Records       int       `json:"records"`
	Problems      int       `json:"problems"`
	Manifest      string    `json:"manifest"` // NUMBER:HASH
}

// Loopback reports whether an address to listen on can be reached from this
// machine alone.
func Loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err == nil && thisMachine(host)
}

func thisMachine(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// Hostname is the name of the machine in an address, without port, path and
// what may be secret; empty if there is none.
func Hostname(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
