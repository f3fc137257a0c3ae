//go:build linux

package proof

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/demo"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/keyfile"
	"github.com/sotto-health/sotto/internal/store/sqlitefile"
)

// A clinic is a hub and a keeper, each in a process and a folder of its own,
// with a tap before the hub for either kind of caller.
type clinic struct {
	name               string // of the practice: in the clear at the hub
	hub, keeper        *process
	hubData, keepData  string
	address, metrics   string
	clients, keeperTap *tap
	links              string // what sotto-hub apply printed
}

// newClinic sets a practice up as an administrator would, and starts both.
func newClinic(t *testing.T, hubData string) *clinic {
	t.Helper()
	c := &clinic{
		name: "Riverside " + newMark(), hubData: hubData, keepData: t.TempDir(),
		address: freeAddress(t), metrics: freeAddress(t),
	}
	enrolment, file := filepath.Join(t.TempDir(), "enrolment.json"), filepath.Join(t.TempDir(), "practice.json")
	var practice map[string]any
	if err := json.Unmarshal(demo.PracticeFile, &practice); err != nil {
		t.Fatal(err)
	}
	practice["name"] = c.name
	b, err := json.Marshal(practice)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "sotto-keeper", "--data", c.keepData, "--practice", slug, "init", "--name", c.name, "--enrolment", enrolment)
	c.links = run(t, "sotto-hub", "--data", c.hubData, "apply", file, "--keeper", enrolment)
	c.hub = start(t, "sotto-hub", "--data", c.hubData, "serve", "--listen", c.address, "--metrics-listen", c.metrics)
	awaitReady(t, c.address)
	c.clients, c.keeperTap = newTap(t, c.address), newTap(t, c.address)
	c.keeper = start(t, "sotto-keeper", "--data", c.keepData, "--practice", slug, "run", "--hub", c.keeperTap.url())
	return c
}

// staff uses the set-up link of a staff person, signs in with the password and
// returns them with their device.
func (c *clinic) staff(t *testing.T, login string) *person {
	t.Helper()
	return c.staffAt(t, login, c.clients.url())
}

// staffAt is staff through the hub at url.
func (c *clinic) staffAt(t *testing.T, login, url string) *person {
	t.Helper()
	link := regexp.MustCompile(regexp.QuoteMeta(login) + `\s+/staff/#setup=(\S+)`).FindStringSubmatch(c.links)
	if link == nil {
		t.Fatalf("no set-up link for %s in %q", login, c.links)
	}
	const password = "a long enough pass phrase"
	_, done, err := newClient(t, url).SetUpApp(t.Context(), link[1], password, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, url)
	factors := api.Authentication{Password: password, Code: done.RecoveryCodes[0]} // the app's code has been used
	if _, err := client.SignIn(t.Context(), api.SignIn{Practice: slug, Login: login, Authentication: factors}); err != nil {
		t.Fatal(err)
	}
	p := newPerson(t, device.SurfaceStaff, client)
	p.begins()
	return p
}

// canaries are distinctive words, one for each thing that people say or attach.
// All begin alike, so that one search looks for all.
type canaries struct {
	stem                                                   string
	question, answer, more, name, fileName, draft, answer2 string
	file                                                   []byte // ~300 kB with the word in several places
}

func newCanaries() *canaries {
	stem := newMark()
	c := &canaries{
		stem: stem, question: stem + "Question", answer: stem + "Answer", more: stem + "More", name: stem + "Name",
		fileName: stem + "File.pdf", draft: stem + "Draft", answer2: stem + "AnswerDraft", file: make([]byte, 300_000),
	}
	rand.Read(c.file)
	for _, at := range []int{0, 65_530, 150_001, 299_000} {
		copy(c.file[at:], stem+"Content")
	}
	return c
}

