package hub

import (
	"context"
	"errors"
	"strings"
)

// This file is how a monitor of a practice's log, on a machine of its own, gets
// at the signed heads of it: by a token that is good for nothing else.

// watchToken is what a monitor's token begins with.
const watchToken = "watch_"

// IsWatchToken reports whether a token is one of a monitor's, by its look.
func IsWatchToken(token string) bool { return strings.HasPrefix(token, watchToken) }

// NewWatchToken makes a token for a monitor of the practice's log, as
// [Hub.NewDirectoryToken] does for its directory.
func (h *Hub) NewWatchToken(ctx context.Context, practice, name string, days int) (token string, made DirectoryToken, err error) {
	return h.newProgramToken(ctx, practice, ForWatch, name, days)
}

// AuthenticateWatch checks a monitor's token, counts the call and returns whose
// log it may follow.
func (h *Hub) AuthenticateWatch(ctx context.Context, token string) (practice string, err error) {
	if len(token) > 128 {
		return "", ErrUnauthenticated
	}
	t, err := h.programToken(ctx, token, ForWatch)
	if errors.Is(err, ErrNotFound) {
		return "", h.refusedProgram(ctx, ForWatch)
	} else if err != nil {
		return "", at("load the monitor's token", err)
	}
	return t.Practice, h.rates.allow("watch", t.ID, h.limits.Directory)
}

// programToken returns one that has not expired and is for that purpose.
func (h *Hub) programToken(ctx context.Context, token, purpose string) (DirectoryToken, error) {
	t, err := h.store.DirectoryToken(ctx, hashProgramToken(token, purpose), h.millis())
	if err == nil && t.Purpose != purpose {
		return DirectoryToken{}, ErrNotFound
	}
	return t, err
}

// hashProgramToken is what the store knows of a token. A monitor's is hashed
// apart, so that a hub of before there were any, which runs beside this one on
// the same database while it is replaced, finds none and takes none for a
// directory's.
func hashProgramToken(token, purpose string) [32]byte {
	if purpose == ForWatch {
		token = "sotto watch token v1\x00" + token
	}
	return hashToken(token)
}
