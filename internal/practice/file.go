// Package practice reads practice files: what an administrator decides about a
// practice, as one JSON document.
//
// It checks what it reads and computes nothing but the hashes of the consent
// texts; keys and ids are added by who stores the practice.
package practice

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/consent"
	"github.com/sotto-health/sotto/internal/consent/form"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/password"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/internal/proofing"
	"github.com/sotto-health/sotto/internal/roster"
)

// MaxFileBytes is the most bytes a practice file may have.
const MaxFileBytes = 1 << 20

// ErrInvalid is matched by every error of [Parse].
var ErrInvalid = errors.New("practice file is not valid")

// A File is a practice file.
type File struct {
	Slug        string   `json:"slug"`
	Name        string   `json:"name"`
	Phone       string   `json:"phone"`
	TimeZone    string   `json:"time_zone"`
	Country     string   `json:"country"`
	Languages   []string `json:"languages"`
	BrandColor  string   `json:"brand_color"`
	Demo        bool     `json:"demo"`
	AlwaysOpen  bool     `json:"always_open"`
	Hours       []Hours  `json:"hours"`
	WaitMinutes int      `json:"wait_minutes"`
	// RecallMinutes is how long a message can be taken back. Zero means 60.
	RecallMinutes int `json:"recall_minutes"`
	// Idle is after how long an unused screen hides what is on it.
	Idle Idle `json:"idle_minutes"`
	// RiskWords are words of the practice's own, by language, after which the
	// patient is asked whether they are safe. The patient's device finds them.
	RiskWords map[string][]string `json:"risk_words"`
	// RecordNumbers are the shapes of the practice's record numbers, as in
	// "MRN-######": # stands for a digit, @ for a letter. Staff are warned before
	// they send one to a patient who has not shown who they are.
	RecordNumbers []string `json:"record_numbers"`
	// Majority is the age in years at which a minor comes of age. Zero means 18.
	Majority int `json:"majority"`
	// QuickExit offers patients a button that leaves the page at once, for those
	// who are watched.
	QuickExit    bool     `json:"quick_exit"`
	EmbedOrigins []string `json:"embed_origins"`
	Queues       []Queue  `json:"queues"`
	Consent      Consent  `json:"consent"`
	Staff        []Staff  `json:"staff"`
	Access       Access   `json:"access"`
	Identity     Identity `json:"identity"`
	Reviews      Reviews  `json:"reviews"`
}

// Reviews is how often somebody looks again. All of it may be left out.
type Reviews struct {
	// AccessDays is how long it holds that somebody confirmed what a staff person
	// may do. Zero means 90.
	AccessDays int `json:"access_days"`
	// ActivityDays is how long the periods are of which the audit log is signed
	// off. Zero means 30.
	ActivityDays int `json:"activity_days"`
}

// Identity is how patients show who they are. All of it may be left out.
type Identity struct {
	// Days is how long a proof holds before it is asked for again. Zero means 30.
	Days int `json:"days"`
	// Sender is how messages with codes name the practice; empty means its name.
	// A name that tells of an illness has no place on a lock screen.
	Sender string `json:"sender"`
	// Facts are those asked for beside the date of birth: phone, email,
	// postcode, record (the last four of the record number). None means all.
	Facts []roster.Fact `json:"facts"`
	// Portal is where patients sign in. It may be left out.
	Portal *Portal `json:"portal"`
}

// Hours are when staff are expected to answer on some days of the week.
type Hours struct {
	Days []string `json:"days"` // mon, tue ...
	From string   `json:"from"` // 08:30
	To   string   `json:"to"`   // 24:00 at the latest
}

// A Queue is where conversations wait, with its reason by language and hours
// of its own, if it has any.
type Queue struct {
	ID     string            `json:"id"`
	Reason map[string]string `json:"reason"`
	Hours  []Hours           `json:"hours"` // none means the practice's
	// Level is how far a patient must have shown who they are before staff
	// discuss their health: guest, contact, matched or signed-in. Empty means
	// matched.
	Level proofing.Level `json:"level"`
}