// TestCanaryT01 has a patient and a nurse talk, and then looks for what they
// said in everything that the hub has, writes, sends or holds in memory, and in
// what the keeper writes: it is nowhere, and the practice can read all of it
// with its key (threat T01).
func TestCanaryT01(t *testing.T) {
	said := newCanaries()
	c := newClinic(t, t.TempDir())
	id := chat(t, c, said)

	secret := newSearch(map[string]string{"what was said": said.stem}, keeperKeys(t, c.keepData))
	// What the hub does have shows that the search would find.
	known := newSearch(map[string]string{"the practice's name": strings.Fields(c.name)[1]}, nil)
	room := newSearch(map[string]string{"the conversation's id": id}, nil)

	t.Run("record", func(t *testing.T) {
		checkRecord(t, c, id, said, "--hub", "http://"+c.address)
		log := run(t, "sotto", "--data", c.hubData, "audit", "list", "--conversation", id, "--kind", "record.read")
		if !strings.Contains(log, "operator") || !strings.Contains(log, "operations") {
			t.Errorf("the hub's log does not say that the record was read: %s", log)
		}
	})
	t.Run("memory", func(t *testing.T) {
		for _, s := range []*search{known, secret} {
			found, size, err := s.inMemory(c.hub.pid())
			if err != nil {
				t.Fatal(err)
			}
			expect(t, fmt.Sprintf("%d kB of the hub's memory", size>>10), found, s == known)
		}
	})
	t.Run("core dump", func(t *testing.T) {
		folder := dumpCore(t, c.hub.pid())
		for _, s := range []*search{known, secret} {
			found, size, err := s.inFolder(folder)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, fmt.Sprintf("a core dump of %d kB", size>>10), found, s == known)
		}
	})
	t.Run("metrics", func(t *testing.T) {
		answer, err := http.Get("http://" + c.metrics + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, []byte("sotto_")) {
			t.Errorf("not the hub's metrics: %.200s", text)
		}
		expect(t, "the metrics", find(secret.needles, text), false)
	})
	t.Run("traffic", func(t *testing.T) {
		for name, tap := range map[string]*tap{"clients": c.clients, "keeper": c.keeperTap} {
			for _, s := range []*search{room, secret} {
				sent, answered, size := tap.find(s)
				expect(t, fmt.Sprintf("what %s sent (%d kB both ways)", name, size>>10), sent, s == room)
				expect(t, "what the hub sent to "+name, answered, s == room)
			}
		}
	})
	t.Run("files of running programs", func(t *testing.T) { checkFiles(t, c, secret) })

	c.hub.stop()
	c.keeper.stop()
	t.Run("files of stopped programs", func(t *testing.T) { checkFiles(t, c, secret) })
	t.Run("database, opened", func(t *testing.T) {
		rows := databaseRows(t, filepath.Join(c.hubData, "hub"))
		expect(t, "the rows of the database", find(known.needles, rows), true)
		expect(t, "the rows of the database", find(secret.needles, rows), false)
	})
	t.Run("logs", func(t *testing.T) {
		for p, word := range map[*process]string{c.hub: "serving", c.keeper: "keeper runs"} {
			log := p.output.String()
			if !strings.Contains(log, word) {
				t.Errorf("%s did not log %q: %s", p.name, word, log)
			}
			expect(t, "the log of "+p.name, find(secret.needles, []byte(log)), false)
		}
	})
	t.Run("record, after", func(t *testing.T) { checkRecord(t, c, id, said, "--unrecorded") })
}

// expect fails the test if something was found that should not be, or nothing
// was where something is.
func expect(t *testing.T, where string, found []string, want bool) {
	t.Helper()
	t.Logf("%s: %d found", where, len(found))
	if want && len(found) == 0 {
		t.Errorf("%s: the search does not find what is there", where)
	} else if !want && len(found) > 0 {
		t.Errorf("%s: found %q", where, found)
	}
}

// chat has a patient and a nurse say everything, and returns once all of it has
// arrived.
func chat(t *testing.T, c *clinic, said *canaries) (conversation string) {
	t.Helper()
	ctx := t.Context()
	nurse := c.staff(t, "dana.ortiz")
	patient := newPatient(t, c.clients.url())
	id := patient.open(said.name)
	patient.say(id, said.question)
	nurse.take(id)
	nurse.sees(id, said.question)
	nurse.say(id, said.answer)
	patient.sees(id, said.answer)
	info := device.FileInfo{Name: said.fileName, MediaType: "application/pdf", Size: int64(len(said.file))}
	file, err := patient.now().SendFile(ctx, id, info, bytes.NewReader(said.file))
	if err != nil {
		t.Fatal(err)
	}
	nurse.sees(id, "file:"+said.fileName)
	var opened bytes.Buffer
	if _, err := nurse.now().OpenFile(ctx, file, &opened, nil); err != nil || !bytes.Equal(opened.Bytes(), said.file) {
		t.Fatalf("the nurse opens %d bytes of %d: %v", opened.Len(), len(said.file), err)
	}
	lines, err := nurse.lines(id)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*person{nurse, patient} {
		if err := p.now().MarkRead(ctx, id, positionOf(lines[len(lines)-1])); err != nil {
			t.Fatal(err)
		}
		_ = p.now().SetTyping(ctx, id, true) // nobody is the worse for it
	}
	nurse.say(id, said.more)
	patient.sees(id, said.more)
	if err := patient.now().SaveDraft(ctx, id, said.draft); err != nil {
		t.Fatal(err)
	}
	if err := nurse.now().SaveDraft(ctx, id, said.answer2); err != nil {
		t.Fatal(err)
	}
	return id
}

