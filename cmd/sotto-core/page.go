//go:build js && wasm

package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"sync"
	"syscall/js"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/content"
	"github.com/sotto-health/sotto/internal/device"
)

// A core is one engine and the page's way to it.
type core struct {
	host js.Value

	mu     sync.Mutex // guards engine
	engine *device.Engine
}

var (
	errNotStarted = errors.New("not started")
	errNoMethod   = errors.New("no such call")
	errNoConsent  = errors.New("no consent")
	errNoName     = errors.New("no name of a message")
)

// dispatch is what the worker calls: (method, args, resolve, reject). A call
// blocks on the network and the disk, so each has its goroutine; a callback
// may not block.
func (c *core) dispatch(_ js.Value, args []js.Value) any {
	method, list, resolve, reject := args[0].String(), args[1], args[2], args[3]
	go func() {
		value, err := c.call(context.Background(), method, list)
		if err != nil {
			reject.Invoke(string(device.FailureOf(err)))
			return
		}
		if o, ok := value.(object); ok {
			value = o.any()
		}
		resolve.Invoke(value)
	}()
	return nil
}

// call carries out one call of protocol.ts. The worker has checked the types
// of args.
func (c *core) call(ctx context.Context, method string, args js.Value) (any, error) {
	if method == "start" {
		return c.start(ctx, args.Index(0))
	}
	c.mu.Lock()
	e := c.engine
	c.mu.Unlock()
	if e == nil {
		return nil, errNotStarted
	}
	text := func(i int) string { return textOf(args.Index(i)) }
	number := func(i int) int { return numberOf(args.Index(i)) }
	switch method {
	case "open":
		options, err := openOptions(args.Index(0))
		if err != nil {
			return nil, err
		}
		return e.Open(ctx, options)
	case "sendText":
		salt, err := saltOf(args.Index(2))
		if err != nil {
			return nil, err
		}
		return e.SendTextOnce(ctx, text(0), salt, text(1), text(3))
	case "sendFile":
		info, err := fileInfo(args.Index(2))
		if err != nil {
			return nil, err
		}
		salt, err := saltOf(args.Index(3))
		if err != nil {
			return nil, err
		}
		return e.SendFileOnce(ctx, text(0), salt, info, newFileReader(c.host, args.Index(1)))
	case "retry":
		return nil, e.Retry(ctx, text(0))
	case "cancel":
		return nil, e.Cancel(ctx, text(0))
	case "recall":
		return nil, e.Recall(ctx, text(0), uint8(number(1)))
	case "lines":
		lines, err := e.Lines(ctx, text(0), uint64(number(1)), number(2))
		return list(lines, lineOf), err
	case "openFile":
		return openFile(ctx, e, text(0), args.Index(1))
	case "markRead":
		return nil, e.MarkRead(ctx, text(0), uint64(number(1)))
	case "setTyping":
		return nil, e.SetTyping(ctx, text(0), args.Index(1).Truthy())
	case "saveDraft":
		return nil, e.SaveDraft(ctx, text(0), text(1))
	case "safetyCode":
		return e.SafetyCode(ctx, text(0), text(1))
	case "leaves":
		leaves, err := e.Leaves(ctx, text(0))
		return list(leaves, func(l device.Leaf) object {
			return object{"person": l.Person, "device": l.Device, "role": l.Role, "key": l.Key}
		}), err
	case "certificates":
		path := conversationPath(text(0)) + "/certificates?limit=200&person=" + segment(text(1)) + "&cursor=" + segment(text(2))
		return pass(ctx, e, hub{c.host}, "GET", path, js.Null())
	case "act":
		return nil, e.ActFor(ctx, text(0), text(1), text(2))
	case "agree":
		receipts, err := receiptsOf(args.Index(1))
		if err != nil {
			return nil, err
		}
		return nil, e.Agree(ctx, text(0), receipts)
	case "agreements":
		return agreements(ctx, e)
	case "sightings":
		return sightings(ctx, e, text(0))
	case "devices":
		return devices(ctx, e, hub{c.host}, text(0), text(1))
	case "takeBack":
		return nil, e.TakeBack(ctx, text(0))
	case "rate":
		return nil, e.Rate(ctx, text(0), number(1))
	case "identify":
		return identify(ctx, e, hub{c.host}, text(0), args.Index(1))
	case "introduce":
		key, err := fromArray(args.Index(0))
		if err != nil {
			return nil, err
		}
		signature, err := e.Introduce(key)
		if err != nil {
			return nil, err
		}
		return toArray(signature), nil
	case "comeBack":
		return comeBack(ctx, e, hub{c.host}, args.Index(0))
	case "list":
		page, err := e.List(ctx, text(0), text(1))
		if err != nil {
			return nil, err
		}
		return object{"conversations": list(page.Conversations, conversationOf), "total": page.Total}.with("next", page.Next), nil
	case "forget":
		return nil, e.Forget(ctx)
	case "reconnect":
		e.Reconnect()
		return nil, nil
	default:
		return nil, errNoMethod
	}
}

