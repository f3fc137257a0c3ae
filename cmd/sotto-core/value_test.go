//go:build js && wasm

package main

import (
	"encoding/json"
	"reflect"
	"syscall/js"
	"testing"

	"github.com/sotto-health/sotto/api"
)

// Run with Node:
//
//	GOOS=js GOARCH=wasm go test -exec "$(go env GOROOT)/lib/wasm/go_js_wasm_exec" ./cmd/sotto-core

var samples = []any{
	api.Practice{
		ID: "p_1", Languages: []string{"en", "ar"}, AuthorityKey: []byte{4, 1, 2}, Suite: 0xf001, Open: true,
		Queues:  []api.Queue{{ID: "q", Reason: map[string]string{"en": "Refill", "ar": "دواء"}}},
		Consent: api.ConsentForm{ID: "f", Version: 3, Texts: map[string]api.ConsentText{"en": {Title: "T", Points: []string{"a", "b"}, SHA256: []byte{9}}}},
	},
	api.CreateConversation{
		Queue: "q", Founding: []byte{1}, Commit: []byte("commit"), Welcome: []byte{2}, GroupInfo: []byte{3},
		Consent: api.ConsentReceipt{At: 1_900_000_000_000, SHA256: []byte{7}, Signature: []byte{0x30, 0}},
	},
	api.ConversationPage{Conversations: []api.Conversation{{ID: "c_1", Epoch: 7, Consents: []api.ConversationConsent{}, Participant: []api.Participant{{Person: api.Person{ID: "d", Online: true}, Acked: 1 << 50}}}}, Total: 1},
	api.SendFrame{ClientID: "12345678", Kind: api.FrameApplication, Payload: []byte{0, 255}},
	api.Event{Type: api.EventFrame, Frame: &api.Frame{Position: 9, Payload: []byte("x")}, Heads: []api.Head{{Conversation: "c", Head: 2}}},
	api.PublishKeyPackages{Packages: [][]byte{{1}, {2, 3}}},
	api.Problem{Code: api.CodeStaleEpoch, Status: 409, Epoch: 4, Head: 12},
	api.Agreements{Agreements: []api.Agreement{{ConsentReceipt: api.ConsentReceipt{Form: "chat", Version: 2, SHA256: []byte{7}, Signature: []byte{0x30}}, ID: "r_1", Sequence: 3}}, Offered: []api.FormHead{}},
	api.Sightings{Patient: "p_1", Sightings: []api.Sighting{{At: 1_900_000_000_000, Since: 1_899_999_000_000, Times: 3, Way: "read", Role: "nurse", Name: "Dana Ortiz", Person: "s_1", Conversation: "c_1"}, {Times: 1, Way: "file", Role: "patient", Own: true}}, Next: "9.1"},
	[]api.ClaimedKeyPackage{{Device: "d", Package: []byte{5}, LastResort: true}},
}

// TestSameJSON proves that the glue and encoding/json read and write the same.
func TestSameJSON(t *testing.T) {
	parser := js.Global().Get("JSON")
	for _, sample := range samples {
		t.Run(reflect.TypeOf(sample).String(), func(t *testing.T) {
			std, err := json.Marshal(sample)
			if err != nil {
				t.Fatal(err)
			}
			got := reflect.New(reflect.TypeOf(sample))
			if err := decode(parser.Call("parse", string(std)), got.Interface()); err != nil {
				t.Fatalf("decode: %v", err)
			}
			if !reflect.DeepEqual(got.Elem().Interface(), sample) {
				t.Errorf("decoded %+v,\nwant %+v", got.Elem(), sample)
			}
			if _, received := sample.(api.Practice); received {
				return // maps are never sent
			}
			written := parser.Call("stringify", encode(sample)).String()
			again := reflect.New(reflect.TypeOf(sample))
			if err := json.Unmarshal([]byte(written), again.Interface()); err != nil {
				t.Fatal(err)
			}
			if std2, _ := json.Marshal(again.Interface()); string(std2) != string(std) {
				t.Errorf("wrote %s,\nwant  %s", written, std)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, text := range []string{
		`{"head": "7"}`, `{"head": -1}`, `{"head": 1.5}`, `{"head": 1e300}`, `{"head": true}`, `{"head": {}}`, `{"frames": {"length": 3}}`,
		`{"frames": [{"payload": "not base64!"}]}`, `{"frames": [7]}`, `"text"`, `[1]`,
	} {
		var page api.FramePage
		if err := decode(js.Global().Get("JSON").Call("parse", text), &page); err == nil {
			t.Errorf("%s was taken as %+v", text, page)
		}
	}
}

func TestSegment(t *testing.T) {
	for in, want := range map[string]string{
		"c_abc23": "c_abc23", "..": "%2E%2E", "a/b?c#d": "a%2Fb%3Fc%23d", "é": "%C3%A9", "v1.2": "v1.2",
	} {
		if got := segment(in); got != want {
			t.Errorf("segment(%q) = %q, want %q", in, got, want)
		}
	}
}
