package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/sotto-health/sotto/internal/hub"
)

const formColumns = `SELECT practice, form, version, kind, state, published_at, declined, texts, record FROM consent_form `

func scanForm(row scanner) (f hub.ConsentForm, err error) {
	var texts, record string
	if err := row.Scan(&f.Practice, &f.Form, &f.Version, &f.Kind, &f.State, &f.PublishedAt, &f.Declined, &texts, &record); err != nil {
		return f, err
	}
	if json.Unmarshal([]byte(texts), &f.Texts) != nil || json.Unmarshal([]byte(record), &f.FormRecord) != nil {
		return f, errors.New("a consent form of practice " + f.Practice + " is damaged")
	}
	return f, nil
}

// ConsentForms implements [hub.Consents].
func (s *Store) ConsentForms(ctx context.Context, practice string) ([]hub.ConsentForm, error) {
	all, err := formsOf(ctx, s.reader(), practice)
	return all, s.translate(err)
}

func formsOf(ctx context.Context, q querier, practice string) ([]hub.ConsentForm, error) {
	return collect(ctx, q, scanForm, formColumns+`WHERE practice = $1 ORDER BY form, version`, practice)
}

// ChangeConsentForms implements [hub.Consents].
func (s *Store) ChangeConsentForms(ctx context.Context, practice string, change func(all []hub.ConsentForm) (hub.FormChange, error)) error {
	const lock = `SELECT id FROM practice WHERE id = $1`
	return s.write(ctx, practice, func(t *tx) error {
		if _, err := scanString(t.row(ctx, lock+s.dialect.Lock, practice)); err != nil {
			return err
		}
		all, err := formsOf(ctx, t, practice)
		if err != nil {
			return err
		}
		c, err := change(slices.Clone(all))
		if err != nil {
			return err
		}
		return s.storeForms(t, practice, all, c)
	})
}