// Idle holds minutes. Zero means 10 for staff and 15 for patients.
type Idle struct {
	Staff   int `json:"staff"`
	Patient int `json:"patient"`
}

// Consent is the consent form. A changed text needs a new version, which
// somebody in the practice approves, unless the practice has no form yet.
type Consent struct {
	Form      string          `json:"form"`
	Version   int             `json:"version"`
	Published string          `json:"published"` // 2026-11-02
	Reason    string          `json:"reason"`    // why patients will understand it: above grade 6, or not measured
	Texts     map[string]Text `json:"texts"`
}

// A Text is a consent form in one language: its parts, under which headings
// stand, or, for a version that the practice had before there were parts, Full:
// a list of paragraphs. Who can read is not in it: the hub says that.
type Text struct {
	form.Parts

	Full []string `json:"full"`
}

// A Staff is a person who gets a set-up link when first seen.
type Staff struct {
	Login string `json:"login"`
	Name  string `json:"name"`
	Title string `json:"title"`
	Role  string `json:"role"`
}

// Access is how staff sign in. All of it may be left out.
type Access struct {
	Password password.Policy `json:"password"`
	// Networks are the only ones that staff work from, by role; "" is for
	// those that are not named. A profession goes before its role. None means any.
	Networks map[string][]netip.Prefix `json:"networks"`
	SSO      *SSO                      `json:"sso"`
	// Groups say what the groups of the practice's directory (SCIM, or the
	// provider's groups_claim) are here. The first that fits gives the role.
	Groups []Group `json:"groups"`
	// GroupAdministrators lets groups make administrators.
	GroupAdministrators bool `json:"groups_give_administrators"`
}

// Parse reads and checks a practice file. Every error matches [ErrInvalid] and
// says which field is wrong.
func Parse(b []byte) (*File, error) {
	if len(b) > MaxFileBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrInvalid, MaxFileBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	f := new(File)
	if err := dec.Decode(f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return f, nil
}

func (f *File) check() error {
	slug := regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,62}$`)
	switch {
	case !slug.MatchString(f.Slug):
		return errors.New("slug: 2 to 63 of a-z, 0-9 and -")
	case f.Name == "":
		return errors.New("name is missing")
	case f.Phone == "":
		return errors.New("phone is missing: it is shown wherever chat fails")
	case len(f.Country) != 2:
		return errors.New("country: two letters, such as US")
	case len(f.Languages) == 0:
		return errors.New("languages: at least one")
	case len(f.Queues) == 0:
		return errors.New("queues: at least one")
	case f.BrandColor != "" && !regexp.MustCompile(`^#[0-9a-f]{6}$`).MatchString(f.BrandColor):
		return errors.New("brand_color: #rrggbb in lower case")
	}
	if _, err := time.LoadLocation(f.TimeZone); err != nil || f.TimeZone == "" {
		return errors.New("time_zone: an IANA name, such as America/Chicago")
	}
	for _, q := range f.Queues {
		if !slug.MatchString(q.ID) {
			return errors.New("queues: id: 2 to 63 of a-z, 0-9 and -")
		}
		if _, err := readHours(q.Hours); err != nil {
			return fmt.Errorf("queues: %s: %w", q.ID, err)
		}
		if q.Level != "" && !q.Level.Known() {
			return fmt.Errorf("queues: %s: level: guest, contact, matched or signed-in", q.ID)
		}
		if err := f.inEveryLanguage("queues: "+q.ID, func(l string) bool { return q.Reason[l] != "" }); err != nil {
			return err
		}
	}
	for _, o := range f.EmbedOrigins {
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || u.Path != "" || (u.Scheme != "https" && !loopback(u)) {
			return errors.New("embed_origins: https://host with no path")
		}
	}
	if p := f.Access.Password; p.MinLength < 0 || p.MinLength > password.MostRequired || p.Classes < 0 || p.Classes > 4 || p.ExpiryDays < 0 {
		return errors.New("access: password: min_length up to 64, classes up to 4, expiry_days not below 0")
	}
	if err := f.checkSSO(); err != nil {
		return err
	}
	for _, s := range f.Staff {
		if s.Login == "" || s.Name == "" || s.Title == "" || s.Role == "" {
			return errors.New("staff: login, name, title and role are needed")
		}
	}
	if _, err := readHours(f.Hours); err != nil {
		return err
	}
	if err := f.checkLimits(); err != nil {
		return err
	}
	return f.checkConsent()
}

