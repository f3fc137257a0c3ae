package httpapi

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

var update = flag.Bool("update", false, "make the golden examples anew")

// goldenExamples holds an example of every type in the API's description, with
// every field set. The tests of Go and of TypeScript both read it, so neither
// side can change what goes over the wire alone.
const goldenExamples = "../../api/testdata/golden.json"

func TestGoldenExamples(t *testing.T) {
	useProblems()
	s := &Server{api: humago.New(newRouter(), openAPIConfig())}
	s.apiRoutes(newRouter())
	if _, err := document(s.api); err != nil {
		t.Fatal(err)
	}
	schemas := s.api.OpenAPI().Components.Schemas
	made := make(map[string]any)
	for name := range schemas.Map() {
		v := reflect.New(schemas.TypeFromRef("#/components/schemas/" + name)).Elem()
		exemplify(v, name, "")
		made[name] = v.Interface()
	}
	if *update {
		b, err := json.MarshalIndent(made, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(goldenExamples), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenExamples, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(goldenExamples)
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]json.RawMessage
	if err := json.Unmarshal(b, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden) != len(made) {
		t.Errorf("%d examples of %d types", len(golden), len(made))
	}
	for name, schema := range schemas.Map() {
		checkGolden(t, schemas, schema, name, golden[name], made[name])
	}
}

// checkGolden reads one example back as its Go type: it must fit the type and
// the description, say all that the type can, and lose nothing.
func checkGolden(t *testing.T, schemas huma.Registry, schema *huma.Schema, name string, golden json.RawMessage, made any) {
	t.Helper()
	typ := schemas.TypeFromRef("#/components/schemas/" + name)
	read := reflect.New(typ)
	d := json.NewDecoder(bytes.NewReader(golden))
	d.DisallowUnknownFields()
	if err := d.Decode(read.Interface()); err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if !reflect.DeepEqual(read.Elem().Interface(), made) {
		t.Errorf("%s reads back as %+v, made as %+v (after a change of the API: make api)", name, read.Elem(), made)
	}
	var plain any
	if err := json.Unmarshal(golden, &plain); err != nil {
		t.Error(err)
	}
	result := new(huma.ValidateResult)
	huma.Validate(schemas, schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, plain, result)
	for _, err := range result.Errors {
		t.Errorf("%s is not as described: %v", name, err)
	}
}

// exemplify gives v, and all within it, values that show which field is which.
func exemplify(v reflect.Value, name string, tag reflect.StructTag) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Anonymous {
				exemplify(v.Field(i), name, "")
			} else if name := strings.Split(f.Tag.Get("json"), ",")[0]; name != "-" {
				exemplify(v.Field(i), name, f.Tag)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		exemplify(v.Elem(), name, "")
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(name))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		exemplify(v.Index(0), name, tag)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		exemplify(value, name, "")
		v.SetMapIndex(reflect.ValueOf("en"), value)
	case reflect.String:
		enum, _, _ := strings.Cut(tag.Get("enum"), ",")
		if enum == "" {
			enum = "an example of " + name // long enough for every least length
		}
		v.SetString(enum)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		n := int64(1000 + len(name))
		if most, err := strconv.ParseInt(tag.Get("maximum"), 10, 64); err == nil {
			n = min(n, most)
		}
		v.SetInt(n)
	case reflect.Float64:
		v.SetFloat(float64(len(name)) + 0.5)
	case reflect.Uint16, reflect.Uint64:
		v.SetUint(uint64(1000 + len(name)))
	default:
		panic("no example of " + v.Type().String())
	}
}
