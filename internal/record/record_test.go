package record

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sotto-health/sotto/internal/attachment"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/certificate/authority"
	"github.com/sotto-health/sotto/internal/content"
	"github.com/sotto-health/sotto/internal/keeper"
)

const (
	talk   = "c_talk"
	canary = "canary-5d1f" // stands for what a patient gave us
)

var (
	testKey = bytes.Repeat([]byte{7}, KeySize)
	sender  = bytes.Repeat([]byte{9}, 32)
	salt    = bytes.Repeat([]byte{3}, content.SaltSize)
)

func openTest(t testing.TB, folder string) *Archive {
	t.Helper()
	a, err := Open(folder, testKey, Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func text(t testing.TB, position uint64, words string) keeper.Record {
	t.Helper()
	m, err := content.NewText(salt, words, "en")
	must(t, err)
	return message(position, m)
}

func message(position uint64, m *content.Message) keeper.Record {
	return keeper.Record{
		Position: position, Kind: keeper.KindMessage, At: 1_900_000_000_000 + int64(position), Person: "p_ann", Device: "d_1",
		Sender: sender, Content: m.Marshal(),
	}
}

// file puts a sealed attachment in the archive and returns the record of it.
func file(t testing.TB, a *Archive, position uint64, name, bytes string) keeper.Record {
	t.Helper()
	key := attachment.NewKey()
	var sealed strings.Builder
	hash, err := attachment.Seal(&sealed, strings.NewReader(bytes), key, int64(len(bytes)))
	must(t, err)
	id := fmt.Sprint("a_", position)
	must(t, a.PutAttachment(t.Context(), talk, id, strings.NewReader(sealed.String())))
	m, err := content.NewFile(salt, content.File{
		MediaType: "image/jpeg",
		External: content.ExternalPart{
			URL: "sotto:attachment:" + id, Size: uint64(len(bytes)), EncAlg: 2, Key: key, Nonce: []byte{}, HashAlg: 1, ContentHash: hash, Filename: name,
		},
	})
	must(t, err)
	return message(position, m)
}

func records(t testing.TB, a *Archive, conversation string) (all []keeper.Record) {
	t.Helper()
	must(t, a.Records(t.Context(), conversation, func(r keeper.Record) error {
		all = append(all, r)
		return nil
	}))
	return all
}

func TestRecordsComeBackInOrderOnce(t *testing.T) {
	folder, ctx := t.TempDir(), t.Context()
	a := openTest(t, folder)
	var want []keeper.Record
	for i := range 10 {
		r := text(t, uint64(i/2+1), fmt.Sprint("message ", i))
		r.Index = i % 2
		want = append(want, r)
	}
	must(t, a.Append(ctx, talk, want[:3]))
	must(t, a.Append(ctx, talk, want[:3])) // as after a crash
	must(t, a.Append(ctx, talk, want[1:6]))
	must(t, a.Append(ctx, "c_other", want[:1]))
	must(t, a.Close())
	a = openTest(t, folder)
	must(t, a.Append(ctx, talk, want[4:])) // some came before the restart
	must(t, a.Append(ctx, talk, nil))
	if got := records(t, a, talk); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if got := records(t, a, "c_other"); !reflect.DeepEqual(got, want[:1]) {
		t.Errorf("got %+v", got)
	}
	if got := records(t, a, "c_none"); got != nil {
		t.Errorf("an unknown conversation has %+v", got)
	}
	clean(t, a, 2, 11)
	ids, err := a.Conversations(ctx)
	if err != nil || !reflect.DeepEqual(ids, []string{"c_other", talk}) {
		t.Errorf("conversations %q, %v", ids, err)
	}
}

func clean(t *testing.T, a *Archive, conversations, count int) {
	t.Helper()
	report, err := a.Verify(t.Context())
	must(t, err)
	if len(report.Problems) != 0 || report.Conversations != conversations || report.Records != count {
		t.Errorf("verify found %+v", report)
	}
}

func TestTwoProgramsAppend(t *testing.T) {
	folder, ctx := t.TempDir(), t.Context()
	a, b := openTest(t, folder), openTest(t, folder)
	for i := range uint64(6) {
		must(t, []*Archive{a, b}[i%2].Append(ctx, talk, []keeper.Record{text(t, i+1, "x")}))
	}
	clean(t, openTest(t, folder), 1, 6)
}

func TestManyGoroutinesAppend(t *testing.T) {
	a := openTest(t, t.TempDir())
	var wait sync.WaitGroup
	for i := range uint64(8) {
		wait.Go(func() {
			for n := range uint64(5) {
				r := text(t, i*100+n+1, "x")
				if err := a.Append(context.Background(), fmt.Sprint("c_", i%2), []keeper.Record{r}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	clean(t, a, 2, 40)
}

func TestWrongKey(t *testing.T) {
	folder := t.TempDir()
	must(t, openTest(t, folder).Close())
	if _, err := Open(folder, bytes.Repeat([]byte{8}, KeySize), Config{}); !errors.Is(err, ErrWrongKey) {
		t.Errorf("got %v", err)
	}
	if _, err := Open(folder, nil, Config{}); err == nil {
		t.Error("opened with no key")
	}
}

func TestIdsThatArePaths(t *testing.T) {
	a, ctx := openTest(t, t.TempDir()), t.Context()
	for _, id := range []string{"", "..", "../c_1", "c/1", `c\1`, ".hidden", "c\x00"} {
		if err := a.Append(ctx, id, []keeper.Record{text(t, 1, "x")}); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("append to %q: %v", id, err)
		}
		if err := a.PutAttachment(ctx, talk, id, strings.NewReader("x")); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("attachment %q: %v", id, err)
		}
		if _, err := a.Show(ctx, id, ShowOptions{}); !errors.Is(err, ErrUnknown) {
			t.Errorf("show %q: %v", id, err)
		}
	}
}

func TestAttachments(t *testing.T) {
	folder, ctx := t.TempDir(), t.Context()
	a := openTest(t, folder)
	broken := errors.New("connection lost")
	if err := a.PutAttachment(ctx, talk, "a_2", iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if has, err := a.HasAttachment(ctx, talk, "a_2"); has || err != nil {
		t.Errorf("an unfinished attachment is there: %v, %v", has, err)
	}
	for range 2 {
		must(t, a.PutAttachment(ctx, talk, "a_2", strings.NewReader("whole")))
	}
	if has, err := a.HasAttachment(ctx, talk, "a_2"); !has || err != nil {
		t.Errorf("got %v, %v", has, err)
	}
}

// TestNothingToRead looks for what a patient gave us in every file and name.
func TestNothingToRead(t *testing.T) {
	folder, ctx := t.TempDir(), t.Context()
	a := openTest(t, folder)
	must(t, a.Append(ctx, talk, []keeper.Record{
		text(t, 1, canary), file(t, a, 2, canary+".jpg", canary), {Position: 3, Kind: "joined", Person: canary},
	}))
	must(t, a.Close())
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		must(t, err)
		if path != folder && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", path, info.Mode())
		}
		if entry.IsDir() {
			return nil
		}
		data, err := os.ReadFile(path)
		if strings.Contains(path, canary) || bytes.Contains(data, []byte(canary)) {
			t.Errorf("%s tells what a patient gave us", path)
		}
		return err
	})
	must(t, err)
}

func TestShow(t *testing.T) {
	ctx := t.Context()
	a := openTest(t, t.TempDir())
	practice, err := authority.New("pr_1")
	must(t, err)
	names, err := certificate.NewVerifier("pr_1", practice.Public())
	must(t, err)
	card, err := practice.IssueCard(&certificate.Card{Person: "p_dana", Name: "Dana Ortiz", Title: "RN", Role: "nurse"}, time.Unix(1_900_000_000, 0))
	must(t, err)
	introduce := func(position uint64, person string, i content.Introduction) keeper.Record {
		m, err := content.NewIntroduction(salt, i)
		must(t, err)
		r := message(position, m)
		r.Person = person
		return r
	}
	first := text(t, 3, "It hurts.\nSince Monday.")
	id := content.ID(content.SenderURI(sender), content.RoomURI(talk), first.Content, salt)
	reply, err := content.NewText(salt, "Where?\x1b[2J", "en")
	must(t, err)
	reply.InReplyTo = id
	answer := message(6, reply)
	answer.Person = "p_dana"
	must(t, a.Append(ctx, talk, []keeper.Record{
		{Position: 1, Kind: keeper.KindJoined, At: 1_900_000_000_000, Person: "p_ann"},
		introduce(2, "p_ann", content.Introduction{Name: "Ann"}),
		first,
		{Position: 4, Kind: keeper.KindJoined, At: 1_900_000_000_004, Person: "p_dana"},
		introduce(5, "p_dana", content.Introduction{Card: card}),
		answer,
		file(t, a, 7, "../../etc/\u202egpj.exe", "the photo"),
		file(t, a, 8, "lost.jpg", "lost"),
		introduce(9, "p_ann", content.Introduction{Card: card}), // another's card
		{Position: 10, Kind: keeper.KindLeft, At: 1_900_000_000_010, Person: "p_dana"},
	}))
	must(t, os.Remove(filepath.Join(a.objects.(*Folder).root, attachmentName(talk, "a_8"))))

	out := filepath.Join(t.TempDir(), "files")
	got, err := a.Show(ctx, talk, ShowOptions{Files: out, Names: names})
	must(t, err)
	wantMembers := []Member{
		{Person: "p_ann", Name: "Ann", Since: 1_900_000_000_000},
		{Person: "p_dana", Name: "Dana Ortiz", Title: "RN", Role: "nurse", Vouched: true, Since: 1_900_000_000_004, Until: 1_900_000_000_010},
	}
	if !reflect.DeepEqual(got.Members, wantMembers) {
		t.Errorf("members %+v", got.Members)
	}
	var b, j strings.Builder
	must(t, got.WriteText(&b, time.UTC))
	must(t, got.WriteJSON(&j))
	for _, want := range []string{
		"Dana Ortiz (RN, nurse), since 2030-03-17 17:46:40 UTC until 2030-03-17 17:46:40 UTC [p_dana]",
		"Ann, by their own word,",
		"Ann: It hurts.\n      | Since Monday.\n",
		"Dana Ortiz (reply to #3): Where??[2J\n",
		"sent a file: ../../etc/?gpj.exe (image/jpeg, 9 bytes) -> " + filepath.Join(out, "0007-_gpj.exe"),
		"lost.jpg (image/jpeg, 4 bytes) -- not in the archive",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, b.String())
		}
	}
	if !strings.Contains(j.String(), `"text": "It hurts.\nSince Monday."`) {
		t.Errorf("the JSON lacks the message:\n%s", j.String())
	}
	data, err := os.ReadFile(filepath.Join(out, "0007-_gpj.exe"))
	if err != nil || string(data) != "the photo" {
		t.Errorf("the file holds %q, %v", data, err)
	}
	if _, err := a.Show(ctx, "c_none", ShowOptions{}); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
	forged := bytes.Clone(card)
	forged[len(forged)-1] ^= 1
	must(t, a.Append(ctx, talk, []keeper.Record{introduce(11, "p_eve", content.Introduction{Card: forged})}))
	got, err = a.Show(ctx, talk, ShowOptions{Names: names})
	must(t, err)
	if eve := got.Members[len(got.Members)-1]; eve.Name != "" || eve.Vouched {
		t.Errorf("a forged card made %+v", eve)
	}
}

func TestRecordHash(t *testing.T) {
	// What stands for a record is a promise: it may be written down elsewhere.
	r := sealed{number: 1, before: newChain(talk).hash, box: []byte("box")}
	var want bytes.Buffer
	want.WriteString("\x86\x6fsotto archive 1\x66record\x66c_talk\x48\x00\x00\x00\x00\x00\x00\x00\x01\x58\x20")
	before := sha256.Sum256([]byte("\x83\x6fsotto archive 1\x65start\x66c_talk"))
	want.Write(before[:])
	want.WriteString("\x43box")
	if got := r.hash(talk); got != sha256.Sum256(want.Bytes()) {
		t.Errorf("the hash of a record has changed")
	}
}
