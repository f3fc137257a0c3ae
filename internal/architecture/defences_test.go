package architecture

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A defence is what holds an attack off, and the test that fails without it.
type defence struct {
	against string // the attack, as docs/asvs.md or the list of threats names it
	file    string // below internal
	code    string // the defence: stands in the file once
	without string // what would stand there if somebody removed it
	test    string // package below internal, a blank, and the name of the test
}

// Each of these is removed once, by TestTestsNoticeDefences.
var defences = []defence{
	{
		"enumeration: nobody costs as much as somebody (T27)", "hub/signin.go",
		"right, stale, err := h.passwords.Check(ctx, p.Password, a.Password)",
		"var right, stale bool\n\tif p.ID != \"\" {\n\t\tright, stale, err = h.passwords.Check(ctx, p.Password, a.Password)\n\t}",
		"httpapi TestT27SignInWorksTheSame",
	},
	{
		"enumeration: two records that fit are told from none (T27)", "hub/match.go",
		"\tcase len(named) == 1:\n\t\treturn named[0], nil\n\t}", "\tcase len(named) == 1:\n\t\treturn named[0], nil\n\tcase len(fit) > 1:\n\t\treturn RosterEntry{}, ErrConflict\n\t}",
		"httpapi TestT27MatchingSaysNothing",
	},
	{
		"session fixation: an unlocked session keeps its token (T23)", "hub/staffsession.go",
		"RenewStaffSession(ctx, s.session.ID, hash, now)", "RenewStaffSession(ctx, s.session.ID, s.session.Token, now)",
		"httpapi TestT43IdleSessionsLock",
	},
	{
		"session fixation: the token of a new session is known beforehand (T23)", "hub/signin.go",
		"token, hash := newToken()", "token := \"planted\"\n\thash := hashToken(token)", "httpapi TestT23StaffCookie",
	},
	{
		"session theft: the cookie works in any browser (T23)", "hub/identity.go",
		"if errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {\n\t\treturn ErrUnauthenticated\n\t} else if err != nil {\n\t\treturn at(\"bind staff session\", err)",
		"if errors.Is(err, ErrConflict) {\n\t\treturn nil\n\t} else if err != nil {\n\t\treturn at(\"bind staff session\", err)",
		"httpapi TestT23StolenCookie",
	},
	{
		"session theft: the cookie opens what needs no device, in any browser (T23)", "hub/browserkey.go",
		"if key != s.session.BrowserKey {", "if key == \"\" {", "httpapi TestT23StolenCookieOpensNothing",
	},
	{
		"session theft: a call that was overheard is good for ever (T23)", "hub/browserkey.go",
		"age > browserSkew || age < -browserSkew", "age < -browserSkew", "httpapi TestT23StolenCookieOpensNothing",
	},
	{
		"session theft: an administrator's cookie alone makes them another (T23)", "hub/grant.go",
		"if err := h.proved(s); err != nil {\n\t\treturn err\n\t}\n\tif !takesTwo", "if !takesTwo",
		"httpapi TestT23CookieAloneMakesNobody",
	},
	{
		"session theft: a staff device needs its person's session (T22)", "hub/identity.go",
		"if staff == nil || staff.Person.ID != d.Person || staff.Person.Practice != d.Practice {", "if staff == nil {",
		"httpapi TestT22ADeviceOfAnother",
	},
	{
		"foreign pages: any origin may act (T24)", "httpapi/call.go",
		"\tif !s.ownOrigin(r) {\n\t\treturn errOrigin\n\t}\n", "",
		"httpapi TestT24ForeignOrigins",
	},
	{
		"foreign pages: a sister sub-domain may act (T24)", "httpapi/call.go",
		`changes && site != "" && site != "same-origin" && site != "none"`, `changes && site == "cross-site"`,
		"httpapi TestT24ForeignOrigins",
	},
	{"replay: an app's code works again (T29)", "totp/totp.go", " && s > used {", " {", "totp TestT29ClockSkewAndReplay"},
	{
		"replay: an app's code works in two sessions at once (T29)", "hub/signin.go",
		"Using(by.use).Recording(in)", "Recording(in)", "httpapi TestT29CodesWorkOnce",
	},
	{
		"replay: a passkey's answer works again (T29)", "hub/factor.go",
		"\tif err := h.spend(ctx, a.Nonce); err != nil {\n\t\treturn Factor{}, FactorUse{}, err\n\t}\n", "",
		"httpapi TestT29PasskeyReplay",
	},
	{
		"replay: a device's proof works again", "hub/challenge.go",
		"errors.Is(err, ErrExists) {\n\t\treturn false, nil", "errors.Is(err, ErrExists) {\n\t\treturn true, nil", "hub TestChallengesAreUsedOnce",
	},
	{"clock skew: codes of five minutes ago are good (T29)", "totp/totp.go", "skew = 1", "skew = 10", "totp TestT29ClockSkewAndReplay"},
	{
		"clock skew: a proof of who somebody is never lapses (T29)", "proofing/proofing.go",
		"return p.At <= now && now < p.Until", "return p.At <= now", "httpapi TestT29LevelLapsesByTheHubsClock",
	},
	{
		"clock skew: a contact's code never lapses (T29)", "store/sqlstore/roster.go",
		"c.UsedAt != 0 || now >= c.ExpiresAt || c.Tries >= most", "c.UsedAt != 0 || c.Tries >= most", "httpapi TestT29CodesAreForAShortTime",
	},
	{
		"lock-out: strangers' guesses keep the others of their network out (T28)", "hub/signin.go",
		"\t\tsource = \"known/\" + p.ID\n\t\terr = h.rates.allow(\"known\", p.ID, h.limits.SignIns)\n\t} else {", "\t}\n\t{", "httpapi TestT28ANeighbourKeepsNobodyOut",
	},
	{
		"lock-out: who knows a login and no password uses up its codes (T28)", "hub/signin.go",
		"standing := right && p.ID", "standing := (right || p.ID != \"\") && p.ID", "httpapi TestT28AFloodKeepsNobodyOut",
	},
	{
		"lock-out: guesses of strangers use up the codes of known browsers (T28)", "hub/signin.go",
		"who, wrong = \"known/\"+p.ID, p.KnownFailures", "", "httpapi TestT28Guessing",
	},
	{
		"brute force: wrong codes after the right password are not counted (T28)", "hub/signin.go",
		"return wrong < maxCodes && ", "return wrong >= 0 && ", "httpapi TestT28Guessing",
	},
	{
		"brute force: how many codes are guessed at once is not bounded (T28)", "hub/signin.go",
		" && h.rates.allow(\"app-code\", who, h.limits.AppCodes) == nil", " && who != \"\"", "httpapi TestT28AFloodKeepsNobodyOut",
	},
	{
		"lock-out: calls without a session keep the others of their network out (T28)", "httpapi/call.go",
		"return s.hub.AllowKnown(ctx, c.known, c.cookie, err)", "return err", "httpapi TestT28ANeighbourKeepsNobodyOut",
	},
	{
		"lock-out: who signs in last makes a shared browser strange to the others (T28)", "hub/knownbrowser.go",
		"append([]string{value}, knownTokens(cookie)...)", "[]string{value}", "httpapi TestT28SharedDesk",
	},
	{
		"lock-out: a recovery code does not let in who was guessed at (T28)", "hub/signin.go",
		"(found.method == MethodRecovery || h.allowAppCode(&p, known))", "h.allowAppCode(&p, known)", "httpapi TestT28Guessing",
	},
	{"brute force: guesses are not slowed down (T28)", "hub/guess.go", "left > 0 {", "left > guessMemory {", "httpapi TestT28Guessing"},
	{
		"brute force: a contact's code may be tried for ever (T28)", "store/sqlstore/roster.go",
		"now >= c.ExpiresAt || c.Tries >= most", "now >= c.ExpiresAt", "httpapi TestT28CodesAreNotGuessed",
	},
	{
		"brute force: facts may be tried for ever (T28)", "hub/match.go",
		"if byDevice.Failures >= matchTries {", "if byDevice.Failures < 0 {", "httpapi TestT28FactsAreNotGuessed",
	},
	{
		"brute force: a date of birth may be tried for ever (T28)", "hub/match.go",
		"byBorn.Failures >= bornTries &&", "byBorn.Failures < 0 &&", "httpapi TestT28ABirthdayIsNotGuessed",
	},
	{
		"lock-out: one wrong fact a day keeps a date of birth closed (T28)", "store/sqlstore/roster.go",
		"THEN excluded.began_at ELSE identity_check.began_at END", "THEN excluded.began_at ELSE excluded.began_at END", "store/sqlite TestContract",
	},
	{
		"merge: a patient becomes a second one by what they give (T11)", "store/sqlstore/verification.go",
		"return hub.ErrOtherPatient", "return nil", "httpapi TestT11NobodyBecomesASecondPatient",
	},
	{
		"joining from outside by a GroupInfo that was kept (T03)", "hub/group.go",
		"if !h.mayJoinOutside(c, v) {", "if false {", "httpapi TestT03ExternalCommitsAreAdmitted",
	},
	{
		"a portal account that staff took back stays behind a passkey", "store/sqlstore/portal.go",
		"if _, err := t.exec(passkeys, practice, a.Record); err != nil {\n\t\t\t\treturn err\n\t\t\t}\n", "_ = passkeys\n", "httpapi TestUnlinkingReachesPasskeys",
	},
	{
		"brute force: dates of birth are gone through from many networks (T28)", "hub/match.go",
		"byDay.Failures >= practiceTries &&", "byDay.Failures < 0 &&", "httpapi TestT28MatchingIsNotSprayed",
	},
	{
		"brute force: dates of birth are gone through from one network (T28)", "hub/match.go",
		"h.rates.allow(\"match\", string(of)+\"/\"+source, h.limits.Matches)", "h.rates.allow(\"match\", c.Device.ID, h.limits.Matches)", "httpapi TestT28MatchingIsNotSprayed",
	},
	{
		"lock-out: who has the contact that is on file is kept out by a spray (T28)", "hub/match.go",
		"(!closed || entry.has(contact))", "!closed", "httpapi TestT28MatchingIsNotSprayed",
	},
	{
		"lock-out: strangers' tries at a date of birth keep its people out (T28)", "hub/match.go",
		"\tif of != strangers {", "\tif of == \"\" {", "httpapi TestT28ABirthdayIsNotGuessed",
	},
	{
		"enumeration: records are opened only where one fits (T27)", "hub/match.go",
		"_, _ = h.openRecord(decoy) // is none", "_ = decoy\n\t\t\tbreak", "httpapi TestT27MatchingSaysNothing",
	},
	{
		"phishing: a passkey's answer to another page is good (T28)", "passkey/passkey.go",
		"if err := parsed.Verify(c.text(), s.ID, \"\", s.Origins,", "if err := parsed.Verify(c.text(), s.ID, \"\", []string{parsed.Response.CollectedClientData.Origin},",
		"passkey TestT28LookAlikeOrigin",
	},
	{
		"phishing: a passkey's answer is good without its owner (T28)", "passkey/passkey.go",
		"\t\ttrue, true, known.Key,", "\t\tfalse, true, known.Key,", "passkey TestT28LookAlikeOrigin",
	},
	{
		"a token in an address is taken, and ends up in logs (T23)", "httpapi/call.go",
		`q.Has("token") || q.Has("access_token")`, `q.Has("token") && q.Has("access_token")`, "httpapi TestT24ForeignOrigins",
	},
	{
		"one takes another's device away (T22)", "hub/owndevice.go",
		"if d.Person != s.Person.ID {", "if d.Person == \"\" {", "httpapi TestT23OwnSessionsAndDevices",
	},
	{
		"one's other session goes on after it was ended (T23)", "hub/staffsession.go",
		"\th.endSessions(ctx, s.Practice, Ending{Staff: s.ID})\n\treturn nil\n}\n\n// Sessions", "\treturn nil\n}\n\n// Sessions", "httpapi TestT23OwnSessionsAndDevices",
	},
	{
		"replay: a provider's logout token works again (T29f)", "hub/sso.go",
		"once[:16], out.Expires.UnixMilli()); errors.Is(err, ErrExists) {\n\t\treturn &oidc.RefusedError{Reason: oidc.ReasonToken}",
		"once[:16], out.Expires.UnixMilli()); errors.Is(err, ErrExists) {\n\t\treturn nil", "httpapi TestT29fBackChannelLogout",
	},
	{
		"networks: a role's own do not count", "hub/model.go",
		"networks, anywhere := a.from(role)", "networks, anywhere := a.from(\"\")", "httpapi TestNetworksByRole",
	},
	{
		"an idle session stays open (T43)", "hub/staffsession.go",
		"if h.millis() >= s.idleAt {\n\t\treturn ErrLocked\n\t}\n\treturn nil", "return nil", "httpapi TestT43IdleSessionsLock",
	},
	{
		"who was disabled elsewhere stays connected (T43)", "hub/staffsession.go",
		"\t\th.board.end(e)\n\t}\n\treturn h.lockIdle(", "\t\t_ = e\n\t}\n\treturn h.lockIdle(", "httpapi TestT43DisabledElsewhere",
	},
	{
		"a browser left open changes what its person signs in with", "hub/staffsession.go",
		"if h.millis() >= s.session.ProvedAt+provedLife.Milliseconds() {", "if s.session.ProvedAt == 0 {", "httpapi TestFactorsNeedBothFactorsAgain",
	},
	{
		"staff sign in from any network", "hub/model.go",
		"return err == nil && slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(ip.Unmap()) })", "return err == nil && (ip.IsValid() || slices.Contains(networks, netip.Prefix{}))",
		"httpapi TestNetworks",
	},
	{
		"single sign-on: an answer to another attempt (T29f)", "oidc/oidc.go",
		`a.State != "" && subtle.ConstantTimeCompare([]byte(a.State), []byte(state)) == 1 && now.Sub`, "now.Sub", "httpapi TestT29fAnswers",
	},
	{
		"single sign-on: a token of another attempt (T29f)", "oidc/oidc.go",
		"subtle.ConstantTimeCompare([]byte(who.nonce), []byte(a.Nonce)) != 1", "who.nonce == a.State", "httpapi TestT29fForgedTokens",
	},
	{
		"single sign-on: an answer of another provider (T29f)", "oidc/oidc.go",
		`if got.Issuer != p.Issuer && (got.Issuer != "" || d.NamesItself) {`, `if got.Issuer == "-" {`, "httpapi TestT29fAnswers",
	},
	{
		"single sign-on: one factor is enough", "hub/ssorules.go",
		"return slices.ContainsFunc(s.requirements(), func(r Requirement) bool { return oidc.OneOf(who.Values(r.Claim), r.Values) })",
		"return who != nil", "httpapi TestSSOSecondFactor",
	},
	{
		"a group of the directory makes administrators", "hub/ssorules.go",
		"if policy.RoleOf(r.Role) == policy.Administrator && !g.Administrators {", "if r.Role == \"\" {", "httpapi TestSSOGroups",
	},
	{
		"who left every group keeps the role (SCIM)", "hub/provisioning.go",
		"if !m.decide(p, role, had) {", "if !m.decide(p, role, false) {", "httpapi TestSCIMGroups",
	},
	{
		"who left every group keeps the role (single sign-on)", "hub/sso.go",
		"p, err := h.assignRole(ctx, p, role, queues)\n\tif !ok &&", "if !ok {\n\t\treturn p, ErrNoRole\n\t}\n\tp, err := h.assignRole(ctx, p, role, queues)\n\tif !ok &&",
		"httpapi TestSSOLeftAllGroups",
	},
	{
		"no consent: frames go through after it was taken back (T50)", "store/sqlstore/frame.go",
		"case withdrawnAt != 0 && !a.EvenWithdrawn:", "case withdrawnAt < 0:", "httpapi TestT50NoConsentNoFrame",
	},
	{
		"no consent: what has to be agreed to anew is not (T50)", "store/sqlstore/frame.go",
		"case due != 0 && due <= f.ReceivedAt && f.Kind", "case due < 0 && f.Kind", "store/sqlite TestContract",
	},
	{
		"emergency access without both factors (T47)", "hub/emergency.go",
		"\tif err := h.proved(s); err != nil {\n\t\treturn api.Emergency{}, err\n\t}\n", "", "httpapi TestT47BreakGlass",
	},
	{
		"emergency access without a reason (T47)", "hub/emergency.go",
		"if len([]rune(strings.TrimSpace(b.Words))) < leastWords {", "if b.Words == \"\" {", "httpapi TestT47BreakGlass",
	},
	{
		"links lead where a caller's header says (T57)", "httpapi/relation.go",
		"if len(s.config.Origins) == 0 {", "if c == nil {", "httpapi TestT57LinksLeadToConfiguredOrigins",
	},
}

