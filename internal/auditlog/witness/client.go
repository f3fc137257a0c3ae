package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
)

// Errors of [Client.Ask].
var (
	// ErrAway says that a witness does not answer, or not as witnesses do.
	ErrAway = errors.New("witness: it does not answer")
	// ErrRefuses says that a witness does not know the log, or not its key.
	ErrRefuses = errors.New("witness: it does not know this log's key")
	// ErrSignature says that what a witness sent is not its signature.
	ErrSignature = errors.New("witness: what it sent is not its signature of this checkpoint")
)

// A ContradictionError says that a witness has signed another history: the log
// was rewritten, or an older copy of it was put back.
type ContradictionError struct {
	Size int64 // of this log
	Seen int64 // that the witness has signed
}

func (e *ContradictionError) Error() string {
	if e.Seen > e.Size {
		return fmt.Sprintf("witness: it has signed %d entries and the log has %d: an older copy of the log was put back, or its end was cut off", e.Seen, e.Size)
	}
	return fmt.Sprintf("witness: it has signed %d entries that are not the log's first: the log forked", e.Seen)
}

// A Client asks witnesses. Its zero value is ready for use.
type Client struct {
	// HTTP is used for the calls. Nil means one that waits 10 s and follows no
	// redirect.
	HTTP *http.Client
}

var usual = &http.Client{
	Timeout:       10 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// A Cosignature is what a witness has signed.
type Cosignature struct {
	Line []byte    // of the signed note
	At   time.Time // when, by the witness's clock
}

// Ask asks a witness to sign a checkpoint. seen is the size of what it signed
// last, 0 if that is not known; prove returns the proof that the checkpoint's
// log begins with the one of an earlier size.
func (c *Client) Ask(ctx context.Context, p Party, signed []byte, seen int64, prove func(earlier int64) ([]auditlog.Hash, error)) (Cosignature, error) {
	head, err := auditlog.ReadUnsigned(signed)
	if err != nil {
		return Cosignature{}, err
	}
	for range 3 { // another hub of the same log may be at it too
		if seen > head.Size {
			return Cosignature{}, &ContradictionError{Size: head.Size, Seen: seen}
		}
		r := request{old: seen, checkpoint: signed}
		if seen > 0 && seen < head.Size {
			if r.proof, err = prove(seen); err != nil {
				return Cosignature{}, err
			}
		}
		status, body, err := c.post(ctx, p.URL+"/add-checkpoint", r.format())
		switch {
		case err != nil:
			return Cosignature{}, err
		case status == http.StatusOK:
			line, at, err := auditlog.FindCosignature(signed, body, p.Key)
			if err != nil {
				return Cosignature{}, ErrSignature
			}
			return Cosignature{line, at}, nil
		case status == http.StatusNotFound, status == http.StatusForbidden:
			return Cosignature{}, ErrRefuses
		case status == http.StatusUnprocessableEntity:
			return Cosignature{}, &ContradictionError{Size: head.Size, Seen: seen}
		case status != http.StatusConflict:
			return Cosignature{}, ErrAway
		}
		now, err := parseSize(strings.TrimSuffix(string(body), "\n"))
		switch {
		case err != nil:
			return Cosignature{}, ErrAway
		case now == seen: // the same size, and another root
			return Cosignature{}, &ContradictionError{Size: head.Size, Seen: seen}
		}
		seen = now
	}
	return Cosignature{}, ErrAway
}

func (c *Client) post(ctx context.Context, address string, body []byte) (status int, answer []byte, err error) {
	client := c.HTTP
	if client == nil {
		client = usual
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, ErrAway
	}
	r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	response, err := client.Do(r)
	if err != nil {
		return 0, nil, ErrAway // its text has the address
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	answer, err = io.ReadAll(io.LimitReader(response.Body, mostBytes))
	if err != nil {
		return 0, nil, ErrAway
	}
	return response.StatusCode, answer, nil
}
