package host

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"

	"github.com/sotto-health/sotto/internal/hubclient"
	"github.com/sotto-health/sotto/internal/installation"
	"github.com/sotto-health/sotto/mls/delivery"
)

// fileBegins looks at how a file of SQLite begins: a plain one with 16 bytes that
// are always the same (https://www.sqlite.org/fileformat2.html, section 1.3).
func fileBegins(path string) string {
	plain, begins := []byte("SQLite format 3\x00"), make([]byte, 16)
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // it was only read
	switch _, err := io.ReadFull(f, begins); {
	case err != nil:
		return ""
	case bytes.Equal(begins, plain):
		return installation.FilePlain
	}
	return installation.FileSealed
}

// inspectSuites looks at which cipher suite the server offers to new
// conversations, and which the groups of those that are not closed have.
func (h *OpenHub) inspectSuites(ctx context.Context, s *installation.Server, p *installation.Practice) error {
	if s != nil && s.Answers {
		p.Offered = offered(ctx, s, p.Slug)
	}
	heads, err := h.store.OpenGroupHeads(ctx, p.ID, delivery.StateHead)
	if err != nil {
		return err
	}
	p.Groups = []installation.SuiteUse{}
	for head, n := range heads {
		id, err := delivery.SuiteOf([]byte(head))
		if err != nil {
			id = 0 // not told: it is not one that is allowed
		}
		i := slices.IndexFunc(p.Groups, func(u installation.SuiteUse) bool { return u.Suite == uint16(id) })
		if i < 0 {
			p.Groups, i = append(p.Groups, installation.SuiteUse{Suite: uint16(id)}), len(p.Groups)
		}
		p.Groups[i].Conversations += n
	}
	slices.SortFunc(p.Groups, func(a, b installation.SuiteUse) int { return int(a.Suite) - int(b.Suite) })
	return nil
}

// offered asks the server as a patient's browser does; 0 if it does not say.
func offered(ctx context.Context, s *installation.Server, slug string) uint16 {
	client, base := asker(s)
	server, err := hubclient.New(base, hubclient.Config{HTTP: client})
	if err != nil {
		return 0
	}
	said, err := server.Practice(ctx, slug)
	if err != nil {
		return 0
	}
	return said.Suite
}