func (c *core) start(ctx context.Context, options js.Value) (any, error) {
	s, err := newSigner(c.host)
	if err != nil {
		return nil, err
	}
	e, err := device.New(device.Config{
		Store:    store{c.host},
		Hub:      hub{c.host},
		Signer:   s,
		Listener: func(event device.Event) { c.host.Call("emit", map[string]any(eventOf(event))) },
	})
	if err != nil {
		return nil, err
	}
	authority, err := base64.StdEncoding.DecodeString(textOf(options.Get("authority")))
	if err != nil {
		return nil, err
	}
	started, err := e.Start(ctx, device.StartOptions{
		Surface:    textOf(options.Get("surface")),
		Practice:   textOf(options.Get("practice")),
		DeviceName: textOf(options.Get("deviceName")),
		Authority:  authority,
	})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.engine = e
	c.mu.Unlock()
	return object{"conversations": list(started.Conversations, conversationOf)}.with("me", started.Me), nil
}

// identify passes one step of showing who the patient is on to the hub.
func identify(ctx context.Context, e *device.Engine, h hub, step string, body js.Value) (any, error) {
	if step == "" {
		return pass(ctx, e, h, "GET", "/v1/verification", body)
	}
	return pass(ctx, e, h, "POST", "/v1/verification/"+step, body)
}

// devices passes a question about what speaks for the person, or about the log
// that says so, on to the hub.
func devices(ctx context.Context, e *device.Engine, h hub, ask, query string) (any, error) {
	switch ask {
	case "":
		return pass(ctx, e, h, "GET", "/v1/devices", js.Null())
	case "seen":
		return pass(ctx, e, h, "POST", "/v1/devices/seen", js.Null())
	}
	if proof, ok := strings.CutPrefix(ask, "log/"); ok {
		return pass(ctx, e, h, "GET", "/v1/audit/"+proof+"?"+query, js.Null())
	}
	return pass(ctx, e, h, "GET", "/v1/devices/"+ask+"?"+query, js.Null())
}

// pass makes a call of the hub for the page, as this device. What the hub
// refuses is an answer, not a failure: the page says what to do.
func pass(ctx context.Context, e *device.Engine, h hub, method, path string, body js.Value) (any, error) {
	var value js.Value
	err := e.Do(ctx, func(ctx context.Context) (err error) {
		value, err = settleOrStop(ctx, h.host.Call("call", method, path, body))
		return err
	})
	return answered(value, err, api.CodeUnauthenticated)
}

// answered makes what the hub refuses an answer, all but one code.
func answered(value js.Value, err error, but api.Code) (any, error) {
	var refused *api.Problem
	switch {
	case err == nil:
		return object{"answer": value}, nil
	case errors.As(err, &refused) && refused.Code != but:
		return object{"refused": string(refused.Code)}, nil
	}
	return nil, err
}

// comeBack makes the device one of the patient's whose passkey answered, or
// raises it if it is theirs.
func comeBack(ctx context.Context, e *device.Engine, h hub, assertion js.Value) (any, error) {
	if e.Registered() {
		body := js.Global().Get("Object").New()
		body.Set("passkey", assertion)
		return identify(ctx, e, h, "passkey", body)
	}
	var a api.PasskeyAssertion
	if err := decode(assertion, &a); err != nil {
		return nil, err
	}
	return answered(js.Null(), e.ComeBack(ctx, a), "")
}

func openOptions(o js.Value) (device.OpenOptions, error) {
	receipts, err := receiptsOf(o.Get("consents"))
	if err != nil {
		return device.OpenOptions{}, err
	}
	if len(receipts) == 0 {
		return device.OpenOptions{}, errNoConsent
	}
	options := device.OpenOptions{
		ID:          textOf(o.Get("id")),
		Queue:       textOf(o.Get("queue")),
		Language:    textOf(o.Get("language")),
		Name:        textOf(o.Get("name")),
		LeftMessage: o.Get("leftMessage").Truthy(),
		Consent:     receipts[0], MoreConsents: receipts[1:],
	}
	if i := o.Get("invitation"); !i.IsUndefined() {
		options.Invitation = &api.UseInvitation{Token: textOf(i.Get("token")), Holder: textOf(i.Get("holder"))}
	}
	if other := o.Get("writesFor"); !other.IsUndefined() {
		options.For = &api.WritingFor{Kind: textOf(other.Get("kind")), Age: textOf(other.Get("age"))}
	}
	return options, nil
}

