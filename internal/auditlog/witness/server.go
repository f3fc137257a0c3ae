package witness

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/durable"
)

// A Config sets up a [Server].
type Config struct {
	Signer *auditlog.Witness
	// Folder is where the last checkpoint signed of each log is kept. Who loses
	// it must take a new key: it no longer knows what it has signed.
	Folder string
	// Logs are the public keys of the logs to witness.
	Logs []string
	// Now tells the time. Nil means time.Now.
	Now func() time.Time
}

// A Server is a witness (C2SP tlog-witness). One process serves a folder.
type Server struct {
	config Config
	logs   map[string]string // keys by origin

	mu sync.Mutex // held from looking at what was signed until more is
}

// NewServer returns a witness of some logs.
func NewServer(c Config) (*Server, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Server{config: c, logs: make(map[string]string)}
	for _, key := range c.Logs {
		key = strings.TrimSpace(key)
		origin, err := auditlog.KeyName(key)
		if err != nil {
			return nil, err
		}
		if before, is := s.logs[origin]; is && before != key {
			return nil, fmt.Errorf("there are two keys of the log %s", origin)
		}
		s.logs[origin] = key
	}
	return s, durable.MakeFolder(c.Folder, 0o700)
}

// ServeHTTP serves POST /add-checkpoint.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/add-checkpoint" {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "post a checkpoint", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBytes))
	if err != nil {
		http.Error(w, "too long", http.StatusRequestEntityTooLarge)
		return
	}
	status, kind, answer := s.answer(body)
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(answer) // who asked may be gone
}

const plain = "text/plain; charset=utf-8"

func refuse(status int, why string) (int, string, []byte) { return status, plain, []byte(why + "\n") }

func (s *Server) answer(body []byte) (status int, kind string, answer []byte) {
	r, err := parseRequest(body)
	if err != nil {
		return refuse(http.StatusBadRequest, "this is no request to a witness")
	}
	unsigned, err := auditlog.ReadUnsigned(r.checkpoint)
	if err != nil {
		return refuse(http.StatusBadRequest, "this is no checkpoint")
	}
	key, known := s.logs[unsigned.Origin]
	if !known {
		return refuse(http.StatusNotFound, "this log is not witnessed here")
	}
	c, err := auditlog.OpenCheckpoint(r.checkpoint, key)
	if errors.Is(err, auditlog.ErrExtended) {
		return refuse(http.StatusBadRequest, "checkpoints with extension lines are not signed here")
	} else if err != nil {
		return refuse(http.StatusForbidden, "the checkpoint is not signed by the log's key")
	}
	if r.old > c.Size {
		return refuse(http.StatusBadRequest, "the old size is beyond the checkpoint's")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last, err := s.last(key, c.Origin)
	if err != nil {
		return refuse(http.StatusInternalServerError, "what was signed before cannot be read")
	}
	if last.Size != r.old || last.Size == c.Size && last.Size > 0 && last.Root != c.Root {
		return http.StatusConflict, "text/x.tlog.size", fmt.Appendf(nil, "%d\n", last.Size)
	}
	if !grown(last, c, r.proof) {
		return refuse(http.StatusUnprocessableEntity, "the proof does not hold")
	}
	if err := durable.WriteFile(s.path(c.Origin), r.checkpoint, 0o600); err != nil {
		return refuse(http.StatusInternalServerError, "what is signed cannot be kept")
	}
	return http.StatusOK, plain, s.config.Signer.Cosign(c, uint64(s.config.Now().Unix())) //nolint:gosec // after 1970
}

// grown reports whether now is last or has grown from it, by the proof.
func grown(last, now auditlog.Checkpoint, proof []auditlog.Hash) bool {
	switch {
	case last.Size == now.Size && last.Size > 0:
		return len(proof) == 0 // the same root, as was seen
	case now.Size == 0:
		empty, err := auditlog.Root(0, nil)
		return err == nil && now.Root == empty && len(proof) == 0
	case last.Size == 0:
		return len(proof) == 0
	}
	return auditlog.CheckGrowth(proof, now.Size, now.Root, last.Size, last.Root) == nil
}

// last is what was signed last of a log; of size 0 if nothing was.
func (s *Server) last(key, origin string) (c auditlog.Checkpoint, err error) {
	signed, err := os.ReadFile(s.path(origin))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	} else if err != nil {
		return c, err
	}
	return auditlog.OpenCheckpoint(signed, key)
}

// path has no part of the origin that could be a path's.
func (s *Server) path(origin string) string {
	return filepath.Join(s.config.Folder, fmt.Sprintf("%x.checkpoint", origin))
}