// checkFiles searches both folders. The keeper's keys are in one file each of
// its folder, and nowhere else.
func checkFiles(t *testing.T, c *clinic, secret *search) {
	t.Helper()
	found, size, err := secret.inFolder(c.hubData)
	if err != nil {
		t.Fatal(err)
	}
	if size < 300_000 {
		t.Errorf("the hub's folder holds %d bytes: less than the file that was sent", size)
	}
	expect(t, fmt.Sprintf("the hub's folder (%d kB)", size>>10), found, false)
	found, size, err = secret.inFolder(c.keepData)
	if err != nil {
		t.Fatal(err)
	}
	found = slices.DeleteFunc(found, func(what string) bool { return strings.HasSuffix(what, ".key") })
	expect(t, fmt.Sprintf("the keeper's folder (%d kB)", size>>10), found, false)
}

// keeperKeys reads the keys that open the record and speak for the practice.
func keeperKeys(t *testing.T, data string) map[string][]byte {
	t.Helper()
	keys := make(map[string][]byte)
	for name, size := range map[string]int{"authority": 32, "device": 32, "archive": 32, "state": sqlitefile.KeySize} {
		key, err := keyfile.Read(filepath.Join(data, "keeper", slug, "keys", name+".key"), "keeper-"+name, size)
		if err != nil {
			t.Fatal(err)
		}
		keys["the keeper's "+name+" key"] = key
	}
	return keys
}

// databaseRows opens the hub's database with its key, as a thief of the whole
// folder could, and returns all that is in it.
func databaseRows(t *testing.T, folder string) []byte {
	t.Helper()
	key, err := keyfile.Read(filepath.Join(folder, "database.key"), "hub-database", sqlitefile.KeySize)
	if err != nil {
		t.Fatal(err)
	}
	file, err := sqlitefile.Open(context.Background(), filepath.Join(folder, "hub.db"), sqlitefile.Key(key), sqlitefile.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	tables, err := file.Read.Query(`SELECT name FROM sqlite_master WHERE type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for tables.Next() {
		var name string
		if err := tables.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	var all bytes.Buffer
	for _, name := range names {
		rows, err := file.Read.Query(`SELECT * FROM "` + name + `"`)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new([]byte)
		}
		for rows.Next() {
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				all.Write(*v.(*[]byte))
				all.WriteByte('\n')
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d tables, %d kB", len(names), all.Len()>>10)
	return all.Bytes()
}

// checkRecord opens the record with the practice's key: all is there. The flags
// in how say what the hub is told of it.
func checkRecord(t *testing.T, c *clinic, id string, said *canaries, how ...string) {
	t.Helper()
	record := slices.Concat([]string{"--data", c.keepData, "record"}, how)
	var files string
	var entries []os.DirEntry
	eventually(t, "the record holds all", func() error {
		files = t.TempDir()
		transcript, err := try("sotto", slices.Concat(record, []string{"show", id, "--purpose", "operations", "--files", files, "--json"})...)
		if err != nil {
			return err
		}
		for _, want := range []string{said.name, said.question, said.answer, said.fileName, said.more} {
			if !strings.Contains(transcript, want) {
				return fmt.Errorf("no %q in %s", want, transcript)
			}
		}
		if strings.Contains(transcript, "Draft") {
			t.Error("the record holds what was not sent")
		}
		// The words are kept before the file that they name has been fetched.
		if entries, err = os.ReadDir(files); err == nil && len(entries) != 1 {
			err = fmt.Errorf("opened %v; want one file", entries)
		}
		return err
	})
	opened, err := os.ReadFile(filepath.Join(files, entries[0].Name()))
	if err != nil || !bytes.Equal(opened, said.file) {
		t.Errorf("the file is not as it was sent: %d bytes, %v", len(opened), err)
	}
	if report := run(t, "sotto", append(record, "verify")...); !strings.Contains(report, "1 attachments") {
		t.Errorf("verify: %s", report)
	}
}
