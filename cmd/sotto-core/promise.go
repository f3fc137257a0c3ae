//go:build js && wasm

package main

import (
	"context"
	"errors"
	"syscall/js"

	"github.com/sotto-health/sotto/api"
)

// Errors of the host, told apart by what the engine does about them.
var (
	errUnreachable = errors.New("host: the hub did not answer")
	errHost        = errors.New("host: the browser refused")
	errShape       = errors.New("host: an answer of the wrong shape")
)

// A storeFull is a device.StoreFullError.
type storeFull struct{}

func (storeFull) Error() string { return "host: no room to store" }
func (storeFull) StoreFull()    {}

// settle waits for a promise that the host never rejects: it resolves to
// {ok, value} or {ok: false, problem or failure}.
func settle(promise js.Value) (js.Value, error) {
	done := make(chan js.Value, 1)
	then := js.FuncOf(func(_ js.Value, args []js.Value) any {
		done <- args[0]
		return nil
	})
	defer then.Release()
	promise.Call("then", then)
	return unwrap(<-done)
}

// settleOrStop is settle for a call that can be given up: {promise, stop}.
func settleOrStop(ctx context.Context, call js.Value) (js.Value, error) {
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { call.Call("stop") })
		defer stop()
	}
	value, err := settle(call.Get("promise"))
	if err != nil && ctx.Err() != nil {
		return js.Value{}, ctx.Err()
	}
	return value, err
}

func unwrap(outcome js.Value) (js.Value, error) {
	if outcome.Get("ok").Truthy() {
		return outcome.Get("value"), nil
	}
	if problem := outcome.Get("problem"); problem.Type() == js.TypeObject {
		p := new(api.Problem)
		if err := decode(problem, p); err != nil {
			return js.Value{}, errUnreachable
		}
		return js.Value{}, p
	}
	switch failure := outcome.Get("failure"); {
	case failure.Type() != js.TypeString:
		return js.Value{}, errUnreachable
	case failure.String() == "storage-full":
		return js.Value{}, storeFull{}
	default:
		return js.Value{}, errHost
	}
}

// toArray copies b into a new Uint8Array.
func toArray(b []byte) js.Value {
	array := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(array, b)
	return array
}

// fromArray copies a Uint8Array.
func fromArray(array js.Value) ([]byte, error) {
	if !array.InstanceOf(js.Global().Get("Uint8Array")) {
		return nil, errShape
	}
	b := make([]byte, array.Length())
	js.CopyBytesToGo(b, array)
	return b, nil
}
