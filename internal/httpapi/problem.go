package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/oidc"
)

// problemBase is what a problem's type begins with; the code follows. It is a
// name, and nobody needs to fetch it.
const problemBase = "https://sotto.health/problems/"

// problem is an api.Problem on its way out.
type problem struct {
	api.Problem
	retryAfter int // seconds; 0 if not said
	offset     int64
	hasOffset  bool
}

func (p *problem) Error() string  { return string(p.Code) }
func (p *problem) GetStatus() int { return p.Status }

// ContentType makes huma label it as RFC 9457 asks.
func (p *problem) ContentType(string) string { return "application/problem+json" }

// MarshalJSON writes the API's part alone.
func (p *problem) MarshalJSON() ([]byte, error) { return json.Marshal(p.Problem) }

// Schema is that of the API's part.
func (p *problem) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(typeOf[api.Problem](), true, "Problem")
}

// GetHeaders gives the headers that go with the problem.
func (p *problem) GetHeaders() http.Header {
	h := http.Header{}
	p.setHeaders(h)
	return h
}

func (p *problem) setHeaders(h http.Header) {
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	if p.hasOffset {
		h.Set("Upload-Offset", strconv.FormatInt(p.offset, 10))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
}

// reason is how a kind of refusal looks to a caller.
type reason struct {
	status int
	code   api.Code
	title  string
	hint   string
}

// reasons maps the errors that callers may know of. Order does not matter; an
// error matches one.
func reasons() []struct {
	err error
	reason
} {
	return []struct {
		err error
		reason
	}{
		{hub.ErrNotFound, reason{404, api.CodeNotFound, "Not found", ""}},
		{hub.ErrNotSignedIn, reason{401, api.CodeUnauthenticated, "Not signed in", "Check the name, the password and the code. If many have guessed at a name, a browser that was used before, a passkey or a recovery code still signs in, and so does a new link from an administrator."}},
		{hub.ErrUnauthenticated, reason{401, api.CodeUnauthenticated, "Not signed in", "Open a session, then try again."}},
		{hub.ErrLocked, reason{401, api.CodeLocked, "The session is locked", "Unlock it, then try again."}},
		{hub.ErrStepUp, reason{403, api.CodeStepUp, "Both factors are needed again", "Step up, then try again."}},
		{hub.ErrNoReason, reason{403, api.CodeNoReason, "A reason is needed", "Choose a reason, and say in ten characters or more why."}},
		{hub.ErrSayWhy, reason{403, api.CodeNoReason, "A reason is needed", "Others have this chat. Say why you go in, which comes before putting it back in line: reason is one of coaching, asked, complaint, absent, safety and other."}},
		{hub.ErrPasswordExpired, reason{403, api.CodePasswordExpired, "The password has expired", "Choose another first."}},
		{hub.ErrNetwork, reason{403, api.CodeNetwork, "Not from this network", "Ask the practice's administrator."}},
		{hub.ErrSSOOnly, reason{403, api.CodeSSOOnly, "Sign in with the practice's account", "Administrators can use a passkey."}},
		{hub.ErrSecondFactor, reason{403, api.CodeSecondFactor, "Two factors are needed", "The practice's sign-in must ask for a second factor and say so (acr or amr)."}},
		{hub.ErrNotLinked, reason{403, api.CodeNotLinked, "This account is nobody's here", "Ask the practice's administrator to link it."}},
		{hub.ErrNoRole, reason{403, api.CodeNoRole, "No role", "The account is in no group that has a role here. Ask the practice's administrator."}},
		{oidc.ErrUnavailable, reason{503, api.CodeProvider, "The practice's sign-in cannot be reached", "Try again. Administrators can use a passkey."}},
		{hub.ErrNotMatched, reason{403, api.CodeNotMatched, "That does not match", "Check it and try again, or call the practice."}},
		{hub.ErrContactFirst, reason{403, api.CodeContactFirst, "A contact is needed first", "Prove one by a code, or give a PIN of the practice's."}},
		{hub.ErrTriesSpent, reason{403, api.CodeTriesSpent, "Too many wrong tries", "Call the practice: its staff can help."}},
		{hub.ErrOtherPatient, reason{409, api.CodeOtherPatient, "That is another patient's", "This device is known as somebody else. With a passkey, or for another patient: remove the chats from this device first. At the portal: sign in with your own account. Staff can help."}},
		{hub.ErrUncertified, reason{409, api.CodeUncertified, "The practice has not confirmed this device yet", "Try again in a moment."}},
		{hub.ErrCodeSpent, reason{409, api.CodeCodeSpent, "This code cannot be used any more", "Have a new one sent."}},
		{hub.ErrLastFactor, reason{409, api.CodeLastFactor, "Nothing would be left to sign in with", "Add another first."}},
		{hub.ErrForbidden, reason{403, api.CodeForbidden, "Not allowed", ""}},
		{hub.ErrNotAMember, reason{403, api.CodeNotAMember, "This device is not in the conversation", "Wait for its welcome, or join again."}},
		{hub.ErrConsentMissing, reason{403, api.CodeConsentMissing, "Consent is missing", "Sign a receipt of the practice's present consent form."}},
		{hub.ErrConsentWithdrawn, reason{403, api.CodeConsentWithdrawn, "Consent was withdrawn", "Start a new conversation with a new consent."}},
		{hub.ErrConsentDue, reason{403, api.CodeConsentDue, "The consent form has changed", "Agree to the present form, then try again."}},
		{hub.ErrExportRuns, reason{409, api.CodeExportRuns, "An export of the log runs already", "Each reads the whole log. Wait until it has ended, or end it, then try again."}},
		{hub.ErrKeyReused, reason{422, api.CodeKeyReused, "The key stands for another request", "Choose a new Idempotency-Key."}},
		{hub.ErrKeyInUse, reason{409, api.CodeKeyInUse, "A request with this key is under way", "Try again in a moment, with the same key."}},
		{hub.ErrFormState, reason{409, api.CodeFormState, "Not in this state of the form", "Read the form again."}},
		{hub.ErrClosed, reason{409, api.CodeClosed, "The conversation is closed", "Reopen it, then try again."}},
		{hub.ErrConflict, reason{409, api.CodeConflict, "This id is used for something else", "Choose a new id."}},
		{hub.ErrExists, reason{409, api.CodeConflict, "This id is used for something else", "Choose a new id."}},
		{hub.ErrNoKeyPackage, reason{409, api.CodeNoKeyPackage, "No device of that person can be added now", "Try again once it has published key packages."}},
		{hub.ErrTooLarge, reason{413, api.CodeTooLarge, "Too large", "See the limits of the API's description."}},
		{hub.ErrFull, reason{507, api.CodeFull, "Storage is full", "Nothing was stored. Keep it and try again later."}},
		{hub.ErrUnavailable, reason{503, api.CodeUnavailable, "Not available now", "Try again in a moment."}},
		{errOrigin, reason{403, api.CodeForbidden, "Not allowed from this web page", ""}},
		{errMediaType, reason{415, api.CodeMalformed, "Wrong content type", "Send application/json."}},
		{errPatch, reason{415, api.CodeMalformed, "Wrong content type", "Send application/offset+octet-stream."}},
		{context.DeadlineExceeded, reason{503, api.CodeUnavailable, "Not available now", "Try again in a moment."}},
	}
}

// problemOf says what a caller may see of err, and is the only code that does.
// An error it does not know becomes a bare 500: its text may hold what must
// not leave.
func problemOf(ctx context.Context, err error) *problem {
	p := &problem{}
	var ready *problem
	var stale *hub.StaleEpochError
	var taken *hub.TakenError
	var offset *hub.OffsetError
	var rate *hub.RateError
	var bad *hub.MalformedError
	var weak *hub.WeakPasswordError
	var handshake *hub.HandshakeError
	var forbidden *hub.ForbiddenError
	var sso *oidc.RefusedError
	var unfinished *hub.UnfinishedError
	var made *hub.MadeError
	switch {
	case errors.As(err, &ready):
		p = ready
	case errors.As(err, &stale):
		p.set(reason{409, api.CodeStaleEpoch, "The group has moved on", "Process the frames up to head, then make this one again."})
		p.Epoch, p.Head = stale.Current, stale.Head
	case errors.As(err, &made):
		p.set(reason{409, api.CodeMadeAlready, "Made already", "The answer is not kept. Look for it, or make another under a new key. Id: " + made.Object + "."})
	case errors.As(err, &taken):
		p.set(reason{409, api.CodeTaken, "Somebody else took it first", ""})
		p.Person, p.Name = taken.Person, taken.Name
	case errors.As(err, &offset):
		p.set(reason{409, api.CodeOffset, "The upload continues elsewhere", "Continue at Upload-Offset."})
		p.offset, p.hasOffset = offset.Length, true
	case errors.As(err, &rate):
		p.set(reason{429, api.CodeRateLimited, "Too many calls", "Wait for Retry-After seconds."})
		p.retryAfter = int(math.Ceil(rate.RetryAfter.Seconds()))
	case errors.As(err, &bad):
		p.set(reason{422, api.CodeMalformed, "A field cannot be used", "Field: " + bad.Field + "."})
	case errors.As(err, &weak):
		p.set(reason{422, api.CodeWeakPassword, "The password is refused", string(weak.Fault)})
	case errors.As(err, &handshake):
		p.set(reason{422, api.CodeInvalidHandshake, "The handshake was refused", "Rule: " + handshake.Rule + "."})
	case errors.As(err, &sso):
		p.set(reason{403, api.CodeSSORefused, "The sign-in was refused", "Reason: " + string(sso.Reason) + ". Begin again."})
	case errors.As(err, &unfinished):
		p.set(reason{422, api.CodeFormUnfinished, "The form is not finished", unfinished.Says})
	case errors.As(err, &forbidden):
		p.set(reason{403, api.CodeForbidden, "Not allowed", forbidden.Says})
	default:
		p.set(known(err))
	}
	p.RequestID = callOf(ctx).id
	return p
}

func known(err error) reason {
	for _, k := range reasons() {
		if errors.Is(err, k.err) {
			return k.reason
		}
	}
	return reason{500, api.CodeInternal, "Something went wrong here", "Tell the operator the request id."}
}

func (p *problem) set(r reason) {
	p.Status, p.Code, p.Title, p.Hint = r.status, r.code, r.title, r.hint
	p.Type = problemBase + string(r.code)
}

// refuse writes err as a problem.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(r.Context(), err)
	s.noteRefusal(r.Context(), p, err)
	h := w.Header()
	p.setHeaders(h)
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_ = json.NewEncoder(w).Encode(p)
	}
}

