//go:build js && wasm

// Sotto-core is the device engine (package device) as WebAssembly, for a web
// worker. The worker gives it an object, sottoHost, with what a browser has: a
// sealed store, a signature key that cannot be taken out, and calls to the hub
// (web/src/core/worker/host.ts). It gives the worker one function, by which the
// page's calls come in (web/src/core/shared/protocol.ts).
//
// It holds no rule of its own. Only kinds of failure leave it, no error text.
package main

import "syscall/js"

func main() {
	global := js.Global()
	host := global.Get("sottoHost")
	global.Delete("sottoHost")
	c := &core{host: host}
	host.Call("ready", js.FuncOf(c.dispatch))
	select {} // what comes next are calls from the page
}
