package storetest

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// listLimit is how long any list of the log may take, at its median, at ten
// million events. It is held where somebody asks for a number of events, as the
// machine of a quick look may be busy with other tests.
const listLimit = 200 * time.Millisecond

// benchEvents is how many events the lists of [BenchmarkLogList] are taken
// from: SOTTO_BENCH_EVENTS, or 20,000. Ten million need 8 GB of disk; a folder
// named by SOTTO_BENCH_KEEP keeps SQLite's for the next time.
func benchEvents(b *testing.B) int64 {
	b.Helper()
	n := int64(20_000)
	if given := os.Getenv("SOTTO_BENCH_EVENTS"); given != "" {
		var err error
		n, err = strconv.ParseInt(given, 10, 64)
		must(b, err)
	}
	return n
}

// The rows of a large practice over six years: 200 staff persons, 50,000
// patients, a keeper that does a third of everything, and one patient, one
// conversation, a device that is let in everywhere and a person whose things many
// are refused that never end. i is the entry's number.
const benchRows = `
WITH RECURSIVE
n(i) AS (SELECT CAST(%[1]d AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < %[2]d - 1),
h AS (SELECT i, (i * 2654435761) %% 4294967296 / 4096 AS h FROM n),
k AS (
    SELECT i, h, CASE WHEN i %% 500 = 0 THEN 0 WHEN i %% 500 = 1 THEN 1 + i / 50000 ELSE 1000 + i / 20 END AS chat,
        CASE WHEN i %% 1000003 = 7 THEN 'audit.exported' WHEN h %% 1000 < 400 THEN 'frame.sent' WHEN h %% 1000 < 500 THEN 'handshake.sent'
            WHEN h %% 1000 < 540 THEN 'member.added' WHEN h %% 1000 < 740 THEN 'conversation.opened' WHEN h %% 1000 < 840 THEN 'conversation.seen'
            WHEN h %% 1000 < 900 THEN 'file.downloaded' WHEN h %% 1000 < 940 THEN 'conversation.taken' WHEN h %% 1000 < 975 THEN 'signin.succeeded'
            ELSE 'call.refused' END AS kind
    FROM h),
p AS (
    SELECT i, h, chat, kind, CASE WHEN kind IN ('handshake.sent', 'member.added') OR h / 1000 %% 100 < 22 THEN 'keeper'
        WHEN h / 1000 %% 100 < 60 THEN CAST(h / 7 %% 200 AS TEXT)
        WHEN i %% 500 < 2 THEN 'ever' ELSE 'p' || CAST(chat %% 50000 AS TEXT) END AS person
    FROM k)
INSERT INTO audit_entry
SELECT e.practice, i, 1600000000000 + i * 19000, p.kind,
    CASE WHEN p.kind = 'call.refused' OR h / 31 %% 100 = 0 THEN 'refused' WHEN h / 31 %% 1000 = 1 THEN 'failed' ELSE 'done' END,
    'staff', 'p_jm4nmvncykl24nxqbxbf' || p.person, 'd_jm4nmvncykl24nxqbxbf' || p.person,
    CASE WHEN p.kind = 'frame.sent' OR p.kind = 'handshake.sent' THEN CAST(i AS TEXT) WHEN p.kind = 'member.added' THEN 'd_jm4nmvncykl24nxqbxbfkeeper' ELSE 'a_jm4nmvncykl24nxqbxbf' || CAST(h / 3 %% 700000 AS TEXT) END,
    CASE WHEN p.kind = 'member.added' AND i %% 2 = 1 THEN 'p_jm4nmvncykl24nxqbxbf' || CAST(h / 7 %% 200 AS TEXT) WHEN p.kind = 'call.refused' OR p.kind = 'member.added' AND i %% 2 = 0 THEN 'p_jm4nmvncykl24nxqbxbfkeeper' ELSE '' END,
    CASE WHEN p.kind = 'signin.succeeded' THEN '' ELSE 'c_jm4nmvncykl24nxqbxbf' || CAST(chat AS TEXT) END,
    CASE WHEN p.kind = 'signin.succeeded' THEN '' WHEN i %% 500 < 2 THEN 'p_jm4nmvncykl24nxqbxbfever'
        ELSE 'p_jm4nmvncykl24nxqbxbfp' || CAST(chat %% 50000 AS TEXT) END,
    '', CASE WHEN p.kind = 'call.refused' THEN 'forbidden' ELSE '' END, '', 'one-practice role-needed', '192.0.2.41', 'r_jm4nmvncykl24nxqbxbf2',
    e.salt, e.commitment
FROM p, audit_entry e WHERE e.practice = (SELECT max(number) FROM practice) AND e.leaf = 0`