// useProblems makes huma's own refusals (of a body that does not validate,
// say) problems like all others. Huma has one hook for the whole process; it
// is set once, to something that knows no server.
var useProblems = sync.OnceFunc(func() {
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError {
		return fromValidation(context.Background(), status, errs)
	}
	huma.NewErrorWithContext = func(c huma.Context, status int, _ string, errs ...error) huma.StatusError {
		ctx := context.Background()
		if c != nil {
			ctx = c.Context()
		}
		return fromValidation(ctx, status, errs)
	}
	huma.DefaultArrayNullable = false
})

// fromValidation makes a problem of huma's finding. The hint tells where the
// fault is, by the names of the API's description, and never what was there.
func fromValidation(ctx context.Context, status int, errs []error) *problem {
	p := &problem{}
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		p.set(reason{status, api.CodeMalformed, "The request cannot be used", "See the API's description."})
	case http.StatusRequestEntityTooLarge:
		p.set(reason{status, api.CodeTooLarge, "Too large", "See the limits of the API's description."})
	case http.StatusRequestTimeout:
		p.set(reason{status, api.CodeUnavailable, "The request came too slowly", "Try again."})
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		p.set(reason{status, api.CodeMalformed, "Wrong content type", "Send and accept application/json."})
	default:
		p.set(reason{http.StatusInternalServerError, api.CodeInternal, "Something went wrong here", "Tell the operator the request id."})
	}
	var where []string
	for _, err := range errs {
		var d huma.ErrorDetailer
		if errors.As(err, &d) {
			detail := d.ErrorDetail()
			at := fieldName(detail.Location)
			if detail.Message == validation.MsgUnexpectedProperty {
				at, _, _ = strings.Cut(at, ".") // its name is the caller's word
			}
			if at != "" && !slices.Contains(where, at) {
				where = append(where, at)
			}
		}
	}
	if len(where) > 0 {
		p.Hint = "Look at " + strings.Join(where[:min(len(where), 5)], ", ") + "."
	}
	p.RequestID = callOf(ctx).id
	return p
}

// fieldName returns a location's first two names, if they look like those of
// the description.
func fieldName(location string) string {
	parts := strings.Split(location, ".")
	if len(parts) > 2 {
		parts = parts[:2]
	}
	at := strings.Join(parts, ".")
	const names = "abcdefghijklmnopqrstuvwxyz0123456789_-.[]"
	if len(at) > 64 || strings.Trim(at, names) != "" {
		return parts[0]
	}
	return at
}
