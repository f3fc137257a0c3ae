package httpapi

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sotto-health/sotto/api"
)

//go:generate go run ./describe -o ../../api/openapi.json

//go:embed document.html
var documentTemplate string

//go:embed document.css
var documentStyle []byte

const apiAbout = "Sotto carries end-to-end encrypted conversations between patients and a practice. " +
	"The hub orders and delivers MLS messages (RFC 9420) that it cannot read. Times are Unix milliseconds, " +
	"byte strings standard base64, and every refusal is a Problem with a stable code."

// openAPIConfig is huma's set-up without its own documentation pages, which
// load scripts from elsewhere, and without links to schemas in every answer.
func openAPIConfig() huma.Config {
	c := huma.DefaultConfig("Sotto", "1")
	c.OpenAPIPath, c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", "", nil
	c.Info.Description = apiAbout
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		bearerScheme: {Type: "http", Scheme: "bearer", Description: "The token of a device session."},
		cookieScheme: {Type: "apiKey", In: "cookie", Name: staffCookie, Description: "The staff session of a browser. If the browser showed its own key in the header " + browserHeader +
			" when the session was opened, each call must show it again: the public key (P-256, SEC 1, base64url), Unix milliseconds and a signature (r and s, base64url), " +
			"with dots between them. Signed are the words \"sotto staff call v1\", the method, the path without its query, and the milliseconds, each on its line."},
	}
	for _, t := range []string{tagPractice, tagIdentity, tagVerification, tagStaff, tagConversation, tagConsent, tagFrames, tagAttachments, tagEvents, tagKeeper, tagAdmin, tagAudit} {
		c.Tags = append(c.Tags, &huma.Tag{Name: t})
	}
	return c
}

// document returns the API's description, indented, with a line feed.
func document(a huma.API) ([]byte, error) {
	o := a.OpenAPI()
	o.Components.Schemas.Schema(typeOf[api.Event](), true, "")
	compact, err := o.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("httpapi: describe the API: %w", err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, compact, "", "  "); err != nil {
		return nil, fmt.Errorf("httpapi: describe the API: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// documentRoutes serve the description and a page made from it, which loads
// nothing from anywhere else and runs no script.
func (s *Server) documentRoutes(mux *router) error {
	description, err := document(s.api)
	if err != nil {
		return err
	}
	page, err := documentPage(s.api.OpenAPI())
	if err != nil {
		return err
	}
	give := func(mediaType string, b []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", mediaType)
			w.Header().Set("Cache-Control", cacheChecked)
			w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
			_, _ = w.Write(b)
		}
	}
	mux.HandleFunc("GET /openapi.json", give("application/vnd.oai.openapi+json", description))
	mux.HandleFunc("GET /docs/api", give("text/html; charset=utf-8", page))
	mux.HandleFunc("GET /docs/api.css", give("text/css; charset=utf-8", documentStyle))
	return nil
}

// What the page's template shows.
type (
	docPage struct {
		Title, About string
		Groups       []docGroup
		Codes        []string
		Schemas      []docSchema
	}
	docGroup struct {
		Name string
		Ops  []docOp
	}
	docOp struct {
		ID, Method, Path, Summary, Description, Sign string
		Params                                       []docField
		Request                                      string
		Replies                                      []docReply
	}
	docReply  struct{ Status, Schema, Text string }
	docSchema struct {
		Name, Text string
		Fields     []docField
	}
	docField struct {
		Name, In, Type, Ref, Text string
		Required                  bool
	}
)

func documentPage(o *huma.OpenAPI) ([]byte, error) {
	p := docPage{Title: "Sotto API, version 1", About: o.Info.Description}
	byTag := make(map[string][]docOp)
	for path, item := range o.Paths {
		for method, op := range operations(item) {
			byTag[op.Tags[0]] = append(byTag[op.Tags[0]], docOf(path, method, op))
		}
	}
	for _, t := range o.Tags {
		ops := byTag[t.Name]
		slices.SortFunc(ops, func(a, b docOp) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method)) })
		p.Groups = append(p.Groups, docGroup{t.Name, ops})
	}
	schemas := o.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		p.Schemas = append(p.Schemas, docSchema{Name: name, Text: schemas[name].Description, Fields: fieldsOf(schemas[name])})
	}
	for _, r := range reasons() {
		p.Codes = append(p.Codes, string(r.code))
	}
	p.Codes = append(p.Codes, string(api.CodeStaleEpoch), string(api.CodeTaken), string(api.CodeOffset),
		string(api.CodeRateLimited), string(api.CodeMalformed), string(api.CodeInvalidHandshake), string(api.CodeInternal))
	slices.Sort(p.Codes)
	p.Codes = slices.Compact(p.Codes)
	t, err := template.New("document").Funcs(template.FuncMap{"lower": strings.ToLower}).Parse(documentTemplate)
	if err != nil {
		return nil, fmt.Errorf("httpapi: documentation page: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("httpapi: documentation page: %w", err)
	}
	return b.Bytes(), nil
}

func operations(item *huma.PathItem) map[string]*huma.Operation {
	all := map[string]*huma.Operation{
		"GET": item.Get, "HEAD": item.Head, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete,
	}
	maps.DeleteFunc(all, func(_ string, op *huma.Operation) bool { return op == nil })
	return all
}

func docOf(path, method string, op *huma.Operation) docOp {
	d := docOp{ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, Description: op.Description}
	for _, s := range op.Security {
		for name := range s {
			d.Sign = name
		}
	}
	for _, p := range op.Parameters {
		f := docField{Name: p.Name, In: p.In, Required: p.Required, Text: p.Description}
		f.Type, f.Ref = typeName(p.Schema)
		d.Params = append(d.Params, f)
	}
	if op.RequestBody != nil {
		for mediaType, m := range op.RequestBody.Content {
			_, d.Request = typeName(m.Schema)
			d.Request = cmp.Or(d.Request, mediaType)
		}
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := docReply{Status: status, Text: op.Responses[status].Description}
		for _, m := range op.Responses[status].Content {
			if m.Schema != nil {
				_, r.Schema = typeName(m.Schema)
			}
		}
		d.Replies = append(d.Replies, r)
	}
	return d
}

func fieldsOf(s *huma.Schema) []docField {
	var fields []docField
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		f := docField{Name: name, Required: slices.Contains(s.Required, name), Text: s.Properties[name].Description}
		f.Type, f.Ref = typeName(s.Properties[name])
		fields = append(fields, f)
	}
	return fields
}

// typeName is a schema in words, and the name of the schema it refers to.
func typeName(s *huma.Schema) (words, ref string) {
	switch {
	case s == nil:
		return "", ""
	case s.Ref != "":
		name := s.Ref[strings.LastIndex(s.Ref, "/")+1:]
		return name, name
	case s.Type == huma.TypeArray:
		of, ref := typeName(s.Items)
		return "list of " + of, ref
	case s.ContentEncoding == "base64":
		return "bytes (base64)", ""
	case len(s.Enum) > 0:
		var names []string
		for _, e := range s.Enum {
			names = append(names, fmt.Sprint(e))
		}
		return strings.Join(names, " | "), ""
	}
	return s.Type, ""
}

// Describe returns the API's description without a server, for the generator.
func Describe() ([]byte, error) {
	useProblems()
	mux := newRouter()
	s := &Server{api: humago.New(mux, openAPIConfig())}
	s.apiRoutes(mux)
	return document(s.api)
}