// A ClosingStore is one that can be opened again.
type ClosingStore interface {
	hub.Store
	io.Closer
}

// BenchmarkLogList measures every filter of the audit log's list, and their
// combinations, at its first page and far into it, and the count of what it
// selects. open opens the store, and raw
// its database while the store is closed; indexes asks for the names and
// statements of audit_entry's indexes, and settle does what the engine does by
// itself once there are many rows.
func BenchmarkLogList(b *testing.B, open func() ClosingStore, raw func() *sql.DB, indexes, settle string) {
	ctx, n := b.Context(), benchEvents(b)
	begun := time.Now()
	must(b, open().Close())
	db := raw()
	practice := keptLog(b, db, n)
	if practice == "" {
		practice = newID("p")
		startLog(b, open(), practice)
		fillLog(b, db, indexes, settle, n)
	}
	must(b, db.Close())
	store := open()
	defer func() { must(b, store.Close()) }()
	b.Logf("%d events were there after %v", n, time.Since(begun).Round(time.Second))

	id := func(letter string, what any) string { return fmt.Sprintf("%s_jm4nmvncykl24nxqbxbf%v", letter, what) }
	staff, keeper, ever, everywhere := id("p", 41), id("p", "keeper"), id("p", "ever"), id("d", "keeper")
	moment := func(part int64) int64 { return 1_600_000_000_000 + n*part/100*19000 }
	var category, keys []string // those of a category that are most of the log, and of another
	for _, k := range audit.Vocabulary() {
		switch k.Category {
		case audit.Membership:
			category = append(category, string(k.Kind))
		case audit.Keys:
			keys = append(keys, string(k.Kind))
		}
	}
	slowest, slowestMedian := time.Duration(0), time.Duration(0)
	timed := func(b *testing.B, list func() error) {
		var took []time.Duration
		for b.Loop() {
			begun := time.Now()
			must(b, list())
			took = append(took, time.Since(begun))
		}
		slices.Sort(took)
		slowest, slowestMedian = max(slowest, took[len(took)-1]), max(slowestMedian, took[len(took)/2])
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
	}
	for _, c := range []struct {
		name  string
		query hub.LogQuery
	}{
		{"all", hub.LogQuery{}},
		{"time", hub.LogQuery{From: moment(40), Until: moment(41)}},
		{"kind", hub.LogQuery{Kinds: []string{"conversation.opened"}}},
		{"kind=rare", hub.LogQuery{Kinds: []string{"audit.exported"}}},
		{"kind=never", hub.LogQuery{Kinds: []string{"evidence.exported"}}},
		{"kind,time", hub.LogQuery{Kinds: []string{"file.downloaded"}, From: moment(10), Until: moment(20)}},
		{"category", hub.LogQuery{Kinds: category}},
		{"outcome=refused", hub.LogQuery{Outcome: "refused"}},
		{"outcome=failed", hub.LogQuery{Outcome: "failed"}},
		{"outcome=done", hub.LogQuery{Outcome: "done"}},
		{"kind,outcome=failed", hub.LogQuery{Kinds: []string{"file.downloaded"}, Outcome: "failed"}},
		{"kind,outcome=none such", hub.LogQuery{Kinds: []string{"audit.exported"}, Outcome: "refused"}},
		{"kind,outcome=never done", hub.LogQuery{Kinds: []string{"call.refused"}, Outcome: "done"}},
		{"category,outcome=refused", hub.LogQuery{Kinds: category, Outcome: "refused"}},
		{"person", hub.LogQuery{Person: staff}},
		{"person=keeper", hub.LogQuery{Person: keeper}},
		{"person=nobody", hub.LogQuery{Person: "p_nobody"}},
		{"person,time", hub.LogQuery{Person: staff, From: moment(30), Until: moment(50)}},
		{"person,kind", hub.LogQuery{Person: staff, Kinds: []string{"file.downloaded"}}},
		{"person=keeper,kind=rare", hub.LogQuery{Person: keeper, Kinds: []string{"audit.exported"}}},
		{"person=keeper,kind=never", hub.LogQuery{Person: keeper, Kinds: []string{"evidence.exported"}}},
		{"person,kind=never theirs", hub.LogQuery{Person: staff, Kinds: []string{"member.added"}}},
		{"person=keeper,kind,time", hub.LogQuery{Person: keeper, Kinds: []string{"file.downloaded"}, From: moment(60), Until: moment(61)}},
		{"person=keeper,category", hub.LogQuery{Person: keeper, Kinds: category}},
		{"person,outcome=failed", hub.LogQuery{Person: staff, Outcome: "failed"}},
		{"person=keeper,outcome=failed", hub.LogQuery{Person: keeper, Outcome: "failed"}},
		{"person=nobody,outcome=refused", hub.LogQuery{Person: "p_nobody", Outcome: "refused"}},
		{"person,kind,outcome=refused", hub.LogQuery{Person: staff, Kinds: []string{"call.refused"}, Outcome: "refused"}},
		{"person=keeper,kind,outcome=done", hub.LogQuery{Person: keeper, Kinds: []string{"call.refused"}, Outcome: "done"}},
		{"conversation", hub.LogQuery{Conversation: id("c", 1000+n/40)}},
		{"conversation=endless", hub.LogQuery{Conversation: id("c", 0)}},
		{"conversation=endless,kind=never", hub.LogQuery{Conversation: id("c", 0), Kinds: []string{"evidence.exported"}}},
		{"conversation=endless,person", hub.LogQuery{Conversation: id("c", 0), Person: staff}},
		{"conversation,person=keeper", hub.LogQuery{Conversation: id("c", 1000+n/40), Person: keeper}},
		{"conversation,person=keeper,kind", hub.LogQuery{Conversation: id("c", 1000+n/40), Person: keeper, Kinds: []string{"handshake.sent"}}},
		{"patient", hub.LogQuery{Patient: id("p", "p41")}},
		{"patient=endless", hub.LogQuery{Patient: ever}},
		{"patient=endless,kind=never", hub.LogQuery{Patient: ever, Kinds: []string{"evidence.exported"}}},
		{"patient=endless,category", hub.LogQuery{Patient: ever, Kinds: category}},
		{"patient=endless,person", hub.LogQuery{Patient: ever, Person: staff}},
		{"patient=endless,person=nobody", hub.LogQuery{Patient: ever, Person: "p_nobody"}},
		{"patient,person=keeper", hub.LogQuery{Patient: id("p", "p41"), Person: keeper}},
		{"patient=endless,conversation", hub.LogQuery{Patient: ever, Conversation: id("c", 7)}},
		{"patient=endless,outcome=failed", hub.LogQuery{Patient: ever, Outcome: "failed"}},
		{"patient=endless,time", hub.LogQuery{Patient: ever, From: moment(30), Until: moment(31)}},
		{"subject", hub.LogQuery{Subject: staff}},
		{"subject,person=keeper", hub.LogQuery{Subject: staff, Person: keeper}},
		{"subject,kinds=never", hub.LogQuery{Subject: staff, Kinds: []string{"certificate.issued", "device.revoked"}}},
		{"object", hub.LogQuery{Object: id("a", 5)}},
		{"object,person=keeper", hub.LogQuery{Object: id("a", 5), Person: keeper}},
		{"object=endless", hub.LogQuery{Object: everywhere}},
		{"object=endless,kind=never", hub.LogQuery{Object: everywhere, Kinds: []string{"evidence.exported"}}},
		{"object=endless,category", hub.LogQuery{Object: everywhere, Kinds: keys}},
		{"object=endless,outcome=failed", hub.LogQuery{Object: everywhere, Outcome: "failed"}},
		{"object=endless,person=nobody", hub.LogQuery{Object: everywhere, Person: "p_nobody"}},
		{"object=endless,subject", hub.LogQuery{Object: everywhere, Subject: staff}},
		{"object=endless,subject=nobody", hub.LogQuery{Object: everywhere, Subject: "p_nobody"}},
		{"object=endless,subject=endless,kind=never", hub.LogQuery{Object: everywhere, Subject: keeper, Kinds: []string{"evidence.exported"}}},
		{"object=endless,patient", hub.LogQuery{Object: everywhere, Patient: id("p", "p41")}},
		{"object=endless,patient=endless,outcome=failed", hub.LogQuery{Object: everywhere, Patient: ever, Outcome: "failed"}},
		{"object=endless,conversation", hub.LogQuery{Object: everywhere, Conversation: id("c", 1000+n/40)}},
		{"object,patient=endless", hub.LogQuery{Object: id("a", 5), Patient: ever}},
		{"subject=endless", hub.LogQuery{Subject: keeper}},
		{"subject=endless,kind=never", hub.LogQuery{Subject: keeper, Kinds: []string{"evidence.exported"}}},
		{"subject=endless,outcome=failed", hub.LogQuery{Subject: keeper, Outcome: "failed"}},
		{"subject=endless,person=nobody", hub.LogQuery{Subject: keeper, Person: "p_nobody"}},
		{"subject=endless,patient", hub.LogQuery{Subject: keeper, Patient: id("p", "p41")}},
		{"subject=endless,conversation=endless", hub.LogQuery{Subject: keeper, Conversation: id("c", 0)}},
		{"any", hub.LogQuery{Patients: []string{ever, id("p", "p41")}, Conversations: []string{id("c", 0), id("c", 7)}}},
		{"any,kind=never", hub.LogQuery{Patients: []string{ever, id("p", "p41")}, Conversations: []string{id("c", 0), id("c", 7)}, Kinds: []string{"evidence.exported"}}},
	} {
		for _, deep := range []int64{0, 50, 98} {
			q := c.query
			q.Practice, q.Limit, q.Walk = practice, 51, 20_000 // as the explorer asks
			name := c.name
			if deep > 0 {
				// As the hundred thousandth page would: where keyset paging is.
				q.Beyond = &hub.LogPlace{At: moment(100 - deep), Leaf: n * (100 - deep) / 100}
				name = fmt.Sprintf("%s,page at %d%%", name, deep)
			}
			b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
				timed(b, func() error {
					page, err := store.LogEntries(ctx, q)
					if err == nil && len(page) < q.Limit {
						_, err = store.LogWalked(ctx, q)
					}
					return err
				})
			})
		}
		if len(c.query.Patients) > 0 {
			continue // is not counted
		}
		b.Run(strings.ReplaceAll(c.name, " ", "-")+",count", func(b *testing.B) {
			q := c.query
			q.Practice, q.Limit = practice, 10_000
			timed(b, func() error { _, _, err := store.LogCount(ctx, q); return err })
		})
	}
	b.Logf("slowest of all lists at %d events: %v at its median, %v ever", n, slowestMedian.Round(time.Millisecond), slowest.Round(time.Millisecond))
	if os.Getenv("SOTTO_BENCH_EVENTS") != "" && slowestMedian > listLimit {
		b.Errorf("the median of the slowest list is %v: at most %v is promised", slowestMedian.Round(time.Millisecond), listLimit)
	}
}

