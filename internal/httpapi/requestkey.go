package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sotto-health/sotto/internal/hub"
)

const requestKeyHeader = "Idempotency-Key"

// making registers a route by which a staff person makes something of the
// practice's under an id of the hub's. Under a key it is made once, and the
// answer of then is given again for a day.
func making[I, O any](s *Server, o huma.Operation, f func(context.Context, *hub.StaffCaller, *I) (*O, error)) {
	makes(s, o, true, staff, f)
}

// makingSecret is making for what is answered with a secret, which is not kept:
// who asks again learns that it was made.
func makingSecret[I, O any](s *Server, o huma.Operation, f func(context.Context, *hub.StaffCaller, *I) (*O, error)) {
	makes(s, o, false, staff, f)
}

func makes[I, O any](s *Server, o huma.Operation, keeps bool, register func(*Server, huma.Operation, func(context.Context, *hub.StaffCaller, *I) (*O, error)), f func(context.Context, *hub.StaffCaller, *I) (*O, error)) {
	words := "A name for this request, of the client's: 1 to 64 visible characters of US-ASCII. What is asked for again under it within 24 hours, by the same person with the same body, is made once. The answer of then is given again"
	if !keeps {
		words += ", or, as it holds a secret, 409 made-already with the id of what was made in the hint"
	}
	words += ". Without one, each request makes another."
	most := 64
	o.Parameters = append(o.Parameters, &huma.Param{Name: requestKeyHeader, In: "header", Description: words, Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &most}})
	for _, status := range []int{http.StatusConflict, http.StatusUnprocessableEntity} {
		if !slices.Contains(o.Errors, status) {
			o.Errors = append(o.Errors, status)
		}
	}
	slices.Sort(o.Errors)
	register(s, o, func(ctx context.Context, c *hub.StaffCaller, i *I) (*O, error) {
		key := callOf(ctx).key
		if key == "" {
			return f(ctx, c, i)
		}
		asked, err := json.Marshal(i)
		if err != nil {
			return nil, err
		}
		ctx, r, before, err := s.hub.Request(ctx, c, o.OperationID, key, asked)
		if err != nil {
			return nil, err
		}
		if before != "" {
			var reply *O
			return reply, json.Unmarshal([]byte(before), &reply)
		}
		reply, err := f(ctx, c, i)
		if err != nil {
			return nil, err
		}
		var answer []byte
		if keeps {
			if answer, err = json.Marshal(reply); err != nil {
				return nil, err
			}
		}
		s.hub.Answered(ctx, r, string(answer))
		return reply, nil
	})
}
