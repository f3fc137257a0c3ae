package doctor

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/installation"
)

// healthy is an installation in which no check finds anything.
func healthy() *installation.Facts {
	now := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	yes := true
	person := installation.Person{Access: "administrator", CreatedAt: now.Add(-300 * day), LastSignIn: now.Add(-day), Passkeys: 1}
	nurse := person
	nurse.Access, nurse.Passkeys, nurse.Password, nurse.Apps = "clinician", 0, true, 1
	return &installation.Facts{
		At:    now,
		Build: installation.Build{Version: "v1.2.0", Time: now.Add(-10 * day)},
		Server: &installation.Server{
			Listen: "0.0.0.0:443", TLS: true, Metrics: "127.0.0.1:9480", Origins: []string{"https://chat.clinic.example"}, Proxies: []string{"10.0.0.7/32"},
			Messengers: []installation.Messenger{{Channel: "email", Host: "mail.clinic.example"}},
			Listeners:  []installation.Listener{{Address: "0.0.0.0:443", Own: true}}, ListenersKnown: true,
			Receivers: []installation.Receiver{{Name: "syslog", Host: "siem.clinic.example"}},
			Answers:   true, Certificate: &installation.Certificate{NotBefore: now.Add(-30 * day), NotAfter: now.Add(60 * day)},
			Fronts: []installation.Front{{
				Origin: "https://chat.clinic.example", Vouched: true, HSTS: 730 * day,
				Certificate: &installation.Certificate{NotBefore: now.Add(-30 * day), NotAfter: now.Add(60 * day)},
			}},
		},
		Clock: installation.Clock{Synchronised: &yes},
		Disk:  installation.Disk{FreeBytes: 100 << 30, TotalBytes: 200 << 30},
		Places: []installation.Place{
			{Holds: installation.PlaceAttachments, Folder: "/srv/files", Disk: installation.Disk{FreeBytes: 50 << 30, TotalBytes: 100 << 30}},
			{Holds: installation.PlaceRecord, Folder: "/srv/record", Disk: installation.Disk{FreeBytes: 50 << 30, TotalBytes: 100 << 30}},
			{Holds: installation.PlaceBackups, Folder: "/mnt/backup", Disk: installation.Disk{FreeBytes: 50 << 30, TotalBytes: 100 << 30}},
			{Holds: installation.PlaceLogArchive, Folder: "/mnt/log", Disk: installation.Disk{FreeBytes: 50 << 30, TotalBytes: 100 << 30}},
			{Holds: installation.PlaceCheckpoints, Folder: "/mnt/heads", Disk: installation.Disk{FreeBytes: 50 << 30, TotalBytes: 100 << 30}},
		},
		Keys:     []installation.Key{{Path: "hub/database.key", MadeAt: now.Add(-300 * day)}},
		Database: installation.Database{Engine: installation.PostgreSQL, Answers: true, Remote: true, Verified: true},
		Blobs:    installation.Blobs{Writable: true},
		Backup:   installation.Backup{Folder: "/mnt/backup", Newest: now.Add(-3 * time.Hour), Whole: 4, Trial: &installation.BackupTrial{At: now.Add(-20 * day), Name: "b"}},
		LogParts: []installation.LogPart{
			{Name: installation.Checkpoints, Folder: "/mnt/heads", BegunAt: now.Add(-day), SucceededAt: now.Add(-time.Minute)},
			{Name: installation.LogArchive, Folder: "/mnt/log", BegunAt: now.Add(-time.Minute)},
		},
		Practices: []installation.Practice{{
			Slug: "oak", Keeper: true, LogSize: 40, Log: &installation.LogCheck{Heads: 1, Verified: &installation.LogVerified{At: now.Add(-3 * day)}},
			Streams: []installation.Stream{{Name: "syslog", Target: "tls://siem.clinic.example:6514", Position: 40, SentAt: now.Add(-day), BegunAt: now.Add(-9 * day)}}, Languages: []string{"en"}, ConsentForm: "general", ConsentTexts: []string{"en", "es"},
			People:  []installation.Person{person, person, nurse},
			Archive: &installation.Archive{Bytes: 1, Writable: true, Check: &installation.ArchiveCheck{At: now.Add(-3 * day)}},
		}},
	}
}

