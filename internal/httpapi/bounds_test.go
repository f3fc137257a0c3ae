package httpapi_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/httpapi"
)

// A field is a place where anybody can send something.
type field struct {
	method, path string   // of the call; none for what is said on the push connection
	in, name     string   // of a parameter
	keys         []string // in the body, from outside in
	body         *schema
	is           *schema
}

func (f field) String() string {
	return strings.TrimSpace(f.method + " " + f.path + " " + f.name + strings.Join(f.keys, "."))
}

// sent lists each place where anybody can send something, each type once.
func (s *schemas) sent() (all []field) {
	seen := make(map[string]bool)
	var walk func(f field, of *schema)
	walk = func(f field, of *schema) {
		if name, ok := strings.CutPrefix(of.Ref, "#/components/schemas/"); ok {
			if !seen[name] {
				seen[name] = true
				named := s.Components.Schemas[name]
				walk(f, &named)
			}
			return
		}
		f.is = of
		all = append(all, f)
		keys := slices.Clip(f.keys)
		if of.Items != nil {
			f.keys = append(keys, "[]")
			walk(f, of.Items)
		}
		for name, p := range of.Properties {
			f.keys = append(keys, name)
			walk(f, p)
		}
	}
	for path, methods := range s.Paths {
		for method, call := range methods {
			for _, p := range call.Parameters {
				walk(field{method: method, path: path, in: p.In, name: p.Name}, &p.Schema)
			}
			for _, c := range call.RequestBody.Content {
				walk(field{method: method, path: path, body: &c.Schema}, &c.Schema)
			}
		}
	}
	for _, name := range []string{"Hello", "ClientMessage"} {
		said := s.Components.Schemas[name]
		walk(field{keys: []string{name}}, &said)
	}
	return all
}

func (s *schema) takes(kind string) bool {
	several, _ := s.Type.([]any)
	return s.Type == kind || slices.Contains(several, any(kind))
}

func (w *world) schemas() (described schemas) {
	w.t.Helper()
	b, err := httpapi.Describe()
	w.must(err)
	w.must(json.Unmarshal(b, &described))
	return described
}

// TestEveryFieldIsBounded: the description bounds each text, list and number
// that anybody can send, and the hub takes no number past its bounds.
func TestEveryFieldIsBounded(t *testing.T) {
	w := newWorld(t)
	described := w.schemas()
	patient, admin := w.patient(), w.staffAs(w.clinic, "administrator", "robin")
	texts, numbers := 0, 0
	for _, f := range described.sent() {
		if s := f.is; s.takes("string") && s.Format != "binary" && len(s.Enum) == 0 {
			if texts++; s.MaxLength == nil {
				t.Errorf("%s: how long may it be?", f)
			}
		}
		if f.is.takes("array") {
			if texts++; f.is.MaxItems == nil {
				t.Errorf("%s: how many may there be?", f)
			}
		}
		if !f.is.takes("integer") && !f.is.takes("number") {
			continue
		}
		if numbers++; f.is.Minimum == nil || f.is.Maximum == nil {
			t.Errorf("%s: from where to where?", f)
			continue
		}
		if f.method == "" {
			continue // TestSaidIsBounded
		}
		for _, n := range []float64{*f.is.Minimum - 1, *f.is.Maximum + 1} {
			resp, body := w.sendNumber(&described, f, n, patient, admin)
			var p api.Problem
			name := f.name
			if f.keys != nil {
				name = f.keys[0]
			}
			if err := json.Unmarshal([]byte(body), &p); err != nil || p.Code != api.CodeMalformed || !strings.Contains(p.Hint, name) {
				t.Errorf("%s = %.0f: %d %s", f, n, resp.StatusCode, body)
			}
		}
	}
	if texts < 200 || numbers < 50 {
		t.Errorf("only %d texts and lists and %d numbers were found", texts, numbers)
	}
}

