package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rosterhq/roster/internal/rostertest/people"
)

// postgresEngine is a PostgreSQL server, with LIKE on one folded column and an index for each order. Its planner chooses; it
// may not use more than one core for a query.
type postgresEngine struct{ db *pgx.Conn }

// The tables live as long as the connection.
const (
	postgresTable = "roster_bench"
	trigramTable  = "roster_bench_trigrams"
)

var postgresColumns = []string{"id", "text", "name", "email", "branch", "status", "role", "org", "created", "login"}

func loadPostgres(ctx context.Context, url string, p *people.Population, users int) (*postgresEngine, error) {
	db, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	e := &postgresEngine{db}
	for _, statement := range []string{
		`SET max_parallel_workers_per_gather = 0`,
		`SET temp_buffers = '2GB'`,
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
	if err := e.indexes(ctx); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

// indexes makes an index for each order, and a second table with the same rows and the trigram index: beside each other
// the planner would choose among all of them.
func (e *postgresEngine) indexes(ctx context.Context) error {
	statements := []string{"VACUUM ANALYZE " + postgresTable,
		"CREATE EXTENSION IF NOT EXISTS pg_trgm",
		"CREATE TEMPORARY TABLE " + trigramTable + " AS SELECT id, text, name FROM " + postgresTable,
		"CREATE INDEX ON " + trigramTable + " (name, id)",
		"CREATE INDEX ON " + trigramTable + " USING gin (text gin_trgm_ops)",
		"VACUUM ANALYZE " + trigramTable,
	}
	var columns []string
	for _, column := range []string{"name", "email", "created", "login", "org", "status", "branch"} {
		columns = append(columns, fmt.Sprintf("CREATE INDEX ON %s (%s, id)", postgresTable, column))
	}
	statements = append(columns, statements...)
	progress := newProgress("indexing PostgreSQL", len(statements))
	defer progress.done()
	for _, statement := range statements {
		if _, err := e.db.Exec(ctx, statement); err != nil {
			return err
		}
		progress.step()
	}
	return nil
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

func (e *postgresEngine) name() string { return postgresName }

func (e *postgresEngine) takes(*class) bool { return true }

// version returns the server's version, without the packager's addition.
func (e *postgresEngine) version() string {
	version, _, _ := strings.Cut(e.db.PgConn().ParameterStatus("server_version"), " ")
	return version
}

func (e *postgresEngine) close() { _ = e.db.Close(context.Background()) }

func (e *postgresEngine) answer(ctx context.Context, c *class) (int, []int64, error) {
	return e.find(ctx, postgresTable, c)
}

func (e *postgresEngine) find(ctx context.Context, table string, c *class) (int, []int64, error) {
	where, order, parameters := c.sql(func(n int) string { return fmt.Sprintf("$%d", n) })
	total := 0
	if err := e.db.QueryRow(ctx, fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE %s", table, where), parameters...).Scan(&total); err != nil {
		return 0, nil, err
	}
	found, err := e.db.Query(ctx, fmt.Sprintf("SELECT id FROM %s WHERE %s ORDER BY %s LIMIT %d OFFSET %d", table, where, order, pageSize, c.offset), parameters...)
	if err != nil {
		return 0, nil, err
	}
	ids, err := pgx.CollectRows(found, pgx.RowTo[int64])
	return total, ids, err
}

// trigramsOfPostgres is the table with the trigram index, on the same connection.
type trigramsOfPostgres struct{ *postgresEngine }

func (e *trigramsOfPostgres) name() string { return "PostgreSQL GIN" }

// takes reports whether the class is a needle alone.
func (e *trigramsOfPostgres) takes(c *class) bool { return c.text != "" && !c.filtered() }

// close leaves the connection to the engine that it is shared with.
func (e *trigramsOfPostgres) close() {}

func (e *trigramsOfPostgres) answer(ctx context.Context, c *class) (int, []int64, error) {
	return e.find(ctx, trigramTable, c)
}
