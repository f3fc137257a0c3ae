package host

import (
	"cmp"
	"context"
	"crypto/fips140"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/backup"
	"github.com/sotto-health/sotto/internal/consent/form"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/installation"
	"github.com/sotto-health/sotto/internal/keyfile"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/internal/proofing"
)

// An InspectConfig says what to look at.
type InspectConfig struct {
	Folder      Folder
	PostgresURL string
	// Backups is the folder that backups are put into; empty if nobody said.
	Backups string
	// Now tells the time. Nil means time.Now.
	Now func() time.Time
}

// Inspect looks at an installation. h is nil if its database could not be
// opened. What could not be looked at is as if it were not there.
func Inspect(ctx context.Context, h *OpenHub, c InspectConfig) (*installation.Facts, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	f := &installation.Facts{At: c.Now().UTC(), Build: build(), Disk: disk(string(c.Folder))}
	f.Clock.Synchronised = clockSynchronised()
	f.Paths, f.Keys = looseFiles(c.Folder), keys(c.Folder, c.PostgresURL != "")
	f.Paths = append(f.Paths, looseElsewhere(0o022, c.Backups)...) // what is in it is sealed
	f.Backup, f.LogParts = backups(c), readLogParts(c.Folder)
	f.Places = places(c, f.LogParts)
	if s, err := readRunning(c.Folder); err == nil {
		ask(ctx, s)
		s.Fronts = lookAtOrigins(ctx, s.Origins, nil)
		f.Server = s
		f.Paths = append(f.Paths, looseElsewhere(0o077, elsewhere(s)...)...)
		if s.Answers {
			s.Listeners, s.ListenersKnown = listeners(s.PID)
		}
	}
	f.Database = database(c)
	f.Blobs.Writable = writable(filepath.Join(c.Folder.HubPart(), "blobs"))
	if h == nil {
		return f, nil
	}
	f.Database.Answers = h.Ready(ctx) == nil
	if !f.Database.Answers {
		return f, nil
	}
	var err error
	if f.Clock.Database, err = h.store.Clock(ctx); err != nil {
		return nil, err
	}
	if err := h.inspectStorage(ctx, f); err != nil {
		return nil, err
	}
	if f.LogParts, err = h.inspectParts(ctx, f.LogParts); err != nil {
		return nil, err
	}
	waiting, err := h.LogsWaiting(ctx)
	if err != nil {
		return nil, err
	}
	all, err := h.store.Practices(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		practice, err := h.inspectPractice(ctx, f.LogParts, p, f.At.UnixMilli())
		if err != nil {
			return nil, err
		}
		if err := h.inspectArchive(ctx, f.LogParts, &p); err != nil {
			return nil, err
		}
		if err := h.inspectBacklog(ctx, practice, waiting); err != nil {
			return nil, err
		}
		if err := h.inspectSuites(ctx, f.Server, practice); err != nil {
			return nil, err
		}
		f.Practices = append(f.Practices, *practice)
	}
	return f, nil
}

func build() installation.Build {
	b := installation.Build{Version: "unreleased", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, FIPS: fips140.Enabled()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		case "vcs.time":
			b.Time, _ = time.Parse(time.RFC3339, s.Value)
		}
	}
	return b
}

// looseFiles are the files of the data folder that others than their owner get
// to, and the folders that others may write.
func looseFiles(folder Folder) []installation.Path {
	loose := []installation.Path{}
	_ = filepath.WalkDir(string(folder), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what cannot be read is not open to others
		}
		if d.IsDir() && (d.Name() == "blobs" || d.Name() == "archive") {
			return fs.SkipDir // sealed, and many
		}
		info, err := d.Info()
		if err != nil || filepath.Ext(path) == ".key" {
			return nil //nolint:nilerr // gone meanwhile; keys are looked at apart
		}
		if d.IsDir() && info.Mode().Perm()&0o077 == 0 {
			return fs.SkipDir // nobody else gets to what is in it
		}
		open := info.Mode().Perm() & 0o022
		if !d.IsDir() {
			open = info.Mode().Perm() & 0o077
		}
		if open != 0 {
			loose = append(loose, installation.Path{Path: below(folder, path), Mode: info.Mode().String()})
		}
		return nil
	})
	return loose
}

