package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rosterhq/roster/internal/rostertest/people"
)

// postgresEngine is a PostgreSQL server, with LIKE on one folded column and an index for each order. Its planner chooses; it
// may not use more than one core for a query.
type postgresEngine struct{ db *pgx.Conn }

// postgresTable lives as long as the connection.
const postgresTable = "roster_bench"

var postgresColumns = []string{"id", "text", "name", "email", "branch", "status", "role", "org", "created", "login"}

func loadPostgres(ctx context.Context, url string, p *people.Population, users int) (*postgresEngine, error) {
	db, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	e := &postgresEngine{db}
	for _, statement := range []string{
		`SET max_parallel_workers_per_gather = 0`,
		`SET temp_buffers = '1GB'`,
		`SET maintenance_work_mem = '256MB'`,
		`SET jit = off`,
		`CREATE TEMPORARY TABLE ` + postgresTable + ` (id bigint PRIMARY KEY, text text COLLATE "C", name text COLLATE "C", email text COLLATE "C",
			branch bigint, status bigint, role bigint, org text COLLATE "C", created bigint, login bigint)`,
	} {
		if _, err := db.Exec(ctx, statement); err != nil {
			e.close()
			return nil, err
		}
	}
	if err := e.copy(ctx, p, users); err != nil {
		e.close()
		return nil, err
	}
	columns := []string{"name", "email", "created", "login", "org", "status", "branch"}
	progress := newProgress("indexing PostgreSQL", len(columns)+1)
	defer progress.done()
	for _, column := range columns {
		if _, err := db.Exec(ctx, fmt.Sprintf("CREATE INDEX ON %s (%s, id)", postgresTable, column)); err != nil {
			e.close()
			return nil, err
		}
		progress.step()
	}
	if _, err := db.Exec(ctx, "VACUUM ANALYZE "+postgresTable); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

func (e *postgresEngine) copy(ctx context.Context, p *people.Population, users int) error {
	progress := newProgress("loading PostgreSQL", users)
	defer progress.done()
	next := make(chan []any, 1000)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer close(next)
		_ = rows(p, func(r row) error {
			select {
			case next <- []any{r.id, r.text, r.name, r.email, r.branch, r.status, r.role, r.org, r.created, r.login}:
				return nil
			case <-stop:
				return context.Canceled
			}
		})
	}()
	_, err := e.db.CopyFrom(ctx, pgx.Identifier{postgresTable}, postgresColumns, pgx.CopyFromFunc(func() ([]any, error) {
		progress.step()
		return <-next, nil // nil once it is closed, which ends the copy
	}))
	return err
}

func (e *postgresEngine) name() string { return "PostgreSQL" }

func (e *postgresEngine) close() { _ = e.db.Close(context.Background()) }

func (e *postgresEngine) answer(ctx context.Context, c *class) (int, []int64, error) {
	where, order, parameters := c.sql(func(n int) string { return fmt.Sprintf("$%d", n) })
	total := 0
	if err := e.db.QueryRow(ctx, fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE %s", postgresTable, where), parameters...).Scan(&total); err != nil {
		return 0, nil, err
	}
	found, err := e.db.Query(ctx, fmt.Sprintf("SELECT id FROM %s WHERE %s ORDER BY %s LIMIT %d OFFSET %d", postgresTable, where, order, pageSize, c.offset), parameters...)
	if err != nil {
		return 0, nil, err
	}
	ids, err := pgx.CollectRows(found, pgx.RowTo[int64])
	return total, ids, err
}
