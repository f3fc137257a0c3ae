//go:build js && wasm

package main

import (
	"encoding/base64"
	"fmt"
	"math"
	"reflect"
	"strings"
	"syscall/js"
)

// The types of package api to and from the objects that JSON.parse makes and
// JSON.stringify takes, by their json tags. The browser has a JSON parser;
// encoding/json would add an eighth to the size of the core.

// encode returns v as an object. Maps, which we never send, have no form here.
func encode(v any) js.Value { return encodeValue(reflect.ValueOf(v)) }

func encodeValue(v reflect.Value) js.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return js.Null()
		}
		return encodeValue(v.Elem())
	case reflect.String:
		return js.ValueOf(v.String())
	case reflect.Bool:
		return js.ValueOf(v.Bool())
	case reflect.Int, reflect.Int64:
		return js.ValueOf(v.Int())
	case reflect.Uint16, reflect.Uint64:
		return js.ValueOf(v.Uint())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return js.ValueOf(base64.StdEncoding.EncodeToString(v.Bytes()))
		}
		array := js.Global().Get("Array").New(v.Len())
		for i := range v.Len() {
			array.SetIndex(i, encodeValue(v.Index(i)))
		}
		return array
	case reflect.Struct:
		object := js.Global().Get("Object").New()
		encodeFields(object, v)
		return object
	default:
		panic("sotto-core: no JSON form for " + v.Kind().String())
	}
}

// encodeFields sets v's fields, and those of the structs embedded in it.
func encodeFields(object js.Value, v reflect.Value) {
	t := v.Type()
	for i := range t.NumField() {
		name, omitEmpty := jsonName(t.Field(i))
		switch {
		case t.Field(i).Anonymous:
			encodeFields(object, v.Field(i))
		case !omitEmpty || !v.Field(i).IsZero():
			object.Set(name, encodeValue(v.Field(i)))
		}
	}
}

// decode fills what into points to. Fields that are absent or null stay as
// they are; a field of another type than ours is an error.
func decode(from js.Value, into any) error {
	return decodeValue(from, reflect.ValueOf(into).Elem())
}

func decodeValue(from js.Value, into reflect.Value) error {
	switch from.Type() {
	case js.TypeUndefined, js.TypeNull:
		return nil
	case js.TypeString:
		return decodeString(from.String(), into)
	case js.TypeBoolean:
		if into.Kind() != reflect.Bool {
			return errShape
		}
		into.SetBool(from.Bool())
		return nil
	case js.TypeNumber:
		return decodeNumber(from.Float(), into)
	case js.TypeObject:
		return decodeObject(from, into)
	default:
		return errShape
	}
}

func decodeString(s string, into reflect.Value) error {
	switch {
	case into.Kind() == reflect.String:
		into.SetString(s)
		return nil
	case into.Kind() == reflect.Slice && into.Type().Elem().Kind() == reflect.Uint8:
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return errShape
		}
		into.SetBytes(b)
		return nil
	default:
		return errShape
	}
}

func decodeNumber(f float64, into reflect.Value) error {
	const exact = 1 << 53
	if f != math.Trunc(f) || math.Abs(f) > exact {
		return errShape
	}
	switch into.Kind() {
	case reflect.Int, reflect.Int64:
		into.SetInt(int64(f))
		return nil
	case reflect.Uint16, reflect.Uint64:
		if f < 0 || into.OverflowUint(uint64(f)) {
			return errShape
		}
		into.SetUint(uint64(f))
		return nil
	default:
		return errShape
	}
}

func decodeObject(from js.Value, into reflect.Value) error {
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		return decodeValue(from, into.Elem())
	case reflect.Struct:
		if isArray(from) {
			return errShape
		}
		t := into.Type()
		for i := range t.NumField() {
			name, _ := jsonName(t.Field(i))
			value := from
			if !t.Field(i).Anonymous { // an embedded struct's fields are the object's own
				value = from.Get(name)
			}
			if err := decodeValue(value, into.Field(i)); err != nil {
				return fmt.Errorf("%w: %s", err, name)
			}
		}
		return nil
	case reflect.Slice:
		if !isArray(from) {
			return errShape
		}
		n := from.Length()
		into.Set(reflect.MakeSlice(into.Type(), n, n))
		for i := range n {
			if err := decodeValue(from.Index(i), into.Index(i)); err != nil {
				return err
			}
		}
		return nil
	case reflect.Map:
		keys := js.Global().Get("Object").Call("keys", from)
		into.Set(reflect.MakeMap(into.Type()))
		for i := range keys.Length() {
			key := keys.Index(i).String()
			value := reflect.New(into.Type().Elem()).Elem()
			if err := decodeValue(from.Get(key), value); err != nil {
				return err
			}
			into.SetMapIndex(reflect.ValueOf(key), value)
		}
		return nil
	default:
		return errShape
	}
}

func isArray(v js.Value) bool { return js.Global().Get("Array").Call("isArray", v).Bool() }

func jsonName(f reflect.StructField) (name string, omitEmpty bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name, options == "omitempty"
}
