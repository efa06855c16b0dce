package main

import (
	"context"
	"database/sql"
	"fmt"

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

func (e *sqliteEngine) name() string { return "SQLite" }

func (e *sqliteEngine) close() { _ = e.db.Close() }

func (e *sqliteEngine) answer(ctx context.Context, c *class) (int, []int64, error) {
	where, order, parameters := c.sql(func(n int) string { return fmt.Sprintf("?%d", n) })
	total := 0
	if err := e.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM users WHERE "+where, parameters...).Scan(&total); err != nil {
		return 0, nil, err
	}
	found, err := e.db.QueryContext(ctx, fmt.Sprintf("SELECT id FROM users WHERE %s ORDER BY %s LIMIT %d OFFSET %d", where, order, pageSize, c.offset), parameters...)
	if err != nil {
		return 0, nil, err
	}
	defer found.Close()
	var ids []int64
	for found.Next() {
		var id int64
		if err := found.Scan(&id); err != nil {
			return 0, nil, err
		}
		ids = append(ids, id)
	}
	return total, ids, found.Err()
}
