package host

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"os/user"
	"strconv"

	"github.com/sotto-health/sotto/internal/audit"
)

// AtConsole returns a context for one run of a program at this machine's
// command line, and what the audit log says of it: a request id of its own, the
// machine's name, and the account that the operating system runs it as. Under
// sudo, SUDO_USER says whose it was before.
func AtConsole(ctx context.Context) (context.Context, *audit.Command) {
	var id [10]byte
	_, _ = rand.Read(id[:])     // never fails (crypto/rand)
	machine, _ := os.Hostname() // without one it is "local"
	c := &audit.Command{Request: hex.EncodeToString(id[:]), Account: audit.Account(account(), os.Getenv("SUDO_USER")), Machine: machine}
	return audit.WithCommand(ctx, c), c
}

// account is the name of the account that this runs as, or its number where it
// has none, as in a container.
func account() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid=" + strconv.Itoa(os.Getuid())
}
