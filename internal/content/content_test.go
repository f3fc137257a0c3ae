package content_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/content"
)

var update = flag.Bool("update", false, "write the golden files anew")

// A golden example is read by the Go tests and by the TypeScript tests alike.
type golden struct {
	Name    string `json:"name"`
	Sender  string `json:"sender"`
	Room    string `json:"room"`
	ID      string `json:"id"`
	Encoded string `json:"encoded"`
}

func salt(n byte) []byte { return bytes.Repeat([]byte{n}, content.SaltSize) }

func examples(t *testing.T) map[string]*content.Message {
	t.Helper()
	must := func(m *content.Message, err error) *content.Message {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	id := bytes.Repeat([]byte{7}, content.IDSize)
	sealed := content.ExternalPart{
		URL: "/v1/attachments/a_1", Size: 1234, EncAlg: 2, Key: bytes.Repeat([]byte{1}, 32), HashAlg: 1,
		ContentHash: bytes.Repeat([]byte{2}, 32), Filename: "rash.jpg",
	}
	reply := must(content.NewText(salt(2), "Sí, mañana a las 9:30", "es"))
	reply.InReplyTo = id
	expiring := must(content.NewText(salt(3), "شكرا", "ar"))
	expiring.Expires = &content.Expiration{Relative: true, Time: 86_400}
	return map[string]*content.Message{
		"text":                 must(content.NewText(salt(1), "Good morning", "en")),
		"reply":                reply,
		"expiring":             expiring,
		"file":                 must(content.NewFile(salt(4), content.File{External: sealed, MediaType: "image/jpeg", Width: 640, Height: 480})),
		"file-with-preview":    must(content.NewFile(salt(5), content.File{External: sealed, MediaType: "image/jpeg", Preview: []byte("preview"), PreviewType: "image/webp"})),
		"read":                 content.NewReceipt(salt(6), content.Receipt{At: 1_900_000_000_123, Statuses: []content.Status{{ID: id, Status: content.Read}}}),
		"introduction-card":    must(content.NewIntroduction(salt(7), content.Introduction{Card: []byte("an encoded card")})),
		"introduction-patient": must(content.NewIntroduction(salt(8), content.Introduction{Name: "Sam"})),
		"history":              content.NewHistory(salt(9), sealed),
		"note":                 content.NewNote(salt(10), content.NoteLeaving),
		"recall":               content.NewRecall(salt(11), id, content.RecallUnsaid),
		"recall-reason":        content.NewRecall(salt(12), id, content.RecallWrongPatient),
	}
}

// TestGolden holds the encoding: what others parse must not change by chance.
func TestGolden(t *testing.T) {
	sender := content.SenderURI(bytes.Repeat([]byte{9}, 32))
	room := content.RoomURI("c_1")
	for name, m := range examples(t) {
		encoded := m.Marshal()
		got := golden{name, sender, room, hex.EncodeToString(content.ID(sender, room, encoded, m.Salt)), hex.EncodeToString(encoded)}
		path := filepath.Join("testdata", "golden", name+".json")
		if *update {
			b, _ := json.MarshalIndent(got, "", "  ")
			if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var want golden
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: encoding changed:\n got %s\nwant %s", name, got.Encoded, want.Encoded)
		}
		again, err := content.Parse(encoded)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(again.Marshal(), encoded) {
			t.Errorf("%s: comes back different", name)
		}
		first, err1 := m.Body()
		second, err2 := again.Body()
		if err1 != nil || err2 != nil || !reflect.DeepEqual(normal(first), normal(second)) {
			t.Errorf("%s: means %+v, then %+v (%v, %v)", name, first, second, err1, err2)
		}
	}
}

// normal makes nil and empty byte strings alike.
func normal(b content.Body) string {
	out, _ := json.Marshal(b)
	return strings.ReplaceAll(string(out), `""`, "null")
}

func TestWhatIsRefused(t *testing.T) {
	m, _ := content.NewText(salt(1), "x", "")
	good := m.Marshal()
	for name, bad := range map[string][]byte{
		"nothing":                  {},
		"cut short":                good[:len(good)-1],
		"bytes left over":          append(bytes.Clone(good), 0),
		"too long":                 make([]byte, content.MaxBytes+1),
		"an array of endless size": {0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"an indefinite array":      {0x9f, 0xff},
		"nested without end":       bytes.Repeat([]byte{0x81}, 1000),
	} {
		if _, err := content.Parse(bad); !errors.Is(err, content.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := content.NewText(salt(1), strings.Repeat("x", content.MaxText+1), ""); err == nil {
		t.Error("a text past the limit is made")
	}
	if _, err := content.NewText(salt(1), "\xff", ""); err == nil {
		t.Error("a text that is not UTF-8 is made")
	}
}

func TestHistory(t *testing.T) {
	want := []content.Entry{
		{Position: 2, Kind: content.EntryMessage, At: 5, Person: "p", Device: "d", Sender: salt(1), Content: []byte("x")},
		{Position: 3, Index: 1, Kind: "joined", At: 6, Person: "p", Device: "d", Sender: []byte{}, Content: []byte{}},
	}
	got, err := content.ParseHistory(content.MarshalHistory(want))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// FuzzParse: one meaning has one encoding, and every refusal is typed.
func FuzzParse(f *testing.F) {
	matches, _ := filepath.Glob("testdata/golden/*.json")
	for _, path := range matches {
		var g golden
		b, _ := os.ReadFile(path)
		_ = json.Unmarshal(b, &g)
		in, _ := hex.DecodeString(g.Encoded)
		f.Add(in)
	}
	f.Add(content.MarshalHistory([]content.Entry{{Position: 1, Kind: "message"}}))
	f.Fuzz(func(t *testing.T, in []byte) {
		if m, err := content.Parse(in); err == nil {
			if got := m.Marshal(); !bytes.Equal(got, in) {
				t.Errorf("two encodings of one message: %x and %x", in, got)
			}
			if _, err := m.Body(); err != nil && !errors.Is(err, content.ErrMalformed) {
				t.Errorf("untyped error %v", err)
			}
		} else if !errors.Is(err, content.ErrMalformed) {
			t.Errorf("untyped error %v", err)
		}
		if entries, err := content.ParseHistory(in); err == nil {
			if got := content.MarshalHistory(entries); !bytes.Equal(got, in) {
				t.Errorf("two encodings of one history: %x and %x", in, got)
			}
		} else if !errors.Is(err, content.ErrMalformed) {
			t.Errorf("untyped error %v", err)
		}
	})
}
