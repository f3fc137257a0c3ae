package control

import (
	"bytes"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/installation"
)

// subject is an installation that shows all that can be shown.
func subject() *Subject {
	now := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	yes := true
	person := func(id, access string) installation.Person {
		return installation.Person{ID: id, Access: access, CreatedAt: now.Add(-time.Hour), LastSignIn: now.Add(-time.Hour), Passkeys: 1}
	}
	f := &installation.Facts{
		At: now, Build: installation.Build{Version: "v1.0.0", Time: now.Add(-time.Hour)},
		Server: &installation.Server{
			Listen: ":443", TLS: true, Answers: true, ListenersKnown: true, Origins: []string{"https://chat.clinic.example"},
			Messengers:  []installation.Messenger{},
			Certificate: &installation.Certificate{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(90 * 24 * time.Hour)},
		},
		Clock: installation.Clock{Synchronised: &yes}, Disk: installation.Disk{FreeBytes: 50 << 30, TotalBytes: 100 << 30},
		Keys:     []installation.Key{{Path: "hub/database.key", MadeAt: now.Add(-time.Hour)}},
		Database: installation.Database{Engine: installation.SQLite, Answers: true, File: installation.FileSealed},
		Blobs:    installation.Blobs{Writable: true},
		Backup:   installation.Backup{Folder: "/mnt/backup", Newest: now.Add(-time.Hour), Whole: 1, Trial: &installation.BackupTrial{At: now.Add(-time.Hour), Name: "b"}},
		Practices: []installation.Practice{{
			ID: "t_oak", Slug: "oak", IdleStaff: 10, IdlePatient: 15, Languages: []string{"en"}, ConsentForm: "general", ConsentVer: 3,
			ConsentTexts: []string{"en"}, Networks: true, Queues: 2, Offered: 0xF001, Groups: []installation.SuiteUse{{Suite: 0xF001, Conversations: 3}}, Keeper: true,
			ActivitySigned: 1, LogSize: 9000, LogWhole: true, LogBegan: now.Add(-9000 * time.Hour), Log: &installation.LogCheck{Heads: 1, Verified: &installation.LogVerified{At: now.Add(-time.Hour), Entries: 8990}},
			People: []installation.Person{person("p_1", "administrator"), person("p_2", "administrator"), person("p_3", "compliance"), person("p_4", "clinician")},
			Archive: &installation.Archive{Bytes: 1, Writable: true, Check: &installation.ArchiveCheck{
				At: now.Add(-time.Hour), Conversations: 3, Records: 40,
			}},
		}},
	}
	return &Subject{Facts: f, Practice: &f.Practices[0]}
}

// TestCatalogue holds each control to be whole, and each query to be used.
func TestCatalogue(t *testing.T) {
	seen, used := map[string]bool{}, map[string]bool{}
	queries := probes()
	for _, c := range Catalogue() {
		if seen[c.ID] {
			t.Errorf("%s is there twice", c.ID)
		}
		seen[c.ID] = true
		if c.Title == "" || c.Asks == "" || c.Owner == "" || c.Review == 0 || c.Family == "" || c.Kind == "" || !strings.Contains(c.Cite, "45 CFR 164.") {
			t.Errorf("%s is not whole: %+v", c.ID, c)
		}
		if len(c.Evidence) == 0 && c.Missing == "" {
			t.Errorf("%s has no evidence and does not say what is missing", c.ID)
		}
		for _, e := range c.Evidence {
			if queries[e] == nil {
				t.Errorf("%s: there is no query %q", c.ID, e)
			}
			used[e] = true
		}
		safeguard := strings.Contains(c.Cite, "164.308") || strings.Contains(c.Cite, "164.310") || strings.Contains(c.Cite, "164.312")
		if safeguard && c.Kind != api.KindProposed && !strings.HasPrefix(c.NIST, "SP 800-66r2") {
			t.Errorf("%s: NIST's guide is not beside it: %q", c.ID, c.NIST)
		}
		if c.Kind == api.KindAddressable && c.Proposed == "" {
			t.Errorf("%s: that the proposed rule makes it required is not beside it", c.ID)
		}
		if (c.Kind == api.KindProposed) != strings.Contains(c.Cite, "proposed") {
			t.Errorf("%s: what is proposed says so, and nothing else does", c.ID)
		}
		if claims := regexp.MustCompile(`(?i)complian(t|ce)`).FindString(c.Title + c.Asks + c.HeldBy + c.Missing + c.Proposed); claims != "" && !strings.Contains(c.HeldBy, "role compliance") && c.ID != "308(a)(8)" {
			t.Errorf("%s speaks of %q", c.ID, claims)
		}
	}
	for name := range queries {
		if !used[name] {
			t.Errorf("no control uses the query %q", name)
		}
	}
	for _, id := range asked(t) {
		if !seen[id] {
			t.Errorf("there is no control %s", id)
		}
	}
}