// looseElsewhere are those of the paths, outside the data folder, whose mode lets
// others than their owner do something of what is closed. An empty path is none.
func looseElsewhere(closed fs.FileMode, paths ...string) []installation.Path {
	loose := []installation.Path{}
	for _, path := range paths {
		info, err := os.Stat(path)
		if path != "" && err == nil && info.Mode().Perm()&closed != 0 {
			loose = append(loose, installation.Path{Path: path, Mode: info.Mode().String()})
		}
	}
	return loose
}

// elsewhere is what the server was told of that nobody else should get to: the
// key of TLS and the archive of the audit log. Its published heads are for all.
func elsewhere(s *installation.Server) []string {
	paths := []string{s.KeyFile}
	if s.AuditArchive != nil {
		paths = append(paths, s.AuditArchive.Folder)
	}
	return paths
}

func below(folder Folder, path string) string {
	if rel, err := filepath.Rel(string(folder), path); err == nil {
		return filepath.ToSlash(rel)
	}
	return filepath.Base(path)
}

// keys are the key files there are, and those that should be.
func keys(folder Folder, postgres bool) []installation.Key {
	found := []installation.Key{}
	_ = filepath.WalkDir(string(folder), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".key" {
			return nil //nolint:nilerr // as above
		}
		info, err := d.Info()
		made, errMade := keyfile.MadeAt(path)
		if err == nil && errMade == nil {
			found = append(found, installation.Key{
				Path: below(folder, path), MadeAt: made, Mode: info.Mode().String(), Open: info.Mode().Perm()&0o077 != 0,
			})
		}
		return nil
	})
	if _, err := os.Stat(filepath.Join(folder.HubPart(), "hub.db")); err == nil && !postgres {
		found = requireKey(found, "hub/database.key")
	}
	for _, name := range slices.Sorted(maps.Keys(hubKeySizes())) {
		found = requireKey(found, "hub/"+name+".key")
	}
	if _, err := os.Stat(filepath.Join(folder.HubPart(), evidenceMade)); err == nil {
		found = requireKey(found, "hub/"+EvidenceKey+".key")
	}
	keepers, _ := os.ReadDir(folder.KeeperPart())
	for _, k := range keepers {
		for _, name := range []string{"authority", "archive", "state", "device"} {
			if k.IsDir() {
				found = requireKey(found, "keeper/"+k.Name()+"/keys/"+name+".key")
			}
		}
	}
	return found
}

func requireKey(found []installation.Key, path string) []installation.Key {
	if slices.ContainsFunc(found, func(k installation.Key) bool { return k.Path == path }) {
		return found
	}
	return append(found, installation.Key{Path: path, Lost: true})
}

func backups(c InspectConfig) installation.Backup {
	b := installation.Backup{Folder: c.Backups}
	if c.Backups == "" {
		return b
	}
	if text, err := os.ReadFile(filepath.Join(c.Folder.HubPart(), backupTrialFile)); err == nil {
		trial := new(installation.BackupTrial)
		if json.Unmarshal(text, trial) == nil {
			b.Trial = trial
		}
	}
	if key, err := BackupKey(c.Folder); err == nil {
		found, _ := backup.List(c.Backups, key) // what cannot be read is no backup
		for _, f := range found {
			switch {
			case strings.HasSuffix(f.Name, backup.Partial):
				b.Half++
			case f.Err != nil || !f.Manifest.Present(filepath.Join(c.Backups, f.Name)):
				b.Broken++
			default:
				b.Whole++
				b.Newest, b.Bytes = f.Manifest.MadeAt.UTC(), f.Manifest.Bytes()
			}
		}
	}
	b.Beside = beside(c.Folder, c.Backups)
	return b
}

// beside reports whether a folder is lost with the data folder: it is within it,
// or on the same disk.
func beside(data Folder, folder string) bool {
	rel, err := filepath.Rel(string(data), folder)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) || sameDisk(string(data), folder)
}

