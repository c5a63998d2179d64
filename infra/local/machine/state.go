package machine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// claim makes the state folder and keeps other runs out of it: two engines on
// the same files would ruin them. The claim ends with the process at the latest.
func (m *Machine) claim() error {
	if err := os.MkdirAll(m.o.Dir, 0o755); err != nil {
		return fmt.Errorf("the state folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(m.o.Dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("the state folder: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		f.Close()
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("the state in %s is in use by another run: end that, or choose another folder with --dir", m.o.Dir)
	}
	if err != nil {
		return fmt.Errorf("the state folder %s: %w", m.o.Dir, err)
	}
	m.closers = append(m.closers, func() { f.Close() })
	return nil
}

// oneByOne passes on one write at a time: functions, the gate and the machine
// itself share a log.
type oneByOne struct {
	mu sync.Mutex
	w  io.Writer
}

func (o *oneByOne) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(p)
}