func (f *File) checkLimits() error {
	within := func(n, least, most int) bool { return n == 0 || least <= n && n <= most }
	for role := range f.Access.Networks {
		if role != "" && !slices.Contains(policy.StaffRoles(), role) {
			return fmt.Errorf("access: networks: %q: a role or profession of staff, or \"\" for all others", role)
		}
	}
	switch {
	case !within(f.RecallMinutes, 1, 7*24*60):
		return errors.New("recall_minutes: 1 to 10080")
	case !within(f.Identity.Days, 1, 365):
		return errors.New("identity: days: 1 to 365")
	case len(f.Identity.Sender) > 60 || strings.ContainsAny(f.Identity.Sender, "\r\n"):
		return errors.New("identity: sender: at most 60 bytes, on one line")
	case slices.ContainsFunc(f.Identity.Facts, func(r roster.Fact) bool { return !slices.Contains(roster.Facts(), r) }):
		return errors.New("identity: facts: phone, email, postcode, record")
	case f.Identity.Portal.check() != nil:
		return fmt.Errorf("identity: portal: %w", f.Identity.Portal.check())
	case !within(f.Reviews.AccessDays, hub.LeastAccessDays, hub.MostAccessDays):
		return errors.New("reviews: access_days: 30 to 365")
	case !within(f.Reviews.ActivityDays, hub.LeastActivityDays, hub.MostActivityDays):
		return errors.New("reviews: activity_days: 7 to 92")
	case !within(f.Idle.Staff, hub.LeastIdleMinutes, hub.MostIdleMinutes):
		return errors.New("idle_minutes: staff: 2 to 30")
	case !within(f.Idle.Patient, 3, 60):
		return errors.New("idle_minutes: patient: 3 to 60")
	}
	if !within(f.Majority, 12, 25) {
		return errors.New("majority: 12 to 25 years")
	}
	if len(f.RecordNumbers) > 8 {
		return errors.New("record_numbers: at most 8")
	}
	for _, shape := range f.RecordNumbers {
		if len(shape) < 4 || len(shape) > 32 || !strings.ContainsAny(shape, "#@") {
			return errors.New("record_numbers: 4 to 32 characters, with # for a digit or @ for a letter")
		}
	}
	for language, words := range f.RiskWords {
		for _, word := range words {
			if len(strings.TrimSpace(word)) < 3 || len(word) > 80 {
				return fmt.Errorf("risk_words: %s: words of 3 to 80 bytes", language)
			}
		}
		if len(words) > 200 {
			return fmt.Errorf("risk_words: %s: at most 200", language)
		}
	}
	return nil
}

func (f *File) checkConsent() error {
	if f.Consent.Form == "" || f.Consent.Version < 1 {
		return errors.New("consent: form and a version from 1 are needed")
	}
	if _, err := time.Parse(time.DateOnly, f.Consent.Published); err != nil {
		return errors.New("consent: published: a date such as 2026-11-02")
	}
	for _, l := range f.Languages {
		t := f.Consent.Texts[l]
		if len(t.Full) == 0 {
			if missing := t.Missing(); len(missing) > 0 {
				return fmt.Errorf("consent: %s: lacks %s", l, strings.Join(missing, ", "))
			}
		} else if t.Title == "" || len(t.Points) == 0 {
			return fmt.Errorf("consent: not complete in language %s", l)
		}
		if name := t.TooLong(); name != "" {
			return fmt.Errorf("consent: %s: %s is too long", l, name)
		}
	}
	if len(f.Consent.Reason) > maxReason {
		return fmt.Errorf("consent: reason: at most %d bytes", maxReason)
	}
	return nil
}