func database(c InspectConfig) installation.Database {
	if c.PostgresURL == "" {
		d := installation.Database{Engine: installation.SQLite}
		if info, err := os.Stat(filepath.Join(c.Folder.HubPart(), "hub.db")); err == nil {
			d.Bytes = info.Size()
		}
		d.File = fileBegins(filepath.Join(c.Folder.HubPart(), "hub.db"))
		return d
	}
	d := installation.Database{Engine: installation.PostgreSQL, Remote: true}
	u, err := url.Parse(c.PostgresURL)
	if err != nil {
		return d
	}
	host := cmp.Or(u.Hostname(), u.Query().Get("host"))
	ip := net.ParseIP(host)
	d.Remote = host != "" && host != "localhost" && !strings.HasPrefix(host, "/") && (ip == nil || !ip.IsLoopback())
	d.Verified = u.Query().Get("sslmode") == "verify-full"
	if password, ok := u.User.Password(); ok {
		weak := []string{"", "postgres", "password", "sotto", "secret", "changeme", "admin", "test", u.User.Username()}
		d.WeakPassword = slices.Contains(weak, strings.ToLower(password)) || password == u.User.Username()
	}
	return d
}

// writable writes a file into the folder, reads it back and deletes it.
func writable(folder string) bool {
	path := filepath.Join(folder, durable.TempPrefix+"doctor") // which whoever reads the folder passes over
	defer func() { _ = os.Remove(path) }()                     // it says nothing if it stays
	if err := os.WriteFile(path, []byte("sotto"), 0o600); err != nil {
		return false
	}
	b, err := os.ReadFile(path)
	return err == nil && string(b) == "sotto"
}

