package certificate

import (
	"fmt"

	"github.com/sotto-health/sotto/internal/vector"
)

// A Card is a staff person's or service's name as the practice vouches for it.
// It travels inside conversations only.
type Card struct {
	Practice  string
	Person    string
	Name      string
	Title     string
	Role      string
	IssuedAt  int64 // Unix seconds
	Signature []byte
}

// Signed returns the bytes that the authority signs.
func (c *Card) Signed() []byte { return c.body(vector.AppendString(nil, cardLabel)) }

// Marshal returns c's encoding.
func (c *Card) Marshal() []byte { return vector.Append(c.body(nil), c.Signature) }

func (c *Card) body(b []byte) []byte {
	b = append(b, 1) // version
	b = vector.AppendString(b, c.Practice)
	b = vector.AppendString(b, c.Person)
	b = vector.AppendString(b, c.Name)
	b = vector.AppendString(b, c.Title)
	b = vector.AppendString(b, c.Role)
	return vector.AppendInt(b, c.IssuedAt)
}

// ParseCard reads a name card without checking its signature. Its errors match
// [ErrMalformed].
func ParseCard(b []byte) (*Card, error) {
	r := vector.NewReader(b)
	version := r.Uint8()
	c := &Card{
		Practice: r.String(maxID), Person: r.String(maxID), Name: r.String(maxName),
		Title: r.String(maxName), Role: r.String(maxID), IssuedAt: r.Int(), Signature: r.Vector(maxSignature),
	}
	if err := r.Finish(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if version != 1 {
		return nil, fmt.Errorf("%w: version %d", ErrMalformed, version)
	}
	return c, nil
}

// VerifyCard reads a name card and checks that the authority issued it to
// person of this practice.
func (v *Verifier) VerifyCard(b []byte, person string) (*Card, error) {
	c, err := ParseCard(b)
	if err != nil {
		return nil, err
	}
	if !v.signed(c.Signed(), c.Signature) {
		return nil, ErrForged
	}
	if c.Practice != v.practice {
		return nil, ErrPractice
	}
	if c.Person != person {
		return nil, ErrKey
	}
	return c, nil
}