// maxReason bounds a reason, as on the page of forms.
const maxReason = 500

func (f *File) inEveryLanguage(what string, complete func(language string) bool) error {
	for _, l := range f.Languages {
		if !complete(l) {
			return fmt.Errorf("%s: not complete in language %s", what, l)
		}
	}
	return nil
}

func loopback(u *url.URL) bool {
	host := u.Hostname()
	return u.Scheme == "http" && (host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "127.0.0.1")
}

// Settings returns what the hub stores of f, without keys.
func (f *File) Settings() hub.Settings {
	hours, _ := readHours(f.Hours) // checked by Parse
	published, _ := time.Parse(time.DateOnly, f.Consent.Published)
	s := hub.Settings{
		Name: f.Name, Phone: f.Phone, TimeZone: f.TimeZone, Country: f.Country, Languages: f.Languages,
		BrandColor: f.BrandColor, Demo: f.Demo, AlwaysOpen: f.AlwaysOpen, Hours: hours, WaitMinutes: f.WaitMinutes,
		MaxFileBytes: 25 << 20, ArchiveNote: "keeper", Origins: f.EmbedOrigins,
		Access: hub.Access{
			Password: f.Access.Password, Networks: f.Access.Networks, SSO: f.Access.SSO.settings(), Groups: f.Access.groupRules(),
		},
		Identity:      hub.Identity{Days: f.Identity.Days, Sender: f.Identity.Sender, Facts: f.Identity.Facts, Portal: f.Identity.Portal.settings()},
		RecallMinutes: f.RecallMinutes, IdleStaff: f.Idle.Staff, IdlePatient: f.Idle.Patient, RiskWords: f.RiskWords,
		RecordNumbers: f.RecordNumbers, Majority: f.Majority, QuickExit: f.QuickExit,
		Reviews: hub.Reviews{AccessDays: f.Reviews.AccessDays, ActivityDays: f.Reviews.ActivityDays},
		Consent: api.ConsentForm{
			ID: f.Consent.Form, Version: f.Consent.Version, PublishedAt: published.UnixMilli(),
			Texts: map[string]api.ConsentText{},
		},
		ConsentParts: map[string]form.Parts{}, ConsentReason: f.Consent.Reason,
	}
	for _, q := range f.Queues {
		s.Queues = append(s.Queues, api.Queue{ID: q.ID, Reason: q.Reason, Level: string(q.Level)})
		if len(q.Hours) > 0 {
			if s.QueueHours == nil {
				s.QueueHours = map[string][]hub.Hours{}
			}
			s.QueueHours[q.ID], _ = readHours(q.Hours)
		}
	}
	for language, t := range f.Consent.Texts {
		if len(t.Full) == 0 {
			s.ConsentParts[language] = t.Parts
		} else {
			s.Consent.Texts[language] = t.published()
		}
	}
	return s
}

func (t Text) published() api.ConsentText {
	p := api.ConsentText{Title: t.Title, Points: t.Points, Full: strings.Join(t.Full, "\n\n")}
	p.SHA256 = consent.Hash(p)
	return p
}

func readHours(hours []Hours) ([]hub.Hours, error) {
	weekdays := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	var all []hub.Hours
	for _, h := range hours {
		from, err := minute(h.From)
		if err != nil {
			return nil, err
		}
		to, err := minute(h.To)
		if err != nil {
			return nil, err
		}
		if to <= from {
			return nil, errors.New("hours: to must come after from")
		}
		for _, day := range h.Days {
			at := -1
			for i, w := range weekdays {
				if w == day {
					at = i
				}
			}
			if at < 0 {
				return nil, errors.New("hours: days are sun, mon, tue, wed, thu, fri, sat")
			}
			all = append(all, hub.Hours{Weekday: at, FromMinute: from, ToMinute: to})
		}
	}
	return all, nil
}

// minute returns the minutes since midnight of a time such as 08:30 or 24:00.
func minute(s string) (int, error) {
	if s == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, errors.New("hours: times are such as 08:30")
	}
	return t.Hour()*60 + t.Minute(), nil
}