// keptLog is the practice whose log of n events an earlier run has left, if any.
func keptLog(b *testing.B, db *sql.DB, n int64) (practice string) {
	b.Helper()
	const kept = `SELECT id FROM practice WHERE number = (SELECT practice FROM audit_entry ORDER BY practice DESC, leaf DESC LIMIT 1)
		AND (SELECT leaf FROM audit_entry ORDER BY practice DESC, leaf DESC LIMIT 1) = %d`
	if err := db.QueryRowContext(b.Context(), fmt.Sprintf(kept, n-1)).Scan(&practice); err != nil && !errors.Is(err, sql.ErrNoRows) {
		b.Fatal(err)
	}
	return practice
}

// startLog makes a practice whose log has one entry.
func startLog(b *testing.B, store ClosingStore, practice string) {
	b.Helper()
	must(b, store.SavePractice(b.Context(), hub.Practice{ID: practice, Slug: newID("slug")}))
	must(b, store.Record(b.Context(), audit.Event{
		Practice: practice, At: 1_600_000_000_000, Kind: audit.HubStarted, Outcome: audit.Done, Role: audit.System,
	}))
	_, err := store.GrowLog(b.Context(), practice, 1)
	must(b, err)
	must(b, store.Close())
}

// fillLog makes the log's rows, and its indexes when they are there: so it
// takes minutes.
func fillLog(b *testing.B, db *sql.DB, indexes, settle string, n int64) {
	b.Helper()
	do := func(statement string) {
		b.Helper()
		if _, err := db.ExecContext(b.Context(), statement); err != nil {
			b.Fatalf("%v: %s", err, statement)
		}
	}
	rows, err := db.QueryContext(b.Context(), indexes)
	must(b, err)
	made := make(map[string]string)
	for rows.Next() {
		var name, statement string
		must(b, rows.Scan(&name, &statement))
		made[name] = statement
	}
	must(b, rows.Err())
	must(b, rows.Close())
	if len(made) < 5 {
		b.Fatalf("only %d indexes were found", len(made))
	}
	for name := range made {
		do("DROP INDEX " + name)
	}
	const batch = 500_000 // bounds the transaction
	for first := int64(1); first < n; first += batch {
		do(fmt.Sprintf(benchRows, first, min(first+batch, n)))
	}
	for _, statement := range made {
		do(statement)
	}
	do(settle)
}