// TestDefencesStand: each defence is where this list says, so that the list
// cannot come to speak of code that is no more.
func TestDefencesStand(t *testing.T) {
	for _, d := range defences {
		source, err := os.ReadFile(filepath.Join("..", d.file))
		if err != nil {
			t.Error(err)
		} else if n := strings.Count(string(source), d.code); n != 1 {
			t.Errorf("%s: stands %d times in %s", d.against, n, d.file)
		}
	}
}

var failed = regexp.MustCompile(`(?m)^--- FAIL: `)

// fortnight is after how many days each defence has been removed once in CI.
const fortnight = 14

// turn reports whether the i-th defence is removed on a day.
func turn(i int, day time.Time) bool {
	return int64(i)%fortnight == day.Unix()/(24*60*60)%fortnight
}

// TestEachDefenceHasItsTurn: in a fortnight all are removed, a few each day.
func TestEachDefenceHasItsTurn(t *testing.T) {
	start, turns := time.Now(), make([]int, len(defences))
	for day := range fortnight {
		today := 0
		for i := range defences {
			if turn(i, start.AddDate(0, 0, day)) {
				turns[i]++
				today++
			}
		}
		if most := (len(defences) + fortnight - 1) / fortnight; today > most {
			t.Errorf("%d defences on one day, more than %d", today, most)
		}
	}
	for i, n := range turns {
		if n != 1 {
			t.Errorf("%s is removed %d times in a fortnight", defences[i].against, n)
		}
	}
}

