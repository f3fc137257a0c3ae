package audit

import (
	"context"
	"strings"
	"sync/atomic"
)

// accountPrefix tells an account of a machine from the id of a person, which
// has "_" after its first letter.
const accountPrefix = "os:"

// longestAccount is how much of each of the two names is kept. Two of 27 bytes,
// with what is between them, are an actor of [maxID].
const longestAccount = 27

// Account is the actor of a command: the account of the operating system that
// ran it and, where sudo says so, whose that account was before. It names an
// account of the machine and nobody of the practice, and it is what the machine
// says: who is root there can say anything.
func Account(name, before string) string {
	out := accountPrefix + legible(name, longestAccount)
	if before != "" {
		out += ",sudo=" + legible(before, longestAccount)
	}
	return out
}

// IsAccount reports whether an event's person is one that [Account] made.
func IsAccount(person string) bool { return strings.HasPrefix(person, accountPrefix) }

// NoAccount is the person of an event, or nobody if that is an [Account]: what
// the machine calls its operators is in the log, and in no report of a patient's.
func NoAccount(person string) string {
	if IsAccount(person) {
		return ""
	}
	return person
}

// A Command is one run of a program at a machine's command line.
type Command struct {
	Request string // id, of this run alone
	Account string // as [Account] makes it
	Machine string // the machine's name; empty is "local"

	named atomic.Bool
}

// local is where a command was run on a machine that has no name.
const local = "local"

// WithCommand returns a context whose events say that they are the command's,
// and whose events of an [Operator] say whose account ran it.
func WithCommand(ctx context.Context, c *Command) context.Context {
	machine := c.Machine
	if machine == "" {
		machine = local
	}
	return WithRequest(ctx, Request{ID: c.Request, Address: machine, command: c})
}

// Named reports whether an event was made that has the command's request id.
func (c *Command) Named() bool { return c.named.Load() }

// actor is who acts: an operator by their account.
func (r *Request) actor(who Actor) Actor {
	if r.command == nil {
		return who
	}
	r.command.named.Store(true)
	if who.Role == Operator && who.Person == "" {
		who.Person = r.command.Account
	}
	return who
}