// inspectPractice looks at one practice as of now, in Unix milliseconds.
func (h *OpenHub) inspectPractice(ctx context.Context, parts []installation.LogPart, p hub.Practice, now int64) (*installation.Practice, error) {
	out := &installation.Practice{
		ID: p.ID, Slug: p.Slug, Name: p.Name, Demo: p.Demo, Languages: p.Languages, Origins: p.Origins, Queues: len(p.Queues),
		AccessDays: p.Reviews.Days(), IdleStaff: int(p.StaffIdle().Minutes()), IdlePatient: p.PatientIdle(), Networks: len(p.Access.Networks) > 0,
		ConsentTexts: []string{}, RiskLanguages: []string{}, People: []installation.Person{}, Witnesses: []installation.Witness{},
		Archive: archive(h.folder, p.Slug),
	}
	for _, q := range p.Queues {
		if p.QueueLevel(q.ID) == proofing.Guest {
			out.OpenQueues++
		}
	}
	if sso := p.Access.SSO; sso != nil {
		out.Provider = &installation.Provider{Host: installation.Hostname(sso.Issuer), Only: sso.Only, TwoFactors: sso.AsksForTwo()}
	}
	tokens, err := h.store.DirectoryTokens(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	for i := range tokens {
		t := &tokens[i]
		if t.ExpiresAt <= now {
			continue
		}
		switch held := (installation.Token{Name: t.Name, ExpiresAt: moment(t.ExpiresAt)}); t.Purpose {
		case hub.ForDirectory:
			out.Directories = append(out.Directories, held)
		case hub.ForWatch:
			out.Monitors = append(out.Monitors, held)
		}
	}
	if portal := p.Identity.Portal; portal != nil {
		out.Portal = append(out.Portal, installation.Hostname(portal.Issuer))
		if fhir := installation.Hostname(portal.FHIR); fhir != "" && fhir != out.Portal[0] {
			out.Portal = append(out.Portal, fhir)
		}
	}
	for language := range p.RiskWords {
		out.RiskLanguages = append(out.RiskLanguages, language)
	}
	slices.Sort(out.RiskLanguages)
	staff, err := h.store.PersonsOfKind(ctx, p.ID, api.KindStaff)
	if err != nil {
		return nil, err
	}
	signedIn, err := h.store.LastSignIns(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	served, everywhere := make(map[string]bool), false
	for _, person := range staff {
		one, err := h.inspectPerson(ctx, &p, person, signedIn[person.ID])
		if err != nil {
			return nil, err
		}
		out.People = append(out.People, *one)
		queues, _ := person.Serves()
		for _, q := range queues {
			served[q] = served[q] || out.CanSignIn(one)
		}
		everywhere = everywhere || one.AllQueues && out.CanSignIn(one)
	}
	for _, q := range p.Queues {
		if !everywhere && !served[q.ID] {
			out.EmptyQueues++
		}
	}
	services, err := h.store.PersonsOfKind(ctx, p.ID, api.KindService)
	if err != nil {
		return nil, err
	}
	for _, s := range services {
		if policy.RoleOf(s.Role) != policy.Keeper {
			continue
		}
		devices, err := h.store.DevicesOf(ctx, p.ID, s.ID)
		if err != nil {
			return nil, err
		}
		out.Keeper = out.Keeper || slices.ContainsFunc(devices, func(d hub.Device) bool { return d.CertifiedAt != 0 && d.RevokedAt == 0 })
	}
	waiting, err := h.store.Uncertified(ctx, p.ID, 100)
	if err != nil {
		return nil, err
	}
	out.Uncertified = len(waiting)
	urgent, err := h.store.UnreviewedEmergencies(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	out.Emergencies = len(urgent)
	for _, e := range urgent {
		if now > e.DueAt {
			out.EmergenciesDue++
		}
	}
	if out.AccessLate, err = h.AccessLate(ctx, &p, now); err != nil {
		return nil, err
	}
	looked, err := h.ActivityState(ctx, &p, now)
	if err != nil {
		return nil, err
	}
	out.ActivitySigned, out.ActivityWaits, out.ActivityGaps = looked.Signed, looked.Waits, looked.Gaps
	alerts, err := h.AlertState(ctx, p.ID, now)
	if err != nil {
		return out, err
	}
	out.Alerts, out.AlertsLate, out.Unsearched = alerts.Open, alerts.Late, alerts.Unsearched
	out.LogSize = -1
	if head, err := h.store.LogHead(ctx, p.ID); err == nil {
		out.LogSize = head.Size
	}
	if err := h.inspectKept(ctx, out); err != nil {
		return nil, err
	}
	witnesses, err := h.LogWitnesses(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	if out.LogSize >= 0 {
		if out.Log, err = h.inspectLog(ctx, &p, parts, witnesses); err != nil {
			out.Log = nil // that it cannot be read is a finding
		}
	}
	for _, w := range witnesses {
		if !w.Counts() {
			continue
		}
		one := installation.Witness{Name: w.Name(), Size: w.Size, Problem: w.Problem, Contradicts: w.Problem == hub.WitnessContradicts}
		if w.At > 0 {
			one.At = time.UnixMilli(w.At).UTC()
		}
		out.Witnesses = append(out.Witnesses, one)
	}
	if err := h.inspectForms(ctx, out, moment(now)); err != nil {
		return nil, err
	}
	if err := h.inspectStreams(ctx, out); err != nil {
		return nil, err
	}
	_, _, out.Conversations, err = h.store.ListConversations(ctx, hub.ConversationQuery{Practice: p.ID, Order: hub.ByCreated, Limit: 1})
	return out, err
}

// inspectForms finds the form that patients are asked to agree to before a chat,
// and counts those that wait too long for their approval.
func (h *OpenHub) inspectForms(ctx context.Context, out *installation.Practice, now time.Time) error {
	forms, err := h.store.ConsentForms(ctx, out.ID)
	if err != nil {
		return err
	}
	for _, f := range forms {
		switch {
		case f.State == hub.FormSubmitted && len(f.History) > 0 && now.Sub(moment(f.History[len(f.History)-1].At)) > installation.FormReviewTime:
			out.FormsLate++
		case f.State == hub.FormPublished && f.Kind == form.Chat && (out.ConsentForm == "" || len(f.Queues) == 0):
			out.ConsentForm, out.ConsentVer, out.ConsentTexts = f.Form, f.Version, slices.Sorted(maps.Keys(f.Texts))
		}
	}
	return nil
}

// inspectStreams lists the streams, and apart those that have stopped.
func (h *OpenHub) inspectStreams(ctx context.Context, out *installation.Practice) error {
	all, err := h.LogStreams(ctx, out.ID)
	if err != nil {
		return err
	}
	out.Streams = []installation.Stream{}
	for i := range all {
		s := &all[i]
		seen := installation.Stream{
			Name: s.Name, Target: s.Target, Position: s.Position, SentAt: moment(s.SentAt), BegunAt: moment(s.BegunAt),
			Problem: s.Problem, Since: moment(s.ProblemAt), Rejected: s.Rejected,
			RejectedFirst: s.RejectedFirst, RejectedLast: s.RejectedLast, StoppedAt: moment(s.StoppedAt),
		}
		if s.StoppedAt != 0 {
			out.StoppedStreams = append(out.StoppedStreams, seen)
		} else {
			out.Streams = append(out.Streams, seen)
		}
	}
	return nil
}

// moment is a time of so many Unix milliseconds; zero for 0.
func moment(millis int64) time.Time {
	if millis == 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis).UTC()
}

// inspectPerson looks at one of the staff, who signed in last at signedIn; 0 if
// they never did.
func (h *OpenHub) inspectPerson(ctx context.Context, practice *hub.Practice, p hub.Person, signedIn int64) (*installation.Person, error) {
	out := &installation.Person{
		ID: p.ID, Role: p.Role, Access: string(policy.RoleOf(p.Role)), CreatedAt: time.UnixMilli(p.CreatedAt).UTC(), LastSignIn: moment(signedIn),
		Disabled: p.DisabledAt != 0, Password: p.Password != "",
	}
	_, out.AllQueues = p.Serves()
	factors, err := h.store.FactorsOf(ctx, p.Practice, p.ID)
	if err != nil {
		return nil, err
	}
	for _, f := range factors {
		switch f.Kind {
		case hub.FactorPasskey:
			out.Passkeys++
		case hub.FactorApp:
			out.Apps++
		}
	}
	if sso := practice.Access.SSO; sso != nil {
		_, err := h.store.IdentityOf(ctx, p.Practice, p.ID, sso.Issuer)
		if err != nil && !errors.Is(err, hub.ErrNotFound) {
			return nil, err
		}
		out.Linked = err == nil
	}
	devices, err := h.store.DevicesOf(ctx, p.Practice, p.ID)
	if err != nil {
		return nil, err
	}
	for _, d := range devices {
		if d.RevokedAt == 0 {
			out.Devices++
		}
	}
	return out, nil
}

// archiveCheckFile is in the keeper's folder, beside the archive.
const archiveCheckFile = "verified.json"

// archive looks at a keeper's archive from outside; it opens nothing.
func archive(folder Folder, slug string) *installation.Archive {
	root := filepath.Join(folder.KeeperPart(), slug)
	if _, err := os.Stat(filepath.Join(root, "archive")); err != nil {
		return nil
	}
	a := &installation.Archive{Writable: writable(filepath.Join(root, "archive"))}
	_ = filepath.WalkDir(filepath.Join(root, "archive"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				a.Bytes += info.Size()
			}
		}
		return nil
	})
	if b, err := os.ReadFile(filepath.Join(root, archiveCheckFile)); err == nil {
		check := new(installation.ArchiveCheck)
		if json.Unmarshal(b, check) == nil {
			a.Check = check
		}
	}
	return a
}

// NoteArchiveCheck keeps what a whole check of a practice's archive found.
func NoteArchiveCheck(folder Folder, slug string, c installation.ArchiveCheck) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(folder.KeeperPart(), slug, archiveCheckFile), append(b, '\n'), 0o600)
}

// There reports whether the folder holds an installation.
func (f Folder) There(postgres bool) bool {
	if postgres {
		return true
	}
	_, err := os.Stat(filepath.Join(f.HubPart(), "hub.db"))
	return !errors.Is(err, fs.ErrNotExist)
}

// NeedsPostgreSQL reports whether the folder is of a hub whose database is not in
// it.
func (f Folder) NeedsPostgreSQL() bool {
	_, err := os.Stat(filepath.Join(f.HubPart(), AuditKey+".key"))
	return err == nil && !f.There(false)
}