// provided has everybody sign in at a provider, and nowhere else.
func provided(f *installation.Facts) {
	f.Practices[0].Provider = &installation.Provider{Host: "login.clinic.example", TwoFactors: true}
	for i := range f.Practices[0].People {
		p := &f.Practices[0].People[i]
		p.Passkeys, p.Password, p.Apps, p.Linked = 0, false, 0, true
	}
}

func TestHealthy(t *testing.T) {
	for name, change := range map[string]func(f *installation.Facts){
		"factors here":            func(*installation.Facts) {},
		"sign-in at the provider": provided,
		"a password left over where the provider alone counts": func(f *installation.Facts) {
			provided(f)
			f.Practices[0].Provider.Only, f.Practices[0].People[2].Password = true, true
		},
		"a passkey for when the provider is away": func(f *installation.Facts) {
			provided(f)
			f.Practices[0].Provider.Only = true
			f.Practices[0].People[0].Passkeys, f.Practices[0].People[0].Linked = 1, false
		},
		"an old key that nobody can change": func(f *installation.Facts) { f.Keys[0].MadeAt = f.At.Add(-3 * 365 * day) },
		"unlinked, and here yesterday":      func(f *installation.Facts) { f.Practices[0].People[2].Password = false },
	} {
		f := healthy()
		change(f)
		r := Check(f)
		for _, f := range r.Findings {
			if f.Level != OK {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if r.Failed() || len(r.Findings) < 20 {
			t.Errorf("%s: failed %v, %d findings", name, r.Failed(), len(r.Findings))
		}
	}
}

// TestT54SeededMistakes makes each mistake in an installation without fault:
// the check of it, and no other, finds it and says what to do.
func TestT54SeededMistakes(t *testing.T) {
	no := false
	now := healthy().At
	for name, c := range map[string]struct {
		make  func(f *installation.Facts)
		check string
		level string
	}{
		"a log that was rewritten": {func(f *installation.Facts) {
			f.Practices[0].Log.Problems, f.Practices[0].Log.First = 1, "checkpoint 30 was signed, and the log forked from it"
		}, "audit-log:oak", Fail},
		"a log that does not grow": {func(f *installation.Facts) {
			f.Practices[0].LogWaits, f.Practices[0].LogWaitsSince = 3, now.Add(-time.Hour)
		}, "audit-backlog:oak", Fail},
		"an event that cannot be read": {func(f *installation.Facts) {
			f.Practices[0].LogWaits, f.Practices[0].LogWaitsSince = 1, now
			f.Practices[0].LogUnreadable = []installation.UnreadableEvent{{Row: 7, At: now, SHA256: "x"}}
		}, "audit-backlog:oak", Fail},
		"a log that cannot be read":  {func(f *installation.Facts) { f.Practices[0].Log = nil }, "audit-log:oak", Fail},
		"a log with problems before": {func(f *installation.Facts) { f.Practices[0].Log.Verified.Problems = 2 }, "audit-log:oak", Fail},
		"a log never read whole":     {func(f *installation.Facts) { f.Practices[0].Log.Verified = nil }, "audit-log:oak", Warn},
		"a log not read for long":    {func(f *installation.Facts) { f.Practices[0].Log.Verified.At = now.Add(-32 * day) }, "audit-log:oak", Warn},
		"heads that contradict": {func(f *installation.Facts) {
			f.LogParts[0].Problem, f.LogParts[0].Damage, f.LogParts[0].Since = installation.PartContradicts, "checkpoint 30 forked", now
		}, "audit-checkpoints", Fail},
		"heads not written for long": {func(f *installation.Facts) {
			f.LogParts[0].Problem, f.LogParts[0].Since = installation.PartFails, now.Add(-2*time.Hour)
		}, "audit-checkpoints", Fail},
		"an archive not written now": {func(f *installation.Facts) {
			f.LogParts[1].Problem, f.LogParts[1].Since = installation.PartFails, now.Add(-time.Minute)
		}, "audit-archive", Warn},
		"an archive that contradicts":     {func(f *installation.Facts) { f.LogParts[1].Problem = installation.PartContradicts }, "audit-archive", Fail},
		"an archive that lost a file":     {func(f *installation.Facts) { f.LogParts[1].Problem = installation.PartDamaged }, "audit-archive", Fail},
		"an archive that stands":          {func(f *installation.Facts) { f.LogParts[1].BegunAt = now.Add(-2 * time.Hour) }, "audit-archive", Warn},
		"a record that cannot be written": {func(f *installation.Facts) { f.Practices[0].Archive.Writable = false }, "record-folder:oak", Fail},
		"a witness of another history": {func(f *installation.Facts) {
			f.Practices[0].Witnesses = []installation.Witness{{Name: "w", Size: 9, At: now, Problem: "contradicts", Contradicts: true}}
		}, "audit-witness:oak", Fail},
		"a witness that is away": {func(f *installation.Facts) {
			f.Practices[0].Witnesses = []installation.Witness{{Name: "w", Size: 9, At: now, Problem: "away"}}
		}, "audit-witness:oak", Warn},
		"a witness that is not asked": {func(f *installation.Facts) {
			f.Practices[0].Witnesses = []installation.Witness{{Name: "w", Size: 9, At: now.Add(-2 * time.Hour)}}
		}, "audit-witness:oak", Warn},
		"a form that nobody approves": {func(f *installation.Facts) { f.Practices[0].FormsLate = 1 }, "form-reviews:oak", Warn},
		"a port that nobody set up": {func(f *installation.Facts) {
			f.Server.Listeners = append(f.Server.Listeners, installation.Listener{Address: "[::]:6060", Own: true})
		}, "ports", Fail},
		"another program of the same user": {func(f *installation.Facts) {
			f.Server.Listeners = append(f.Server.Listeners, installation.Listener{Address: "0.0.0.0:443"})
		}, "ports", Warn},
		"ports that cannot be told": {func(f *installation.Facts) { f.Server.Listeners, f.Server.ListenersKnown = nil, false }, "ports", Warn},
		"a SIEM that is away for a day": {func(f *installation.Facts) {
			f.Practices[0].Streams[0].Problem, f.Practices[0].Streams[0].Since = "away", now.Add(-day)
		}, "audit-stream:oak", Fail},
		"a SIEM whose certificate ran out just now": {func(f *installation.Facts) {
			f.Practices[0].Streams[0].Problem, f.Practices[0].Streams[0].Since = "certificate", now.Add(-time.Minute)
		}, "audit-stream:oak", Warn},
		"a SIEM that nobody sends to": {func(f *installation.Facts) {
			f.Practices[0].Streams[0].Position, f.Practices[0].Streams[0].SentAt = 10, now.Add(-time.Hour)
		}, "audit-stream:oak", Warn},
		"a SIEM that never got anything": {func(f *installation.Facts) {
			f.Practices[0].Streams[0].Position, f.Practices[0].Streams[0].SentAt = 0, time.Time{}
		}, "audit-stream:oak", Warn},
		"a SIEM that drops entries": {func(f *installation.Facts) { f.Practices[0].Streams[0].Rejected = 4 }, "audit-stream:oak", Warn},
		"a SIEM that was switched off": {func(f *installation.Facts) {
			p := &f.Practices[0]
			p.Streams[0].StoppedAt = now.Add(-99 * day)
			p.Streams, p.StoppedStreams = nil, p.Streams
		}, "audit-stream:oak", Warn},
		"a SIEM without TLS":              {func(f *installation.Facts) { f.Server.Receivers[0].Plain = true }, "audit-stream-tls", Warn},
		"a log that nobody looked at":     {func(f *installation.Facts) { f.Practices[0].ActivityGaps = 1 }, "activity-reviews:oak", Fail},
		"an alert nobody looked at":       {func(f *installation.Facts) { f.Practices[0].Alerts, f.Practices[0].AlertsLate = 2, 1 }, "alerts:oak", Fail},
		"a log that is not searched":      {func(f *installation.Facts) { f.Practices[0].Unsearched = 20_001 }, "alerts-search:oak", Warn},
		"an access that nobody confirmed": {func(f *installation.Facts) { f.Practices[0].AccessLate = 1 }, "access-reviews:oak", Fail},
		"emergency access nobody looked":  {func(f *installation.Facts) { f.Practices[0].Emergencies, f.Practices[0].EmergenciesDue = 2, 1 }, "emergency-reviews:oak", Fail},
		"plain HTTP":                      {func(f *installation.Facts) { f.Server.TLS, f.Server.Certificate = false, nil }, "tls", Fail},
		"an address without TLS":          {func(f *installation.Facts) { f.Server.Origins = []string{"http://chat.clinic.example"} }, "origin", Fail},
		"expired certificate":             {func(f *installation.Facts) { f.Server.Certificate.NotAfter = now.Add(-day) }, "tls-expiry", Fail},
		"certificate of tomorrow":         {func(f *installation.Facts) { f.Server.Certificate.NotBefore = now.Add(day) }, "tls-expiry", Fail},
		"certificate ends soon":           {func(f *installation.Facts) { f.Server.Certificate.NotAfter = now.Add(5 * day) }, "tls-expiry", Warn},
		"old TLS":                         {func(f *installation.Facts) { f.Server.Certificate.Old = true }, "tls-versions", Fail},
		"a proxy that is not there":       {func(f *installation.Facts) { f.Server.Fronts[0] = installation.Front{Origin: "https://a.example"} }, "origin-tls", Warn},
		"a proxy's expired certificate": {func(f *installation.Facts) {
			f.Server.Fronts[0].Certificate.NotAfter, f.Server.Fronts[0].Vouched = now.Add(-day), false
		}, "tls-expiry", Fail},
		"a proxy's certificate ends soon": {func(f *installation.Facts) { f.Server.Fronts[0].Certificate.NotAfter = now.Add(5 * day) }, "tls-expiry", Warn},
		"a proxy's certificate of nobody": {func(f *installation.Facts) { f.Server.Fronts[0].Vouched = false }, "origin-tls", Fail},
		"a proxy that speaks old TLS":     {func(f *installation.Facts) { f.Server.Fronts[0].Certificate.Old = true }, "tls-versions", Fail},
		"a proxy without HSTS":            {func(f *installation.Facts) { f.Server.Fronts[0].HSTS = 0 }, "origin-hsts", Warn},
		"a proxy with HSTS for an hour":   {func(f *installation.Facts) { f.Server.Fronts[0].HSTS = time.Hour }, "origin-hsts", Warn},
		"links to nowhere": {func(f *installation.Facts) {
			f.Server.Origins, f.Server.Messengers = nil, []installation.Messenger{{Channel: "email"}}
		}, "links", Warn},
		"open metrics":          {func(f *installation.Facts) { f.Server.Metrics = "0.0.0.0:9480" }, "metrics", Fail},
		"profiler":              {func(f *installation.Facts) { f.Server.DebugRoutes = true }, "debug-routes", Fail},
		"debug log":             {func(f *installation.Facts) { f.Server.Debug = true }, "log-level", Warn},
		"all are proxies":       {func(f *installation.Facts) { f.Server.Proxies = []string{"0.0.0.0/0"} }, "proxies", Fail},
		"all are proxies, IPv6": {func(f *installation.Facts) { f.Server.Proxies = []string{"::/0"} }, "proxies", Fail},
		"dead server":           {func(f *installation.Facts) { f.Server.Answers = false }, "running", Fail},
		"no server":             {func(f *installation.Facts) { f.Server = nil }, "running", Warn},
		"clock runs free":       {func(f *installation.Facts) { f.Clock.Synchronised = &no }, "clock", Warn},
		"clock of yesteryear":   {func(f *installation.Facts) { f.Build.Time = now.Add(day) }, "clock-behind", Fail},
		"database's clock":      {func(f *installation.Facts) { f.Clock.Database = -time.Minute }, "clock-database", Warn},
		"readable file":         {func(f *installation.Facts) { f.Paths = []installation.Path{{Path: "demo.json", Mode: "-rw-r--r--"}} }, "file-modes", Fail},
		"readable key":          {func(f *installation.Facts) { f.Keys[0].Open = true }, "keys", Fail},
		"lost key":              {func(f *installation.Facts) { f.Keys[0].Lost = true }, "keys", Fail},
		"old key": {func(f *installation.Facts) {
			f.Keys = append(f.Keys, installation.Key{Path: "hub/factors.key", MadeAt: now.Add(-3 * 365 * day)})
		}, "key-age", Warn},
		"full disk":               {func(f *installation.Facts) { f.Disk.FreeBytes = 100 << 20 }, "disk", Fail},
		"no room for files":       {func(f *installation.Facts) { f.Places[0].Disk.FreeBytes = 100 << 20 }, "disk:attachments", Fail},
		"no room for the record":  {func(f *installation.Facts) { f.Places[1].Disk.FreeBytes = 4 << 30 }, "disk:record", Fail},
		"no room for backups":     {func(f *installation.Facts) { f.Places[2].Disk.FreeBytes = 0 }, "disk:backups", Fail},
		"no room for the next":    {func(f *installation.Facts) { f.Backup.Bytes = 60 << 30 }, "disk:backups", Warn},
		"no room for the log":     {func(f *installation.Facts) { f.Places[3].Disk.FreeBytes = 0 }, "disk:audit-archive", Fail},
		"no room for heads":       {func(f *installation.Facts) { f.Places[4].Disk.FreeBytes = 0 }, "disk:audit-checkpoints", Fail},
		"the archive is beside":   {func(f *installation.Facts) { f.Places = slices.Delete(f.Places, 3, 4) }, "audit-archive-place", Warn},
		"a disk is not mounted":   {func(f *installation.Facts) { f.Places[3].Disk = installation.Disk{} }, "disk:audit-archive", Warn},
		"attachments read-only":   {func(f *installation.Facts) { f.Blobs.Writable = false }, "attachments", Fail},
		"dead database":           {func(f *installation.Facts) { f.Database.Answers = false }, "database", Fail},
		"database without TLS":    {func(f *installation.Facts) { f.Database.Verified = false }, "database-tls", Fail},
		"default password":        {func(f *installation.Facts) { f.Database.WeakPassword = true }, "database-password", Fail},
		"no backup folder":        {func(f *installation.Facts) { f.Backup = installation.Backup{} }, "backup", Fail},
		"no backup":               {func(f *installation.Facts) { f.Backup.Newest = time.Time{} }, "backup", Fail},
		"backup of last week":     {func(f *installation.Facts) { f.Backup.Newest = now.Add(-7 * day) }, "backup", Fail},
		"backup of yesterday":     {func(f *installation.Facts) { f.Backup.Newest = now.Add(-30 * time.Hour) }, "backup", Warn},
		"a backup was changed":    {func(f *installation.Facts) { f.Backup.Broken = 1 }, "backup-whole", Fail},
		"no trial":                {func(f *installation.Facts) { f.Backup.Trial = nil }, "backup-trial", Warn},
		"an old trial":            {func(f *installation.Facts) { f.Backup.Trial = &installation.BackupTrial{At: now.Add(-40 * day)} }, "backup-trial", Warn},
		"a trial that failed":     {func(f *installation.Facts) { f.Backup.Trial = &installation.BackupTrial{At: now, Problems: 2} }, "backup-trial", Fail},
		"backup on the same disk": {func(f *installation.Facts) { f.Backup.Beside = true }, "backup-place", Warn},
		"demo in the open":        {func(f *installation.Facts) { f.Practices[0].Demo = true }, "demo:oak", Fail},
		"one factor":              {func(f *installation.Facts) { f.Practices[0].People[2].Apps = 0 }, "two-factors:oak", Fail},
		"unused account":          {func(f *installation.Facts) { f.Practices[0].People[2].LastSignIn = now.Add(-200 * day) }, "unused-accounts:oak", Warn},
		"one factor at the provider": {func(f *installation.Facts) {
			provided(f)
			f.Practices[0].Provider.TwoFactors = false
		}, "two-factors:oak", Fail},
		"a password beside the provider": {func(f *installation.Facts) {
			provided(f)
			f.Practices[0].People[2].Password = true
		}, "two-factors:oak", Fail},
		"unused at the provider": {func(f *installation.Facts) {
			provided(f)
			f.Practices[0].People[2].LastSignIn = now.Add(-200 * day)
		}, "unused-accounts:oak", Warn},
		"never at the provider": {func(f *installation.Facts) {
			provided(f)
			f.Practices[0].People[2].LastSignIn, f.Practices[0].People[2].Linked = time.Time{}, false
		}, "unused-accounts:oak", Warn},
		"an administrator whom the provider does not know": {func(f *installation.Facts) {
			provided(f)
			f.Practices[0].People[1].Linked = false
		}, "administrators:oak", Warn},
		"a linked administrator of a provider that is gone": {func(f *installation.Facts) {
			f.Practices[0].People[1].Linked, f.Practices[0].People[1].Passkeys = true, 0
		}, "administrators:oak", Warn},
		"one administrator":       {func(f *installation.Facts) { f.Practices[0].People[1].Disabled = true }, "administrators:oak", Warn},
		"no keeper":               {func(f *installation.Facts) { f.Practices[0].Keeper = false }, "keeper:oak", Fail},
		"devices wait":            {func(f *installation.Facts) { f.Practices[0].Uncertified = 3 }, "devices:oak", Warn},
		"damaged record":          {func(f *installation.Facts) { f.Practices[0].Archive.Check.Problems = 1 }, "archive:oak", Fail},
		"record never checked":    {func(f *installation.Facts) { f.Practices[0].Archive.Check = nil }, "archive:oak", Warn},
		"record checked long ago": {func(f *installation.Facts) { f.Practices[0].Archive.Check.At = now.Add(-60 * day) }, "archive:oak", Warn},
		"form in one language":    {func(f *installation.Facts) { f.Practices[0].Languages = []string{"en", "ar"} }, "consent-form:oak", Fail},
		"a build of somebody":     {func(f *installation.Facts) { f.Build.Modified = true }, "version", Warn},
		"an old program":          {func(f *installation.Facts) { f.Build.Time = now.Add(-300 * day) }, "version-age", Warn},
	} {
		f := healthy()
		c.make(f)
		r := Check(f)
		bad := slices.DeleteFunc(r.Findings, func(f Finding) bool { return f.Level == OK })
		if len(bad) != 1 || bad[0].Check != c.check || bad[0].Level != c.level || bad[0].Fix == "" {
			t.Errorf("%s: found %+v, want %s of %s with a fix", name, bad, c.level, c.check)
		}
		if r.Failed() != (c.level == Fail) {
			t.Errorf("%s: failed is %v", name, r.Failed())
		}
	}
}

func TestWorstComesFirst(t *testing.T) {
	f := healthy()
	f.Practices[0].Uncertified, f.Disk.FreeBytes = 1, 0
	var b bytes.Buffer
	if err := Check(f).WriteText(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if !strings.HasPrefix(lines[0], "fail  disk") || !strings.HasPrefix(lines[2], "warn  devices:oak") || !strings.Contains(b.String(), "1 failed, 1 to be looked at") {
		t.Errorf("got\n%s", &b)
	}
}