// asked are the ids of all controls that the product set out to map.
func asked(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("testdata/asked.txt")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			ids = append(ids, line)
		}
	}
	if len(ids) < 75 {
		t.Fatalf("only %d controls are asked for", len(ids))
	}
	return ids
}

// untested are the controls that can be met without a test of ours, and why
// there is nothing to test.
func untested() map[string]string {
	return map[string]string{
		"308(a)(2)":        "Whom the practice names is its own act; the map only reads whether somebody is named.",
		"308(a)(4)(ii)(A)": "The product has no clearinghouse functions: whether the practice has is for it to write down.",
		"314(b)":           "What kind of entity the practice is is not told here: the map asks it to write that down.",
		"310(a)":           "Software cannot see doors: the map asks the practice to write down how the machines are guarded.",
		"514(a)-(b)":       "The product exports nothing as de-identified.",
	}
}

// TestWhatIsMetIsTested: a control that can be met names tests of what holds it,
// or it is written down why there is nothing to test.
func TestWhatIsMetIsTested(t *testing.T) {
	why := untested()
	for _, c := range Catalogue() {
		reason, excused := why[c.ID]
		switch {
		case len(c.Tests) > 0 && excused:
			t.Errorf("%s has tests: it needs no excuse", c.ID)
		case len(c.Tests) == 0 && c.Missing == "" && reason == "":
			t.Errorf("%s can be met, and no test holds it", c.ID)
		case excused && c.Missing != "":
			t.Errorf("%s falls short for what is missing: it needs no excuse", c.ID)
		}
		delete(why, c.ID)
	}
	for id := range why {
		t.Errorf("%s is excused and no control", id)
	}
}

func TestThreatsComeFromTests(t *testing.T) {
	got := threats([]string{"TestT43IdleSessionsLock", "TestT29aSlowReaders", "TestCanaryT01", "TestMatrix", "TestT43DisabledElsewhere"})
	if !slices.Equal(got, []string{"T01", "T29a", "T43"}) {
		t.Errorf("got %v", got)
	}
}

func state(t *testing.T, s *Subject, id string) string {
	t.Helper()
	run, err := Evaluate(s.Facts, s.Practice.ID)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(run.Results, func(r api.ControlResult) bool { return r.ID == id })
	if i < 0 {
		t.Fatalf("no control %s", id)
	}
	if r := run.Results[i]; r.Says == "" {
		t.Errorf("%s is %s and does not say why", id, r.State)
	}
	return run.Results[i].State
}

// TestNothingIsAsserted: no control is met, nor falls short for another reason
// than what is missing, but by what its queries find of the installation.
func TestNothingIsAsserted(t *testing.T) {
	run, err := Evaluate(subject().Facts, "t_oak")
	if err != nil {
		t.Fatal(err)
	}
	controls := Catalogue()
	for i, r := range run.Results {
		if r.State == api.ControlMet && len(r.Findings) == 0 {
			t.Errorf("%s is met without a finding", r.ID)
		}
		if controls[i].Missing != "" && r.State != api.ControlShort {
			t.Errorf("%s lacks something and is %s", r.ID, r.State)
		}
	}
	n := run.Counts
	if n.Met+n.Decision+n.Short+n.NotApplicable != len(controls) || n.Met < 15 {
		t.Errorf("%+v of %d", n, len(controls))
	}
}

