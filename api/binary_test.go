package api_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/sotto-health/sotto/api"
)

func TestBinary(t *testing.T) {
	payload := []byte{0, 1, 2, '"', 0xff}
	event := api.Event{Type: api.EventFrame, ConversationID: "c_1", Frame: &api.Frame{Position: 7, Kind: api.FrameApplication, Payload: payload}}
	said := api.ClientMessage{Type: "send", Call: 3, ConversationID: "c_1", Frame: &api.SendFrame{ClientID: "f_12345678", Kind: api.FrameApplication, Payload: payload}}
	for _, c := range []struct {
		whole  any
		binary func() ([]byte, error)
		into   func(head, payload []byte) (any, error)
	}{
		{event, event.Binary, func(head, payload []byte) (any, error) {
			var e api.Event
			err := json.Unmarshal(head, &e)
			e.Frame.Payload = payload
			return e, err
		}},
		{said, said.Binary, func(head, payload []byte) (any, error) {
			var m api.ClientMessage
			err := json.Unmarshal(head, &m)
			m.Frame.Payload = payload
			return m, err
		}},
	} {
		b, err := c.binary()
		if err != nil {
			t.Fatal(err)
		}
		head, rest, err := api.SplitBinary(b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.into(head, rest)
		if err != nil || !reflect.DeepEqual(got, c.whole) {
			t.Errorf("came back as %+v, %v; want %+v", got, err, c.whole)
		}
	}
	if string(event.Frame.Payload) != string(payload) || string(said.Frame.Payload) != string(payload) {
		t.Error("the message itself was changed")
	}
	for _, e := range []interface{ Binary() ([]byte, error) }{api.Event{Type: api.EventReady}, api.ClientMessage{Type: "ack"}} {
		if _, err := e.Binary(); err == nil {
			t.Errorf("%T without a frame: no error", e)
		}
	}
}

func FuzzSplitBinary(f *testing.F) {
	for _, seed := range []string{"", "\x00\x00\x00", "\x00\x00\x00\x00", "\x00\x00\x00\x02{}", "\x00\x00\x00\x02{}rest", "\x00\x00\x00\x03{}", "\xff\xff\xff\xff{}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		head, payload, err := api.SplitBinary(b)
		if err != nil {
			return
		}
		if !bytes.Equal(append(head, payload...), b[4:]) {
			t.Errorf("%q and %q are not %q", head, payload, b)
		}
	})
}
