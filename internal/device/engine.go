package device

import (
	"context"
	"errors"
	"io"
)

// An Engine is one member's device.
type Engine struct{}

var errNotYet = errors.New("device: not built yet")

// New returns an engine that has not started.
func New(cfg Config) (*Engine, error) { return nil, errNotYet }

func (e *Engine) Start(ctx context.Context, options StartOptions) (*Started, error) {
	return nil, errNotYet
}
func (e *Engine) Close()                        {}
func (e *Engine) SetListener(listener Listener) {}
func (e *Engine) Open(ctx context.Context, options OpenOptions) (string, error) {
	return "", errNotYet
}
func (e *Engine) SendText(ctx context.Context, conversation, text string) (string, error) {
	return "", errNotYet
}
func (e *Engine) SendFile(ctx context.Context, conversation string, info FileInfo, file io.Reader) (string, error) {
	return "", errNotYet
}
func (e *Engine) Retry(ctx context.Context, message string) error  { return errNotYet }
func (e *Engine) Cancel(ctx context.Context, message string) error { return errNotYet }
func (e *Engine) Lines(ctx context.Context, conversation string, before uint64, limit int) ([]Line, error) {
	return nil, errNotYet
}
func (e *Engine) OpenFile(ctx context.Context, message string, w io.Writer, progress func(done, total int64)) (*FileInfo, error) {
	return nil, errNotYet
}
func (e *Engine) MarkRead(ctx context.Context, conversation string, position uint64) error {
	return errNotYet
}
func (e *Engine) SetTyping(ctx context.Context, conversation string, typing bool) error {
	return errNotYet
}
func (e *Engine) SaveDraft(ctx context.Context, conversation, text string) error { return errNotYet }
func (e *Engine) SafetyCode(ctx context.Context, conversation, person string) (string, error) {
	return "", errNotYet
}
func (e *Engine) Act(ctx context.Context, conversation, act string) error { return errNotYet }
func (e *Engine) List(ctx context.Context, box, cursor string) (*ListPage, error) {
	return nil, errNotYet
}
func (e *Engine) Forget(ctx context.Context) error { return errNotYet }
func (e *Engine) Reconnect()                       {}
