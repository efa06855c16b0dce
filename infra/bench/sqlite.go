package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite", in Go, in this process

	"github.com/rosterhq/roster/internal/rostertest/people"
)

// sqliteEngine is SQLite in memory, with the index that served it best: LIKE on one folded column that is part of a
// covering index in the order of the names, so that neither count nor page touches the table.
type sqliteEngine struct{ db *sql.DB }

func loadSQLite(ctx context.Context, p *people.Population, users int) (*sqliteEngine, error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // each connection would have a memory of its own
	e := &sqliteEngine{db}
	for _, statement := range []string{
		`PRAGMA case_sensitive_like = ON`, // the text is folded
		`PRAGMA cache_size = -2000000`,
		`CREATE TABLE users (id INTEGER PRIMARY KEY, text TEXT, name TEXT, email TEXT, branch INTEGER, status INTEGER, role INTEGER, org TEXT, created INTEGER, login INTEGER)`,
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, err
		}
	}
	if err := e.insert(ctx, p, users); err != nil {
		return nil, err
	}
	indexes := []string{
		`CREATE INDEX by_name ON users (name, id, text)`,
		`CREATE INDEX by_branch ON users (branch, name, id, text, status, role)`,
		`CREATE INDEX by_status ON users (status, id)`,
		`CREATE INDEX by_role ON users (role, status, name, id, text)`,
		`CREATE INDEX by_email ON users (email, id)`,
		`CREATE INDEX by_created ON users (created, id)`,
		`CREATE INDEX by_login ON users (login, id)`,
		`CREATE INDEX by_org ON users (org, id)`,
		`CREATE VIRTUAL TABLE trigrams USING fts5(text, content='users', content_rowid='id', tokenize='trigram case_sensitive 1')`,
		`INSERT INTO trigrams(trigrams) VALUES ('rebuild')`,
		`ANALYZE`,
	}
	progress := newProgress("indexing SQLite", len(indexes))
	defer progress.done()
	for _, statement := range indexes {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, err
		}
		progress.step()
	}
	return e, nil
}

func (e *sqliteEngine) insert(ctx context.Context, p *people.Population, users int) error {
	tx, err := e.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	insert, err := tx.PrepareContext(ctx, `INSERT INTO users VALUES (?,?,?,?,?,?,?,?,?,?)`)
	if err != nil {
		return err
	}
	progress := newProgress("loading SQLite", users)
	defer progress.done()
	err = rows(p, func(r row) error {
		progress.step()
		_, err := insert.ExecContext(ctx, r.id, r.text, r.name, r.email, r.branch, r.status, r.role, r.org, r.created, r.login)
		return err
	})
	if err != nil {
		return err
	}
	return tx.Commit()
}

func (e *sqliteEngine) name() string { return sqliteName }

func (e *sqliteEngine) takes(*class) bool { return true }

func (e *sqliteEngine) close() { _ = e.db.Close() }

// version returns the version of SQLite itself, not of the driver.
func (e *sqliteEngine) version(ctx context.Context) string {
	version := "unknown"
	_ = e.db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version) // it has answered before
	return version
}

func (e *sqliteEngine) answer(ctx context.Context, c *class) (int, []int64, error) {
	where, order, parameters := c.sql(func(n int) string { return fmt.Sprintf("?%d", n) })
	total := 0
	if err := e.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM users WHERE "+where, parameters...).Scan(&total); err != nil {
		return 0, nil, err
	}
	ids, err := e.page(ctx, "users WHERE "+where, order, parameters, c.offset)
	return total, ids, err
}

// page returns the ids of a page of the rows that from gives.
func (e *sqliteEngine) page(ctx context.Context, from, order string, parameters []any, offset int) ([]int64, error) {
	found, err := e.db.QueryContext(ctx, fmt.Sprintf("SELECT id FROM %s ORDER BY %s LIMIT %d OFFSET %d", from, order, pageSize, offset), parameters...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var ids []int64
	for found.Next() {
		var id int64
		if err := found.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, found.Err()
}

// trigramsOfSQLite is FTS5 with its trigram tokenizer on the folded text, in the same database.
type trigramsOfSQLite struct{ *sqliteEngine }

func (e *trigramsOfSQLite) name() string { return "SQLite FTS5" }

// takes reports whether the class is a needle of three bytes or more, alone: a trigram index has nothing for shorter ones.
func (e *trigramsOfSQLite) takes(c *class) bool { return len(c.text) >= 3 && !c.filtered() }

// close leaves the database to the engine that it is shared with.
func (e *trigramsOfSQLite) close() {}

func (e *trigramsOfSQLite) answer(ctx context.Context, c *class) (int, []int64, error) {
	phrase := `"` + strings.ReplaceAll(c.text, `"`, `""`) + `"`
	total := 0
	if err := e.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM trigrams WHERE trigrams MATCH ?", phrase).Scan(&total); err != nil {
		return 0, nil, err
	}
	_, order, _ := c.sql(func(int) string { return "?" })
	ids, err := e.page(ctx, "users WHERE id IN (SELECT rowid FROM trigrams WHERE trigrams MATCH ?)", order, []any{phrase}, c.offset)
	return total, ids, err
}