// sendNumber makes the call of a field with n in it.
func (w *world) sendNumber(described *schemas, f field, n float64, patient, admin *device) (*http.Response, string) {
	w.t.Helper()
	number := strconv.FormatFloat(n, 'f', -1, 64)
	headers := []string{"Authorization", "Bearer " + patient.Token()}
	for _, s := range described.Paths[f.path][f.method].Security {
		if _, staff := s["staff"]; staff {
			headers = []string{"Cookie", "__Host-sotto_staff=" + admin.Cookie()}
		}
	}
	path, body := f.path, ""
	switch f.in {
	case "path":
		path = strings.ReplaceAll(path, "{"+f.name+"}", number)
	case "query":
		path += "?" + f.name + "=" + number
	case "header":
		headers = append(headers, f.name, number, "Content-Type", contentType(f.method))
	default:
		body = mustJSON(set(described.sample(f.body), f.keys, json.Number(number)))
	}
	return w.raw(strings.ToUpper(f.method), fill(path, "1"), body, headers...)
}

// set puts a value where keys say into what sample made.
func set(into any, keys []string, value any) any {
	if len(keys) == 0 {
		return value
	}
	if keys[0] == "[]" {
		list, _ := into.([]any)
		if len(list) == 0 {
			list = []any{nil}
		}
		list[0] = set(list[0], keys[1:], value)
		return list
	}
	object, _ := into.(map[string]any)
	if object == nil {
		object = make(map[string]any)
	}
	object[keys[0]] = set(object[keys[0]], keys[1:], value)
	return object
}

// TestSaidIsBounded: on the push connection the hub takes no field past the
// bounds that the description gives it, and the connection lives on.
func TestSaidIsBounded(t *testing.T) {
	w := newWorld(t)
	described := w.schemas()
	patient := w.patient()
	id := patient.open("nurse")
	frame := patient.seal(id, "hello")
	conn := w.dial()
	conn.SetReadLimit(1 << 20)
	w.must(wsjson.Write(w.ctx, conn, api.Hello{Type: "hello", Token: patient.Token()}))
	said := func(message any) (r api.Reply) {
		w.must(wsjson.Write(w.ctx, conn, message))
		for r.Type != "reply" {
			r = api.Reply{}
			w.must(wsjson.Read(w.ctx, conn, &r))
		}
		return r
	}
	n := 0
	try := func(of string, keys ...string) {
		for name, s := range described.Components.Schemas[of].Properties {
			var past []any
			if s.Minimum != nil && s.Maximum != nil {
				past = append(past, *s.Minimum-1, json.Number(strconv.FormatFloat(*s.Maximum+1, 'f', -1, 64)))
			}
			if s.MaxLength != nil {
				past = append(past, strings.Repeat("A", (*s.MaxLength/4+1)*4)) // whole base64
			}
			if s.MinLength > 0 {
				past = append(past, strings.Repeat("A", s.MinLength-1))
			}
			if len(s.Enum) > 0 {
				past = append(past, "fly")
			}
			for _, value := range past {
				n++
				var message any
				w.must(json.Unmarshal([]byte(mustJSON(api.ClientMessage{Type: "send", Call: 7, ConversationID: id, Position: 1, Frame: &frame})), &message))
				r := said(set(message, append(keys, name), value))
				if r.Problem == nil || (r.Problem.Code != api.CodeMalformed && r.Problem.Code != api.CodeTooLarge) || r.Problem.Hint == "" {
					t.Errorf("%s.%s: %+v", of, name, r)
				}
			}
		}
	}
	try("ClientMessage")
	try("SendFrame", "frame")
	if n < 12 {
		t.Errorf("only %d bounds were found", n)
	}
	if r := said(api.ClientMessage{Type: "send", Call: 7, ConversationID: id, Frame: &frame}); r.Sent == nil {
		t.Errorf("then: %+v", r)
	}

	late := w.dial()
	most := *described.Components.Schemas["Hello"].Properties["token"].MaxLength
	w.must(wsjson.Write(w.ctx, late, api.Hello{Type: "hello", Token: strings.Repeat("x", most+1)}))
	var closed websocket.CloseError
	if _, _, err := late.Read(w.ctx); !errors.As(err, &closed) || closed.Reason != string(api.CodeMalformed) {
		t.Errorf("a long token: %v", err)
	}
}

// TestItemsAreBounded: the bound of what stands in a list is kept.
func TestItemsAreBounded(t *testing.T) {
	w := newWorld(t)
	d := w.patient()
	_, err := d.ClaimKeyPackages(w.ctx, api.ClaimKeyPackages{Person: "keeper", Devices: []string{strings.Repeat("x", 2000)}})
	wantCode(t, err, api.CodeMalformed)
}
