package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	callTimeout = 20 * time.Second
	mostAnswer  = 64 << 10
	// longestWait bounds what a receiver may ask to wait.
	longestWait = time.Hour
)

// An otlpReceiver sends by one HTTP call at a time. The answer to a call is its
// acknowledgement.
type otlpReceiver struct {
	url           string
	header        http.Header // may hold secrets
	client        *http.Client
	version, host string
	now           func() time.Time

	room     int // less if the receiver says that calls are too large
	rejected int64
}

// Send implements [receiver].
func (r *otlpReceiver) Send(ctx context.Context, all []record) (arrived bool, err error) {
	body, err := otlpRequestOf(all, r.version, r.host, r.now())
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		return false, &problem{code: Away} // its text has the address
	}
	call.Header = r.header.Clone()
	call.Header.Set("Content-Type", "application/json")
	answer, err := r.client.Do(call)
	if err != nil {
		return false, unreached(err)
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	said, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	if err != nil {
		return false, &problem{code: Cut}
	}
	if answer.StatusCode/100 == 2 {
		r.room = min(r.room*2, batch)
		r.rejected += min(rejectedBy(said), int64(len(all)))
		return true, nil
	}
	return false, r.refused(answer, len(all))
}

// refused says what an answer that is no success means (OTLP, "Failures" and
// "Retryable Response Codes").
func (r *otlpReceiver) refused(answer *http.Response, sent int) *problem {
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return &problem{code: Busy, after: retryAfter(answer.Header.Get("Retry-After"), r.now())}
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return &problem{code: SignIn, lasting: true}
	case http.StatusRequestEntityTooLarge:
		r.room = max(sent/2, 1)
		return &problem{code: Refuses, large: sent > 1, lasting: sent <= 1}
	}
	return &problem{code: Refuses, lasting: true}
}

// rejectedBy is how many records the receiver says that it did not keep, though
// it took the call (OTLP, "Partial Success"). What it says of why may quote
// anything, and is not read.
func rejectedBy(answer []byte) int64 {
	var said struct {
		PartialSuccess struct {
			Rejected json.RawMessage `json:"rejectedLogRecords"` // a string, or with some a number
		} `json:"partialSuccess"`
	}
	if json.Unmarshal(answer, &said) != nil {
		return 0
	}
	n, err := strconv.ParseInt(string(bytes.Trim(said.PartialSuccess.Rejected, `"`)), 10, 64)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// retryAfter is how long a receiver asks to wait (RFC 9110, section 10.2.3).
func retryAfter(s string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(s, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, longestWait) //nolint:gosec // 32 bits fit
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, min(at.Sub(now), longestWait))
	}
	return 0
}

// Settle implements [receiver].
func (r *otlpReceiver) Settle(context.Context) (rejected int64, err error) {
	rejected, r.rejected = r.rejected, 0
	return rejected, nil
}

// Room implements [receiver].
func (r *otlpReceiver) Room() int { return r.room }

// Reset implements [receiver].
func (r *otlpReceiver) Reset() {
	r.rejected = 0
	r.client.CloseIdleConnections()
}
