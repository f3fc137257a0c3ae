package durable

import (
	"context"
	"io"
)

// Reader returns what r gives until ctx ends, and then ctx's error: so a long
// copy to disk stops, and what is half there is none.
func Reader(ctx context.Context, r io.Reader) io.Reader { return &reader{ctx, r} }

type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