// TestTestsNoticeDefences removes each defence and runs its test, which must
// fail. It builds a program for each: `make defences` runs all, CI those whose
// turn it is, and a change at a desk none.
func TestTestsNoticeDefences(t *testing.T) {
	all, ci := os.Getenv("SOTTO_DEFENCES") != "", os.Getenv("CI") == "true"
	if !all && !ci {
		t.Skip("make defences removes each defence once; it takes some minutes")
	}
	for i, d := range defences {
		if !all && !turn(i, time.Now()) {
			continue
		}
		t.Run(d.against, func(t *testing.T) {
			path, err := filepath.Abs(filepath.Join("..", d.file))
			if err != nil {
				t.Fatal(err)
			}
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			instead := filepath.Join(t.TempDir(), "removed.go")
			if err := os.WriteFile(instead, []byte(strings.Replace(string(source), d.code, d.without, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: instead}})
			if err != nil {
				t.Fatal(err)
			}
			list := filepath.Join(t.TempDir(), "overlay.json")
			if err := os.WriteFile(list, overlay, 0o600); err != nil {
				t.Fatal(err)
			}
			in, name, _ := strings.Cut(d.test, " ")
			out, err := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-count=1", "-overlay", list, "-run", "^"+name+"$", "../"+in).CombinedOutput()
			switch {
			case err == nil:
				t.Errorf("%s does not notice", name)
			case !failed.Match(out):
				t.Errorf("%s did not run:\n%s", name, out)
			}
		})
	}
}
