package sqlstore

import (
	"strconv"
	"strings"
)

// insertAll inserts rows that a statement ends with, such as "INSERT INTO t (a, b)
// VALUES ". Many share a statement, of few sizes, so that few are prepared.
func insertAll[T any](t *tx, insert string, rows []T, values func(T) []any) error {
	for len(rows) > 0 {
		n := 1
		for n*8 <= min(len(rows), 64) {
			n *= 8
		}
		var args []any
		for _, r := range rows[:n] {
			args = append(args, values(r)...)
		}
		if _, err := t.exec(insert+placeholders(n, len(args)/n), args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// placeholders returns the parameters of rows: "($1, $2), ($3, $4)".
func placeholders(rows, columns int) string {
	var b strings.Builder
	for i := range rows * columns {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(i+1))
	}
	return b.String() + ")"
}
