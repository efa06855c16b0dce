package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rosterhq/roster/infra/bench/gateway"
)

// cluster is a throw-away PostgreSQL on loopback, in a temporary folder.
type cluster struct {
	dir     string
	command *exec.Cmd
	exited  chan struct{}
	url     string
}

// postgresPrograms is where Debian's package postgresql-15 keeps the programs that it does not put into the path.
const postgresPrograms = "/usr/lib/postgresql/15/bin"

// findPostgres returns the path of one of PostgreSQL's programs.
func findPostgres(program string) (string, error) {
	if path, err := exec.LookPath(filepath.Join(postgresPrograms, program)); err == nil {
		return path, nil
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("no PostgreSQL to compare with: %w; Debian has it in the package postgresql-15", err)
	}
	return path, nil
}

// startCluster makes a cluster and starts it. The caller stops it.
func startCluster(ctx context.Context) (*cluster, error) {
	initdb, err := findPostgres("initdb")
	if err != nil {
		return nil, err
	}
	postgres, err := findPostgres("postgres")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "roster-bench-postgres-")
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, exited: make(chan struct{})}
	as, err := owner(dir)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initialize := exec.CommandContext(ctx, initdb, "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initialize.Dir, initialize.SysProcAttr = dir, as
	if out, err := initialize.CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("making a PostgreSQL cluster: %w\n%s", err, out)
	}
	if err := c.start(ctx, postgres, data, as); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// owner gives the folder to the user that PostgreSQL may run as: it refuses to be run by root.
func owner(dir string) (*syscall.SysProcAttr, error) {
	attributes := &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us, who stop it
	if os.Getuid() != 0 {
		return attributes, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attributes, os.Chown(dir, int(uid), int(gid))
}

func (c *cluster) start(ctx context.Context, postgres, data string, as *syscall.SysProcAttr) error {
	address, err := gateway.FreeAddress()
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	c.url = "postgres://bench@" + address + "/postgres?sslmode=disable"
	c.command = exec.Command(postgres, "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "shared_buffers=1GB", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "autovacuum=off")
	c.command.Dir, c.command.SysProcAttr = c.dir, as
	var log bytes.Buffer
	c.command.Stdout, c.command.Stderr = &log, &log
	if err := c.command.Start(); err != nil {
		c.command = nil
		return fmt.Errorf("starting PostgreSQL: %w", err)
	}
	go func() {
		_ = c.command.Wait() // how it ended is in its log
		close(c.exited)
	}()
	for began := time.Now(); time.Since(began) < 30*time.Second; {
		db, err := pgx.Connect(ctx, c.url)
		if err == nil {
			return db.Close(ctx)
		}
		select {
		case <-c.exited:
			return fmt.Errorf("PostgreSQL ended before it answered:\n%s", log.String())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("PostgreSQL did not answer within 30 s")
}

// stop ends the server (SIGQUIT: at once, since nothing of it is kept) and removes the folder.
func (c *cluster) stop() {
	if c.command != nil {
		_ = c.command.Process.Signal(syscall.SIGQUIT) // fails only if it has ended already
		<-c.exited
	}
	_ = os.RemoveAll(c.dir) // a temporary folder
}