// storeForms writes what has changed. What was ever published keeps its text.
func (s *Store) storeForms(t *tx, practice string, before []hub.ConsentForm, c hub.FormChange) error {
	const upsert = `
INSERT INTO consent_form (practice, form, version, kind, state, published_at, texts, record)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (practice, form, version) DO UPDATE SET kind = excluded.kind, state = excluded.state,
    published_at = excluded.published_at, texts = excluded.texts, record = excluded.record`
	for _, f := range c.Put {
		texts := document(f.Texts)
		i := slices.IndexFunc(before, func(b hub.ConsentForm) bool { return b.Form == f.Form && b.Version == f.Version })
		if i >= 0 && before[i].Fixed() && (document(before[i].Texts) != texts || before[i].Kind != f.Kind) {
			return fmt.Errorf("published consent form: %w", hub.ErrConflict)
		}
		if _, err := t.exec(upsert, practice, f.Form, f.Version, f.Kind, f.State, f.PublishedAt, texts, document(f.FormRecord)); err != nil {
			return err
		}
	}
	for _, d := range c.Due {
		if err := s.askAgain(t, practice, d); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) askAgain(t *tx, practice string, d hub.Due) error {
	of, queue := `c.queue = $2`, d.Queue
	if d.Queue == "" {
		of, queue = `NOT (`+s.dialect.in("c.queue", "$2")+`)`, document(append([]string{}, d.Others...))
	}
	minor := `c.for_minor = 0`
	if d.ForMinor {
		minor = `c.for_minor = 1`
	}
	where := ` WHERE c.practice = $1 AND ` + of + ` AND c.withdrawn_at = 0 AND ` + minor
	const later = ` AND (c.consent_due = 0 OR c.consent_due > $3)`
	if len(d.Needs) == 0 {
		_, err := t.exec(`UPDATE conversation AS c SET consent_due = $3`+where+later, practice, queue, d.At)
		return err
	}
	if _, err := t.exec(`UPDATE conversation AS c SET consent_due = 0`+where+` AND c.consent_due > 0 AND c.consent_due <= $3`, practice, queue, d.At); err != nil {
		return err
	}
	const lacks = ` AND NOT EXISTS (
    SELECT 1 FROM consent_receipt r
    WHERE r.practice = c.practice AND r.conversation = c.id AND r.form = $4 AND r.version = $5 AND r.withdrawn_at = 0
        AND r.received_at >= $6)`
	for _, n := range d.Needs {
		if _, err := t.exec(`UPDATE conversation AS c SET consent_due = $3`+where+later+lacks, practice, queue, d.At, n.Form, n.Version, n.Since); err != nil {
			return err
		}
	}
	return nil
}

// CountDeclined implements [hub.Consents].
func (s *Store) CountDeclined(ctx context.Context, practice, form string, version int) error {
	const count = `
UPDATE consent_form SET declined = declined + 1
WHERE practice = $1 AND form = $2 AND version = $3 AND state = 'published'`
	return s.write(ctx, practice, func(t *tx) error {
		return t.must(count, practice, form, version)
	})
}

const receiptColumns = `
SELECT practice, id, sequence, person, conversation, device, kind, form, version, language, sha256, method, at, signature,
    received_at, withdrawn_at FROM consent_receipt `

func scanReceipt(row scanner) (r hub.Receipt, err error) {
	err = row.Scan(&r.Practice, &r.ID, &r.Sequence, &r.Person, &r.Conversation, &r.Device, &r.Kind, &r.Form, &r.Version,
		&r.Language, &r.SHA256, &r.Method, &r.At, &r.Signature, &r.ReceivedAt, &r.WithdrawnAt)
	return r, err
}

// addReceipts stores new ones under the practice's next numbers.
func addReceipts(t *tx, practice string, rs []hub.Receipt) error {
	const number = `UPDATE practice SET receipts = receipts + $2 WHERE id = $1 RETURNING receipts`
	const insert = `
INSERT INTO consent_receipt (practice, id, name, sequence, person, conversation, device, kind, form, version, language, sha256,
    method, at, signature, received_at, withdrawn_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0)`
	var last int64
	if err := t.change(number, practice, len(rs)).Scan(&last); err != nil {
		return err
	}
	for i, r := range rs {
		_, err := t.exec(insert, practice, r.ID, r.Name(), last-int64(len(rs)-1-i), r.Person, r.Conversation, r.Device, r.Kind, r.Form,
			r.Version, r.Language, blob(r.SHA256), r.Method, r.At, blob(r.Signature), r.ReceivedAt)
		if err != nil {
			return err
		}
	}
	return nil
}

// receiptsIn lists what a person gave in a conversation.
func receiptsIn(t *tx, practice, conversation, person string) ([]hub.Receipt, error) {
	const query = receiptColumns + `WHERE practice = $1 AND conversation = $2 AND person = $3 ORDER BY sequence`
	return collect(t.ctx, t, scanReceipt, query, practice, conversation, person)
}

// AddReceipt implements [hub.Consents].
func (s *Store) AddReceipt(ctx context.Context, r hub.Receipt, settle hub.Settle) (stored hub.Receipt, err error) {
	const lock = `SELECT id FROM practice WHERE id = $1`
	const named = receiptColumns + `WHERE practice = $1 AND name = $2`
	const due = `UPDATE conversation SET consent_due = $3, revision = revision + 1 WHERE practice = $1 AND id = $2`
	err = s.write(ctx, r.Practice, func(t *tx) error {
		// The practice before the conversation, as whoever publishes does.
		if _, err := scanString(t.row(ctx, lock+s.dialect.Lock, r.Practice)); err != nil {
			return err
		}
		var v hub.Conversation
		if r.Conversation != "" {
			if v, err = scanConversation(t.row(ctx, oneConversation+s.dialect.Lock, r.Practice, r.Conversation)); err != nil {
				return err
			}
			if v.WithdrawnAt != 0 {
				return hub.ErrConsentWithdrawn
			}
		}
		before, err := collect(ctx, t, scanReceipt, named, r.Practice, r.Name())
		if err != nil {
			return err
		}
		if len(before) > 0 {
			if stored = before[0]; stored.WithdrawnAt != 0 {
				return hub.ErrConsentWithdrawn
			}
			return nil
		}
		forms, err := formsOf(ctx, t, r.Practice)
		if err != nil {
			return err
		}
		var mine []hub.Receipt
		if r.Conversation != "" {
			if mine, err = receiptsIn(t, r.Practice, r.Conversation, r.Person); err != nil {
				return err
			}
		}
		from, err := settle(forms, append(mine, r))
		if err != nil {
			return err
		}
		if err := addReceipts(t, r.Practice, []hub.Receipt{r}); err != nil {
			return err
		}
		if stored, err = scanReceipt(t.row(ctx, named, r.Practice, r.Name())); err != nil || r.Conversation == "" {
			return err
		}
		_, err = t.exec(due, r.Practice, r.Conversation, from)
		return err
	})
	return stored, err
}

// WithdrawReceipt implements [hub.Consents].
func (s *Store) WithdrawReceipt(ctx context.Context, practice, person, id string, at int64) (stored hub.Receipt, err error) {
	const one = receiptColumns + `WHERE practice = $1 AND person = $2 AND id = $3`
	const update = `UPDATE consent_receipt SET withdrawn_at = $3 WHERE practice = $1 AND id = $2 AND withdrawn_at = 0`
	err = s.write(ctx, practice, func(t *tx) error {
		if _, err := scanReceipt(t.row(ctx, one, practice, person, id)); err != nil {
			return err
		}
		if _, err := t.exec(update, practice, id, at); err != nil {
			return err
		}
		stored, err = scanReceipt(t.row(ctx, one, practice, person, id))
		return err
	})
	return stored, err
}

// withdrawReceipts takes back all that a conversation stands on.
func withdrawReceipts(t *tx, practice, conversation string, at int64) error {
	const update = `
UPDATE consent_receipt SET withdrawn_at = $3 WHERE practice = $1 AND conversation = $2 AND withdrawn_at = 0`
	_, err := t.exec(update, practice, conversation, at)
	return err
}

// Receipts implements [hub.Consents].
func (s *Store) Receipts(ctx context.Context, q hub.ReceiptQuery) ([]hub.Receipt, error) {
	where, args := `WHERE practice = $1 AND sequence > $2`, []any{q.Practice, signed(q.After)}
	with := func(condition string, value any) {
		args = append(args, value)
		where += fmt.Sprintf(condition, len(args))
	}
	if q.Person != "" {
		with(` AND person = $%d`, q.Person)
	}
	if q.ID != "" {
		with(` AND id = $%d`, q.ID)
	}
	if q.Form != "" {
		with(` AND form = $%d`, q.Form)
	}
	if q.Version != 0 {
		with(` AND version = $%d`, q.Version)
	}
	if q.Conversations != nil {
		args = append(args, document(q.Conversations))
		where += ` AND ` + s.dialect.in("conversation", fmt.Sprintf("$%d", len(args)))
	}
	args = append(args, max(q.Limit, 1))
	all, err := collect(ctx, s.reader(), scanReceipt, receiptColumns+where+fmt.Sprintf(` ORDER BY sequence LIMIT $%d`, len(args)), args...)
	return all, s.translate(err)
}

// CountReceipts implements [hub.Consents].
func (s *Store) CountReceipts(ctx context.Context, practice string) ([]hub.ReceiptCount, error) {
	const query = `
SELECT form, version, count(*), coalesce(sum(CASE WHEN withdrawn_at > 0 THEN 1 ELSE 0 END), 0)
FROM consent_receipt WHERE practice = $1 GROUP BY form, version ORDER BY form, version`
	all, err := collect(ctx, s.reader(), func(row scanner) (c hub.ReceiptCount, err error) {
		err = row.Scan(&c.Form, &c.Version, &c.Given, &c.Withdrawn)
		c.Given -= c.Withdrawn
		return c, err
	}, query, practice)
	return all, s.translate(err)
}

// CountDue implements [hub.Consents].
func (s *Store) CountDue(ctx context.Context, practice string, queues []string, at int64) (open, closed int, err error) {
	query := `
SELECT coalesce(sum(CASE WHEN state <> 'closed' THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN state = 'closed' THEN 1 ELSE 0 END), 0)
FROM conversation WHERE practice = $1 AND withdrawn_at = 0`
	args := []any{practice}
	if at != 0 {
		args = append(args, at)
		query += ` AND consent_due > 0 AND consent_due <= $2`
	}
	if len(queues) > 0 {
		args = append(args, document(queues))
		query += ` AND ` + s.dialect.in("queue", fmt.Sprintf("$%d", len(args)))
	}
	err = s.reader().row(ctx, query, args...).Scan(&open, &closed)
	return open, closed, s.translate(err)
}