// receiptsOf reads what the person agreed to. The engine adds when, and signs.
func receiptsOf(given js.Value) ([]api.ConsentReceipt, error) {
	var receipts []api.ConsentReceipt
	for i := range given.Length() {
		o := given.Index(i)
		sha256, err := fromArray(o.Get("sha256"))
		if err != nil {
			return nil, err
		}
		receipts = append(receipts, api.ConsentReceipt{
			Form: textOf(o.Get("form")), Kind: textOf(o.Get("kind")), Version: numberOf(o.Get("version")),
			Language: textOf(o.Get("language")), SHA256: sha256,
		})
	}
	return receipts, nil
}

// agreements are the person's own, as the hub's API tells them.
func agreements(ctx context.Context, e *device.Engine) (any, error) {
	all, err := e.Agreements(ctx)
	if err != nil {
		return nil, err
	}
	return object{
		"agreements": list(all.Agreements, func(a api.Agreement) object {
			return object{
				"id": a.ID, "form": a.Form, "kind": a.Kind, "version": a.Version, "language": a.Language, "sha256": toArray(a.SHA256),
				"method": a.Method, "at": a.ReceivedAt, "sequence": int(a.Sequence), "signature": toArray(a.Signature), "device": a.Device,
				"person": a.Person, "conversation": a.Conversation, "deviceAt": a.At, "withdrawnAt": a.WithdrawnAt, "current": a.Current,
			}
		}),
		"offered": list(all.Offered, func(f api.FormHead) object {
			return object{"form": f.ID, "kind": f.Kind, "version": f.Version}
		}),
	}, nil
}

// sightings are who saw the person's messages, as the hub's API tells them.
func sightings(ctx context.Context, e *device.Engine, cursor string) (any, error) {
	page, err := e.Sightings(ctx, cursor)
	if err != nil {
		return nil, err
	}
	return object{
		"sightings": list(page.Sightings, func(s api.Sighting) object {
			return object{"at": s.At, "since": s.Since, "times": s.Times, "way": s.Way, "role": s.Role, "name": s.Name, "own": s.Own}
		}),
	}.with("next", page.Next), nil
}

func fileInfo(o js.Value) (info device.FileInfo, err error) {
	info = device.FileInfo{
		Name:      textOf(o.Get("name")),
		MediaType: textOf(o.Get("mediaType")),
		Size:      int64(numberOf(o.Get("size"))),
		Width:     numberOf(o.Get("width")),
		Height:    numberOf(o.Get("height")),
	}
	if preview := o.Get("preview"); !preview.IsUndefined() {
		info.Preview, err = fromArray(preview)
	}
	return info, err
}

// openFile collects what the engine has checked, in pieces, from which the
// worker makes one Blob. It calls progress with how much is here, 0 to 1.
func openFile(ctx context.Context, e *device.Engine, message string, progress js.Value) (any, error) {
	w := chunkWriter{js.Global().Get("Array").New()}
	info, err := e.OpenFile(ctx, message, w, func(done, total int64) {
		progress.Invoke(float64(done) / float64(max(total, 1)))
	})
	if err != nil {
		return nil, err
	}
	return object{"chunks": w.chunks, "mediaType": info.MediaType}, nil
}

type chunkWriter struct{ chunks js.Value }

func (w chunkWriter) Write(p []byte) (int, error) {
	w.chunks.Call("push", toArray(p))
	return len(p), nil
}

// A fileReader reads a Blob of the page, a good part at a time: every read
// crosses to the browser and back.
type fileReader struct {
	host, file js.Value
	offset     int
	size       int
	buffer     []byte
}

const readAhead = 256 << 10

func newFileReader(host, file js.Value) *fileReader {
	return &fileReader{host: host, file: file, size: numberOf(file.Get("size"))}
}

func (r *fileReader) Read(p []byte) (int, error) {
	if len(r.buffer) == 0 {
		if r.offset >= r.size {
			return 0, io.EOF
		}
		value, err := settle(r.host.Call("readFile", r.file, r.offset, readAhead))
		if err != nil {
			return 0, err
		}
		if r.buffer, err = fromArray(value); err != nil {
			return 0, err
		}
		if len(r.buffer) == 0 {
			return 0, io.ErrUnexpectedEOF // the file has changed under us
		}
		r.offset += len(r.buffer)
	}
	n := copy(p, r.buffer)
	r.buffer = r.buffer[n:]
	return n, nil
}

// saltOf reads the name that the page gave a message, hexadecimal.
func saltOf(name js.Value) ([]byte, error) {
	if name.IsUndefined() { // the page of a release before names
		return device.NewSalt(), nil
	}
	salt, err := hex.DecodeString(textOf(name))
	if err == nil && len(salt) != content.SaltSize {
		err = errNoName
	}
	return salt, err
}

// textOf returns a string, or "" for anything else.
func textOf(v js.Value) string {
	if v.Type() != js.TypeString {
		return ""
	}
	return v.String()
}

// numberOf returns a number, or 0 for anything else.
func numberOf(v js.Value) int {
	if v.Type() != js.TypeNumber {
		return 0
	}
	return v.Int()
}
