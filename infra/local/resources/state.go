package resources

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Clean deletes what an earlier run left in the state folder, but no bucket that was there before the stack, and not
// while another run uses it.
func Clean(dir string) error {
	lock, err := claim(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	for _, name := range []string{"table.db", "table.db-wal", "table.db-shm", "functions", "keyvaluestore.json",
		"outputs.json", "environment.json"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return cleanBuckets(dir)
}

// claim makes the state folder and keeps other runs out of it until the file
// is closed: two engines on the same files would ruin them. The claim ends with
// the process at the latest.
func claim(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the state folder: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil { // of a folder that was there
		return nil, fmt.Errorf("the state folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the state folder: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("the state in %s is in use by another run: end that, or choose another folder with --dir", dir)
	}
	return nil, fmt.Errorf("the state folder %s: %w", dir, err)
}