// TestEachQueryNotices spoils one fact at a time: the control that rests on it
// is no longer what it was.
func TestEachQueryNotices(t *testing.T) {
	const m, d, short = api.ControlMet, api.ControlDecision, api.ControlShort
	long := 400 * 24 * time.Hour
	type change struct {
		control string
		before  string
		make    func(s *Subject)
		after   string
	}
	// Of several queries of a control, or of one that lacks something, what a
	// query itself finds is compared, below; such cases name no control.
	cases := map[string]change{
		"no queue":               {"", "", func(s *Subject) { s.Practice.Queues = 0 }, ""},
		"queue without people":   {"", "", func(s *Subject) { s.Practice.EmptyQueues = 1 }, ""},
		"all see all":            {"", "", func(s *Subject) { s.Practice.People[3].AllQueues = true }, ""},
		"suite not known":        {"312(e)(2)(i)", m, func(s *Subject) { s.Practice.Offered = 0xF0F0 }, short},
		"suite not asked":        {"312(e)(2)(i)", m, func(s *Subject) { s.Practice.Offered = 0 }, short},
		"suite of before":        {"312(e)(2)(i)", m, func(s *Subject) { s.Practice.Offered = 2 }, d},
		"other suite":            {"312(e)(2)(i)", m, func(s *Subject) { s.Practice.Offered = 0xF002 }, m},
		"open chats, not known":  {"312(e)(2)(i)", m, func(s *Subject) { s.Practice.Groups[0].Suite = 0 }, short},
		"open chats of before":   {"312(e)(2)(i)", m, func(s *Subject) { s.Practice.Groups[0].Suite = 2 }, d},
		"plain file":             {"312(a)(2)(iv)", d, func(s *Subject) { s.Facts.Database.File = installation.FilePlain }, short},
		"file not seen":          {"312(a)(2)(iv)", d, func(s *Subject) { s.Facts.Database.File = "" }, short},
		"inventory, no server":   {"308(a)(7)(ii)(E)", m, func(s *Subject) { s.Facts.Server.Answers = false }, short},
		"inventory, no database": {"308(a)(7)(ii)(E)", m, func(s *Subject) { s.Facts.Database.Answers = false }, short},
		"inventory, key lost":    {"308(a)(7)(ii)(E)", m, func(s *Subject) { s.Facts.Keys[0].Lost = true }, short},
		"inventory, keeper away": {"308(a)(7)(ii)(E)", m, func(s *Subject) { s.Practice.Archive = nil }, d},
		"log rewritten":          {"312(b)", m, func(s *Subject) { s.Practice.Log.Problems, s.Practice.Log.First = 1, "checkpoint 9 forked" }, short},
		"disclosures, rewritten": {"312(b)", m, func(s *Subject) { s.Practice.Log.Problems = 1 }, short},
		"log contradicts": {"312(b)", m, func(s *Subject) {
			s.Facts.LogParts = []installation.LogPart{{Name: installation.Checkpoints, Problem: installation.PartContradicts}}
		}, short},
		"archive of the log lost a file": {"312(b)", m, func(s *Subject) {
			s.Facts.LogParts = []installation.LogPart{{Name: installation.LogArchive, Problem: installation.PartDamaged}}
		}, short},
		"log not read": {"312(b)", m, func(s *Subject) { s.Practice.Log = nil }, short},
		"a witness contradicts": {"312(b)", m, func(s *Subject) {
			s.Practice.Witnesses = []installation.Witness{{Name: "w", Contradicts: true}}
		}, short},
		"log does not grow": {"312(b)", m, func(s *Subject) {
			s.Practice.LogWaits, s.Practice.LogWaitsSince = 1, s.Facts.At.Add(-time.Hour)
		}, short},
		"log grows now":         {"312(b)", m, func(s *Subject) { s.Practice.LogWaits, s.Practice.LogWaitsSince = 1, s.Facts.At }, m},
		"log not there":         {"312(b)", m, func(s *Subject) { s.Practice.LogSize = -1 }, short},
		"log lost an entry":     {"", m, func(s *Subject) { s.Practice.LogWhole = false }, m},
		"log empty":             {"312(b)", m, func(s *Subject) { s.Practice.LogSize = 0 }, d},
		"log, problems before":  {"312(b)", m, func(s *Subject) { s.Practice.Log.Verified.Problems = 1 }, short},
		"log never verified":    {"312(b)", m, func(s *Subject) { s.Practice.Log.Verified = nil }, d},
		"log verified long ago": {"312(b)", m, func(s *Subject) { s.Practice.Log.Verified.At = s.Facts.At.Add(-long) }, d},
		"small log":             {"312(b)", m, func(s *Subject) { s.Practice.Log.Verified, s.Practice.Log.Whole = nil, true }, m},
		"no earlier head":       {"312(b)", m, func(s *Subject) { s.Practice.Log.Heads = 0 }, d},
		"stream":                {"", "", func(s *Subject) { s.Practice.Streams = []installation.Stream{{Name: "otlp", Problem: "away"}} }, ""},
		"no activity signed":    {"", "", func(s *Subject) { s.Practice.ActivitySigned = 0 }, ""},
		"plain database": {"", "", func(s *Subject) {
			s.Facts.Database = installation.Database{Engine: installation.PostgreSQL, Answers: true}
		}, ""},
		"no release":         {"", "", func(s *Subject) { s.Facts.Build.Version = "unreleased" }, ""},
		"codes by mail":      {"", "", func(s *Subject) { s.Facts.Server.Messengers = mail() }, ""},
		"roles":              {"312(a)(1)", m, func(s *Subject) { s.Practice.People[3].Access = "" }, short},
		"keeper":             {"312(a)(1)", m, func(s *Subject) { s.Practice.Keeper = false }, short},
		"unique-people":      {"312(a)(2)(i)", m, func(s *Subject) { s.Practice.People[3].ID = "p_1" }, short},
		"idle-limit":         {"312(a)(2)(iii)", m, func(s *Subject) { s.Practice.IdleStaff = 30 }, d},
		"database-encrypted": {"312(a)(2)(iv)", d, func(s *Subject) { s.Facts.Keys[0].Open = true }, short},
		"archive":            {"312(c)(1)", m, func(s *Subject) { s.Practice.Archive.Check.Problems = 1 }, short},
		"archive's age":      {"312(c)(2)", m, func(s *Subject) { s.Practice.Archive.Check.At = s.Facts.At.Add(-long) }, short},
		"no archive":         {"312(c)(1)", m, func(s *Subject) { s.Practice.Archive = nil }, d},
		"never checked":      {"312(c)(1)", m, func(s *Subject) { s.Practice.Archive.Check = nil }, short},
		"two factors":        {"312(d)", m, func(s *Subject) { s.Practice.People[3].Passkeys, s.Practice.People[3].Password = 0, true }, short},
		"passkeys": {"312(d)", m, func(s *Subject) {
			p := &s.Practice.People[3]
			p.Passkeys, p.Password, p.Apps = 0, true, 1
		}, d},
		"nobody has set up": {"308(a)(5)(ii)(D)", m, func(s *Subject) {
			for i := range s.Practice.People {
				s.Practice.People[i].Passkeys = 0
			}
		}, d},
		"devices":        {"310(d)(2)(iii)", m, func(s *Subject) { s.Practice.Uncertified = 1 }, d},
		"tls":            {"312(e)(1)", m, func(s *Subject) { s.Facts.Server.TLS, s.Facts.Server.Certificate = false, nil }, short},
		"old tls":        {"312(e)(1)", m, func(s *Subject) { s.Facts.Server.Certificate.Old = true }, short},
		"expired":        {"312(e)(1)", m, func(s *Subject) { s.Facts.Server.Certificate.NotAfter = s.Facts.At }, short},
		"no server":      {"312(e)(1)", m, func(s *Subject) { s.Facts.Server = nil }, short},
		"behind a proxy": {"312(e)(1)", m, func(s *Subject) { s.Facts.Server.TLS, s.Facts.Server.Listen = false, "127.0.0.1:80" }, d},
		"database-link": {"312(e)(1)", m, func(s *Subject) {
			s.Facts.Database = installation.Database{Engine: installation.PostgreSQL, Remote: true}
		}, short},
		"backup":          {"312(i) proposed", m, func(s *Subject) { s.Facts.Backup.Newest = s.Facts.At.Add(-50 * time.Hour) }, short},
		"no backup":       {"308(a)(7)(ii)(A)", m, func(s *Subject) { s.Facts.Backup = installation.Backup{} }, short},
		"a broken backup": {"308(a)(7)(ii)(A)", m, func(s *Subject) { s.Facts.Backup.Broken = 1 }, short},
		"no trial":        {"308(a)(7)(ii)(B)", m, func(s *Subject) { s.Facts.Backup.Trial = nil }, short},
		"a failed trial":  {"308(a)(7)(ii)(B)", m, func(s *Subject) { s.Facts.Backup.Trial.Problems = 3 }, short},
		"backup-apart":    {"308(a)(7)(ii)(A)", m, func(s *Subject) { s.Facts.Backup.Beside = true }, short},
		"official":        {"308(a)(2)", m, func(s *Subject) { s.Practice.People[2].Disabled = true }, d},
		"administrators":  {"308(a)(3)(ii)(A)", m, func(s *Subject) { s.Practice.People[1].Disabled = true }, d},
		"emergencies":     {"312(a)(2)(ii)", m, func(s *Subject) { s.Practice.EmergenciesDue = 1 }, short},
		"activity gaps":   {"308(a)(1)(ii)(D)", m, func(s *Subject) { s.Practice.ActivityGaps = 1 }, short},
		"alerts":          {"312(b)", m, func(s *Subject) { s.Practice.AlertsLate = 1 }, short},
		"access-reviews":  {"308(a)(4)(ii)(C)", m, func(s *Subject) { s.Practice.AccessLate = 1 }, short},
		"clearance":       {"308(a)(3)(ii)(B)", m, func(s *Subject) { s.Practice.AccessLate = 2 }, short},
		"reviewers":       {"312(a)(2)(ii)", m, func(s *Subject) { s.Practice.People[2].Disabled = true }, d},
		"unused":          {"308(a)(3)(ii)(C)", m, func(s *Subject) { s.Practice.People[3].LastSignIn = s.Facts.At.Add(-long) }, d},
		"sign-ins": {"308(a)(5)(ii)(C)", m, func(s *Subject) {
			for i := range s.Practice.People {
				s.Practice.People[i].LastSignIn = time.Time{}
			}
		}, d},
		"who carries codes":     {"308(a)(7)(ii)(C)", m, func(s *Subject) { s.Facts.Server.Messengers = mail() }, d},
		"codes, not known":      {"308(a)(7)(ii)(C)", m, func(s *Subject) { s.Facts.Server.Messengers = nil }, short},
		"codes, no answer":      {"308(a)(7)(ii)(C)", m, func(s *Subject) { s.Facts.Server.Answers = false }, short},
		"remote database":       {"308(a)(7)(ii)(C)", m, func(s *Subject) { s.Facts.Database.Remote, s.Facts.Database.Verified = true, true }, d},
		"sign-in there alone":   {"308(a)(7)(ii)(C)", m, func(s *Subject) { s.Practice.Provider = &installation.Provider{Only: true} }, d},
		"sign-in here too":      {"308(a)(7)(ii)(C)", m, func(s *Subject) { s.Practice.Provider = new(installation.Provider) }, m},
		"witnesses hold not up": {"308(a)(7)(ii)(C)", m, func(s *Subject) { s.Practice.Witnesses = []installation.Witness{{Name: "w"}} }, m},
		"patients' portal":      {"308(a)(7)(ii)(C)", m, func(s *Subject) { s.Practice.Portal = []string{"portal.clinic.example"} }, d},
		"some sign in there": {"308(a)(7)(ii)(C)", m, func(s *Subject) {
			s.Practice.Provider = new(installation.Provider)
			s.Practice.People[3].Passkeys = 0
		}, d},
		"networks": {"312(a)(2)(vi) proposed", m, func(s *Subject) { s.Practice.Networks = false }, d},
		"proofing": {"514(h)", m, func(s *Subject) { s.Practice.OpenQueues = 1 }, d},
		"form":     {"506, 508", m, func(s *Subject) { s.Practice.Languages = []string{"en", "es"} }, short},
		"doctor":   {"308(a)(8)", m, func(s *Subject) { s.Facts.Server.Metrics = "0.0.0.0:1" }, short},
		"warned":   {"308(a)(8)", m, func(s *Subject) { s.Facts.Server.Debug = true }, d},
	}
	well, spoiled := map[string]bool{}, map[string]bool{}
	for name, query := range probes() {
		if f := query(subject()); f.State == api.ControlMet {
			well[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		s := subject()
		c.make(s)
		for query, ask := range probes() {
			f := ask(s)
			if f.State != api.ControlMet {
				spoiled[query] = true
			}
			if f.State == api.ControlMet && !well[query] {
				t.Errorf("%s: %s is met by a spoiled fact, and was not before", name, query)
			}
			if f.Says == "" || f.Fix == "" && (f.State == api.ControlDecision || f.State == short) {
				t.Errorf("%s: %s does not say what to do: %+v", name, query, f)
			}
		}
		if c.control == "" {
			continue
		}
		s = subject()
		if got := state(t, s, c.control); got != c.before {
			t.Errorf("%s: %s is %s before, want %s", name, c.control, got, c.before)
		}
		c.make(s)
		if got := state(t, s, c.control); got != c.after {
			t.Errorf("%s: %s is %s after, want %s", name, c.control, got, c.after)
		}
	}
	for query := range probes() {
		if !spoiled[query] {
			t.Errorf("whatever is spoiled here, %s says that it is met: add a case, or have it look at something", query)
		}
	}
	// These say what software cannot see; none is ever met.
	never := []string{"keys-apart", "outside-services", "facility", "no-deidentification", "clearinghouse", "group-health-plan"}
	for query := range probes() {
		if well[query] == slices.Contains(never, query) {
			t.Errorf("%s of an installation without fault: met %v", query, well[query])
		}
	}
}

// TestAccountingSaysWhatItLacks: what the rule asks of an accounting of
// disclosures and the product does not do is said, and it is not met.
func TestAccountingSaysWhatItLacks(t *testing.T) {
	all := Catalogue()
	i := slices.IndexFunc(all, func(c api.Control) bool { return c.ID == "528" })
	for _, lacks := range []string{"60 days", "164.528(a)(2)", "164.528(d)"} {
		if !strings.Contains(all[i].Missing, lacks) {
			t.Errorf("nothing says %s of %q", lacks, all[i].Missing)
		}
	}
	if got := state(t, subject(), "528"); got != api.ControlShort {
		t.Errorf("it is %s", got)
	}
}

// TestKindOfEntity: whether the practice is a provider, an insurer or more is
// its own to say, and not taken for granted.
func TestKindOfEntity(t *testing.T) {
	for _, id := range []string{"308(a)(4)(ii)(A)", "314(b)"} {
		if got := state(t, subject(), id); got != api.ControlDecision {
			t.Errorf("%s is %s", id, got)
		}
	}
}

// provided has everybody sign in at a provider, and nowhere else.
func provided(s *Subject) {
	s.Practice.Provider = &installation.Provider{Host: "login.clinic.example", Only: true, TwoFactors: true}
	for i := range s.Practice.People {
		s.Practice.People[i].Passkeys, s.Practice.People[i].Linked = 0, true
	}
}

// TestSignInAtTheProvider: who signs in at the practice's provider is there for
// whatever asks for people, and has two factors if the provider must say so.
func TestSignInAtTheProvider(t *testing.T) {
	s := subject()
	provided(s)
	for name, query := range map[string]Probe{
		"official": official, "administrators": administrators, "emergencies": emergencies, "activity-reviews": activityReviews,
		"unused-accounts": unusedAccounts, "two-factors": twoFactors, "sign-ins": signIns,
	} {
		if f := query(s); f.State != api.ControlMet {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f := twoFactors(s); !strings.Contains(f.Says, "All 4 people") || !strings.Contains(f.Says, "4 people sign in at login.clinic.example") {
		t.Errorf("two-factors says %q", f.Says)
	}
	if f := passkeys(s); f.State != api.ControlDecision || !strings.Contains(f.Says, "login.clinic.example") || !strings.Contains(f.Fix, "provider") {
		t.Errorf("passkeys: %+v", f)
	}
	s.Practice.Provider.TwoFactors = false
	if f := twoFactors(s); f.State != api.ControlShort || !strings.Contains(f.Says, "0 of 4") || !strings.Contains(f.Fix, "second_factor") {
		t.Errorf("with a provider that need not say so: %+v", f)
	}
	s.Practice.People[2].Linked = false
	if f := official(s); f.State != api.ControlDecision {
		t.Errorf("an officer who is not linked: %+v", f)
	}
}

func mail() []installation.Messenger {
	return []installation.Messenger{{Channel: "email", Host: "mail.clinic.example"}, {Channel: "sms"}}
}

// TestServicesOfOthers: what is said of mail, text messages and sign-ins
// elsewhere is what is set up.
func TestServicesOfOthers(t *testing.T) {
	expect := func(f api.ControlFinding, state string, says ...string) {
		t.Helper()
		if f.State != state || f.State != api.ControlMet && f.Fix == "" {
			t.Errorf("%+v, want %s", f, state)
		}
		for _, s := range says {
			if !strings.Contains(f.Says, s) {
				t.Errorf("%q does not say %q", f.Says, s)
			}
		}
	}
	s := subject()
	expect(quietNotices(s), api.ControlMet, "sends no mail")
	expect(standsAlone(s), api.ControlMet, "no service outside")
	expect(outsideServices(s), api.ControlDecision, "no mail or text message service")

	s.Facts.Server.Messengers = mail()
	s.Facts.Database.Remote = true
	s.Practice.Provider = &installation.Provider{Host: "login.clinic.example", Only: true}
	s.Practice.Portal = []string{"portal.clinic.example"}
	s.Practice.Directories = []installation.Token{{Name: "Entra ID"}}
	expect(quietNotices(s), api.ControlDecision, "mail by mail.clinic.example", "text messages by ?")
	if f := quietNotices(s); !strings.Contains(f.Fix, "business associate") {
		t.Errorf("the fix is %q", f.Fix)
	}
	expect(standsAlone(s), api.ControlDecision, "mail.clinic.example", "login.clinic.example", "portal.clinic.example", "database")
	expect(outsideServices(s), api.ControlDecision, "mail.clinic.example", "login.clinic.example", "Entra ID", "portal.clinic.example", "database")

	s.Facts.Server = nil
	expect(quietNotices(s), api.ControlShort, "No server answers")
	expect(standsAlone(s), api.ControlShort, "No server answers", "login.clinic.example")
	expect(outsideServices(s), api.ControlDecision, "No server answers")
}

// TestStreamsOfTheLog: the map shows where the audit log goes, and falls short
// while it does not get there; another machine needs an agreement.
func TestStreamsOfTheLog(t *testing.T) {
	s := subject()
	if f := auditStream(s); f.State != api.ControlMet || !strings.Contains(f.Says, "no SIEM") {
		t.Errorf("without any: %+v", f)
	}
	all := s.Practice.LogSize
	s.Practice.Streams = []installation.Stream{{Name: "syslog", Target: "tls://siem.clinic.example:6514", Position: all}, {Name: "otlp", Target: "http://127.0.0.1:4318/v1/logs", Position: all}}
	if f := auditStream(s); f.State != api.ControlMet || !strings.Contains(f.Says, "siem.clinic.example") {
		t.Errorf("well: %+v", f)
	}
	if f := outsideServices(s); !strings.Contains(f.Says, "siem.clinic.example") || strings.Contains(f.Says, "127.0.0.1") {
		t.Errorf("services: %+v", f)
	}
	for name, c := range map[string]struct {
		make        func(p *installation.Practice)
		state, says string
	}{
		"lost": {func(p *installation.Practice) { p.Streams[1].Rejected = 4 }, api.ControlShort, "did not keep 4."},
		"lost, some": {func(p *installation.Practice) {
			p.Streams[1].Rejected, p.Streams[1].RejectedFirst, p.Streams[1].RejectedLast = 4, 90, 120
		}, api.ControlShort, "4 of those numbered 90 to 120"},
		"late": {func(p *installation.Practice) {
			p.Streams[0].Position, p.Streams[0].SentAt = p.LogSize-3, s.Facts.At.Add(-time.Hour)
		}, api.ControlShort, "3 entries wait"},
		"on their way": {func(p *installation.Practice) {
			p.Streams[0].Position, p.Streams[0].SentAt = p.LogSize-3, s.Facts.At.Add(-time.Minute)
		}, api.ControlMet, "siem.clinic.example"},
		"one is switched off": {func(p *installation.Practice) {
			p.StoppedStreams = []installation.Stream{{Target: "tls://old.clinic.example:6514", StoppedAt: s.Facts.At.Add(-time.Hour)}}
		}, api.ControlDecision, "old.clinic.example"},
		"another took its place": {func(p *installation.Practice) {
			p.StoppedStreams = []installation.Stream{{Target: "tls://old.clinic.example:6514", StoppedAt: s.Facts.At.Add(-40 * 24 * time.Hour)}}
		}, api.ControlMet, "siem.clinic.example"},
		"all are switched off": {func(p *installation.Practice) {
			p.Streams[0].StoppedAt = s.Facts.At.Add(-40 * 24 * time.Hour)
			p.Streams, p.StoppedStreams = nil, p.Streams[:1]
		}, api.ControlDecision, "siem.clinic.example"},
	} {
		p, now := *s.Practice, *s
		p.Streams = slices.Clone(p.Streams)
		c.make(&p)
		now.Practice = &p
		if f := auditStream(&now); f.State != c.state || !strings.Contains(f.Says, c.says) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	s.Practice.Streams[0].Problem = "away"
	if f := auditStream(s); f.State != api.ControlShort || f.Fix == "" || !strings.Contains(f.Says, "siem.clinic.example: away") {
		t.Errorf("away: %+v", f)
	}
}

// TestSignOffs: that the log was looked at is met by sign-offs alone.
func TestSignOffs(t *testing.T) {
	for name, c := range map[string]struct {
		make func(s *Subject)
		want string
	}{
		"signed off":      {func(*Subject) {}, api.ControlMet},
		"one waits":       {func(s *Subject) { s.Practice.ActivityWaits = 1 }, api.ControlMet},
		"a gap":           {func(s *Subject) { s.Practice.ActivityGaps = 1 }, api.ControlShort},
		"none so far":     {func(s *Subject) { s.Practice.ActivitySigned = 0 }, api.ControlDecision},
		"nobody to do it": {func(s *Subject) { s.Practice.People[2].Disabled = true }, api.ControlDecision},
	} {
		s := subject()
		c.make(s)
		if f := activityReviews(s); f.State != c.want || f.State != api.ControlMet && f.Fix == "" {
			t.Errorf("%s: %+v, want %s", name, f, c.want)
		}
	}
}

func TestUnknownPractice(t *testing.T) {
	if _, err := Evaluate(subject().Facts, "t_elm"); err == nil {
		t.Error("a practice that is not there was judged")
	}
}

func TestText(t *testing.T) {
	run, err := Evaluate(subject().Facts, "t_oak")
	if err != nil {
		t.Fatal(err)
	}
	var few, all bytes.Buffer
	if err := WriteText(&few, run, false); err != nil {
		t.Fatal(err)
	}
	if err := WriteText(&all, run, true); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(few.String(), "Automatic logoff") || !strings.Contains(all.String(), "Automatic logoff") ||
		!strings.Contains(all.String(), "proved by") || !strings.Contains(few.String(), "helps you meet") {
		t.Errorf("few:\n%s", &few)
	}
}
